//! The store's contract, run on both engines: what it keeps, what it refuses, what it finds again.

mod commands;
mod facts;
mod fold;
mod kill;
mod log;
mod looks;
pub mod mailbox;
mod mark;
mod page_state;
mod people;
mod schema;
pub mod support;
