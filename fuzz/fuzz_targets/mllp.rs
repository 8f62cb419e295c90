//! MLLP streams through [`solent_fuzz::mllp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::mllp(bytes));
