//! JSON, RFC 8259, read strictly and written exactly.
//!
//! Owns [`read`] and [`write()`]. Refuses what two readers could understand differently: duplicate keys, lone
//! surrogates, NUL, a second value after the first. Numbers keep the text they were written with.

mod read;
mod write;

pub use read::{read, read_knowing};
pub use write::write;
pub(super) use write::{begin, line, string, value};
