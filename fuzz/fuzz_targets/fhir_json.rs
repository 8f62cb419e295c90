//! FHIR in JSON through [`solent_fuzz::fhir_json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::fhir_json(bytes));
