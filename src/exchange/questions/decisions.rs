//! Questions about one decision: Q2 and Q8. The stored decision is set beside what the same rules say of the same facts.
//!
//! The decision is made again by [`Replays`]. What is no longer at hand is said, never guessed.

use super::{Answer, Ask, Asker, Failure, Row};
use crate::audit::payload::Item;
use crate::exchange::replay::{DECIDING, Gone, Replays, says_again};
use crate::sharing::Decision;
use crate::store::{Section, Wanted};
use crate::vocabulary::Category;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the rules say again.
pub(super) struct Recomputed {
    /// Level and reason by segment.
    by_segment: BTreeMap<String, (String, String)>,
    /// The reason for which the whole request is refused.
    whole: Option<String>,
    /// Whether it is all what the log says, with limits and markers.
    same: bool,
}

impl Asker<'_> {
    /// Q2: what one entry showed, segment by segment, and whether the rules say the same again.
    pub(super) async fn what_could_be_seen(&self, ask: &Ask) -> Result<Answer, Failure> {
        let row = self.the_entry(ask).await?;
        let mut answer = Answer {
            columns: vec![
                "segment",
                "category",
                "level",
                "reason",
                "limit",
                "marker",
                "custodian",
                "recomputed",
                "same",
            ],
            ..Answer::default()
        };
        let again = self.again(&row, &mut answer.notes).await?;
        let shown = row.payload.items.iter().filter(|item| self.viewer.shows(item));
        for item in shown {
            let found = again.as_ref().and_then(|a| a.by_segment.get(item.segment.as_str()));
            let same = found.map(|(level, reason)| *level == item.level.code() && *reason == item.reason);
            answer.rows.push(line(item, found, same));
        }
        if let Some(again) = &again {
            answer.summary.insert("recomputed_reason".to_owned(), json!(again.whole));
            answer.summary.insert("same_decision".to_owned(), json!(again.same));
        }
        self.head(&row, &mut answer);
        Ok(answer)
    }

    /// Q8: the grounds of one release, each as it stood at that moment.
    pub(super) async fn was_it_covered(&self, ask: &Ask) -> Result<Answer, Failure> {
        let row = self.the_entry(ask).await?;
        let mut answer = Answer {
            columns: vec![
                "ground",
                "id",
                "version",
                "recorded",
                "decision",
                "valid_from",
                "valid_to",
                "valid_at_release",
            ],
            ..Answer::default()
        };
        answer.rows = self.grounds(&row).await?;
        let payload = &row.payload;
        let again = self.again(&row, &mut answer.notes).await?;
        if let Some(again) = again {
            answer.summary.insert("same_decision".to_owned(), json!(again.same));
        }
        answer.summary.insert("basis".to_owned(), json!(payload.basis));
        let covered = row.released() && (payload.basis.is_some() || !payload.permissions.is_empty());
        answer.summary.insert("ground_recorded".to_owned(), json!(covered));
        self.head(&row, &mut answer);
        Ok(answer)
    }

    /// What a release relied on, each as it stood at that moment.
    pub(in crate::exchange) async fn grounds(&self, row: &Row) -> Result<Vec<Map<String, Value>>, Failure> {
        let (at, payload) = (row.entry.time, &row.payload);
        let permissions = payload.permissions.iter().map(|id| (Section::Permissions, "permission", id.as_str()));
        let overrides = payload.override_id.iter().map(|id| (Section::Overrides, "override", id.as_str()));
        let relationships =
            payload.relationship.iter().map(|r| (Section::Relationships, "relationship", r.id.as_str()));
        let grants = payload.item_grant.iter().map(|id| (Section::ItemGrants, "item-grant", id.as_str()));
        let mut rows = Vec::new();
        for (section, ground, id) in permissions.chain(overrides).chain(relationships).chain(grants) {
            let found = self.db.fact_at(self.keys, section, id, at).await?;
            let text = |name: &str| found.as_ref().and_then(|(f, _)| f.body.get(name)).cloned().unwrap_or(Value::Null);
            // A permission's `from` and `to` are agencies; without a beginning it holds from when it was recorded.
            let permission = section == Section::Permissions;
            let (from, to) = if permission { ("recorded_at", "valid_to") } else { ("from", "to") };
            let (from, to) = (either(&text("valid_from"), &text(from)), either(&text("valid_to"), &text(to)));
            let within = |bound: &Value, after: bool| {
                let time = bound.as_str().and_then(crate::clock::Moment::parse);
                time.is_none_or(|time| if after { at >= time } else { at < time })
            };
            let valid = found.is_some() && within(&from, true) && within(&to, false);
            let cells = [
                ("ground", json!(ground)),
                ("id", json!(id)),
                ("version", json!(found.as_ref().map(|(f, _)| f.version))),
                ("recorded", json!(found.as_ref().map(|(_, at)| at.to_string()))),
                ("decision", text("decision")),
                ("valid_from", from),
                ("valid_to", to),
                ("valid_at_release", json!(valid)),
            ];
            rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        }
        Ok(rows)
    }

    /// The entry asked about: by id, by message, or the newest one about this person by this account in the span.
    async fn the_entry(&self, ask: &Ask) -> Result<Row, Failure> {
        if let Some(id) = &ask.entry {
            return self.one(id).await;
        }
        if ask.message.is_none() && (ask.subject.is_none() || ask.actor.is_none()) {
            return Err(Failure::Unclear("this question needs entry, or message, or subject and actor"));
        }
        let whole = Ask { limit: Some(super::PAGE_MAX), ..ask.clone() };
        let events = DECIDING.to_vec();
        let (found, _) = self.rows(&whole, Wanted { events, ..self.wanted(ask) }, |_| true).await?;
        found.into_iter().next_back().ok_or(Failure::NotFound)
    }

    fn head(&self, row: &Row, answer: &mut Answer) {
        let columns = [
            "time", "entry", "event", "outcome", "actor", "hat", "role", "agency", "subject", "purpose", "reason",
            "policy",
        ];
        let head = row.cells(&columns, &self.viewer, self.keys);
        answer.summary.insert("about".to_owned(), Value::Object(head));
    }

    /// The decision once more, by its own rules and facts; `None`, with a note why, when something of it is not at hand.
    async fn again(&self, row: &Row, notes: &mut Vec<String>) -> Result<Option<Recomputed>, Failure> {
        let mut replays = Replays::new(self.db, self.keys, &self.config.agencies);
        let mut without = |why: Gone| {
            notes.push(format!("Not decided again: {}.", why.in_words()));
            Ok(None)
        };
        let past = match replays.past(&row.entry.id, &row.payload).await? {
            Ok(past) => past,
            Err(why) => return without(why),
        };
        let Some(policy) = replays.rules(&past.version).await? else { return without(Gone::Rules) };
        let judged = past.judge(&policy)?;
        let same = says_again(row, &past, &judged);
        let pair = |d: &Decision| (d.level.code().to_owned(), d.reason.code().to_owned());
        let decided = past.decided().iter().zip(&judged.decisions);
        Ok(Some(Recomputed {
            same,
            by_segment: decided.map(|(asked, d)| (asked.segment.as_str().to_owned(), pair(d))).collect(),
            whole: judged.refusal.map(|r| r.reason.code().to_owned()).or(past.refused(judged.first.as_ref())),
        }))
    }
}

fn either(a: &Value, b: &Value) -> Value {
    if a.is_null() { b.clone() } else { a.clone() }
}

fn line(item: &Item, again: Option<&(String, String)>, same: Option<bool>) -> Map<String, Value> {
    let marker = item.marker.map(|m| match m {
        crate::audit::payload::Marker::Shown => "shown",
        crate::audit::payload::Marker::Silent => "silent",
    });
    let cells = [
        ("segment", json!(item.segment)),
        ("category", json!(item.category.map(Category::code))),
        ("level", json!(item.level.code())),
        ("reason", json!(item.reason)),
        ("limit", json!(item.limit)),
        ("marker", json!(marker)),
        ("custodian", json!(item.custodian)),
        ("recomputed", json!(again.map(|(level, reason)| format!("{level}:{reason}")))),
        ("same", json!(same)),
    ];
    cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
