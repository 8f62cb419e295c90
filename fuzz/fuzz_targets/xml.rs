//! XML through [`solent_fuzz::xml_reader`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::xml_reader(bytes));
