//! One entry as a row: the cells an answer may hold, in ids and codes only.
//!
//! Owns what each column says. Free text that people typed (a search, a justification) is never a cell: only whether it is
//! there.

use super::Viewer;
use crate::audit::payload::{Informed, Item, Payload};
use crate::audit::{Event, Outcome, Salt};
use crate::store::{EntryRow, Keys};
use crate::vocabulary::{Category, Level};
use serde_json::{Map, Value, json};

/// The columns of a plain list of entries.
pub(super) const ENTRY: &[&str] = &[
    "time", "log", "index", "entry", "event", "outcome", "actor", "role", "agency", "team", "subject", "case",
    "purpose", "shown", "withheld", "reason",
];

/// Everything a view shows of one entry.
pub(super) const WHOLE: &[&str] = &[
    "time",
    "log",
    "index",
    "entry",
    "event",
    "outcome",
    "actor",
    "on_behalf_of",
    "hat",
    "role",
    "agency",
    "team",
    "system",
    "subject",
    "case",
    "purpose",
    "shown",
    "withheld",
    "reason",
    "relationship",
    "basis",
    "permissions",
    "override",
    "delegation",
    "policy",
    "message",
    "item",
    "recipient",
    "told",
    "review",
    "justified",
    "what",
    "before",
    "after",
    "counts",
    "refers_to",
];

/// Kinds of facts whose ids name nobody and are made of nobody's id.
const PLAIN: [&str; 10] = [
    "accounts",
    "teams",
    "agencies",
    "permissions",
    "overrides",
    "relationships",
    "item-grants",
    "item_grants",
    "means",
    "assessments",
];
/// Words of changes to sealed parts, each followed by the key's name.
const KEYED: [&str; 3] = ["erase", "hold", "release"];

/// An entry with what was sealed.
#[derive(Clone, Debug)]
pub struct Row {
    /// How it ended.
    pub outcome: Outcome,
    /// What was sealed.
    pub payload: Payload,
    pub(super) salt: Salt,
    pub(super) bytes: Vec<u8>,
    /// The entry itself.
    pub entry: EntryRow,
}

impl Row {
    /// The cells of these columns.
    #[must_use]
    pub fn cells(&self, columns: &[&'static str], viewer: &Viewer, keys: &Keys) -> Map<String, Value> {
        columns.iter().map(|name| ((*name).to_owned(), self.cell(name, viewer, keys))).collect()
    }

    fn cell(&self, column: &str, viewer: &Viewer, keys: &Keys) -> Value {
        let payload = &self.payload;
        let hat = payload.hat.as_ref();
        match column {
            "time" => json!(self.entry.time.to_string()),
            "log" => json!(self.entry.origin),
            "index" => json!(self.entry.index),
            "entry" => json!(self.entry.id),
            "event" => json!(payload.event.name()),
            "outcome" => json!(self.outcome),
            "actor" => json!(payload.actor),
            "on_behalf_of" => json!(payload.on_behalf_of),
            "hat" => json!(hat.and_then(|h| h.id.as_ref())),
            "role" => json!(hat.map(|h| h.role.code())),
            "agency" => json!(hat.map(|h| &h.agency)),
            "team" => json!(hat.and_then(|h| h.team.as_ref())),
            "system" => json!(payload.client.as_ref().and_then(|c| c.system.as_ref())),
            "subject" => json!(payload.subject.as_ref().map(|s| viewer.subject(keys, s.as_str()))),
            "case" => json!(payload.case.as_ref().map(|c| viewer.case(keys, c))),
            "purpose" => json!(payload.purpose.map(|p| p.code())),
            "shown" => json!(words(self.items(viewer, Part::Shown))),
            "withheld" => json!(words(self.items(viewer, Part::Withheld))),
            "reason" => json!(payload.reason),
            "relationship" => json!(payload.relationship.as_ref().map(|r| &r.kind)),
            "basis" => json!(payload.basis),
            "permissions" => json!(payload.permissions),
            "override" => json!(payload.override_id),
            "delegation" => json!(payload.delegation),
            "policy" => json!(payload.policy.as_ref().map(|p| &p.version)),
            "message" => json!(payload.dataset.as_ref().and_then(|d| d.message.as_ref())),
            "item" => json!(payload.dataset.as_ref().and_then(|d| d.item.as_ref())),
            "recipient" => json!(payload.recipient.as_ref().map(|r| &r.agency)),
            "told" => json!(payload.told.as_ref().map(|t| match t.informed {
                Informed::Yes => "yes",
                Informed::No => "no",
            })),
            "review" => json!(payload.told.as_ref().and_then(|t| t.review.as_ref())),
            "justified" => json!(payload.justification.is_some()),
            "what" => json!(self.what(viewer, keys)),
            "before" => json!(payload.change.as_ref().and_then(|c| c.before.as_ref())),
            "after" => json!(payload.change.as_ref().and_then(|c| c.after.as_ref())),
            "refers_to" => json!(payload.refers_to),
            "counts" => json!(payload.counts),
            _ => Value::Null,
        }
    }

    /// What an entry says was changed. Ids of people and cases, and ids made of them, stand under the view's pseudonyms;
    /// only the operator, who holds the keys, sees them as they are.
    pub(in crate::exchange) fn what(&self, viewer: &Viewer, keys: &Keys) -> Option<String> {
        let what = self.payload.change.as_ref().map(|c| c.what.as_str())?;
        if viewer.hat.is_none() {
            return Some(what.to_owned());
        }
        let Some((kind, id)) = what.split_once('/') else {
            // `erase KEY`, `hold KEY`: the key's name is a person's id.
            let keyed = what.split_once(' ').filter(|(word, key)| KEYED.contains(word) && !key.starts_with("month-"));
            return Some(
                keyed.map_or_else(|| what.to_owned(), |(word, key)| format!("{word} {}", viewer.subject(keys, key))),
            );
        };
        Some(match kind {
            kind if PLAIN.contains(&kind) => what.to_owned(),
            "cases" => format!("cases/{}", viewer.case(keys, id)),
            kind => format!("{kind}/{}", viewer.subject(keys, id)),
        })
    }

    fn items<'a>(&'a self, viewer: &'a Viewer, part: Part) -> impl Iterator<Item = &'a Item> {
        let wanted = move |item: &&Item| viewer.shows(item) && ((item.level == Level::N) == (part == Part::Withheld));
        self.payload.items.iter().filter(wanted)
    }

    /// The categories something was shown of, with the level.
    pub(super) fn shown(&self) -> impl Iterator<Item = (Option<Category>, Level)> + '_ {
        self.payload.items.iter().filter(|i| i.level != Level::N).map(|i| (i.category, i.level))
    }

    /// The entry's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.entry.id.as_str()
    }

    /// Salt and bytes of what was sealed.
    pub(in crate::exchange) fn sealed_part(&self) -> (&Salt, &[u8]) {
        (&self.salt, &self.bytes)
    }

    /// Whether a code stands in it: as the reason of the whole request, or as reason or limit of a segment.
    /// What the view does not show is not found by it either.
    pub(super) fn has_reason(&self, viewer: &Viewer, code: &str) -> bool {
        let of_item = |item: &Item| viewer.shows(item) && (item.reason == code || item.limit.as_deref() == Some(code));
        self.payload.reason.as_deref() == Some(code) || self.payload.items.iter().any(of_item)
    }

    /// Whether anything was released.
    pub(super) fn released(&self) -> bool {
        // An override's use is one only if it opened something.
        let bare = self.payload.items.is_empty() && self.payload.event != Event::OvrUse;
        self.outcome != Outcome::Deny && (bare || self.shown().next().is_some())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Shown,
    Withheld,
}

/// `MHL:S:ALLOW-PERMISSION`, each once.
fn words<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<String> {
    let word = |item: &Item| {
        let category = item.category.map_or("none", Category::code);
        let limit = item.limit.as_ref().map(|l| format!("/{l}")).unwrap_or_default();
        format!("{category}:{}:{}{limit}", item.level.code(), item.reason)
    };
    let mut words: Vec<String> = items.map(word).collect();
    words.sort_unstable();
    words.dedup();
    words
}
