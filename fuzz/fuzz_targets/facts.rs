//! Facts files through [`solent_fuzz::facts`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::facts(bytes));
