//! CSV through [`solent_fuzz::csv_reader`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::csv_reader(bytes));
