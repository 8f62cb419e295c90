//! Tests of exchange: what users record through a gateway, on a database and a log of its own.

mod consent_r4;
mod corrections;
pub mod house;
mod kept;
mod overrides;
pub mod permissions;
mod published;
mod relationships;
mod replays;
mod safety;
mod same_answers;
mod side_by_side;
mod silence;
