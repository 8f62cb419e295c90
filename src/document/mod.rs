//! Documents: bytes to a positioned tree and back, one file per syntax.
//!
//! Owns the tree ([`Document`]), the JSON and XML readers and writers and their limits. Refuses DTDs, entities,
//! duplicate keys, and anything past a limit. Knows nothing of schemas, formats or people. Read `tree.rs` first.

mod arena;
pub mod json;
mod limits;
mod tree;

pub use limits::{BODY_BYTES_MAX, DEPTH_MAX, Limits, NODES_MAX, REPEATS_MAX};
pub use tree::{Document, Kind, NodeId};

/// How a writer lays out its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Style {
    /// No white space between tokens.
    #[default]
    Compact,
    /// One member, item or element per line, indented by two spaces.
    Pretty,
}
