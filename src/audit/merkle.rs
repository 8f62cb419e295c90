//! The Merkle tree: hashing, an appendable tree, proofs and their verification.
//!
//! Owns RFC 6962 hashing ([`leaf_hash`], [`node_hash`]), the compact [`Frontier`] that appends in O(log n), roots and
//! proofs over any [`NodeSource`], and the verification algorithms. Stores nothing. Read [`Frontier`], then [`inclusion_proof`].
//!
//! # Source
//! RFC 6962 §2.1; RFC 9162 §2.1.3.2 and §2.1.4.2 (verification); Solent audit paper §4, §5.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest;
use std::fmt;

/// A SHA-256 tree hash. Prints as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Bytes of one hash.
    pub const BYTES: usize = 32;
    /// From exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    /// From 64 lower-case hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
    /// From standard padded Base64 of 32 bytes; other spellings are refused.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64_STANDARD.decode(text).ok().and_then(|bytes| Self::from_slice(&bytes))
    }
    /// Standard padded Base64, as in checkpoints and proofs.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS.get(usize::from(n)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 0x0F)]).collect()
}

/// Exactly 64 lower-case hex digits.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut out = [0; 32];
    let (pairs, _) = digits.as_chunks::<2>();
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        *to = (value(*high)? << 4) | value(*low)?;
    }
    Some(out)
}

fn finish(context: digest::Context) -> Hash {
    Hash::from_slice(context.finish().as_ref()).unwrap_or_default()
}

/// Root of the empty tree: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    finish(digest::Context::new(&digest::SHA256))
}

/// Hash of an entry: SHA-256(0x00 || entry).
///
/// # Source
/// RFC 6962 §2.1
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[0x00]);
    context.update(entry);
    finish(context)
}

/// Hash of two subtrees: SHA-256(0x01 || left || right).
///
/// # Source
/// RFC 6962 §2.1
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0x01; 65];
    let (_, body) = bytes.split_at_mut(1);
    for (to, from) in body.iter_mut().zip(left.0.iter().chain(&right.0)) {
        *to = *from;
    }
    Hash::from_slice(digest::digest(&digest::SHA256, &bytes).as_ref()).unwrap_or_default()
}

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
        let mut node = leaf;
        // Each trailing 1 bit of the size is a complete subtree as large as `node`: join them.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
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

/// Largest power of two smaller than `n`, for `n >= 2`.
const fn split(n: u64) -> u64 {
    1 << (u64::BITS - 1 - n.saturating_sub(1).leading_zeros())
}

/// MTH(D[start:end]) where the range is a subtree of the tree: start is a multiple of the largest power of two in it.
fn subtree(source: &(impl NodeSource + ?Sized), start: u64, end: u64) -> Result<Hash, MerkleError> {
    let n = end.saturating_sub(start);
    if n.is_power_of_two() {
        let level = n.trailing_zeros();
        return source.node(level, start >> level);
    }
    // Walk the right edge down, collecting complete left subtrees, then join them from the right.
    let mut lefts = Vec::new();
    let mut at = start;
    while !(end - at).is_power_of_two() {
        let k = split(end - at);
        let level = k.trailing_zeros();
        lefts.push(source.node(level, at >> level)?);
        at += k;
    }
    let level = (end - at).trailing_zeros();
    let last = source.node(level, at >> level)?;
    Ok(lefts.iter().rev().fold(last, |right, left| node_hash(left, &right)))
}

/// The root over the first `size` entries.
///
/// # Errors
/// [`MerkleError::Missing`] when the source lacks a hash.
///
/// # Source
/// RFC 6962 §2.1
pub fn root(source: &(impl NodeSource + ?Sized), size: u64) -> Result<Hash, MerkleError> {
    if size == 0 { Ok(empty_root()) } else { subtree(source, 0, size) }
}

/// The inclusion proof of entry `index` in the tree of `size` entries, leaf sibling first.
///
/// # Errors
/// [`MerkleError::Index`] when `index >= size`; [`MerkleError::Missing`].
///
/// # Source
/// RFC 6962 §2.1.1 (PATH)
pub fn inclusion_proof(source: &(impl NodeSource + ?Sized), index: u64, size: u64) -> Result<Vec<Hash>, MerkleError> {
    if index >= size {
        return Err(MerkleError::Index { index, size });
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(subtree(source, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(source, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The consistency proof from the tree of `first` entries to that of `second`.
///
/// # Errors
/// [`MerkleError::Sizes`] when `first > second`; [`MerkleError::Missing`]. From 0, and between equal sizes, it is empty.
///
/// # Source
/// RFC 6962 §2.1.2 (PROOF, SUBPROOF)
pub fn consistency_proof(
    source: &(impl NodeSource + ?Sized),
    first: u64,
    second: u64,
) -> Result<Vec<Hash>, MerkleError> {
    if first > second {
        return Err(MerkleError::Sizes { first, second });
    }
    let mut proof = Vec::new();
    if first == 0 || first == second {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, second);
    // True while the old tree is exactly a subtree seen so far: its root is then known to the verifier.
    let mut known = true;
    while first < end {
        let middle = start + split(end - start);
        if first <= middle {
            proof.push(subtree(source, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(source, start, middle)?);
            start = middle;
            known = false;
        }
    }
    if !known {
        proof.push(subtree(source, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Why a proof does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// The index is not below the tree size, or the old size is above the new.
    #[error("the index or the sizes are out of range")]
    Range,
    /// The proof has too many or too few hashes.
    #[error("the proof has the wrong length")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that `leaf` is entry `index` of the tree of `size` entries with root `root`.
///
/// # Errors
/// [`ProofError`].
///
/// # Source
/// RFC 9162 §2.1.3.2
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Range);
    }
    let (mut fnode, mut snode) = (index, size - 1);
    let mut r = *leaf;
    for p in proof {
        if snode == 0 {
            return Err(ProofError::Length);
        }
        if fnode & 1 == 1 || fnode == snode {
            r = node_hash(p, &r);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            r = node_hash(&r, p);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode != 0 {
        return Err(ProofError::Length);
    }
    if r == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `first` entries with root `first_root` is the beginning of the tree of `second` entries with
/// root `second_root`.
///
/// # Errors
/// [`ProofError`].
///
/// # Source
/// RFC 9162 §2.1.4.2
pub fn verify_consistency(
    first: u64,
    first_root: &Hash,
    second: u64,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if first > second {
        return Err(ProofError::Range);
    }
    if first == 0 || first == second {
        if !proof.is_empty() {
            return Err(ProofError::Length);
        }
        let same = if first == 0 { *first_root == empty_root() } else { first_root == second_root };
        return if same { Ok(()) } else { Err(ProofError::Root) };
    }
    let mut rest = proof.iter();
    let start = if first.is_power_of_two() { *first_root } else { *rest.next().ok_or(ProofError::Length)? };
    let (mut fnode, mut snode) = (first - 1, second - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    let (mut fr, mut sr) = (start, start);
    for c in rest {
        if snode == 0 {
            return Err(ProofError::Length);
        }
        if fnode & 1 == 1 || fnode == snode {
            fr = node_hash(c, &fr);
            sr = node_hash(c, &sr);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            sr = node_hash(&sr, c);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode != 0 {
        return Err(ProofError::Length);
    }
    if fr == *first_root && sr == *second_root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight leaves of the Certificate Transparency reference tests (audit paper §7).
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hash(text: &str) -> Hash {
        Hash::from_hex(text).unwrap()
    }
    fn hashes(texts: &[&str]) -> Vec<Hash> {
        texts.iter().map(|t| hash(t)).collect()
    }
    fn paper_tree() -> Tree {
        Tree::new(LEAVES.iter().map(|l| leaf_hash(l)).collect())
    }

    #[test]
    fn roots_of_the_paper_at_every_size() {
        let tree = paper_tree();
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root(), hash(ROOTS[0]));
        for (i, leaf) in LEAVES.iter().enumerate() {
            frontier.append(leaf_hash(leaf));
            assert_eq!(frontier.root(), hash(ROOTS[i + 1]));
            assert_eq!(root(&tree, i as u64 + 1), Ok(hash(ROOTS[i + 1])));
        }
        assert_eq!(root(&tree, 9), Err(MerkleError::Missing { level: 0, position: 8 }));
    }

    #[test]
    fn inclusion_proofs_of_the_paper() {
        let tree = paper_tree();
        let cases: [(u64, u64, &[&str]); 4] = [
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
            (0, 1, &[]),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        for (index, size, expected) in cases {
            assert_eq!(inclusion_proof(&tree, index, size), Ok(hashes(expected)), "{index} in {size}");
        }
        assert_eq!(inclusion_proof(&tree, 8, 8), Err(MerkleError::Index { index: 8, size: 8 }));
    }

    #[test]
    fn consistency_proofs_of_the_paper() {
        let tree = paper_tree();
        let cases: [(u64, u64, &[&str]); 5] = [
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
            (4, 8, &["6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
            (
                3,
                7,
                &[
                    "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
                    "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
                    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                    "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
                ],
            ),
        ];
        for (first, second, expected) in cases {
            assert_eq!(consistency_proof(&tree, first, second), Ok(hashes(expected)), "{first} to {second}");
        }
        assert_eq!(consistency_proof(&tree, 3, 2), Err(MerkleError::Sizes { first: 3, second: 2 }));
    }

    #[test]
    fn every_inclusion_proof_verifies_and_every_flaw_in_it_is_found() {
        let tree = paper_tree();
        for size in 1..=8_u64 {
            let whole = hash(ROOTS[usize::try_from(size).unwrap()]);
            for index in 0..size {
                let leaf = leaf_hash(LEAVES[usize::try_from(index).unwrap()]);
                let proof = inclusion_proof(&tree, index, size).unwrap();
                assert_eq!(verify_inclusion(&leaf, index, size, &proof, &whole), Ok(()));
                for at in 0..proof.len() {
                    for byte in [0, 31] {
                        let mut bad = proof.clone();
                        bad[at].0[byte] ^= 1;
                        assert_eq!(verify_inclusion(&leaf, index, size, &bad, &whole), Err(ProofError::Root));
                    }
                    let short: Vec<Hash> =
                        proof.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, h)| *h).collect();
                    assert!(verify_inclusion(&leaf, index, size, &short, &whole).is_err());
                }
                let mut long = proof.clone();
                long.push(leaf);
                assert_eq!(verify_inclusion(&leaf, index, size, &long, &whole), Err(ProofError::Length));
                assert_eq!(verify_inclusion(&leaf, size, size, &proof, &whole), Err(ProofError::Range));
                assert!(verify_inclusion(&leaf, index, size, &proof, &leaf_hash(b"other")).is_err());
                assert!(verify_inclusion(&leaf_hash(b"other"), index, size, &proof, &whole).is_err());
            }
        }
    }

    #[test]
    fn every_consistency_proof_verifies_and_every_flaw_in_it_is_found() {
        let tree = paper_tree();
        for second in 1..=8_u64 {
            for first in 0..=second {
                let old = hash(ROOTS[usize::try_from(first).unwrap()]);
                let new = hash(ROOTS[usize::try_from(second).unwrap()]);
                let proof = consistency_proof(&tree, first, second).unwrap();
                assert_eq!(verify_consistency(first, &old, second, &new, &proof), Ok(()), "{first} to {second}");
                if first > 0 && first < second {
                    assert!(verify_consistency(first, &new, second, &old, &proof).is_err(), "swapped roots");
                    assert!(verify_consistency(first, &old, second, &new, &[]).is_err());
                }
                for at in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[at].0[7] ^= 0x80;
                    assert_eq!(verify_consistency(first, &old, second, &new, &bad), Err(ProofError::Root));
                    let short: Vec<Hash> =
                        proof.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, h)| *h).collect();
                    assert!(verify_consistency(first, &old, second, &new, &short).is_err());
                }
                let mut long = proof.clone();
                long.push(new);
                assert!(verify_consistency(first, &old, second, &new, &long).is_err());
                assert_eq!(verify_consistency(second + 1, &new, second, &new, &proof), Err(ProofError::Range));
            }
        }
    }

    #[test]
    fn a_frontier_survives_storage_and_wrong_shapes_are_refused() {
        let mut frontier = Frontier::new();
        let mut tree = Tree::default();
        for i in 0..300_u32 {
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).as_ref(), Ok(&frontier));
            assert_eq!(Frontier::from_source(&tree, u64::from(i)).as_ref(), Ok(&frontier));
            assert_eq!(frontier.root(), tree.root());
            frontier.append(leaf_hash(&i.to_be_bytes()));
            tree.append(leaf_hash(&i.to_be_bytes()));
        }
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), Err(MerkleError::Frontier));
        assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 32]), Err(MerkleError::Frontier));
        assert_eq!(Frontier::from_bytes(b"short"), Err(MerkleError::Frontier));
    }

    #[test]
    fn hashes_have_one_spelling() {
        let h = leaf_hash(b"");
        assert_eq!(Hash::from_hex(&h.to_string()), Some(h));
        assert_eq!(Hash::from_base64(&h.to_base64()), Some(h));
        assert_eq!(Hash::from_hex(&h.to_string().to_uppercase()), None);
        assert_eq!(Hash::from_base64(h.to_base64().trim_end_matches('=')), None);
    }
}
