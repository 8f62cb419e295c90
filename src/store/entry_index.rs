//! The index beside the log: what a sealed payload says, as far as a question must be able to find it.
//!
//! Owns one row for each entry, written in the transaction that writes the entry, and what its columns mean. Whatever could
//! name or describe a person is a keyed hash of eight bytes, and the bits for categories stand in a keyed order, so that the
//! table says nothing without the store's key. Not part of what is signed: a question reads the entry it found and checks
//! it against the payload. Read [`IndexKeys::row`] first; the questions' statements are in `asked.rs`.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Tx, statements};
use super::keys::Keys;
use super::log::{EntryRow, LogReader};
use crate::audit::{OpenEntry, Origin, Outcome, Payload};
use crate::vocabulary::{Category, Level};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most references kept of one entry: message, item, permissions, agencies. A page of a large family has a dozen.
const REFS_MAX: usize = 64;
/// Hours of a working day, Greenwich time: before and after is out of hours.
const WORKING_HOURS: std::ops::Range<i64> = 7..20;
/// Entries indexed at a time when an older database is brought up to date.
const FILL_ROWS: i64 = 512;

/// Flags of an entry.
pub mod flag {
    /// An override was used.
    pub const OVERRIDE: i64 = 1;
    /// A permission was relied on or changed.
    pub const PERMISSION: i64 = 2;
    /// Under a delegation, or on behalf of somebody.
    pub const DELEGATED: i64 = 4;
    /// An item grant was used.
    pub const ITEM_GRANT: i64 = 8;
    /// The relationship was claimed by the worker.
    pub const SELF_CLAIM: i64 = 16;
    /// No allocation stood behind it.
    pub const UNALLOCATED: i64 = 32;
    /// Outside working hours, or at a weekend.
    pub const OUT_OF_HOURS: i64 = 64;
    /// Something was withheld because of a protected person.
    pub const NEAR_MISS: i64 = 128;
    /// Something was refused because of a conflict of interest.
    pub const CONFLICT: i64 = 256;
    /// The sealed part was erased: nothing but the open part is known.
    pub const ERASED: i64 = 512;
}

/// Makes rows and looks for them: the keyed names of things.
#[derive(Clone)]
pub struct IndexKeys(Arc<Named>);

struct Named {
    keys: Keys,
    bits: BTreeMap<Category, u8>,
}

impl std::fmt::Debug for IndexKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IndexKeys")
    }
}

/// What an index row says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct IndexRow {
    pub(super) event: i64,
    pub(super) outcome: i64,
    pub(super) flags: i64,
    pub(super) actor: i64,
    pub(super) hat: i64,
    pub(super) role: i64,
    pub(super) agency: i64,
    pub(super) subject: i64,
    pub(super) case_ref: i64,
    pub(super) purpose: i64,
    pub(super) reason: i64,
    pub(super) full: i64,
    pub(super) part: i64,
    pub(super) none: i64,
    pub(super) withheld: Vec<u8>,
    pub(super) refs: BTreeSet<i64>,
}

/// The kinds of names; one name in two kinds has unrelated hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An event's true name.
    Event,
    /// An account.
    Actor,
    /// A hat.
    Hat,
    /// A role's code.
    Role,
    /// The agency of the hat that acted.
    Agency,
    /// A person.
    Subject,
    /// A case.
    Case,
    /// A purpose's code.
    Purpose,
    /// A reason's code.
    Reason,
    /// Anything an entry refers to: `message/…`, `item/…`, `permission/…`, `override/…`, `entry/…`, `agency/…`, `from/…` (the holder of
    /// what was shown), `segment/…`.
    Ref,
}

impl Kind {
    const fn domain(self) -> &'static str {
        match self {
            Self::Event => "audit index event",
            Self::Actor => "audit index actor",
            Self::Hat => "audit index hat",
            Self::Role => "audit index role",
            Self::Agency => "audit index agency",
            Self::Subject => "audit index subject",
            Self::Case => "audit index case",
            Self::Purpose => "audit index purpose",
            Self::Reason => "audit index reason",
            Self::Ref => "audit index ref",
        }
    }
}

impl IndexKeys {
    /// Derives the keyed names from the store's keys.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        let mut order: Vec<(super::Digest, Category)> =
            Category::ALL.iter().map(|c| (keys.hash("audit index category", c.code().as_bytes()), *c)).collect();
        order.sort_unstable();
        let bits = order.into_iter().zip(0_u8..).map(|((_, category), bit)| (category, bit)).collect();
        Self(Arc::new(Named { keys: keys.clone(), bits }))
    }

    /// The hash of a name; never 0, which stands for "none".
    #[must_use]
    pub fn name(&self, kind: Kind, text: &str) -> i64 {
        let digest = self.0.keys.hash(kind.domain(), text.as_bytes());
        let first = digest.first_chunk::<8>().copied().unwrap_or_default();
        i64::from_be_bytes(first) | 1
    }

    fn optional(&self, kind: Kind, text: Option<&str>) -> i64 {
        text.map_or(0, |text| self.name(kind, text))
    }

    /// The bit of a category.
    #[must_use]
    pub fn bit(&self, category: Category) -> i64 {
        self.0.bits.get(&category).map_or(0, |bit| 1_i64.checked_shl(u32::from(*bit)).unwrap_or(0))
    }

    /// The categories of a set of bits, in their usual order.
    #[must_use]
    pub fn categories(&self, bits: i64) -> Vec<Category> {
        Category::ALL.iter().copied().filter(|c| bits & self.bit(*c) != 0).collect()
    }

    /// What stands in `withheld` for a category and a reason: five bytes.
    #[must_use]
    pub fn withheld(&self, category: Option<Category>, reason: &str) -> [u8; 5] {
        let bit = category.and_then(|c| self.0.bits.get(&c)).map_or(u8::MAX, |bit| *bit);
        let [a, b, c, d, ..] = self.name(Kind::Reason, reason).to_be_bytes();
        [bit, a, b, c, d]
    }

    /// What the index says of a payload that is about to be sealed.
    pub(super) fn row(&self, payload: &Payload, outcome: Outcome) -> IndexRow {
        let hat = payload.hat.as_ref();
        let (mut full, mut part, mut none) = (0, 0, 0);
        let mut withheld = BTreeSet::new();
        for item in &payload.items {
            let bit = item.category.map_or(0, |c| self.bit(c));
            match item.level {
                Level::F => full |= bit,
                Level::N => none |= bit,
                _ => part |= bit,
            }
            if item.level == Level::N {
                withheld.insert(self.withheld(item.category, &item.reason));
            }
        }
        IndexRow {
            event: self.name(Kind::Event, payload.event.name()),
            outcome: outcome_number(outcome),
            flags: flags(payload),
            actor: self.optional(Kind::Actor, payload.actor.as_ref().map(|a| a.as_str())),
            hat: self.optional(Kind::Hat, hat.and_then(|h| h.id.as_ref()).map(|h| h.as_str())),
            role: self.optional(Kind::Role, hat.map(|h| h.role.code())),
            agency: self.optional(Kind::Agency, hat.map(|h| h.agency.as_str())),
            subject: self.optional(Kind::Subject, payload.subject.as_ref().map(|p| p.as_str())),
            case_ref: self.optional(Kind::Case, payload.case.as_deref()),
            purpose: self.optional(Kind::Purpose, payload.purpose.map(|p| p.code())),
            reason: self.optional(Kind::Reason, payload.reason.as_deref()),
            full,
            part,
            none,
            withheld: withheld.into_iter().flatten().collect(),
            refs: refs(payload).iter().take(REFS_MAX).map(|text| self.name(Kind::Ref, text)).collect(),
        }
    }

    /// The row of an entry whose sealed part is gone.
    fn erased(&self, entry: &EntryRow) -> IndexRow {
        let open = OpenEntry::parse(&entry.entry).ok();
        IndexRow {
            event: open.as_ref().map_or(0, |o| self.name(Kind::Event, o.event)),
            outcome: open.as_ref().map_or(0, |o| outcome_number(o.outcome)),
            flags: flag::ERASED,
            actor: 0,
            hat: 0,
            role: 0,
            agency: 0,
            subject: 0,
            case_ref: 0,
            purpose: 0,
            reason: 0,
            full: 0,
            part: 0,
            none: 0,
            withheld: Vec::new(),
            refs: BTreeSet::new(),
        }
    }
}

/// An outcome as the index stores it.
pub(super) fn outcome_number(outcome: Outcome) -> i64 {
    Outcome::ALL.iter().position(|o| *o == outcome).and_then(|n| i64::try_from(n).ok()).unwrap_or(0)
}

fn flags(payload: &Payload) -> i64 {
    let relationship = payload.relationship.as_ref().map(|r| r.kind.as_str());
    let access = matches!(payload.event.group(), crate::audit::event::Group::Access) && payload.subject.is_some();
    let reasons = || payload.items.iter().map(|i| i.reason.as_str()).chain(payload.reason.as_deref());
    let set = |on: bool, bit: i64| if on { bit } else { 0 };
    set(payload.override_id.is_some(), flag::OVERRIDE)
        | set(!payload.permissions.is_empty(), flag::PERMISSION)
        | set(payload.delegation.is_some() || payload.on_behalf_of.is_some(), flag::DELEGATED)
        | set(payload.item_grant.is_some(), flag::ITEM_GRANT)
        | set(relationship.is_some_and(|kind| kind.contains("claim")), flag::SELF_CLAIM)
        | set(access && payload.hat.is_some() && relationship != Some("allocated"), flag::UNALLOCATED)
        | set(reasons().any(|r| r == "D-SAFE"), flag::NEAR_MISS)
        | set(reasons().any(|r| r == "D-COI"), flag::CONFLICT)
}

/// What an entry refers to, most useful first.
fn refs(payload: &Payload) -> Vec<String> {
    let mut refs = Vec::new();
    if let Some(dataset) = &payload.dataset {
        refs.extend(dataset.message.iter().map(|m| format!("message/{m}")));
        refs.extend(dataset.item.iter().map(|i| format!("item/{i}")));
    }
    refs.extend(payload.refers_to.iter().map(|e| format!("entry/{e}")));
    refs.extend(payload.permissions.iter().map(|p| format!("permission/{p}")));
    refs.extend(payload.override_id.iter().map(|o| format!("override/{o}")));
    refs.extend(payload.recipient.iter().map(|r| format!("agency/{}", r.agency)));
    let custodians: BTreeSet<&str> = payload.items.iter().map(|i| i.custodian.as_str()).collect();
    refs.extend(custodians.into_iter().map(|c| format!("agency/{c}")));
    // Whose segments went to somebody else.
    let own = payload.hat.as_ref().map(|h| h.agency.as_str());
    let shown = payload.items.iter().filter(|i| i.level != Level::N && Some(i.custodian.as_str()) != own);
    let holders: BTreeSet<&str> = shown.map(|i| i.custodian.as_str()).collect();
    refs.extend(holders.into_iter().map(|c| format!("from/{c}")));
    refs.extend(payload.items.iter().map(|i| format!("segment/{}", i.segment)));
    refs
}

/// The flag of a moment outside working hours.
pub(super) fn hours(millis: i64) -> i64 {
    if out_of_hours(millis) { flag::OUT_OF_HOURS } else { 0 }
}

/// True outside working hours: weekends, and before 7 or from 20 o'clock UTC.
fn out_of_hours(millis: i64) -> bool {
    let hours = millis.div_euclid(3_600_000);
    // 1 January 1970 was a Thursday: day 2 and 3 of the count are a weekend.
    let weekday = hours.div_euclid(24).rem_euclid(7);
    !WORKING_HOURS.contains(&hours.rem_euclid(24)) || matches!(weekday, 2 | 3)
}

static ROW_INSERT: Bulk = Bulk::new(
    "index insert",
    "INSERT INTO log_index (origin, idx, time, event, outcome, flags, actor, hat, role, agency, subject, case_ref, purpose, reason, shown_full, shown_part, shown_none, withheld)",
    18,
    "ON CONFLICT (origin, idx) DO NOTHING",
);
static REF_INSERT: Bulk = Bulk::new(
    "index ref insert",
    "INSERT INTO log_index_ref (ref, origin, idx)",
    3,
    "ON CONFLICT (ref, origin, idx) DO NOTHING",
);

statements! {
    INDEXED = "SELECT COALESCE(MAX(idx), -1) FROM log_index WHERE origin = $1";
    FORGET_ROWS = "UPDATE log_index SET flags = 512, actor = 0, hat = 0, role = 0, agency = 0, subject = 0, case_ref = 0, purpose = 0, reason = 0, shown_full = 0, shown_part = 0, shown_none = 0, withheld = $3 WHERE origin = $1 AND idx IN (SELECT idx FROM log_entry WHERE origin = $1 AND key_ref = $2)";
    FORGET_REFS = "DELETE FROM log_index_ref WHERE origin = $1 AND idx IN (SELECT idx FROM log_entry WHERE origin = $1 AND key_ref = $2)";
}

/// Writes rows: place, time, what they say.
pub(super) async fn write(tx: &mut Tx, origin: &Origin, rows: &[(u64, i64, &IndexRow)]) -> Result<(), Error> {
    let mut args = Vec::with_capacity(rows.len().saturating_mul(18));
    let mut refs = Vec::new();
    for (index, time, row) in rows {
        let place = super::commit::append::number(*index);
        let hours = hours(*time);
        args.extend([Arg::Text(origin.as_str()), Arg::Int(place), Arg::Int(*time), Arg::Int(row.event)]);
        args.extend([row.outcome, row.flags | hours, row.actor, row.hat, row.role, row.agency].map(Arg::Int));
        args.extend([row.subject, row.case_ref, row.purpose, row.reason, row.full, row.part, row.none].map(Arg::Int));
        args.push(Arg::Bytes(&row.withheld));
        for name in &row.refs {
            refs.extend([Arg::Int(*name), Arg::Text(origin.as_str()), Arg::Int(place)]);
        }
    }
    ROW_INSERT.insert(tx, &args).await?;
    REF_INSERT.insert(tx, &refs).await.map(drop)
}

/// What the index knew of the entries sealed with a subject's key goes with the key.
pub(super) async fn forget(tx: &mut Tx, origin: &str, subject: &str) -> Result<(), Error> {
    tx.execute(&FORGET_REFS, &[Arg::Text(origin), Arg::Text(subject)]).await?;
    tx.execute(&FORGET_ROWS, &[Arg::Text(origin), Arg::Text(subject), Arg::Bytes(&[])]).await.map(drop)
}

impl LogReader {
    /// Indexes entries that have no row yet: those written before there was an index. Returns how many.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn fill_index(&self, keys: &Keys) -> Result<u64, Error> {
        let named = IndexKeys::new(keys);
        let db: &Db = self.db();
        let found = db.fetch_one(&INDEXED, &[Arg::Text(self.origin().as_str())]).await?;
        let mut next = match found {
            Some(row) => u64::try_from(row.int(0, "indexed")?.saturating_add(1)).unwrap_or(0),
            None => 0,
        };
        let mut done: u64 = 0;
        loop {
            let page = self.entries(next, FILL_ROWS).await?;
            let Some(last) = page.last() else { return Ok(done) };
            next = last.index.saturating_add(1);
            let mut rows = Vec::with_capacity(page.len());
            for entry in &page {
                rows.push((entry.index, entry.time.millis(), filled(db, keys, &named, entry).await?));
            }
            let mut tx = db.begin().await?;
            let borrowed: Vec<(u64, i64, &IndexRow)> = rows.iter().map(|(i, t, row)| (*i, *t, row)).collect();
            write(&mut tx, self.origin(), &borrowed).await?;
            tx.commit().await?;
            done = done.saturating_add(u64::try_from(rows.len()).unwrap_or(0));
        }
    }
}

async fn filled(db: &Db, keys: &Keys, named: &IndexKeys, entry: &EntryRow) -> Result<IndexRow, Error> {
    let opened = match db.payload(keys, entry).await {
        Ok(opened) => opened,
        // Verification names what was altered; here it is only not found.
        Err(Error::Sealed(_) | Error::Corrupt { .. }) => None,
        Err(error) => return Err(error),
    };
    let payload = opened.and_then(|(_, bytes)| serde_json::from_slice::<Payload>(&bytes).ok());
    let outcome = OpenEntry::parse(&entry.entry).map_or(Outcome::Error, |open| open.outcome);
    Ok(payload.map_or_else(|| named.erased(entry), |payload| named.row(&payload, outcome)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Event;

    fn keys(secret: u8) -> IndexKeys {
        IndexKeys::new(&Keys::from_secret(&[secret; 32]).unwrap())
    }

    #[test]
    fn names_and_bits_are_keyed() {
        let (a, b) = (keys(1), keys(2));
        assert_eq!(a.name(Kind::Subject, "p1"), keys(1).name(Kind::Subject, "p1"));
        assert_ne!(a.name(Kind::Subject, "p1"), b.name(Kind::Subject, "p1"));
        assert_ne!(a.name(Kind::Subject, "p1"), a.name(Kind::Actor, "p1"));
        let order = |k: &IndexKeys| Category::ALL.iter().map(|c| k.bit(*c)).collect::<Vec<_>>();
        assert_ne!(order(&a), order(&b));
        let all = order(&a).into_iter().fold(0, |sum, bit| sum | bit);
        assert_eq!(a.categories(all).len(), Category::ALL.len());
    }

    #[test]
    fn nights_and_weekends_are_out_of_hours() {
        let at = |text: &str| out_of_hours(crate::clock::Moment::parse(text).unwrap().millis());
        assert!(!at("2026-10-05T09:30:00.000Z"));
        assert!(at("2026-10-05T06:59:59.999Z"));
        assert!(at("2026-10-05T20:00:00.000Z"));
        assert!(at("2026-10-03T12:00:00.000Z"));
        assert!(at("2026-10-04T12:00:00.000Z"));
    }

    #[test]
    fn an_access_without_allocation_and_a_near_miss_are_flagged() {
        let mut payload = Payload::new(Event::View);
        payload.subject = Some(crate::ident::PersonId::new("p"));
        payload.reason = Some("D-SAFE".to_owned());
        let row = keys(1).row(&payload, Outcome::Deny);
        assert_eq!(row.flags & flag::NEAR_MISS, flag::NEAR_MISS);
        assert_eq!(row.flags & flag::UNALLOCATED, 0, "a system's own entry has no hat");
    }
}
