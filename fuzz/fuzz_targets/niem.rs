//! Police notifications through [`solent_fuzz::niem`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::niem(bytes));
