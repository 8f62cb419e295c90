//! Tests of the audit log across its modules, its command, and an independent verifier.

mod balp;
pub mod command;
pub mod database;
mod enumeration;
mod fixture;
mod forged;
mod frozen;
mod independent;
mod oracle;
mod questions;
mod rotation;
mod sealing;
mod tamper;
mod witness;
