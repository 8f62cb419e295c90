//! Mappings: native documents to canonical records and back, both directions from one file, every value accounted for.
//!
//! Owns the language (`lang`), its checks (`check`), converters, code tables, the engine and the loss report. Refuses to
//! guess: what cannot be placed is reported, what has no subject is held. Does no input or output and reads no clock.
//! Read `docs/reference/mapping-language.md`, then [`Mappings`].

mod bundle;
mod census;
mod check;
mod choose;
pub mod convert;
pub mod diff;
mod engine;
pub mod explain;
mod formats;
mod gates;
mod heading;
mod info;
pub mod lang;
mod lines;
mod loss;
mod mapped;
mod pack;
mod pairs;
mod plan;
mod prepare;
mod said;
pub mod statement;
mod table;

pub use engine::Quarantined;
pub use formats::{CANONICAL, Mappings, ReadContext, ReadRecord, WriteContext, Written};
pub use info::{FormatInfo, MessageInfo, Source};
pub use loss::{Direction, Grade, LossEntry, LossKind, LossReport, LossRun};
pub use said::Said;
