//! HL7 v2 through [`solent_fuzz::hl7v2_reader`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::hl7v2_reader(bytes));
