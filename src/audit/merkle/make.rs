//! Roots and proofs over any source of hashes.

use super::hash::{Hash, empty_root, node_hash};
use super::tree::{MerkleError, NodeSource};

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
