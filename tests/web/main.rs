//! The pages, in a real Chromium and over plain HTTP, against the running demo. See `tests/README.md`.
//!
//! A binary of its own: it needs a browser, and a page is changed far more often than what `it/` tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]
#![allow(clippy::print_stdout, reason = "a test that skips says so")]
#![allow(missing_docs, reason = "test names are the documentation")]

mod audit;
mod browser;
mod clocked;
mod crawl;
mod danger;
mod demo;
mod family;
mod joining;
mod keyboard;
mod leaks;
mod looks;
mod pages;
mod permissions;
mod provider;
mod routes;
mod school;
mod security;
mod sign_in;
mod silent;
mod stories;
mod twice;
mod visitor;
mod words;
mod work;
