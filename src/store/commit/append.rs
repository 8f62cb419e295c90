//! The log's state in memory, and the rows of newly placed entries.
//!
//! Owns index, time and tree: the next entry has the index of the last plus one and never an earlier time, however the
//! clock moves. Tiles of 256 hashes are stored when they are full; the ragged right edge is in the frontier and, for level
//! 1 and above, in a tile row that grows.

use super::Receipt;
use super::writer::ReadyEntry;
use crate::audit::merkle::node_hash;
use crate::audit::{Entry, Frontier, Hash, Origin, Sealed};
use crate::clock::Moment;
use crate::store::Error;
use crate::store::bulk::Bulk;
use crate::store::db::{Arg, Statement, Tx, statements};
use crate::store::entry_index::{self, IndexRow};
use crate::store::keys::{DataKey, Keys, seal_with};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Hashes in a full tile.
///
/// # Source
/// C2SP tlog-tiles.
pub(in crate::store) const TILE_HASHES: usize = 256;
/// Data keys of subjects kept unwrapped. More than are busy at once; the rest is unwrapped again.
const KEYS_KEPT_MAX: usize = 4_096;

statements! {
    TILE_PUT = "INSERT INTO log_tile (origin, level, idx, hashes) VALUES ($1, $2, $3, $4) ON CONFLICT (origin, level, idx) DO UPDATE SET hashes = excluded.hashes";
    KEYS_GET = "SELECT subject, wrapped FROM audit_key WHERE origin = $1 AND subject IN (SELECT value FROM json_each($2))",
        "SELECT subject, wrapped FROM audit_key WHERE origin = $1 AND subject = ANY($2)";
}

static ENTRY_INSERT: Bulk =
    Bulk::new("entry insert", "INSERT INTO log_entry (origin, idx, id, time, entry, leaf, key_ref, sealed)", 8, "");

static KEY_INSERT: Bulk =
    Bulk::new("audit key insert", "INSERT INTO audit_key (origin, subject, wrapped, created_at)", 4, "");

/// The log up to its last committed entry.
#[derive(Clone)]
pub(in crate::store) struct LogState {
    pub(in crate::store) frontier: Frontier,
    pub(in crate::store) time_last: Moment,
    /// Counts batches, so that a batch without entries can be recognised too.
    pub(in crate::store) batches: i64,
    /// Hashes of the unfinished tile of each level.
    pub(in crate::store) ragged: Vec<Vec<Hash>>,
}

/// A placed entry, ready to be written.
pub(super) struct Placed {
    index: u64,
    sealed: Arc<Sealed>,
    indexed: Arc<IndexRow>,
    entry: Entry,
    key_ref: String,
}

/// A tile to be written.
pub(in crate::store) struct Tile {
    level: usize,
    index: u64,
    hashes: Vec<u8>,
}

impl LogState {
    /// The time of the next entry: now, or the last one's if the clock went back.
    pub(super) fn next_time(&self, now: Moment) -> Moment {
        now.max(self.time_last)
    }

    /// Gives entries their places, in order.
    pub(super) fn place(&mut self, entries: Vec<(ReadyEntry, Entry, String)>) -> Vec<Placed> {
        let mut placed = Vec::with_capacity(entries.len());
        for (ready, entry, key_ref) in entries {
            let index = self.frontier.size();
            self.frontier.append(entry.leaf());
            self.time_last = entry.time();
            placed.push(Placed { index, sealed: ready.sealed, indexed: ready.index, entry, key_ref });
        }
        placed
    }

    /// Adds leaves to the ragged edge; the tiles that changed.
    pub(in crate::store) fn grow(&mut self, leaves: impl Iterator<Item = Hash>) -> Vec<Tile> {
        let mut done: BTreeMap<(usize, u64), Tile> = BTreeMap::new();
        let first = self.frontier.size();
        let mut count: u64 = first.saturating_sub(u64::try_from(leaves.size_hint().0).unwrap_or(0));
        for leaf in leaves {
            count = count.saturating_add(1);
            let (mut hash, mut level, mut width) = (leaf, 0usize, 1u64);
            loop {
                if self.ragged.len() <= level {
                    self.ragged.push(Vec::with_capacity(TILE_HASHES));
                }
                let Some(row) = self.ragged.get_mut(level) else { break };
                row.push(hash);
                let full = row.len() >= TILE_HASHES;
                let span = width.saturating_mul(256);
                let index = count.div_ceil(span).saturating_sub(1);
                if full || level > 0 {
                    let hashes = row.iter().flat_map(|h| h.0).collect();
                    done.insert((level, index), Tile { level, index, hashes });
                }
                if !full {
                    break;
                }
                hash = tile_root(row);
                row.clear();
                level = level.saturating_add(1);
                width = span;
            }
        }
        done.into_values().collect()
    }
}

/// The root of a full tile's hashes.
pub(in crate::store) fn tile_root(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks(2).filter_map(|pair| Some(node_hash(pair.first()?, pair.get(1)?))).collect();
    }
    row.first().copied().unwrap_or(Hash([0; 32]))
}

/// The subjects' data keys: found, made and remembered.
pub(super) struct SubjectKeys {
    kept: BTreeMap<String, Arc<DataKey>>,
    /// Made in the running batch: forgotten when it does not commit.
    fresh: Vec<String>,
}

impl SubjectKeys {
    pub(super) const fn new() -> Self {
        Self { kept: BTreeMap::new(), fresh: Vec::new() }
    }
    /// The batch committed: its keys are in the database.
    pub(super) fn keep(&mut self) {
        self.fresh.clear();
    }
    /// A key was erased: the next entry about this subject gets another.
    pub(super) fn lose(&mut self, subject: &str) {
        self.kept.remove(subject);
    }
    /// The batch did not commit.
    pub(super) fn forget(&mut self) {
        for subject in self.fresh.drain(..) {
            self.kept.remove(&subject);
        }
    }

    /// Finds the keys of all these entries, or makes them.
    async fn fetch(&mut self, tx: &mut Tx, keys: &Keys, origin: &str, placed: &[Placed]) -> Result<(), Error> {
        let missing = |one: &&Placed| !self.kept.contains_key(&one.key_ref);
        let missing: BTreeMap<&str, Moment> =
            placed.iter().filter(missing).map(|one| (one.key_ref.as_str(), one.entry.time())).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let wanted: Vec<String> = missing.keys().map(|subject| (*subject).to_owned()).collect();
        let mut found = BTreeMap::new();
        for row in tx.fetch(&KEYS_GET, &[Arg::Text(origin), Arg::Texts(&wanted)]).await? {
            let subject = row.text(0, "subject")?;
            let key = keys.unwrap(&key_context(origin, &subject), &row.bytes(1, "wrapped")?)?;
            found.insert(subject, Arc::new(key));
        }
        let mut made = Vec::new();
        for (subject, time) in missing.iter().filter(|(subject, _)| !found.contains_key(**subject)) {
            let key = keys.new_key()?;
            made.push((*subject, keys.wrap(&key_context(origin, subject), &key)?, time.millis(), key));
        }
        let args: Vec<Arg<'_>> = made
            .iter()
            .flat_map(|(subject, wrapped, at, _)| {
                [Arg::Text(origin), Arg::Text(subject), Arg::Bytes(wrapped), Arg::Int(*at)]
            })
            .collect();
        KEY_INSERT.insert(tx, &args).await?;
        drop(args);
        for (subject, _, _, key) in made {
            self.fresh.push(subject.to_owned());
            found.insert(subject.to_owned(), Arc::new(key));
        }
        self.kept.extend(found);
        Ok(())
    }

    /// The key of an entry.
    fn get(&self, subject: &str) -> Result<&DataKey, Error> {
        self.kept.get(subject).map(Arc::as_ref).ok_or(Error::Corrupt { at: "log", what: "a subject's key" })
    }

    /// Starts again with none when too many are kept. Called before a batch, when none is fresh.
    fn make_room(&mut self) {
        if self.kept.len() >= KEYS_KEPT_MAX {
            let fresh = &self.fresh;
            self.kept.retain(|subject, _| fresh.contains(subject));
        }
    }
}

/// What a subject's wrapped key is bound to.
pub(in crate::store) fn key_context(origin: &str, subject: &str) -> String {
    format!("audit key {origin} {subject}")
}

/// What a sealed payload is bound to.
pub(in crate::store) fn payload_context(origin: &str, id: &str) -> String {
    format!("audit payload {origin} {id}")
}

/// Whose key seals an entry: its subject's, or the month's when it is about nobody.
pub(super) fn key_ref(sealed_for: Option<&str>, now: Moment) -> String {
    match sealed_for {
        Some(subject) => subject.to_owned(),
        None => format!("month-{}", now.timestamp().strftime("%Y-%m")),
    }
}

/// Writes placed entries with their payloads sealed, and the tiles they fill.
pub(super) async fn write(
    tx: &mut Tx,
    keys: &Keys,
    subjects: &mut SubjectKeys,
    state: &mut LogState,
    origin: &Origin,
    placed: &[Placed],
) -> Result<(), Error> {
    subjects.make_room();
    subjects.fetch(tx, keys, origin.as_str(), placed).await?;
    let mut payloads = Vec::with_capacity(placed.len());
    for one in placed {
        let key = subjects.get(&one.key_ref)?;
        let mut clear = one.sealed.salt().as_bytes().to_vec();
        clear.extend_from_slice(one.sealed.payload());
        payloads.push(seal_with(keys, key, &payload_context(origin.as_str(), one.sealed.id().as_str()), &clear)?);
    }
    let leaves: Vec<Hash> = placed.iter().map(|one| one.entry.leaf()).collect();
    let mut args = Vec::with_capacity(placed.len().saturating_mul(8));
    for ((one, payload), leaf) in placed.iter().zip(&payloads).zip(&leaves) {
        args.extend([
            Arg::Text(origin.as_str()),
            Arg::Int(number(one.index)),
            Arg::Text(one.sealed.id().as_str()),
            Arg::Int(one.entry.time().millis()),
            Arg::Bytes(one.entry.bytes()),
            Arg::Bytes(&leaf.0),
            Arg::Text(&one.key_ref),
            Arg::Bytes(payload),
        ]);
    }
    ENTRY_INSERT.insert(tx, &args).await?;
    let rows: Vec<(u64, i64, &IndexRow)> =
        placed.iter().map(|one| (one.index, one.entry.time().millis(), &*one.indexed)).collect();
    entry_index::write(tx, origin, &rows).await?;
    for tile in state.grow(leaves.iter().copied()) {
        put_tile(tx, &TILE_PUT, origin, &tile).await?;
    }
    Ok(())
}

async fn put_tile(tx: &mut Tx, statement: &Statement, origin: &Origin, tile: &Tile) -> Result<(), Error> {
    let level = i64::try_from(tile.level).unwrap_or(i64::MAX);
    let args = [Arg::Text(origin.as_str()), Arg::Int(level), Arg::Int(number(tile.index)), Arg::Bytes(&tile.hashes)];
    tx.execute(statement, &args).await.map(drop)
}

/// The receipts of placed entries.
pub(super) fn receipts(placed: &[Placed], origin: &Arc<str>) -> Vec<Receipt> {
    let receipt = |one: &Placed| Receipt {
        id: one.sealed.id().clone(),
        index: one.index,
        time: one.entry.time(),
        origin: Arc::clone(origin),
    };
    placed.iter().map(receipt).collect()
}

/// A count as the database stores it.
pub(in crate::store) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::{Tree, leaf_hash};

    #[test]
    fn tiles_of_seventy_thousand_leaves_are_those_of_the_standard() {
        // audit paper §4: 273 full tiles at level 0, one full and one of 17 at level 1, one of 1 at level 2.
        let mut state =
            LogState { frontier: Frontier::new(), time_last: Moment::from_millis(0), batches: 0, ragged: vec![] };
        let leaves: Vec<Hash> = (0..70_000u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut tiles: BTreeMap<(usize, u64), Vec<u8>> = BTreeMap::new();
        for batch in leaves.chunks(97) {
            batch.iter().for_each(|leaf| state.frontier.append(*leaf));
            for tile in state.grow(batch.iter().copied()) {
                tiles.insert((tile.level, tile.index), tile.hashes);
            }
        }
        let widths = |level: usize| {
            tiles.iter().filter(|((l, _), _)| *l == level).map(|(_, h)| h.len() / 32).collect::<Vec<_>>()
        };
        assert_eq!(widths(0), vec![256; 273]);
        assert_eq!(widths(1), [256, 17]);
        assert_eq!(widths(2), [1]);
        assert_eq!(state.ragged[0].len(), 112);
        assert_eq!(
            tiles.keys().filter(|(l, _)| *l == 0).map(|(_, i)| *i).collect::<Vec<_>>(),
            (0..273).collect::<Vec<_>>()
        );
        // The level 1 hash of tile 5 is the root of leaves 1280..1536.
        let tree = Tree::new(leaves[1280..1536].to_vec());
        assert_eq!(tiles[&(1, 0)][5 * 32..6 * 32], tree.root().0);
    }
}
