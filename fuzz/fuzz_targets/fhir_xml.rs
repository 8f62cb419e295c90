//! FHIR in XML through [`solent_fuzz::fhir_xml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| solent_fuzz::fhir_xml(bytes));
