//! The audit log as pure functions: entries, Merkle tree, checkpoints, proofs, tiles and their verification.
//!
//! Owns the formats of `docs/reference/audit-log.md` and nothing that stores, sends or reads a clock: ids, salts and
//! times are parameters, keys arrive as seeds. The committer that makes entries durable is `store`; files are `cli`.
//!
//! Read in this order: [`event`] (what is recorded), [`payload`] (the sealed fields), [`entry`] (from draft to leaf),
//! [`merkle`] (the tree), [`note`] (what is signed), [`tile`] (how it is published),
//! [`proof`], [`source`] and [`verify`] (how it is checked), [`bundle`] (one file of it), [`extract`] (some entries of it, proved),
//! [`witness`] (who cosigns it).

pub mod bundle;
pub mod canonical;
pub mod entry;
pub mod event;
pub mod extract;
pub mod merkle;
pub mod note;
pub mod payload;
pub mod proof;
pub mod source;
pub mod tile;
pub mod verify;
pub mod witness;

pub use entry::{Draft, Entry, OpenEntry, Salt, Sealed};
pub use event::{Event, Outcome};
pub use merkle::{Frontier, Hash};
pub use note::{Checkpoint, Note, Origin, Signer, Vkey};
pub use payload::Payload;
pub use proof::TlogProof;
pub use source::{LogSource, SealedPart, SourceError, Stored};
