//! Tests of the audit log across its modules, its command, and an independent verifier.

mod command;
mod database;
mod fixture;
mod frozen;
mod independent;
mod oracle;
mod questions;
mod tamper;
mod witness;
