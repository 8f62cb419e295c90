//! Tests of exchange: what users record through a gateway, on a database and a log of its own.

mod consent_r4;
mod house;
mod overrides;
mod permissions;
mod relationships;
mod safety;
mod same_answers;
