//! Mailboxes: what waits for a system, what it did with it, and the answers remembered for repeated requests.
//!
//! Owns an item's life: `due` → `released` → `acked` or `nacked`; uncollected for too long → `returned`. Every step is an
//! effect of a job, so none happens without its audit entry. A query always names the asking system: another system's
//! item is as absent as one that never was.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Row, Tx, statements};
use super::effect::{NewIdempotency, NewItem};
use super::fact_cache::FactsAt;
use super::keys::Digest;
use super::messages::RecordId;
use crate::clock::Moment;
use crate::ident::{AgencyId, EntryId, HatId, ItemId, MessageId, SystemId};
use crate::vocabulary::Purpose;
use std::collections::BTreeMap;

/// How long an idempotency answer is remembered: 7 days, in milliseconds (outside contract, `POST /api/v1/messages`).
pub const IDEMPOTENCY_MILLIS: i64 = 7 * 24 * 3_600_000;
/// How long an item waits before it goes back: 14 days, in milliseconds (R77).
pub const EXPIRY_MILLIS: i64 = 14 * 24 * 3_600_000;
/// How long after collection content is kept: 30 days, in milliseconds (R77).
pub const RETENTION_MILLIS: i64 = 30 * 24 * 3_600_000;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// Its word in the database and in answers.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
            /// The member with this word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$variant),)+ _ => None } }
        }
    };
}

words! {
    /// Where an item is in its life.
    ItemState {
        /// Waits to be collected.
        Due = "due",
        /// Went out; not yet acknowledged.
        Released = "released",
        /// Acknowledged.
        Acked = "acked",
        /// Refused by the receiver.
        Nacked = "nacked",
        /// Not collected in time.
        Returned = "returned",
    }
}

words! {
    /// What an item is.
    ItemKind {
        /// Records for the receiver.
        Delivery = "delivery",
        /// An alert to the sender that an item was not collected (R77). Carries no record.
        ReturnNotice = "return-notice",
        /// Something that was received before no longer holds: a permission it rested on was withdrawn (R35). A reference only
        /// (R63). Carries no record.
        Notice = "notice",
    }
}

/// An item of a mailbox, without content.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// What it is.
    pub kind: ItemKind,
    /// The message it comes from.
    pub message: MessageId,
    /// Its records, in order; empty in lists of what happened to items.
    pub records: Vec<RecordId>,
    /// Who sent it.
    pub from_system: SystemId,
    /// Their agency.
    pub from_agency: AgencyId,
    /// Whose mailbox.
    pub to_system: SystemId,
    /// The hat it is decided for.
    pub hat: Option<HatId>,
    /// The purpose it is decided for.
    pub purpose: Option<Purpose>,
    /// Where it is in its life.
    pub state: ItemState,
    /// From when it can be collected.
    pub available_at: Moment,
    /// When it goes back.
    pub expires_at: Moment,
    /// Since when it is in its state.
    pub state_at: Moment,
    /// The audit entry of its last release.
    pub receipt: Option<EntryId>,
    /// Keyed digest of the bytes of its last release.
    pub digest: Option<Vec<u8>>,
}

/// A remembered answer.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Keyed digest of the body it was given for: another one is a conflict.
    pub body_digest: Vec<u8>,
    /// The answer.
    pub response: String,
}

const COLUMNS: usize = 14;

// Each state is read in its index's order as far as the limit: a mailbox of a hundred thousand is not sorted for a list.
// `+` before a column keeps SQLite from looking for the items of a release by their state.
statements! {
    DUE = "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest, (SELECT json_group_array(record) FROM (SELECT record FROM mailbox_record WHERE item = m.id ORDER BY seq)) FROM (SELECT * FROM (SELECT * FROM (SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox WHERE to_system = $1 AND state = 'due' AND available_at <= $2 AND expires_at > $2 AND (available_at > $4 OR (available_at = $4 AND id > $5)) ORDER BY available_at, id LIMIT ($3 + 0)) AS due_items UNION ALL SELECT * FROM (SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox WHERE to_system = $1 AND state = 'released' AND available_at <= $2 AND expires_at > $2 AND (available_at > $4 OR (available_at = $4 AND id > $5)) ORDER BY available_at, id LIMIT ($3 + 0)) AS released_items) AS both_items ORDER BY available_at, id LIMIT ($3 + 0)) AS m ORDER BY available_at, id",
        "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest, (SELECT COALESCE(json_agg(record ORDER BY seq), '[]')::TEXT FROM mailbox_record WHERE item = m.id) FROM (SELECT * FROM (SELECT * FROM (SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox WHERE to_system = $1 AND state = 'due' AND available_at <= $2 AND expires_at > $2 AND (available_at > $4 OR (available_at = $4 AND id > $5)) ORDER BY available_at, id LIMIT ($3 + 0)) AS due_items UNION ALL SELECT * FROM (SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox WHERE to_system = $1 AND state = 'released' AND available_at <= $2 AND expires_at > $2 AND (available_at > $4 OR (available_at = $4 AND id > $5)) ORDER BY available_at, id LIMIT ($3 + 0)) AS released_items) AS both_items ORDER BY available_at, id LIMIT ($3 + 0)) AS m ORDER BY available_at, id";
    ONE = "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest, (SELECT json_group_array(record) FROM (SELECT record FROM mailbox_record WHERE item = $1 ORDER BY seq)), (SELECT version FROM fact_clock WHERE one = 1) FROM mailbox WHERE id = $1 AND to_system = $2",
        "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest, (SELECT COALESCE(json_agg(record ORDER BY seq), '[]')::TEXT FROM mailbox_record WHERE item = $1), (SELECT version FROM fact_clock WHERE one = 1) FROM mailbox WHERE id = $1 AND to_system = $2";
    OF_MESSAGE = "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox WHERE message = $1 ORDER BY id";
    EXPIRED = "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox WHERE state IN ('due', 'released') AND expires_at <= $1 ORDER BY expires_at, id LIMIT ($2 + 0)";
    SETTLED = "SELECT id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at, receipt, digest FROM mailbox m WHERE state = 'acked' AND state_at <= $1 AND EXISTS (SELECT 1 FROM mailbox_record mr JOIN record r ON r.id = mr.record WHERE mr.item = m.id AND r.wrapped_key IS NOT NULL) ORDER BY state_at, id LIMIT ($2 + 0)";
    STATE_LOCKED = "SELECT state, to_system FROM mailbox WHERE id = $1", "SELECT state, to_system FROM mailbox WHERE id = $1 FOR UPDATE";
    STEP = "UPDATE mailbox SET state = $2, state_at = $3 WHERE id = $1 AND state IN ($4, $5) AND to_system = COALESCE($6, to_system)";
    RELEASE = "UPDATE mailbox SET state = $2, state_at = $3, receipt = $7, digest = $8 WHERE id = $1 AND state IN ($4, $5) AND to_system = COALESCE($6, to_system)";
    RELEASE_ALL = "UPDATE mailbox SET state = 'released', state_at = $2, receipt = v.receipt, digest = v.digest FROM (SELECT value ->> 0 AS item, value ->> 1 AS owner, value ->> 2 AS receipt, unhex(value ->> 3) AS digest FROM json_each($1)) AS v WHERE mailbox.id = v.item AND +mailbox.to_system = v.owner AND +mailbox.state IN ('due', 'released')",
        "UPDATE mailbox SET state = 'released', state_at = $2, receipt = v.value ->> 2, digest = decode(v.value ->> 3, 'hex') FROM json_array_elements(CAST($1 AS JSON)) AS v (value) WHERE mailbox.id = v.value ->> 0 AND mailbox.to_system = v.value ->> 1 AND mailbox.state IN ('due', 'released')";
    PURGE = "UPDATE record SET wrapped_key = NULL, content = NULL WHERE id IN (SELECT record FROM mailbox_record WHERE item = $1) AND NOT EXISTS (SELECT 1 FROM mailbox_record mr JOIN mailbox m ON m.id = mr.item WHERE mr.record = record.id AND m.state IN ('due', 'released'))";
    REMEMBERED = "SELECT body_digest, response FROM idempotency WHERE system = $1 AND key_hash = $2 AND created_at > $3";
    FORGET_ONE = "DELETE FROM idempotency WHERE system = $1 AND key_hash = $2 AND created_at <= $3";
    FORGET = "DELETE FROM idempotency WHERE created_at <= $1";
    WAITING = "SELECT to_system, CAST(COUNT(*) AS BIGINT), CAST(MIN(available_at) AS BIGINT) FROM mailbox WHERE state IN ('due', 'released') AND available_at <= $1 GROUP BY to_system ORDER BY to_system";
    BACKLOG = "SELECT CAST(COUNT(*) AS BIGINT) FROM mailbox WHERE state = 'due' AND available_at <= $1";
}

static INSERT: Bulk = Bulk::new(
    "mailbox insert",
    "INSERT INTO mailbox (id, kind, message, from_system, from_agency, to_system, hat, purpose, state, available_at, expires_at, state_at)",
    12,
    "",
);
static INSERT_RECORD: Bulk =
    Bulk::new("mailbox record insert", "INSERT INTO mailbox_record (item, seq, record)", 3, "");
static REMEMBER: Bulk = Bulk::new(
    "remember",
    "INSERT INTO idempotency (system, key_hash, body_digest, response, created_at)",
    5,
    "ON CONFLICT (system, key_hash) DO NOTHING",
);

impl Db {
    /// The items a system can collect now, oldest first, at most `limit`. One that was released but not
    /// acknowledged is among them: a receiver that stopped half-way must find it again.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_due(&self, system: &SystemId, now: Moment, limit: i64) -> Result<Vec<Item>, Error> {
        self.mailbox_due_after(system, now, None, limit).await
    }

    /// As [`Db::mailbox_due`], from behind an item on.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_due_after(
        &self,
        system: &SystemId,
        now: Moment,
        after: Option<&Item>,
        limit: i64,
    ) -> Result<Vec<Item>, Error> {
        let (time, id) = after.map_or((i64::MIN, ""), |item| (item.available_at.millis(), item.id.as_str()));
        let from = [Arg::Int(time), Arg::Text(id)];
        let args = [Arg::Text(system.as_str()), Arg::Int(now.millis()), Arg::Int(limit), from[0], from[1]];
        self.fetch(&DUE, &args).await?.iter().map(with_records).collect()
    }

    /// One item of a system's own mailbox, with its records. Another system's item is `None`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_item(&self, system: &SystemId, id: &ItemId) -> Result<Option<Item>, Error> {
        Ok(self.mailbox_item_at(system, id).await?.map(|(item, _)| item))
    }

    /// As [`Db::mailbox_item`], with the state of the facts at that moment: what collecting it asks first, in one query.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_item_at(&self, system: &SystemId, id: &ItemId) -> Result<Option<(Item, FactsAt)>, Error> {
        let row = self.fetch_one(&ONE, &[Arg::Text(id.as_str()), Arg::Text(system.as_str())]).await?;
        row.map(|row| Ok((with_records(&row)?, FactsAt::of(row.int(15, "version")?)))).transpose()
    }

    /// What became of a message: its items, without their records.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn deliveries_of(&self, message: &MessageId) -> Result<Vec<Item>, Error> {
        self.fetch(&OF_MESSAGE, &[Arg::Text(message.as_str())]).await?.iter().map(item).collect()
    }

    /// Items whose time ran out before they were acknowledged: to be returned.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_expired(&self, now: Moment, limit: i64) -> Result<Vec<Item>, Error> {
        self.fetch(&EXPIRED, &[Arg::Int(now.millis()), Arg::Int(limit)]).await?.iter().map(item).collect()
    }

    /// Items acknowledged before `before` whose content is still kept: to be purged.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_settled(&self, before: Moment, limit: i64) -> Result<Vec<Item>, Error> {
        self.fetch(&SETTLED, &[Arg::Int(before.millis()), Arg::Int(limit)]).await?.iter().map(item).collect()
    }

    /// How many items wait to be collected, over all systems (for the metrics).
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_backlog(&self, now: Moment) -> Result<i64, Error> {
        let row = self.fetch_one(&BACKLOG, &[Arg::Int(now.millis())]).await?;
        row.map_or(Ok(0), |row| row.int(0, "count"))
    }

    /// What waits in each mailbox, for operators: how many items and since when the oldest; a system without any is not listed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mailbox_waiting(&self, now: Moment) -> Result<Vec<(SystemId, i64, Moment)>, Error> {
        let rows = self.fetch(&WAITING, &[Arg::Int(now.millis())]).await?;
        let read = |row: &Row| {
            let oldest = Moment::from_millis(row.int(2, "oldest")?);
            Ok((SystemId::new(row.text(0, "to_system")?), row.int(1, "count")?, oldest))
        };
        rows.iter().map(read).collect()
    }

    /// The answer given to this key of this system in the last 7 days.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn remembered(
        &self,
        system: &SystemId,
        key_hash: &Digest,
        now: Moment,
    ) -> Result<Option<Remembered>, Error> {
        let since = now.plus_millis(-IDEMPOTENCY_MILLIS).millis();
        let row =
            self.fetch_one(&REMEMBERED, &[Arg::Text(system.as_str()), Arg::Bytes(key_hash), Arg::Int(since)]).await?;
        row.map(|row| Ok(Remembered { body_digest: row.bytes(0, "body_digest")?, response: row.text(1, "response")? }))
            .transpose()
    }
}

fn item(row: &Row) -> Result<Item, Error> {
    const { assert!(COLUMNS == 14, "the columns below are counted") };
    let bad = |what| Error::Corrupt { at: "mailbox", what };
    let purpose = row.text_opt(7, "purpose")?;
    Ok(Item {
        id: ItemId::new(row.text(0, "id")?),
        kind: ItemKind::parse(&row.text(1, "kind")?).ok_or(bad("kind"))?,
        message: MessageId::new(row.text(2, "message")?),
        records: Vec::new(),
        from_system: SystemId::new(row.text(3, "from_system")?),
        from_agency: AgencyId::new(row.text(4, "from_agency")?),
        to_system: SystemId::new(row.text(5, "to_system")?),
        hat: row.text_opt(6, "hat")?.map(HatId::new),
        purpose: purpose.map(|p| Purpose::parse(&p).ok_or(bad("purpose"))).transpose()?,
        state: ItemState::parse(&row.text(8, "state")?).ok_or(bad("state"))?,
        available_at: Moment::from_millis(row.int(9, "available_at")?),
        expires_at: Moment::from_millis(row.int(10, "expires_at")?),
        state_at: Moment::from_millis(row.int(11, "state_at")?),
        receipt: row.text_opt(12, "receipt")?.map(EntryId::new),
        digest: row.bytes_opt(13, "digest")?,
    })
}

/// An item with its records in the column behind it.
fn with_records(row: &Row) -> Result<Item, Error> {
    let mut found = item(row)?;
    let records: Vec<String> = serde_json::from_str(&row.text(COLUMNS, "records")?)
        .map_err(|_| Error::Corrupt { at: "mailbox", what: "records" })?;
    found.records = records.into_iter().map(RecordId::new).collect();
    Ok(found)
}

/// Writes new items; their messages and records must exist.
pub(super) async fn insert(tx: &mut Tx, items: &[&NewItem]) -> Result<(), Error> {
    let (mut rows, mut records) = (Vec::with_capacity(items.len().saturating_mul(12)), Vec::new());
    for item in items {
        let id = Arg::Text(item.id.as_str());
        let since = Arg::Int(item.available_at.millis());
        rows.extend([
            id,
            Arg::Text(item.kind.name()),
            Arg::Text(item.message.as_str()),
            Arg::Text(item.from_system.as_str()),
            Arg::Text(item.from_agency.as_str()),
            Arg::Text(item.to_system.as_str()),
            Arg::TextOpt(item.hat.as_ref().map(HatId::as_str)),
            Arg::TextOpt(item.purpose.map(Purpose::code)),
            Arg::Text(ItemState::Due.name()),
            since,
            Arg::Int(item.expires_at.millis()),
            since,
        ]);
        records.extend((0i64..).zip(&item.records).flat_map(|(seq, r)| [id, Arg::Int(seq), Arg::Text(r.as_str())]));
    }
    INSERT.insert(tx, &rows).await?;
    INSERT_RECORD.insert(tx, &records).await.map(drop)
}

/// An item's state and mailbox, locked until the transaction ends.
pub(super) async fn locked(tx: &mut Tx, id: &ItemId) -> Result<Option<(ItemState, SystemId)>, Error> {
    let row = tx.fetch_one(&STATE_LOCKED, &[Arg::Text(id.as_str())]).await?;
    row.map(|row| {
        let state = ItemState::parse(&row.text(0, "state")?).ok_or(Error::Corrupt { at: "mailbox", what: "state" })?;
        Ok((state, SystemId::new(row.text(1, "to_system")?)))
    })
    .transpose()
}

/// Where an item may come from, and where it goes.
pub(super) type Step = (&'static [ItemState], ItemState);

/// Moves an item of this system's mailbox (or of any) to its next state, with the receipt and digest of a release; false
/// when it is not there or in another state.
pub(super) async fn step(
    tx: &mut Tx,
    id: &ItemId,
    system: Option<&SystemId>,
    (from, to): Step,
    release: Option<(Option<&EntryId>, &Digest)>,
    now: Moment,
) -> Result<bool, Error> {
    let (Some(one), Some(other)) = (from.first(), from.last()) else { return Ok(false) };
    let mut args = vec![
        Arg::Text(id.as_str()),
        Arg::Text(to.name()),
        Arg::Int(now.millis()),
        Arg::Text(one.name()),
        Arg::Text(other.name()),
        Arg::TextOpt(system.map(SystemId::as_str)),
    ];
    let moved = match release {
        None => tx.execute(&STEP, &args).await?,
        Some((receipt, digest)) => {
            args.extend([Arg::TextOpt(receipt.map(EntryId::as_str)), Arg::Bytes(digest)]);
            tx.execute(&RELEASE, &args).await?
        }
    };
    Ok(moved == 1)
}

/// One release of an item: whose mailbox, the entry, and the digest of what went out.
pub(super) struct Out<'a> {
    pub(super) item: &'a ItemId,
    pub(super) system: &'a SystemId,
    pub(super) receipt: &'a EntryId,
    pub(super) digest: &'a Digest,
}

/// Marks many items as released in one statement; false when one of them is not there or settled. Released several times,
/// an item keeps its last receipt. Sorted, so that two gateways on one database never wait for each other in a circle.
pub(super) async fn release_all(tx: &mut Tx, all: &[Out<'_>], now: Moment) -> Result<bool, Error> {
    let last: BTreeMap<&str, &Out<'_>> = all.iter().map(|out| (out.item.as_str(), out)).collect();
    let rows = last.values().map(|out| {
        let digest: String = out.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        [out.item.as_str().to_owned(), out.system.as_str().to_owned(), out.receipt.as_str().to_owned(), digest]
    });
    let rows: Vec<[String; 4]> = rows.collect();
    let text = serde_json::to_string(&rows).map_err(|_| Error::Corrupt { at: "mailbox", what: "releases" })?;
    let moved = tx.execute(&RELEASE_ALL, &[Arg::Text(&text), Arg::Int(now.millis())]).await?;
    // Two systems cannot both own an item: one of them is refused.
    let one_owner = all.iter().all(|out| last.get(out.item.as_str()).is_some_and(|kept| kept.system == out.system));
    Ok(one_owner && moved == last.len() as u64)
}

/// Erases the content of an item's records that no mailbox still waits for.
pub(super) async fn purge(tx: &mut Tx, id: &ItemId) -> Result<u64, Error> {
    tx.execute(&PURGE, &[Arg::Text(id.as_str())]).await
}

/// Forgets an answer whose time is over.
pub(super) async fn forget_stale(tx: &mut Tx, answer: &NewIdempotency) -> Result<(), Error> {
    let stale = answer.created_at.plus_millis(-IDEMPOTENCY_MILLIS).millis();
    let key = [Arg::Text(answer.system.as_str()), Arg::Bytes(&answer.key_hash), Arg::Int(stale)];
    tx.execute(&FORGET_ONE, &key).await.map(drop)
}

/// Remembers answers; false when the key of one is taken.
pub(super) async fn remember(tx: &mut Tx, answers: &[&NewIdempotency]) -> Result<bool, Error> {
    let mut args = Vec::with_capacity(answers.len().saturating_mul(5));
    for answer in answers {
        args.extend([
            Arg::Text(answer.system.as_str()),
            Arg::Bytes(&answer.key_hash),
            Arg::Bytes(&answer.body_digest),
            Arg::Text(&answer.response),
            Arg::Int(answer.created_at.millis()),
        ]);
    }
    Ok(REMEMBER.insert(tx, &args).await? == answers.len() as u64)
}

/// Forgets answers made at or before `before`.
pub(super) async fn forget(tx: &mut Tx, before: Moment) -> Result<(), Error> {
    tx.execute(&FORGET, &[Arg::Int(before.millis())]).await.map(drop)
}
