//! Mapping files through [`solent_fuzz::bimap`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::bimap(bytes));
