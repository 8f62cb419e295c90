//! Mappings: native documents to canonical records and back, both directions from one file, every value accounted for.
//!
//! Owns the language (`lang`), its checks (`check`), converters, code tables, the engine and the loss report. Refuses to
//! guess: what cannot be placed is reported, what has no subject is held. Does no input or output and reads no clock.
//! Read `docs/reference/mapping-language.md`, then [`Mappings`].

mod check;
pub mod convert;
mod engine;
pub mod lang;
mod loss;
mod nearest;
mod plan;
mod table;

pub use engine::Quarantined;
pub use loss::{Direction, Grade, LossEntry, LossKind, LossReport, LossRun};
