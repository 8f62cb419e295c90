//! User assertions through [`solent_fuzz::assertion`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::assertion(bytes));
