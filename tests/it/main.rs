//! One binary for every test that crosses modules or starts the program. See `tests/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]
#![allow(missing_docs, reason = "test names are the documentation")]

mod audit;
mod cli;
mod decide;
mod document;
mod exchange;
mod faults;
mod gateway_logs;
mod http;
mod mapping;
mod properties;
mod store;
