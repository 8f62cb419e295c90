//! Translations through [`solent_fuzz::translate`].
#![no_main]

libfuzzer_sys::fuzz_target!(init: solent_fuzz::prepare(), |bytes: &[u8]| solent_fuzz::translate(bytes));
