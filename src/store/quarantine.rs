//! Quarantine: items of accepted messages that could not become a segment, because it cannot be told whom they are about
//! or because a part they need is missing.
//!
//! Owns keeping them whole and sealed beside their message, counting them, and erasing them when their time is up. Nothing
//! here is ever decided, matched or delivered: what has no subject has no receiver. Only counts leave this module, except
//! through [`Db::quarantined`], which is for the custodian's own people. Read [`NewHeld`] first.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Tx, statements};
use super::effect::NewMessage;
use super::keys::{Keys, Sealed};
use crate::clock::Moment;
use crate::ident::{AgencyId, MessageId};

/// How long an item is kept for its sender to put right: 30 days, in milliseconds. As long as collected content (R77);
/// after that the sender has had the loss report, which names the item, for a month.
pub const QUARANTINE_MILLIS: i64 = 30 * 24 * 3_600_000;

/// An item to be held. Its Debug output shows sizes only.
pub struct NewHeld {
    /// Unique in the store.
    pub id: String,
    /// The record of the message that it stood with, by its place in the message.
    pub place: usize,
    /// Why it is held: the loss kind's word, for example `no-subject`.
    pub kind: &'static str,
    /// Path and item, as JSON.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for NewHeld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewHeld({}, {}, {} bytes)", self.id, self.kind, self.content.len())
    }
}

/// How many items of a message are held, and how many were erased when their time was up.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HeldCount {
    /// Still held.
    pub held: i64,
    /// Erased.
    pub erased: i64,
}

/// A held item, opened. For the custodian's own people only; Debug shows sizes only.
pub struct HeldRow {
    /// Its id.
    pub id: String,
    /// Why it is held.
    pub kind: String,
    /// Since when.
    pub held_at: Moment,
    /// Path and item, as JSON.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for HeldRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldRow({}, {}, {} bytes)", self.id, self.kind, self.content.len())
    }
}

statements! {
    COUNT = "SELECT CAST(COUNT(wrapped_key) AS BIGINT), CAST(COUNT(*) AS BIGINT) FROM quarantine WHERE message = $1";
    BY_AGENCY = "SELECT agency, CAST(COUNT(*) AS BIGINT) FROM quarantine WHERE wrapped_key IS NOT NULL GROUP BY agency ORDER BY agency";
    OPEN = "SELECT id, kind, held_at, wrapped_key, content FROM quarantine WHERE message = $1 AND agency = $2 AND wrapped_key IS NOT NULL ORDER BY id";
    EXPIRED = "SELECT message, CAST(COUNT(*) AS BIGINT) FROM quarantine WHERE wrapped_key IS NOT NULL AND held_at <= $1 GROUP BY message ORDER BY MIN(held_at), message LIMIT ($2 + 0)";
    ERASE = "UPDATE quarantine SET wrapped_key = NULL, content = NULL WHERE message = $1 AND wrapped_key IS NOT NULL";
}

static INSERT: Bulk = Bulk::new(
    "quarantine insert",
    "INSERT INTO quarantine (id, message, record, agency, kind, wrapped_key, content, held_at)",
    8,
    "",
);

impl Db {
    /// How many items of a message are in quarantine. Ask only for the caller's own messages.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn quarantine_of(&self, message: &MessageId) -> Result<HeldCount, Error> {
        let Some(row) = self.fetch_one(&COUNT, &[Arg::Text(message.as_str())]).await? else {
            return Ok(HeldCount::default());
        };
        let held = row.int(0, "held")?;
        Ok(HeldCount { held, erased: row.int(1, "all")?.saturating_sub(held) })
    }

    /// How many items are held for each agency, for operators.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn quarantine_counts(&self) -> Result<Vec<(AgencyId, i64)>, Error> {
        let rows = self.fetch(&BY_AGENCY, &[]).await?;
        rows.iter().map(|row| Ok((AgencyId::new(row.text(0, "agency")?), row.int(1, "count")?))).collect()
    }

    /// The items held of a message of this agency, opened. Another agency's are not there.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Database`].
    pub async fn quarantined(
        &self,
        keys: &Keys,
        agency: &AgencyId,
        message: &MessageId,
    ) -> Result<Vec<HeldRow>, Error> {
        let rows = self.fetch(&OPEN, &[Arg::Text(message.as_str()), Arg::Text(agency.as_str())]).await?;
        rows.iter()
            .map(|row| {
                let id = row.text(0, "id")?;
                let content = keys.open(&context(&id), &row.bytes(3, "wrapped_key")?, &row.bytes(4, "content")?)?;
                Ok(HeldRow {
                    kind: row.text(1, "kind")?,
                    held_at: Moment::from_millis(row.int(2, "held_at")?),
                    id,
                    content,
                })
            })
            .collect()
    }

    /// Messages whose held items have had their time, and how many each has: to be erased.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn quarantine_expired(&self, before: Moment, limit: i64) -> Result<Vec<(MessageId, i64)>, Error> {
        let rows = self.fetch(&EXPIRED, &[Arg::Int(before.millis()), Arg::Int(limit)]).await?;
        rows.iter().map(|row| Ok((MessageId::new(row.text(0, "message")?), row.int(1, "count")?))).collect()
    }
}

fn context(id: &str) -> String {
    format!("quarantine {id}")
}

/// An item with its content sealed, outside the committer.
pub(super) fn seal(keys: &Keys, held: &NewHeld) -> Result<Sealed, Error> {
    Ok(keys.seal(&context(&held.id), &held.content)?)
}

/// Writes the held items of messages; their records must exist. Beside each message stand its items' sealed contents.
pub(super) async fn insert(tx: &mut Tx, messages: &[(&NewMessage, &[Sealed])]) -> Result<(), Error> {
    let mut args = Vec::new();
    for (message, sealed) in messages {
        for (held, sealed) in message.quarantined.iter().zip(*sealed) {
            let record = message.records.get(held.place).ok_or(Error::Constraint { at: "quarantine insert" })?;
            args.extend([
                Arg::Text(&held.id),
                Arg::Text(message.id.as_str()),
                Arg::Text(record.id.as_str()),
                Arg::Text(message.agency.as_str()),
                Arg::Text(held.kind),
                Arg::Bytes(&sealed.wrapped_key),
                Arg::Bytes(&sealed.content),
                Arg::Int(message.received_at.millis()),
            ]);
        }
    }
    INSERT.insert(tx, &args).await.map(drop)
}

/// Erases what is held of a message; how many items that were.
pub(super) async fn erase(tx: &mut Tx, message: &MessageId) -> Result<u64, Error> {
    tx.execute(&ERASE, &[Arg::Text(message.as_str())]).await
}
