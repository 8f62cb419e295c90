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
mod graft;
pub mod hl7v2;
pub mod json;
mod limits;
pub mod niem;
mod tree;
mod utf16;
mod windows_1252;
pub mod xml;

pub use arena::{Keyed, KeyedHasher, Names};
pub(crate) use graft::GraftKeys;
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

/// A member or element name as diagnostics may show it: one that does not look like a name of a format may be somebody's
/// data, and is shown as `*`.
#[must_use]
pub fn safe_name(name: &str) -> &str {
    /// Longest name of a format we know, with room to spare.
    const NAME_BYTES_MAX: usize = 64;
    /// Most digits in a row: a year fits, a date or a number of a person does not.
    const DIGITS_MAX: usize = 4;
    let start = name.trim_start_matches(['@', '_', '#']);
    let fits = name.len() <= NAME_BYTES_MAX
        && start.starts_with(|c: char| c.is_ascii_alphabetic())
        && start.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'));
    let numbered = start.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > DIGITS_MAX);
    if fits && !numbered { name } else { "*" }
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn what_looks_like_a_name_of_a_format_is_shown_and_a_number_of_a_person_is_not() {
        for name in ["PoliceNotification", "pn:Subject", "CIN_1", "MSH.9", "year2025-26", "@id", "EXPSSDA903"] {
            assert_eq!(safe_name(name), name);
        }
        for name in ["Message9990176507", "20170511", "A123456789012", "Ann Jo", "x@y.example", "", "9990"] {
            assert_eq!(safe_name(name), "*");
        }
    }
}
