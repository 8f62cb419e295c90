//! The Merkle tree: hashing, an appendable tree, proofs and their verification.
//!
//! Owns RFC 6962 hashing ([`leaf_hash`], [`node_hash`]), the compact [`Frontier`] that appends in O(log n), roots and
//! proofs over any [`NodeSource`], and the verification algorithms. Stores nothing. Read [`Frontier`], then [`inclusion_proof`].
//!
//! # Source
//! RFC 6962 §2.1; RFC 9162 §2.1.3.2 and §2.1.4.2 (verification); Solent audit paper §4, §5.

mod check;
mod hash;
mod make;
#[cfg(test)]
mod tests;
mod tree;

pub use check::{ProofError, verify_consistency, verify_inclusion};
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub(crate) use hash::{digit, hex, unhex};
pub use make::{consistency_proof, inclusion_proof, root};
pub use tree::{Frontier, MerkleError, NodeSource, Tree};
