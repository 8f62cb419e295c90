//! Notes on entries: an auditor has looked, or asks the privacy officer about it, who answers.
//!
//! A question raises an alert in the queues of the officers concerned, in the transaction that logs it. The alert holds ids
//! only; what was written stands here, sealed, for those who may see the entry.

use super::by;
use crate::audit::payload::{Change, FreeText};
use crate::audit::{Draft, Event, Outcome};
use crate::exchange::alerts::AlertKind;
use crate::exchange::questions::Row;
use crate::exchange::visit::account::kept;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::ident::{AccountId, AgencyId, EntryId};
use crate::store::{Effect, Job, KeptKind};
use crate::vocabulary::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a note is kept, in milliseconds: as long as alerts.
const KEPT_MILLIS: i64 = 800 * 86_400_000;
/// Longest note, in characters.
const TEXT_CHARS_MAX: usize = 2_000;

/// What a note says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Looked at, nothing to ask.
    Reviewed,
    /// A question for the privacy officer.
    Query,
    /// The officer's answer.
    Reply,
}

impl NoteKind {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reviewed => "reviewed",
            Self::Query => "query",
            Self::Reply => "reply",
        }
    }
    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reviewed, Self::Query, Self::Reply].into_iter().find(|k| k.word() == text)
    }
}

/// A note on an entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EntryNote {
    /// What it is.
    pub kind: NoteKind,
    /// Who wrote it.
    pub by: AccountId,
    /// Under which role.
    pub role: Role,
    /// For which agency.
    pub agency: AgencyId,
    /// When.
    pub at: String,
    /// What it says; empty for a review without words.
    pub text: String,
}

impl Gateway {
    /// The notes on an entry the caller has found the viewer may see, oldest first.
    pub(super) async fn notes_on(&self, row: &Row) -> Result<Vec<EntryNote>, Failure> {
        let now = self.clock().now();
        let found = self.db.kept_of(&self.keys, KeptKind::EntryNote, row.entry.id.as_str(), now).await?;
        Ok(found.iter().rev().filter_map(|kept| serde_json::from_slice(&kept.body).ok()).collect())
    }

    /// Marks an entry as reviewed, raises a question with the privacy officers, or answers one.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and entries outside the view; [`Failure::Unclear`] without words where they are
    /// needed; [`Failure::Refused`] when somebody else than an officer answers.
    pub async fn note_entry(&self, visitor: &Visitor, entry: &str, kind: NoteKind, text: &str) -> Result<(), Failure> {
        let viewer = self.console_view(visitor).await?;
        let hat = visitor.worn()?.clone();
        let row = self.asker(viewer).one(entry).await?;
        if text.chars().count() > TEXT_CHARS_MAX || (text.is_empty() && kind != NoteKind::Reviewed) {
            return Err(Failure::Unclear("a note has 1 to 2,000 characters"));
        }
        if kind == NoteKind::Reply && hat.role != Role::Prv {
            return Err(Failure::Refused { reason: "D-AUTH" });
        }
        let now = self.clock().now();
        let note = EntryNote {
            kind,
            by: by(visitor),
            role: hat.role,
            agency: hat.agency.clone(),
            at: now.to_string(),
            text: text.to_owned(),
        };
        let body = serde_json::to_vec(&note).map_err(|_| Failure::Inconsistent("a note cannot be written"))?;
        let ends = now.plus_millis(KEPT_MILLIS);
        let own = EntryId::new(Self::fresh_id());
        let keep = kept(KeptKind::EntryNote, own.as_str().to_owned(), row.entry.id.as_str(), body, ends);
        let mut payload = visitor.payload(Event::AuditQuery);
        payload.change = Some(Change { what: format!("note {}", kind.word()), before: None, after: None });
        payload.justification = Some(text).filter(|t| !t.is_empty()).map(FreeText::new);
        payload.refers_to = vec![row.entry.id.clone()];
        let mut job = Job::new(Draft::new(Outcome::Allow, payload).with_id(own))
            .with_effect(Effect::Keep { kept: keep, was: Some(0) });
        if kind == NoteKind::Query {
            for officer in officers(&row, &hat.agency) {
                let acted = row.payload.hat.as_ref().and_then(|h| h.id.as_ref());
                job = job.with_effect(self.raise(AlertKind::AuditorQuery, &row.entry.id, acted, &officer));
            }
        }
        self.committer.commit(job).await?;
        Ok(())
    }
}

/// Whose officers are asked: of the agency that acted and of those that hold what was decided on; else the asker's own.
fn officers(row: &Row, own: &AgencyId) -> BTreeSet<AgencyId> {
    let acted = row.payload.hat.iter().map(|h| h.agency.clone());
    let held = row.payload.items.iter().map(|i| i.custodian.clone());
    let all: BTreeSet<AgencyId> = acted.chain(held).collect();
    if all.is_empty() { BTreeSet::from([own.clone()]) } else { all }
}
