//! Documents: bytes to a positioned tree and back, one file per syntax.
//!
//! Owns the tree ([`Document`]), the JSON and XML readers and writers and their limits. Refuses DTDs, entities,
//! duplicate keys, and anything past a limit. Knows nothing of schemas, formats or people. Read `tree.rs` first.

mod tree;

pub use tree::{Document, Kind, NodeId};
