//! Trees: the compact frontier that appends, all hashes in memory, and where hashes come from.

use super::hash::{Hash, empty_root, node_hash};
use super::make::root;

/// Why a tree, root or proof cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MerkleError {
    /// The index is not below the tree size.
    #[error("index {index} is not in a tree of {size} entries")]
    Index {
        /// Index asked for.
        index: u64,
        /// Tree size.
        size: u64,
    },
    /// The first size is larger than the second.
    #[error("tree size {first} is larger than {second}")]
    Sizes {
        /// Old size.
        first: u64,
        /// New size.
        second: u64,
    },
    /// The source does not have this hash.
    #[error("the hash at level {level}, position {position} is not stored")]
    Missing {
        /// Binary level: 0 is leaf hashes.
        level: u32,
        /// Position at that level, from 0.
        position: u64,
    },
    /// A stored frontier does not have the shape its size demands.
    #[error("a stored frontier has the wrong shape")]
    Frontier,
}

/// The tree as far as appending needs it: the roots of its complete subtrees, largest first. At most 64 hashes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Entries in the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
    /// Roots of the complete subtrees, largest first: one for each 1 bit of the size.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }
    /// Appends a leaf hash; O(log n), amortised one node hash.
    pub fn append(&mut self, leaf: Hash) {
        self.append_noting(leaf, |_, _| {});
    }
    /// As [`Frontier::append`]; `joined` is told of each complete subtree the leaf completes, its height (1 for two leaves)
    /// and its root, smallest first.
    pub fn append_noting(&mut self, leaf: Hash, mut joined: impl FnMut(u32, Hash)) {
        let mut node = leaf;
        // Each trailing 1 bit of the size is a complete subtree as large as `node`: join them.
        for below in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
                joined(below.saturating_add(1), node);
            }
        }
        self.peaks.push(node);
        // A log of 2^64 entries is out of reach (585,000 years at a million a second).
        self.size = self.size.saturating_add(1);
    }
    /// The root at the present size.
    ///
    /// # Source
    /// RFC 6962 §2.1 (MTH)
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
    /// As bytes: size in 8 bytes big-endian, then the peaks.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.size.to_be_bytes().to_vec();
        for peak in &self.peaks {
            out.extend_from_slice(&peak.0);
        }
        out
    }
    /// Reads [`Frontier::to_bytes`] back. The hashes themselves are believed: compare the root with a checkpoint.
    ///
    /// # Errors
    /// [`MerkleError::Frontier`] when the number of peaks does not fit the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MerkleError> {
        let (head, tail) = bytes.split_first_chunk::<8>().ok_or(MerkleError::Frontier)?;
        let (peaks, rest) = tail.as_chunks::<32>();
        Self::from_parts(u64::from_be_bytes(*head), peaks.iter().copied().map(Hash).collect(), rest)
    }
    fn from_parts(size: u64, peaks: Vec<Hash>, rest: &[u8]) -> Result<Self, MerkleError> {
        if !rest.is_empty() || u32::try_from(peaks.len()) != Ok(size.count_ones()) {
            return Err(MerkleError::Frontier);
        }
        Ok(Self { size, peaks })
    }
    /// The frontier of the first `size` entries of a stored tree.
    ///
    /// # Errors
    /// [`MerkleError::Missing`] when the source lacks a hash.
    pub fn from_source(source: &impl NodeSource, size: u64) -> Result<Self, MerkleError> {
        let mut peaks = Vec::new();
        let mut at = 0_u64;
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            peaks.push(source.node(level, at >> level)?);
            at += 1 << level;
        }
        Ok(Self { size, peaks })
    }
}

/// Where tree hashes come from: leaves in memory, tiles in files, rows in a database.
pub trait NodeSource {
    /// The root of the complete subtree over leaves `position * 2^level .. (position + 1) * 2^level`.
    ///
    /// # Errors
    /// [`MerkleError::Missing`] when it cannot be had.
    fn node(&self, level: u32, position: u64) -> Result<Hash, MerkleError>;
}

/// All hashes of a tree in memory, level by level: proofs in O(log n). 64 bytes an entry.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over these leaf hashes.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|l| l.len() > 1) {
            let (pairs, _) = below.as_chunks::<2>();
            let above = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
            levels.push(above);
        }
        Self { levels }
    }
    /// Appends a leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut level = 0;
        loop {
            if self.levels.len() <= level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else { return };
            row.push(node);
            if row.len() % 2 == 1 {
                return;
            }
            let Some([left, right]) = row.last_chunk::<2>() else { return };
            node = node_hash(left, right);
            level += 1;
        }
    }
    /// Entries in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.leaves().len() as u64
    }
    /// The leaf hashes.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }
    /// The root at the present size.
    #[must_use]
    pub fn root(&self) -> Hash {
        // Every node below the size is held, so nothing can be missing.
        root(self, self.size()).unwrap_or_default()
    }
}

impl NodeSource for Tree {
    fn node(&self, level: u32, position: u64) -> Result<Hash, MerkleError> {
        let find = || self.levels.get(usize::try_from(level).ok()?)?.get(usize::try_from(position).ok()?).copied();
        find().ok_or(MerkleError::Missing { level, position })
    }
}
