//! A check on its way through a log: the tree so far, what it is to be compared with, and what was found.
//!
//! Owns the comparing: each entry with its hash and what is filed beside it, the tree with the checkpoints kept for history, the
//! mirror and the newest checkpoint, the tiles with the tree. Reads nothing itself: `check` hands it what the database has.

use super::Error;
use super::check::{FINDINGS_MAX, Finding, Wrong};
use super::commit::append::{LogState, TILE_HASHES, number};
use super::db::Row;
use super::log::{ShardRow, count};
use super::stretch::Stretch;
use crate::audit::merkle::leaf_hash;
use crate::audit::note::Keyring;
use crate::audit::{Checkpoint, Frontier, Hash, Note, OpenEntry, Origin};
use crate::clock::Moment;
use crate::ident::EntryId;
use std::collections::BTreeMap;

/// The height of a full tile's tree: 256 hashes.
const TILE_HEIGHT: u32 = 8;
/// Bytes of a full tile.
pub(super) const TILE_BYTES: usize = TILE_HASHES * Hash::BYTES;

/// Goes over the entries of one log in order.
pub(super) struct Walk<'a> {
    origin: &'a Origin,
    pub(super) state: LogState,
    /// The place after the last entry looked at.
    pub(super) next: u64,
    history: BTreeMap<u64, String>,
    /// The size of the next checkpoint kept for history.
    due: Option<u64>,
    mirror: Option<Checkpoint>,
    /// Size and root that were found sound before.
    marked: Option<(u64, Hash)>,
    /// Tiles above the leaves that are full.
    above: BTreeMap<(i64, i64), Vec<u8>>,
    pub(super) findings: Vec<Finding>,
    holed: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(origin: &'a Origin, history: BTreeMap<u64, String>) -> Self {
        let state =
            LogState { frontier: Frontier::new(), time_last: Moment::from_millis(0), batches: 0, ragged: Vec::new() };
        let due = history.range(1..).next().map(|(size, _)| *size);
        let (above, findings) = (BTreeMap::new(), Vec::new());
        Self { origin, state, next: 0, history, due, mirror: None, marked: None, above, findings, holed: false }
    }

    pub(super) fn find(&mut self, index: Option<u64>, id: Option<&str>, what: Wrong) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { index, id: id.map(EntryId::from), what });
        }
    }

    pub(super) fn expect_mirror(&mut self, ring: &Keyring, mirror: Option<&[u8]>) {
        let Some(note) = mirror else { return };
        match ring.open(note) {
            Ok((checkpoint, _)) if checkpoint.origin == *self.origin => self.mirror = Some(checkpoint),
            _ => self.find(None, None, Wrong::MirrorSignature),
        }
    }

    /// At this size, which is not yet reached, the tree had this root when it was last found sound.
    pub(super) fn expect_root(&mut self, size: u64, root: Hash) {
        self.marked = Some((size, root));
    }

    /// Entries that are sound by themselves join the tree.
    pub(super) fn take(&mut self, stretch: &Stretch) {
        stretch.leaves.iter().for_each(|leaf| self.follow(*leaf));
        self.state.time_last = stretch.time_last;
        self.next = self.state.frontier.size();
    }

    /// Leaf hashes of a full tile join the tree, their entries unread.
    pub(super) fn believe(&mut self, tile: &[u8]) {
        tile.chunks_exact(Hash::BYTES).filter_map(Hash::from_slice).for_each(|leaf| self.follow(leaf));
        self.next = self.state.frontier.size();
    }

    /// A leaf joins the tree, and the tiles it fills are kept for comparing.
    fn follow(&mut self, leaf: Hash) {
        let LogState { frontier, ragged, .. } = &mut self.state;
        let above = &mut self.above;
        push(ragged, 0, leaf);
        let size = frontier.size().saturating_add(1);
        frontier.append_noting(leaf, |height, node| {
            if !height.is_multiple_of(TILE_HEIGHT) {
                return;
            }
            let level = height.div_euclid(TILE_HEIGHT);
            let index = size.checked_shr(height).unwrap_or(0).saturating_sub(1);
            let below = level.saturating_sub(1);
            let row = usize::try_from(below).ok().and_then(|below| ragged.get_mut(below));
            if let Some(row) = row {
                if below > 0 {
                    above.insert((i64::from(below), number(index)), bytes(row));
                }
                row.clear();
            }
            push(ragged, level, node);
        });
        self.compare_roots();
    }

    /// How many full tiles of leaves there must be, and every tile above them.
    pub(super) fn tiles(&self) -> (u64, BTreeMap<(i64, i64), Vec<u8>>) {
        let size = self.state.frontier.size();
        let mut all = self.above.clone();
        for (level, row) in (0_u32..).zip(&self.state.ragged).skip(1).filter(|(_, row)| !row.is_empty()) {
            let span = TILE_HEIGHT.saturating_mul(level.saturating_add(1));
            all.insert((i64::from(level), number(size.checked_shr(span).unwrap_or(0))), bytes(row));
        }
        (size / 256, all)
    }

    /// Entries looked at one by one, and named when something is wrong with them.
    pub(super) fn page(&mut self, rows: &[Row], tiles: &BTreeMap<u64, Vec<u8>>, size: u64) -> Result<(), Error> {
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
            self.follow(leaf);
            let filled = self.state.frontier.size();
            let whole = || tiles.get(&(filled / 256).saturating_sub(1)).is_some_and(|tile| tile.len() == TILE_BYTES);
            if filled.is_multiple_of(256) && self.findings.is_empty() && !whole() {
                self.find(None, None, Wrong::Tile);
            }
        }
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
        if self.due == Some(size) {
            self.due = self.history.range(size.saturating_add(1)..).next().map(|(size, _)| *size);
            let note = self.history.get(&size).and_then(|note| Note::parse(note.as_bytes()).ok());
            let kept = note.and_then(|note| Checkpoint::parse(note.text()).ok());
            if kept.is_none_or(|kept| kept.root != self.state.frontier.root()) && self.findings.is_empty() {
                self.find(Some(size.saturating_sub(1)), None, Wrong::HistoryRoot);
            }
        }
        if self.marked.is_some_and(|(at, root)| at == size && root != self.state.frontier.root()) {
            self.find(None, None, Wrong::Root);
        }
        if self.mirror.as_ref().is_some_and(|m| m.size == size && m.root != self.state.frontier.root()) {
            self.find(None, None, Wrong::MirrorRoot);
        }
    }

    /// What was found; for a sound log, where it ends.
    pub(super) fn close(mut self, shard: &ShardRow, ring: &Keyring) -> Result<(LogState, String), Vec<Finding>> {
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

/// A hash joins the unfinished tile of its level.
fn push(ragged: &mut Vec<Vec<Hash>>, level: u32, hash: Hash) {
    let level = usize::try_from(level).unwrap_or(usize::MAX);
    if ragged.len() <= level {
        ragged.push(Vec::with_capacity(TILE_HASHES));
    }
    if let Some(row) = ragged.get_mut(level) {
        row.push(hash);
    }
}

fn bytes(row: &[Hash]) -> Vec<u8> {
    row.iter().flat_map(|hash| hash.0).collect()
}
