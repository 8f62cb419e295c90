//! Verification of proofs: nothing but the proof, the sizes and the roots.

use super::hash::{Hash, empty_root, node_hash};

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
