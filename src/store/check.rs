//! The check of a log: recompute every leaf from the stored bytes and the tree from the leaves, and compare with the stored
//! tiles, the signed checkpoint and its mirror outside the database.
//!
//! Owns the one fast pass that runs before anything is served and that leaves the committer where the log ends; each
//! difference becomes a [`Finding`] that names the entry. What is sound goes by in stretches (`stretch`); the rest row by row. It shares no code with `audit::verify`, which says more about what
//! happened and is asked when something is wrong. Writes nothing.

use super::Error;
use super::commit::append::{LogState, number};
use super::db::{Arg, Row, statements};
use super::log::{LogReader, ShardRow, count};
use super::stretch::Stretch;
use crate::audit::merkle::leaf_hash;
use crate::audit::note::Keyring;
use crate::audit::{Checkpoint, Frontier, Hash, OpenEntry, Origin, Vkey};
use crate::clock::Moment;
use crate::diagnostic::{Code, Diagnostic, code};
use crate::ident::EntryId;
use futures_util::TryStreamExt as _;
use std::collections::BTreeMap;

/// Entries read at a time: 16 tiles.
const PAGE: i64 = 4_096;
/// Most findings reported; after that the log is plainly not the one that was signed.
const FINDINGS_MAX: usize = 100;

statements! {
    WALK = "SELECT idx, id, time, entry, leaf FROM log_entry WHERE origin = $1 AND idx >= $2 ORDER BY idx LIMIT ($3 + 0)";
    TILES_FROM = "SELECT idx, hashes FROM log_tile WHERE origin = $1 AND level = 0 AND idx >= $2 ORDER BY idx LIMIT 16";
}

/// Something that is not as it was signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The entry's place, when it is about one.
    pub index: Option<u64>,
    /// The id found there, when it can be read.
    pub id: Option<EntryId>,
    /// What is wrong.
    pub what: Wrong,
}

/// What can be wrong with a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// No entry at this place.
    Missing,
    /// The bytes are not those whose hash was stored.
    Altered,
    /// Bytes and stored hash agree, but the tile made when it was appended has another hash.
    Replaced,
    /// The bytes are not an entry, or of another log.
    NotAnEntry,
    /// Id or time beside the bytes are not those inside.
    Mislabelled,
    /// Earlier than the entry before it.
    OutOfOrder,
    /// After the end that was signed.
    Surplus,
    /// The tree up to a checkpoint kept for history has another root; the first difference lies in the entries before.
    HistoryRoot,
    /// The tree has another root than the newest checkpoint.
    Root,
    /// The newest checkpoint is not signed with this log's key.
    Signature,
    /// The newest checkpoint is not of the size stored beside it.
    Size,
    /// A key said to be retired is not vouched for by the key that signs.
    RetiredKey,
    /// The mirror outside the database is not a checkpoint signed with this log's key.
    MirrorSignature,
    /// The mirror knows more entries than the database has: the database lost its end or is an older copy.
    MirrorAhead,
    /// The mirror has another root at its size.
    MirrorRoot,
}

impl Wrong {
    /// Its diagnostic code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Missing => code::AUDIT_MISSING,
            Self::Altered | Self::Replaced | Self::NotAnEntry => code::AUDIT_ENTRY,
            Self::Mislabelled => code::AUDIT_ID,
            Self::OutOfOrder => code::AUDIT_TIME,
            Self::Surplus => code::AUDIT_UNSIGNED,
            Self::HistoryRoot | Self::Root | Self::MirrorRoot => code::AUDIT_ROOT,
            Self::Signature | Self::Size | Self::RetiredKey | Self::MirrorSignature => code::AUDIT_SIGNATURE,
            Self::MirrorAhead => code::AUDIT_TAIL,
        }
    }
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Altered => "was altered: its bytes do not have the stored hash",
            Self::Replaced => "was replaced: its hash is not the one in the tile made when it was appended",
            Self::NotAnEntry => "is not an entry of this log",
            Self::Mislabelled => "carries another id or time beside it than inside",
            Self::OutOfOrder => "is earlier than the entry before it",
            Self::Surplus => "stands after the signed end of the log",
            Self::HistoryRoot => "a checkpoint kept for history has another root",
            Self::Root => "the tree does not have the root of the newest checkpoint",
            Self::Signature => "the newest checkpoint is not signed with this log's key",
            Self::RetiredKey => "a key said to be retired is not vouched for by the key that signs",
            Self::Size => "the newest checkpoint is not of the stored size",
            Self::MirrorSignature => "the checkpoint outside the database is not signed with this log's key",
            Self::MirrorAhead => "the database lost entries: the checkpoint outside it is of a larger log",
            Self::MirrorRoot => "the checkpoint outside the database has another root",
        }
    }
}

impl Finding {
    /// The finding as a message to people.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(self.what.code(), self.to_string())
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.index, &self.id) {
            (Some(index), Some(id)) => write!(f, "entry {index} ({id}) {}", self.what.words()),
            (Some(index), None) => write!(f, "entry {index} {}", self.what.words()),
            _ => f.write_str(self.what.words()),
        }
    }
}

/// How far a check goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// To the last entry there is: nobody writes.
    All,
    /// To the signed end as it was at first: what comes after is being written.
    Signed,
}

impl LogReader {
    /// Checks the whole log against its newest checkpoint, its tiles and its mirror.
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be read, [`Error::Corrupt`] when there is no such log. What is wrong with the
    /// log itself comes back as findings.
    pub async fn verify(&self, vkey: &Vkey, mirror: Option<&[u8]>) -> Result<Vec<Finding>, Error> {
        let keys = std::slice::from_ref(vkey);
        Ok(self.check(keys, mirror, Extent::All, &|_, _| {}).await?.err().unwrap_or_default())
    }

    /// As [`LogReader::verify`], for a log that is being written: judged up to the end it had when this began. `progress` is
    /// told entries done and entries there are.
    ///
    /// # Errors
    /// As [`LogReader::verify`].
    pub async fn verify_live(
        &self,
        vkey: &Vkey,
        mirror: Option<&[u8]>,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Vec<Finding>, Error> {
        let keys = std::slice::from_ref(vkey);
        Ok(self.check(keys, mirror, Extent::Signed, progress).await?.err().unwrap_or_default())
    }

    /// As [`LogReader::verify`]; for a sound log, where it ends.
    pub(super) async fn check(
        &self,
        keys: &[Vkey],
        mirror: Option<&[u8]>,
        extent: Extent,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Result<(LogState, String), Vec<Finding>>, Error> {
        let shard = self.shard().await?.ok_or(Error::Corrupt { at: "log", what: "the shard's row" })?;
        let mut walk = Walk::new(self.origin(), self.checkpoints().await?);
        let retired: Vec<_> = self.db().retired_keys(self.origin()).await?.into_iter().map(|row| row.key).collect();
        let ring = Keyring::new(keys, &retired);
        if !ring.strangers().is_empty() {
            walk.find(None, None, Wrong::RetiredKey);
        }
        walk.expect_mirror(&ring, mirror);
        loop {
            self.hurry(&mut walk, &shard, progress).await?;
            if extent == Extent::Signed && walk.next >= shard.size {
                break;
            }
            // Row by row, and named: past the end, and wherever something is wrong.
            let from = walk.state.frontier.size();
            let args = [Arg::Text(self.origin().as_str()), Arg::Int(number(walk.next)), Arg::Int(PAGE)];
            let rows = self.db().fetch(&WALK, &args).await?;
            if rows.is_empty() || walk.findings.len() >= FINDINGS_MAX {
                break;
            }
            let args = [Arg::Text(self.origin().as_str()), Arg::Int(number(from / 256))];
            let tiles = self.db().fetch(&TILES_FROM, &args).await?;
            let mut known: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for row in &tiles {
                known.insert(count(row, 0)?, row.bytes(1, "hashes")?);
            }
            walk.page(&rows, &known, shard.size)?;
            progress(walk.next.min(shard.size), shard.size);
            if extent == Extent::Signed && walk.next >= shard.size {
                walk.findings.retain(|f| f.what != Wrong::Surplus);
                break;
            }
        }
        Ok(walk.close(&shard, &ring))
    }

    /// Goes on as far as the log is sound, up to its signed end.
    async fn hurry(
        &self,
        walk: &mut Walk<'_>,
        shard: &ShardRow,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<(), Error> {
        if walk.state.frontier.size() != walk.next {
            return Ok(());
        }
        let stretches = self.stretches(walk.next, shard.size);
        let mut stretches = std::pin::pin!(stretches);
        while let Some(stretch) = stretches.try_next().await? {
            let Some(stretch) = stretch.filter(|s| s.time_first >= walk.state.time_last) else { break };
            walk.take(&stretch);
            progress(walk.next, shard.size);
        }
        Ok(())
    }
}

/// Goes over the entries in order and keeps what it finds.
struct Walk<'a> {
    origin: &'a Origin,
    state: LogState,
    next: u64,
    history: BTreeMap<u64, String>,
    mirror: Option<Checkpoint>,
    findings: Vec<Finding>,
    holed: bool,
}

impl<'a> Walk<'a> {
    fn new(origin: &'a Origin, history: BTreeMap<u64, String>) -> Self {
        let state =
            LogState { frontier: Frontier::new(), time_last: Moment::from_millis(0), batches: 0, ragged: Vec::new() };
        Self { origin, state, next: 0, history, mirror: None, findings: Vec::new(), holed: false }
    }

    fn find(&mut self, index: Option<u64>, id: Option<&str>, what: Wrong) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { index, id: id.map(EntryId::from), what });
        }
    }

    fn expect_mirror(&mut self, ring: &Keyring, mirror: Option<&[u8]>) {
        let Some(note) = mirror else { return };
        match ring.open(note) {
            Ok((checkpoint, _)) if checkpoint.origin == *self.origin => self.mirror = Some(checkpoint),
            _ => self.find(None, None, Wrong::MirrorSignature),
        }
    }

    /// Entries that are sound by themselves join the tree.
    fn take(&mut self, stretch: &Stretch) {
        for leaf in &stretch.leaves {
            self.state.frontier.append(*leaf);
            self.compare_roots();
        }
        self.state.grow(stretch.leaves.iter().copied());
        self.state.time_last = stretch.time_last;
        self.next = self.state.frontier.size();
    }

    fn page(&mut self, rows: &[Row], tiles: &BTreeMap<u64, Vec<u8>>, size: u64) -> Result<(), Error> {
        let mut leaves = Vec::with_capacity(rows.len());
        for row in rows {
            let index = count(row, 0)?;
            while self.next < index && self.findings.len() < FINDINGS_MAX {
                self.find(Some(self.next), None, Wrong::Missing);
                self.next = self.next.saturating_add(1);
                self.holed = true;
            }
            self.next = index.saturating_add(1);
            let leaf = self.entry(index, row)?;
            if index >= size {
                self.find(Some(index), Some(&row.text(1, "id")?), Wrong::Surplus);
                continue;
            }
            self.compare(index, leaf, row, tiles)?;
            self.state.frontier.append(leaf);
            leaves.push(leaf);
            self.compare_roots();
        }
        self.state.grow(leaves.into_iter());
        Ok(())
    }

    /// Checks one entry by itself; its leaf hash.
    fn entry(&mut self, index: u64, row: &Row) -> Result<Hash, Error> {
        let bytes = row.bytes(3, "entry")?;
        let leaf = leaf_hash(&bytes);
        let (id, time) = (row.text(1, "id")?, row.int(2, "time")?);
        if leaf.0.as_slice() != row.bytes(4, "leaf")? {
            self.find(Some(index), Some(&id), Wrong::Altered);
        }
        match OpenEntry::parse(&bytes) {
            Ok(open) if open.log == self.origin.as_str() => {
                if open.id != id || open.time.millis() != time {
                    self.find(Some(index), Some(&id), Wrong::Mislabelled);
                }
                if open.time < self.state.time_last {
                    self.find(Some(index), Some(&id), Wrong::OutOfOrder);
                }
                self.state.time_last = self.state.time_last.max(open.time);
            }
            _ => self.find(Some(index), Some(&id), Wrong::NotAnEntry),
        }
        Ok(leaf)
    }

    /// Compares a leaf with the tile made when it was appended.
    fn compare(&mut self, index: u64, leaf: Hash, row: &Row, tiles: &BTreeMap<u64, Vec<u8>>) -> Result<(), Error> {
        let at = usize::try_from(index % 256).unwrap_or(0).saturating_mul(32);
        let kept = tiles.get(&(index / 256)).and_then(|t| t.get(at..at.saturating_add(32)));
        if kept.is_some_and(|kept| kept != leaf.0.as_slice()) && leaf.0.as_slice() == row.bytes(4, "leaf")? {
            self.find(Some(index), Some(&row.text(1, "id")?), Wrong::Replaced);
        }
        Ok(())
    }

    /// Compares the tree so far with a checkpoint of this size.
    fn compare_roots(&mut self) {
        let size = self.state.frontier.size();
        if let Some(note) = self.history.get(&size) {
            let kept = crate::audit::Note::parse(note.as_bytes()).ok().and_then(|n| Checkpoint::parse(n.text()).ok());
            if kept.is_none_or(|kept| kept.root != self.state.frontier.root()) && self.findings.is_empty() {
                self.find(Some(size.saturating_sub(1)), None, Wrong::HistoryRoot);
            }
        }
        if self.mirror.as_ref().is_some_and(|m| m.size == size && m.root != self.state.frontier.root()) {
            self.find(None, None, Wrong::MirrorRoot);
        }
    }

    fn close(mut self, shard: &ShardRow, ring: &Keyring) -> Result<(LogState, String), Vec<Finding>> {
        while self.next < shard.size && self.findings.len() < FINDINGS_MAX {
            self.find(Some(self.next), None, Wrong::Missing);
            self.next = self.next.saturating_add(1);
        }
        match ring.open(shard.note.as_bytes()) {
            Ok((checkpoint, _)) if checkpoint.origin == *self.origin => {
                if checkpoint.size != shard.size {
                    self.find(None, None, Wrong::Size);
                } else if checkpoint.root != self.state.frontier.root()
                    || self.state.frontier.to_bytes() != shard.frontier
                {
                    self.find(None, None, Wrong::Root);
                }
            }
            _ => self.find(None, None, Wrong::Signature),
        }
        if self.mirror.as_ref().is_some_and(|m| m.size > shard.size) {
            self.find(None, None, Wrong::MirrorAhead);
        }
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        self.state.batches = shard.batches;
        self.state.time_last = self.state.time_last.max(shard.time_last);
        Ok((self.state, shard.note.clone()))
    }
}
