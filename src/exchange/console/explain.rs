//! One entry explained: who received how much about whom and why, what each limit was, and what it all rested on.
//!
//! Owns gathering it, in ids, codes and numbers; the words are the page's. What the view does not show is not counted.

use super::note::EntryNote;
use crate::audit::payload::{Item, Marker};
use crate::audit::{Event, Outcome};
use crate::clock::Moment;
use crate::exchange::questions::Row;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::vocabulary::{Category, Level, Purpose, Role};
use serde_json::Value;
use std::collections::BTreeMap;

/// The decision on one segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentExplained {
    /// The segment.
    pub segment: String,
    /// Its category.
    pub category: Option<Category>,
    /// How much of it was given.
    pub level: Level,
    /// Why.
    pub reason: String,
    /// What made it less.
    pub limit: Option<String>,
    /// Whether the receiver learned that something is withheld.
    pub marked: Option<bool>,
    /// Whose it is.
    pub custodian: String,
}

/// Something a release relied on, as it stood then.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ground {
    /// `permission`, `override`, `relationship` or `item-grant`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version then; none when it is not kept.
    pub version: Option<i64>,
    /// Its decision, where it has one.
    pub decision: Option<String>,
    /// When it ended or ends.
    pub until: Option<String>,
    /// Whether it was in force.
    pub valid: bool,
}

/// One entry, explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its id.
    pub id: String,
    /// When.
    pub time: Moment,
    /// What.
    pub event: Event,
    /// How it ended.
    pub outcome: Outcome,
    /// Who.
    pub actor: Option<String>,
    /// For whom, when delegated.
    pub on_behalf_of: Option<String>,
    /// Under which role.
    pub role: Option<Role>,
    /// For which agency.
    pub agency: Option<String>,
    /// In which team.
    pub team: Option<String>,
    /// The hat's id.
    pub hat: Option<String>,
    /// About whom: the view's pseudonym.
    pub subject: Option<String>,
    /// In which case: the view's pseudonym.
    pub case: Option<String>,
    /// Why.
    pub purpose: Option<Purpose>,
    /// The reason of a refusal of the whole request.
    pub reason: Option<String>,
    /// Through which system.
    pub system: Option<String>,
    /// Each segment the view shows.
    pub segments: Vec<SegmentExplained>,
    /// What it relied on.
    pub grounds: Vec<Ground>,
    /// The legal basis: member and what it says.
    pub basis: Vec<(&'static str, String)>,
    /// The mapping it was written with, and its version.
    pub mapping: Option<(String, String)>,
    /// Counts that stand in the entry, for example values lost.
    pub counts: BTreeMap<String, u32>,
    /// The policy's version.
    pub policy: Option<String>,
    /// What an administrative entry changed.
    pub change: Option<String>,
    /// The log.
    pub log: String,
    /// Its place there.
    pub index: u64,
    /// Entries it belongs to.
    pub refers_to: Vec<String>,
    /// Whether a witness has vouched for a checkpoint that covers it.
    pub witnessed: bool,
    /// What was said about it.
    pub notes: Vec<EntryNote>,
}

impl Explained {
    /// How many segments something was given of.
    #[must_use]
    pub fn given(&self) -> usize {
        self.segments.iter().filter(|s| s.level != Level::N).count()
    }
}

impl Gateway {
    /// Explains one entry; the look is an entry itself.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and for an entry outside the view; [`Failure::Gone`] when its sealed part was
    /// erased; [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn explain_entry(&self, visitor: &Visitor, id: &str) -> Result<Explained, Failure> {
        let viewer = self.console_view(visitor).await?;
        let asker = self.asker(viewer);
        let row = asker.one(id).await?;
        self.logged_with(visitor, Event::AuditQuery, "entry".to_owned(), |p| {
            p.refers_to = vec![row.entry.id.clone()];
        })
        .await?;
        let grounds = asker.grounds(&row).await?.iter().map(ground).collect();
        let witnessed = self.witnessed_size(&row.entry.origin).await?.is_some_and(|size| size > row.entry.index);
        let notes = self.notes_on(&row).await?;
        let payload = &row.payload;
        let (subject, case) = (&payload.subject, &payload.case);
        let view = asker.viewer();
        let hat = payload.hat.as_ref();
        let text = |value: Option<&str>| value.map(str::to_owned);
        let dataset = payload.dataset.as_ref();
        Ok(Explained {
            id: row.entry.id.as_str().to_owned(),
            time: row.entry.time,
            event: payload.event,
            outcome: row.outcome,
            actor: text(payload.actor.as_ref().map(|a| a.as_str())),
            on_behalf_of: text(payload.on_behalf_of.as_ref().map(|a| a.as_str())),
            role: hat.map(|h| h.role),
            agency: text(hat.map(|h| h.agency.as_str())),
            team: hat.and_then(|h| h.team.clone()),
            hat: text(hat.and_then(|h| h.id.as_ref()).map(|h| h.as_str())),
            subject: subject.as_ref().map(|s| view.subject(&self.keys, s.as_str())),
            case: case.as_ref().map(|c| view.case(&self.keys, c)),
            purpose: payload.purpose,
            reason: payload.reason.clone(),
            system: text(payload.client.as_ref().and_then(|c| c.system.as_ref()).map(|s| s.as_str())),
            segments: payload.items.iter().filter(|i| view.shows(i)).map(segment).collect(),
            grounds,
            basis: basis(&row),
            mapping: dataset.and_then(|d| d.mapping.clone().zip(d.mapping_version.clone())),
            counts: payload.counts.clone(),
            policy: payload.policy.as_ref().map(|p| p.version.clone()),
            change: row.what(view, &self.keys),
            log: row.entry.origin.clone(),
            index: row.entry.index,
            refers_to: payload.refers_to.iter().map(|e| e.as_str().to_owned()).collect(),
            witnessed,
            notes,
        })
    }
}

fn segment(item: &Item) -> SegmentExplained {
    SegmentExplained {
        segment: item.segment.as_str().to_owned(),
        category: item.category,
        level: item.level,
        reason: item.reason.clone(),
        limit: item.limit.clone(),
        marked: item.marker.map(|m| m == Marker::Shown),
        custodian: item.custodian.as_str().to_owned(),
    }
}

fn ground(cells: &serde_json::Map<String, Value>) -> Ground {
    let text = |name: &str| cells.get(name).and_then(Value::as_str).map(str::to_owned);
    Ground {
        kind: text("ground").unwrap_or_default(),
        id: text("id").unwrap_or_default(),
        version: cells.get("version").and_then(Value::as_i64),
        decision: text("decision"),
        until: text("valid_to"),
        valid: cells.get("valid_at_release").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn basis(row: &Row) -> Vec<(&'static str, String)> {
    let Some(basis) = &row.payload.basis else { return Vec::new() };
    let members = [
        ("art6", &basis.art6),
        ("art9_10", &basis.art9_10),
        ("gateway", &basis.gateway),
        ("confidence", &basis.confidence),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name, value.clone().filter(|v| !v.is_empty())?))).collect()
}
