//! Tiles: how the tree and its entries are laid out in files or over HTTP.
//!
//! Owns tile addresses and their paths, which tiles a tree of a given size has, the bytes of hash tiles and entry
//! bundles, and proofs read from tiles ([`TileNodes`]). Reads no file. Read [`TileId`] first.
//!
//! # Source
//! C2SP tlog-tiles v0.1.0; Solent audit paper §4.

use super::entry::ENTRY_BYTES_MAX;
use super::merkle::{Hash, MerkleError, NodeSource, node_hash};
use super::note::decimal;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// Hashes (or entries) in a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Binary tree levels in a tile level: 2^8 = 256.
const TILE_HEIGHT: u32 = 8;
/// Highest tile level in a path (C2SP tlog-tiles); a tree of 2^64 entries needs eight.
const LEVEL_MAX: u8 = 63;
/// Largest entry bundle, in bytes: 256 entries of the largest size with their lengths.
pub const BUNDLE_BYTES_MAX: usize = TILE_WIDTH as usize * (ENTRY_BYTES_MAX + 2);

/// Why a tile cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TileError {
    /// The path is not a tile's.
    #[error("not the path of a tile")]
    Path,
    /// A hash tile's length is not 32 bytes for each of its hashes.
    #[error("the tile has {found} bytes, its width demands {expected}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes its width demands.
        expected: usize,
    },
    /// An entry bundle ends inside an entry.
    #[error("the entry bundle ends inside its entry {0} (counted from 0)")]
    Bundle(usize),
    /// An entry is too long for a bundle.
    #[error("an entry is longer than {ENTRY_BYTES_MAX} bytes")]
    Entry,
}

/// What a tile holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TileKind {
    /// Hashes at this tile level: 0 holds leaf hashes.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The address of one tile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileId {
    /// Hashes of a level, or entries.
    pub kind: TileKind,
    /// Position within the level, from 0.
    pub index: u64,
    /// Hashes or entries in it: 1 to 256. Less than 256 is a partial tile.
    pub width: u16,
}

impl TileId {
    /// A tile of hashes.
    #[must_use]
    pub const fn hashes(level: u8, index: u64, width: u16) -> Self {
        Self { kind: TileKind::Hashes(level), index, width }
    }
    /// A bundle of entries.
    #[must_use]
    pub const fn entries(index: u64, width: u16) -> Self {
        Self { kind: TileKind::Entries, index, width }
    }
    /// True when it has fewer than 256.
    #[must_use]
    pub const fn is_partial(self) -> bool {
        self.width < TILE_WIDTH
    }
    /// Index of its first leaf (or first hash at its level).
    #[must_use]
    pub const fn start(self) -> u64 {
        self.index.saturating_mul(TILE_WIDTH as u64)
    }
    /// Reads a path such as `tile/0/x001/x234/067` or `tile/entries/273.p/112`.
    ///
    /// # Errors
    /// [`TileError::Path`] for any other spelling, also leading zeros and widths outside 1 to 255.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let rest = path.strip_prefix("tile/").ok_or(TileError::Path)?;
        let (kind, rest) = rest.split_once('/').ok_or(TileError::Path)?;
        let kind = if kind == "entries" {
            TileKind::Entries
        } else {
            let level = decimal(kind).and_then(|n| u8::try_from(n).ok()).filter(|l| *l <= LEVEL_MAX);
            TileKind::Hashes(level.ok_or(TileError::Path)?)
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                let width = decimal(width).and_then(|n| u16::try_from(n).ok()).filter(|w| (1..TILE_WIDTH).contains(w));
                (number, width.ok_or(TileError::Path)?)
            }
            None => (rest, TILE_WIDTH),
        };
        let index = index_from_path(number).ok_or(TileError::Path)?;
        let id = Self { kind, index, width };
        // One spelling for each tile: `x000/001` is tile 1 written another way.
        if id.to_string() == path { Ok(id) } else { Err(TileError::Path) }
    }
}

fn index_from_path(text: &str) -> Option<u64> {
    let mut index = 0_u64;
    let mut groups = text.split('/').peekable();
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(index)
}

impl fmt::Display for TileId {
    /// The path below the log's prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        let last = groups.len() - 1;
        for (i, group) in groups.iter().rev().enumerate() {
            if i < last { write!(f, "x{group:03}/")? } else { write!(f, "{group:03}")? }
        }
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Hashes at tile level `level` of a tree of `size` entries: full subtrees of 256^level.
const fn count_at(level: u8, size: u64) -> u64 {
    match size.checked_shr(TILE_HEIGHT * level as u32) {
        Some(count) => count,
        None => 0,
    }
}

/// The tiles of one level in order, full ones first, then the partial one if there is one.
fn tiles_at(kind: TileKind, count: u64) -> impl Iterator<Item = TileId> {
    let full = count / u64::from(TILE_WIDTH);
    let rest = u16::try_from(count % u64::from(TILE_WIDTH)).unwrap_or(0);
    let partial = (rest > 0).then_some(TileId { kind, index: full, width: rest });
    (0..full).map(move |index| TileId { kind, index, width: TILE_WIDTH }).chain(partial)
}

/// Every hash tile of a tree of `size` entries, level by level.
pub fn hash_tiles(size: u64) -> impl Iterator<Item = TileId> {
    (0..=LEVEL_MAX)
        .map(move |level| (level, count_at(level, size)))
        .take_while(|(_, count)| *count > 0)
        .flat_map(|(level, count)| tiles_at(TileKind::Hashes(level), count))
}

/// Every entry bundle of a tree of `size` entries.
pub fn entry_tiles(size: u64) -> impl Iterator<Item = TileId> {
    tiles_at(TileKind::Entries, size)
}

/// The tile of level `level` that holds hash `position` of that level, as wide as a tree of `size` entries makes it.
/// `None` when the tree is too small to have that hash.
#[must_use]
pub fn tile_with(level: u8, position: u64, size: u64) -> Option<TileId> {
    let count = count_at(level, size);
    if position >= count {
        return None;
    }
    let index = position / u64::from(TILE_WIDTH);
    let width = (count - index * u64::from(TILE_WIDTH)).min(u64::from(TILE_WIDTH));
    Some(TileId::hashes(level, index, u16::try_from(width).ok()?))
}

/// The bytes of a hash tile.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|h| h.0).collect()
}

/// Reads a hash tile of `width` hashes.
///
/// # Errors
/// [`TileError::Length`].
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let expected = usize::from(width) * Hash::BYTES;
    if bytes.len() != expected {
        return Err(TileError::Length { found: bytes.len(), expected });
    }
    let (hashes, _) = bytes.as_chunks::<32>();
    Ok(hashes.iter().copied().map(Hash).collect())
}

/// Appends one entry to the bytes of an entry bundle: its length in two bytes big-endian, then the entry.
///
/// # Errors
/// [`TileError::Entry`] when it is too long.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(entry.len()).map_err(|_| TileError::Entry)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle in order. When it ends inside an entry, the last item is the error and those before it stand.
pub fn entries_of(mut bundle: &[u8]) -> impl Iterator<Item = Result<&[u8], TileError>> {
    let mut count = 0;
    std::iter::from_fn(move || {
        if bundle.is_empty() {
            return None;
        }
        let split = || {
            let (length, rest) = bundle.split_first_chunk::<2>()?;
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        };
        let Some((entry, rest)) = split() else {
            bundle = &[];
            return Some(Err(TileError::Bundle(count)));
        };
        bundle = rest;
        count += 1;
        Some(Ok(entry))
    })
}

/// Where hash tiles come from.
pub trait TileSource {
    /// The hashes of a tile, exactly `tile.width` of them.
    ///
    /// # Errors
    /// [`MerkleError::Missing`] when it is not stored.
    fn tile(&self, tile: TileId) -> Result<Vec<Hash>, MerkleError>;
}

impl TileSource for BTreeMap<TileId, Vec<Hash>> {
    fn tile(&self, tile: TileId) -> Result<Vec<Hash>, MerkleError> {
        self.get(&tile).cloned().ok_or_else(|| missing(tile))
    }
}

fn missing(tile: TileId) -> MerkleError {
    let level = if let TileKind::Hashes(level) = tile.kind { u32::from(level) * TILE_HEIGHT } else { 0 };
    MerkleError::Missing { level, position: tile.start() }
}

/// Tree nodes computed from the tiles of a tree of one size. Keeps each tile it has read: made for one proof or root,
/// which touches at most two tiles a level.
pub struct TileNodes<'a, T: TileSource + ?Sized> {
    tiles: &'a T,
    size: u64,
    read: RefCell<BTreeMap<TileId, Vec<Hash>>>,
}

impl<'a, T: TileSource + ?Sized> TileNodes<'a, T> {
    /// Nodes of the tree of `size` entries whose tiles `tiles` has.
    #[must_use]
    pub fn new(tiles: &'a T, size: u64) -> Self {
        Self { tiles, size, read: RefCell::new(BTreeMap::new()) }
    }
}

impl<T: TileSource + ?Sized> NodeSource for TileNodes<'_, T> {
    fn node(&self, level: u32, position: u64) -> Result<Hash, MerkleError> {
        let absent = MerkleError::Missing { level, position };
        let tile_level = u8::try_from(level / TILE_HEIGHT).map_err(|_| absent)?;
        // The node covers this many hashes of its tile.
        let span = 1_u64 << (level % TILE_HEIGHT);
        let first = position.checked_mul(span).ok_or(absent)?;
        let last = first.checked_add(span - 1).ok_or(absent)?;
        let tile = tile_with(tile_level, last, self.size).ok_or(absent)?;
        let mut read = self.read.borrow_mut();
        let hashes = match read.entry(tile) {
            std::collections::btree_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(self.tiles.tile(tile)?),
        };
        let from = usize::try_from(first - tile.start()).map_err(|_| absent)?;
        let to = usize::try_from(last - tile.start()).map_err(|_| absent)?;
        complete_root(hashes.get(from..=to).ok_or(absent)?).ok_or(absent)
    }
}

/// Root of a complete subtree over 2^k hashes; `None` for another number.
#[must_use]
pub fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, _) = row.as_chunks::<2>();
        row = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::{Tree, leaf_hash, root};

    #[test]
    fn paths_are_those_of_the_paper() {
        for (tile, path) in [
            (TileId::hashes(0, 7, 256), "tile/0/007"),
            (TileId::hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (TileId::hashes(0, 273, 112), "tile/0/273.p/112"),
            (TileId::hashes(1, 0, 1), "tile/1/000.p/1"),
            (TileId::entries(1000, 256), "tile/entries/x001/000"),
            (TileId::entries(0, 3), "tile/entries/000.p/3"),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(TileId::parse(path), Ok(tile));
        }
    }

    #[test]
    fn other_spellings_of_a_path_are_refused() {
        for bad in [
            "tile/0/7",
            "tile/00/007",
            "tile/64/007",
            "tile/0/x000/007",
            "tile/0/001/007",
            "tile/0/007.p/0",
            "tile/0/007.p/256",
            "tile/0/007.p/01",
            "tile/-1/007",
            "tile/data/007",
            "tile/0/",
            "0/007",
            "tile/0/007/",
            "tile/0/x007",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(TileId::parse(bad), Err(TileError::Path), "{bad}");
        }
    }

    /// Audit paper §4: the two worked examples.
    #[test]
    fn a_tree_has_the_tiles_the_paper_counts() {
        let paths = |size| hash_tiles(size).map(|t| t.to_string()).collect::<Vec<_>>();
        assert_eq!(paths(256), ["tile/0/000", "tile/1/000.p/1"]);
        assert!(paths(0).is_empty());
        let large = paths(70_000);
        assert_eq!(large.len(), 273 + 1 + 1 + 1 + 1);
        assert_eq!(large[273..], ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(entry_tiles(70_000).count(), 274);
    }

    #[test]
    fn nodes_from_tiles_are_those_of_the_tree() {
        let size = 600;
        let tree = Tree::new((0..size).map(|i: u32| leaf_hash(&i.to_be_bytes())).collect());
        let mut tiles = BTreeMap::new();
        for tile in hash_tiles(u64::from(size)) {
            let TileKind::Hashes(level) = tile.kind else { panic!() };
            let hashes = (0..u64::from(tile.width)).map(|i| tree.node(u32::from(level) * 8, tile.start() + i).unwrap());
            tiles.insert(tile, hashes.collect::<Vec<_>>());
        }
        let nodes = TileNodes::new(&tiles, u64::from(size));
        assert_eq!(root(&nodes, u64::from(size)), Ok(tree.root()));
        for level in 0..9 {
            for position in 0..u64::from(size) >> level {
                assert_eq!(nodes.node(level, position), tree.node(level, position), "{level} {position}");
            }
            assert!(nodes.node(level, u64::from(size) >> level).is_err());
        }
    }

    #[test]
    fn a_bundle_cut_short_gives_its_whole_entries_and_then_says_so() {
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", b"three"] {
            push_entry(&mut bundle, entry).unwrap();
        }
        assert_eq!(bundle, b"\x00\x03one\x00\x00\x00\x05three");
        let whole: Result<Vec<_>, _> = entries_of(&bundle).collect();
        assert_eq!(whole.unwrap(), [&b"one"[..], b"", b"three"]);
        let cut: Vec<_> = entries_of(&bundle[..bundle.len() - 1]).collect();
        assert_eq!(cut, [Ok(&b"one"[..]), Ok(&b""[..]), Err(TileError::Bundle(2))]);
        assert_eq!(push_entry(&mut bundle, &[0; ENTRY_BYTES_MAX + 1]), Err(TileError::Entry));
    }
}
