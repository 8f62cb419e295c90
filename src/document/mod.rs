//! Documents: bytes to a positioned tree and back, one file per syntax.
//!
//! Owns the tree ([`Document`]), the JSON, XML, CSV and HL7 v2 readers and writers and their limits. Refuses DTDs,
//! entities, duplicate keys, and anything past a limit. Knows nothing of schemas, formats or people. Read `tree.rs` first.

mod arena;
pub mod csv;
pub mod fhir;
mod fhir_agents;
pub mod fhir_json;
mod fhir_subject;
pub mod fhir_xml;
pub mod hl7v2;
pub mod json;
mod limits;
pub mod niem;
mod tree;
mod utf16;
mod windows_1252;
pub mod xml;

pub use arena::{Keyed, KeyedHasher, Names};
pub use limits::{BODY_BYTES_MAX, DEPTH_MAX, Limits, NODES_MAX, REPEATS_MAX};
pub(crate) use tree::GraftKeys;
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

/// A member or element name as diagnostics may show it: one that does not look like a name of a format may be somebody's
/// data, and is shown as `*`.
#[must_use]
pub fn safe_name(name: &str) -> &str {
    /// Longest name of a format we know, with room to spare.
    const NAME_BYTES_MAX: usize = 64;
    let start = name.trim_start_matches(['@', '_', '#']);
    let fits = name.len() <= NAME_BYTES_MAX
        && start.starts_with(|c: char| c.is_ascii_alphabetic())
        && start.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'));
    if fits { name } else { "*" }
}
