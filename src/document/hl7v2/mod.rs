//! HL7 v2 in its ER7 form (bars and hats): bytes to a tree of groups, segments and numbered fields, and back.
//!
//! Owns the delimiters, escapes, character sets, the batch envelope, the table of message structures, the placing of
//! segments in their structure, and acknowledgements. Delimiters come from MSH and stand in no tree; what is written
//! has the usual ones. An empty place says nothing and makes no node; `""` (the sender has cleared the value) is a
//! null. The character set of MSH-18 is resolved likewise. Refuses what does not begin with `MSH`, delimiters that cannot be told apart, and anything past a limit.
//!
//! A schema says which members are groups, segments, fields, components and subcomponents and which repeat. What goes
//! beyond it is kept: a segment, field, repetition, component or subcomponent the schema does not know stands in its
//! segment (or message) under a name that gives its place, `47` or `8[1].2`, so that nothing is lost unsaid.
//! Read `read.rs` first. Source: HL7 v2.5.1 chapter 2; HL7 UK A.3; format dossier "HL7 v2".

mod ack;
mod batch;
mod charset;
mod delimiters;
mod escape;
mod header;
mod line;
mod place;
mod read;
mod structure;
mod write;

pub use ack::{Ack, AckCode, Fault as AckFault, Location};
pub use batch::{Batch, open as open_batch};
pub use charset::decode;
pub use delimiters::Delimiters;
pub use escape::{decode as unescape, encode as escape};
pub use header::{Header, message_structure};
pub use place::Structure;
pub use read::{Read, read};
pub use structure::{read_as, structure_of};
pub use write::write;

use super::xml::{Content, Place, Repeats};

/// What the reader and writer must know of a schema.
pub trait MessageShape {
    /// The place of the message.
    fn root(&self) -> Place;
    /// A member of a place; `None` when the schema does not name it.
    fn child(&self, of: Place, name: &str) -> Option<(Place, Repeats)>;
    /// Names that every tree of this shape knows from the start.
    fn names(&self) -> Option<&super::Names> {
        None
    }
    /// As [`MessageShape::child`], by the number of the name in [`MessageShape::names`].
    fn child_numbered(&self, of: Place, name: u32) -> Option<(Place, Repeats)>;
    /// The groups and segments of the message, taken out of the schema once.
    fn structure(&self) -> &Structure;
    /// Whether the object at a place must have this member.
    fn requires(&self, of: Place, name: &str) -> bool;
    /// Whether a place holds members or a text.
    fn content(&self, of: Place) -> Content;
    /// The members of a place in the order of the message.
    fn order(&self, of: Place) -> Vec<&str>;
}

/// Whether a name is a segment's: three capitals or digits, the first a capital. Groups have longer names.
#[must_use]
pub fn is_segment_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == 3
        && bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
