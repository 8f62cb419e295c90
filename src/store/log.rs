//! Reading the log: entries, payloads, checkpoints, tiles. Writes nothing and checks nothing: see `check` and
//! `audit::verify`, which reads a log through [`StoredLog`].

use super::Error;
use super::commit::append::{key_context, number, payload_context};
use super::db::{Arg, Db, Row, statements};
use super::keys::{DataKey, Keys, open_with};
use crate::audit::{Hash, Origin, Salt};
use crate::clock::Moment;
use crate::ident::{EntryId, PersonId};
use std::collections::{BTreeMap, BTreeSet};

/// One log of the database.
#[derive(Clone, Debug)]
pub struct ShardRow {
    /// Its origin.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// The time of its last entry.
    pub time_last: Moment,
    /// The newest signed checkpoint, as a note.
    pub note: String,
    pub(super) batches: i64,
    pub(super) frontier: Vec<u8>,
}

/// One stored entry.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// The log.
    pub origin: String,
    /// Its place, from 0.
    pub index: u64,
    /// Its id.
    pub id: EntryId,
    /// Its time.
    pub time: Moment,
    /// The logged bytes (open part).
    pub entry: Vec<u8>,
    /// The stored leaf hash.
    pub leaf: Vec<u8>,
    key_ref: Option<String>,
    sealed: Option<Vec<u8>>,
}

statements! {
    SHARDS = "SELECT origin, size, time_last, note, batches, frontier FROM log_shard ORDER BY origin";
    SHARD = "SELECT origin, size, time_last, note, batches, frontier FROM log_shard WHERE origin = $1";
    ENTRIES = "SELECT origin, idx, id, time, entry, leaf, key_ref, sealed FROM log_entry WHERE origin = $1 AND idx >= $2 ORDER BY idx LIMIT ($3 + 0)";
    ENTRY = "SELECT origin, idx, id, time, entry, leaf, key_ref, sealed FROM log_entry WHERE id = $1";
    ENTRIES_ABOUT = "SELECT origin, idx, id, time, entry, leaf, key_ref, sealed FROM log_entry WHERE key_ref = $1 ORDER BY time DESC, origin, idx DESC LIMIT ($2 + 0)";
    ENTRIES_SINCE = "SELECT origin, idx, id, time, entry, leaf, key_ref, sealed FROM log_entry WHERE time >= $1 AND time < $2 ORDER BY time, origin, idx LIMIT ($3 + 0)";
    LEAVES = "SELECT leaf FROM log_entry WHERE origin = $1 AND idx >= $2 ORDER BY idx LIMIT ($3 + 0)";
    TILE = "SELECT hashes FROM log_tile WHERE origin = $1 AND level = $2 AND idx = $3";
    CHECKPOINTS = "SELECT size, note FROM checkpoint WHERE origin = $1 ORDER BY size";
    OLDEST = "SELECT note FROM checkpoint WHERE origin = $1 ORDER BY size LIMIT 16";
    PAGE_KEYS = "SELECT subject, wrapped FROM audit_key WHERE origin = $1 AND subject IN (SELECT value FROM json_each($2))",
        "SELECT subject, wrapped FROM audit_key WHERE origin = $1 AND subject = ANY($2)";
    SUBJECT_KEY = "SELECT wrapped, created_at FROM audit_key WHERE origin = $1 AND subject = $2";
}

/// Reads one log.
#[derive(Clone, Debug)]
pub struct LogReader {
    db: Db,
    origin: Origin,
}

impl Db {
    /// Every log of this database, by origin.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn shards(&self) -> Result<Vec<ShardRow>, Error> {
        self.fetch(&SHARDS, &[]).await?.iter().map(shard).collect()
    }

    /// The entry with this id, in any log.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn entry(&self, id: &EntryId) -> Result<Option<EntryRow>, Error> {
        self.fetch_one(&ENTRY, &[Arg::Text(id.as_str())]).await?.map(|row| entry(&row)).transpose()
    }

    /// The newest entries about a person, in all logs, newest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn entries_about(&self, subject: &PersonId, limit: i64) -> Result<Vec<EntryRow>, Error> {
        self.fetch(&ENTRIES_ABOUT, &[Arg::Text(subject.as_str()), Arg::Int(limit)]).await?.iter().map(entry).collect()
    }

    /// Entries of all logs with `from` ≤ time < `to`, by time, then origin, then index.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn entries_between(&self, from: Moment, to: Moment, limit: i64) -> Result<Vec<EntryRow>, Error> {
        let args = [Arg::Int(from.millis()), Arg::Int(to.millis()), Arg::Int(limit)];
        self.fetch(&ENTRIES_SINCE, &args).await?.iter().map(entry).collect()
    }

    /// Opens an entry's sealed part: salt and payload bytes. `None` when it was erased.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it was altered, [`Error::Database`].
    pub async fn payload(&self, keys: &Keys, row: &EntryRow) -> Result<Option<(Salt, Vec<u8>)>, Error> {
        let Some(key_ref) = &row.key_ref else { return Ok(None) };
        match self.subject_key(keys, &row.origin, key_ref).await? {
            Some((key, _)) => row.open(&key),
            None => Ok(None),
        }
    }

    /// The keys that seal these entries, read with one query for each log.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn page_keys(&self, rows: &[EntryRow]) -> Result<PageKeys, Error> {
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in rows {
            wanted.entry(&row.origin).or_default().extend(row.key_ref());
        }
        let mut wrapped = BTreeMap::new();
        for (origin, subjects) in wanted {
            let subjects: Vec<String> = subjects.into_iter().map(str::to_owned).collect();
            for row in self.fetch(&PAGE_KEYS, &[Arg::Text(origin), Arg::Texts(&subjects)]).await? {
                wrapped.insert((origin.to_owned(), row.text(0, "subject")?), row.bytes(1, "wrapped")?);
            }
        }
        Ok(PageKeys { wrapped, open: BTreeMap::new() })
    }

    /// The data key that seals a subject's entries in a log, with when it was made; `None` when it was erased.
    pub(super) async fn subject_key(
        &self,
        keys: &Keys,
        origin: &str,
        subject: &str,
    ) -> Result<Option<(DataKey, Moment)>, Error> {
        let found = self.fetch_one(&SUBJECT_KEY, &[Arg::Text(origin), Arg::Text(subject)]).await?;
        let open = |row: Row| {
            let key = keys.unwrap(&key_context(origin, subject), &row.bytes(0, "wrapped")?)?;
            Ok((key, Moment::from_millis(row.int(1, "created_at")?)))
        };
        found.map(open).transpose()
    }
}

/// The keys of a page of entries: each is unwrapped when an entry needs it, once.
pub struct PageKeys {
    wrapped: BTreeMap<(String, String), Vec<u8>>,
    open: BTreeMap<(String, String), DataKey>,
}

impl std::fmt::Debug for PageKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageKeys")
    }
}

impl PageKeys {
    /// As [`Db::payload`], for an entry of the page.
    ///
    /// # Errors
    /// [`Error::Sealed`] when it was altered.
    pub fn payload(&mut self, keys: &Keys, row: &EntryRow) -> Result<Option<(Salt, Vec<u8>)>, Error> {
        let Some(subject) = row.key_ref() else { return Ok(None) };
        let name = (row.origin.clone(), subject.to_owned());
        if let Some(key) = self.open.get(&name) {
            return row.open(key);
        }
        let Some(wrapped) = self.wrapped.get(&name) else { return Ok(None) };
        let key = keys.unwrap(&key_context(&row.origin, subject), wrapped)?;
        let opened = row.open(&key);
        self.open.insert(name, key);
        opened
    }
}

impl EntryRow {
    /// Whose key seals it.
    pub(super) fn key_ref(&self) -> Option<&str> {
        self.key_ref.as_deref()
    }

    /// Opens the sealed part with its subject's key; `None` when it was erased.
    pub(super) fn open(&self, key: &DataKey) -> Result<Option<(Salt, Vec<u8>)>, Error> {
        let Some(sealed) = &self.sealed else { return Ok(None) };
        let clear = open_with(key, &payload_context(&self.origin, self.id.as_str()), sealed)?;
        let (salt, payload) = clear.split_first_chunk::<32>().ok_or(Error::Corrupt { at: "payload", what: "salt" })?;
        Ok(Some((Salt::from_bytes(*salt), payload.to_vec())))
    }
}

impl LogReader {
    /// A reader of one log.
    #[must_use]
    pub fn new(db: Db, origin: Origin) -> Self {
        Self { db, origin }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// Which log it reads.
    #[must_use]
    pub fn log(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The log's end; `None` when there is no such log.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn shard(&self) -> Result<Option<ShardRow>, Error> {
        self.db.fetch_one(&SHARD, &[Arg::Text(self.origin.as_str())]).await?.map(|row| shard(&row)).transpose()
    }

    /// Entries from `from` on, in order, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn entries(&self, from: u64, limit: i64) -> Result<Vec<EntryRow>, Error> {
        let args = [Arg::Text(self.origin.as_str()), Arg::Int(number(from)), Arg::Int(limit)];
        self.db.fetch(&ENTRIES, &args).await?.iter().map(entry).collect()
    }

    /// Leaf hashes from `from` on, in order, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn leaves(&self, from: u64, limit: i64) -> Result<Vec<Hash>, Error> {
        let args = [Arg::Text(self.origin.as_str()), Arg::Int(number(from)), Arg::Int(limit)];
        self.db.fetch(&LEAVES, &args).await?.iter().map(|row| hash(&row.bytes(0, "leaf")?)).collect()
    }

    /// The hashes of a tile, as many as there are (1 to 256); `None` when it is empty.
    ///
    /// # Source
    /// C2SP tlog-tiles: hash i of tile n at level l is the root of entries (n·256+i)·256^l to (n·256+i+1)·256^l.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, Error> {
        let args = [Arg::Text(self.origin.as_str()), Arg::Int(i64::from(level)), Arg::Int(number(index))];
        if let Some(row) = self.db.fetch_one(&TILE, &args).await? {
            return Ok(Some(hashes(&row.bytes(0, "hashes")?)));
        }
        if level > 0 {
            return Ok(None);
        }
        let leaves = self.leaves(index.saturating_mul(256), 256).await?;
        Ok((!leaves.is_empty()).then_some(leaves))
    }

    /// The notes of the checkpoints kept for history, by size.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn checkpoints(&self) -> Result<BTreeMap<u64, String>, Error> {
        let rows = self.db.fetch(&CHECKPOINTS, &[Arg::Text(self.origin.as_str())]).await?;
        rows.iter().map(|row| Ok((count(row, 0)?, row.text(1, "note")?))).collect()
    }
}

impl LogReader {
    /// The notes of the oldest checkpoints kept for history, sixteen at most, the oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn oldest_checkpoints(&self) -> Result<Vec<String>, Error> {
        let rows = self.db.fetch(&OLDEST, &[Arg::Text(self.origin.as_str())]).await?;
        rows.iter().map(|row| row.text(0, "note")).collect()
    }
}

fn shard(row: &Row) -> Result<ShardRow, Error> {
    Ok(ShardRow {
        origin: row.text(0, "origin")?,
        size: count(row, 1)?,
        time_last: Moment::from_millis(row.int(2, "time_last")?),
        note: row.text(3, "note")?,
        batches: row.int(4, "batches")?,
        frontier: row.bytes(5, "frontier")?,
    })
}

pub(super) fn entry(row: &Row) -> Result<EntryRow, Error> {
    Ok(EntryRow {
        origin: row.text(0, "origin")?,
        index: count(row, 1)?,
        id: EntryId::new(row.text(2, "id")?),
        time: Moment::from_millis(row.int(3, "time")?),
        entry: row.bytes(4, "entry")?,
        leaf: row.bytes(5, "leaf")?,
        key_ref: row.text_opt(6, "key_ref")?,
        sealed: row.bytes_opt(7, "sealed")?,
    })
}

pub(super) fn count(row: &Row, column: usize) -> Result<u64, Error> {
    u64::try_from(row.int(column, "count")?).map_err(|_| Error::Corrupt { at: "log", what: "a count" })
}

fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    Hash::from_slice(bytes).ok_or(Error::Corrupt { at: "log", what: "a hash" })
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks_exact(32).filter_map(Hash::from_slice).collect()
}
