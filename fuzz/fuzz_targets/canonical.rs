//! Canonical records through [`solent_fuzz::canonical`].
#![no_main]

libfuzzer_sys::fuzz_target!(init: solent_fuzz::prepare(), |bytes: &[u8]| solent_fuzz::canonical(bytes));
