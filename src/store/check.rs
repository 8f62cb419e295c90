//! The check of a log: recompute every leaf from the stored bytes and the tree from the leaves, and compare with the stored
//! tiles, the signed checkpoint and its mirror outside the database.
//!
//! Owns the one fast pass that runs before anything is served and that leaves the committer where the log ends; each
//! difference becomes a [`Finding`] that names the entry. What is sound goes by in stretches (`stretch`); the rest row by row
//! (`walk`). It shares no code with `audit::verify`, which says more about what happened and is asked when something is wrong.
//! Writes nothing. What a start may leave to a check beside its work is in `mark`.

use super::Error;
use super::commit::append::{LogState, number};
use super::db::{Arg, statements};
use super::log::{LogReader, ShardRow, count};
use super::walk::Walk;
use crate::audit::Vkey;
use crate::audit::note::Keyring;
use crate::diagnostic::{Code, Diagnostic, code};
use crate::ident::EntryId;
use futures_util::TryStreamExt as _;
use std::collections::BTreeMap;

/// Entries read at a time: 16 tiles.
const PAGE: i64 = 4_096;
/// The tiles a page of entries may touch.
const PAGE_TILES: i64 = 18;
/// Most findings reported; after that the log is plainly not the one that was signed.
pub(super) const FINDINGS_MAX: usize = 100;

statements! {
    WALK = "SELECT idx, id, time, entry, leaf FROM log_entry WHERE origin = $1 AND idx >= $2 ORDER BY idx LIMIT ($3 + 0)";
    TILES_FROM = "SELECT idx, hashes FROM log_tile WHERE origin = $1 AND level = 0 AND idx >= $2 ORDER BY idx LIMIT ($3 + 0)";
    COUNT_TILES = "SELECT COUNT(*) FROM log_tile WHERE origin = $1 AND level = 0";
    TILES_ABOVE = "SELECT level, idx, hashes FROM log_tile WHERE origin = $1 AND level <> 0";
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
    /// A tile of hashes is missing, or not the one the entries make, though the entries are as signed.
    Tile,
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
            Self::Tile => code::AUDIT_HASH,
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
            Self::Tile => "a stored tile of hashes is missing or was altered",
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
        let (shard, ring, mut walk) = self.begin(keys, mirror).await?;
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
            let tiles = self.tiles_of_leaves(from / 256, PAGE_TILES).await?;
            walk.page(&rows, &tiles, shard.size)?;
            progress(walk.next.min(shard.size), shard.size);
            if extent == Extent::Signed && walk.next >= shard.size {
                walk.findings.retain(|f| f.what != Wrong::Surplus);
                break;
            }
        }
        self.compare_tiles(&mut walk, extent).await?;
        Ok(walk.close(&shard, &ring))
    }

    /// What a check starts from: the signed end, the keys, and a walk before the first entry.
    pub(super) async fn begin(
        &self,
        keys: &[Vkey],
        mirror: Option<&[u8]>,
    ) -> Result<(ShardRow, Keyring, Walk<'_>), Error> {
        let shard = self.shard().await?.ok_or(Error::Corrupt { at: "log", what: "the shard's row" })?;
        let mut walk = Walk::new(self.origin(), self.checkpoints().await?);
        let retired: Vec<_> = self.db().retired_keys(self.origin()).await?.into_iter().map(|row| row.key).collect();
        let ring = Keyring::new(keys, &retired);
        if !ring.strangers().is_empty() {
            walk.find(None, None, Wrong::RetiredKey);
        }
        walk.expect_mirror(&ring, mirror);
        Ok((shard, ring, walk))
    }

    /// Goes on as far as the log is sound, up to its signed end.
    pub(super) async fn hurry(
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

    /// Full tiles of leaf hashes from a tile on, as they are stored, by place.
    pub(super) async fn tiles_of_leaves(&self, first: u64, count_max: i64) -> Result<BTreeMap<u64, Vec<u8>>, Error> {
        let args = [Arg::Text(self.origin().as_str()), Arg::Int(number(first)), Arg::Int(count_max)];
        let rows = self.db().fetch(&TILES_FROM, &args).await?;
        rows.iter().map(|row| Ok((count(row, 0)?, row.bytes(1, "hashes")?))).collect()
    }

    /// Compares the tiles above the leaves, and how many tiles of leaves there are, with those the entries made. While the log is
    /// written, tiles may have grown since.
    pub(super) async fn compare_tiles(&self, walk: &mut Walk<'_>, extent: Extent) -> Result<(), Error> {
        let origin = [Arg::Text(self.origin().as_str())];
        let found = self.db().fetch_one(&COUNT_TILES, &origin).await?.map_or(Ok(0), |row| count(&row, 0))?;
        let mut stored = BTreeMap::new();
        for row in self.db().fetch(&TILES_ABOVE, &origin).await? {
            stored.insert((row.int(0, "level")?, row.int(1, "tile")?), row.bytes(2, "hashes")?);
        }
        let (leaves, above) = walk.tiles();
        let same = match extent {
            Extent::All => found == leaves && stored == above,
            Extent::Signed => {
                let grown = |(place, made): (_, &Vec<u8>)| stored.get(place).is_some_and(|s| s.starts_with(made));
                found >= leaves && above.iter().all(grown)
            }
        };
        if !same && walk.findings.is_empty() {
            walk.find(None, None, Wrong::Tile);
        }
        Ok(())
    }
}
