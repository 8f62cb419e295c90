//! JSON through [`solent_fuzz::json_reader`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::json_reader(bytes));
