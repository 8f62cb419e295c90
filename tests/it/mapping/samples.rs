//! Public samples: everything is read without a crash; what is clean comes back as it was.

use super::{context, mappings, samples, writing};
use solent::document::{Document, Limits};
use solent::mapping::Grade;
use solent::schema::{Strictness, Syntax};
use std::path::{Path, PathBuf};

fn all_files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Reads, and writes what could be read; a refusal is a list of diagnostics, never a crash.
fn read_and_write(format: &str, file: &Path) -> (usize, bool) {
    let bytes = std::fs::read(file).unwrap();
    let Ok(read) = mappings().read(format, &bytes, &context()) else { return (0, false) };
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    let written = mappings().write(format, &records, &writing());
    (records.len(), written.is_ok())
}

#[test]
fn every_fhir_sample_is_read_or_refused_without_a_crash() {
    let Some(folder) = samples("fhir") else { return };
    let mut read = 0;
    for file in all_files(&folder, "json") {
        let (records, _) = read_and_write("fhir-r4-json", &file);
        read += records;
    }
    println!("{read} records");
    assert!(read > 5, "only {read} records could be made of the FHIR samples");
}

#[test]
fn every_fhir_sample_in_xml_is_read_or_refused_with_path_and_rule() {
    let Some(folder) = samples("fhir") else { return };
    let mut read = 0;
    for inner in ["uk-core-examples", "nhs-england-examples", "bars-profile-examples"] {
        for file in all_files(&folder.join(inner), "xml") {
            let bytes = std::fs::read(&file).unwrap();
            match mappings().read("fhir-r4-xml", &bytes, &context()) {
                Ok(records) => {
                    read += records.len();
                    let records: Vec<_> = records.into_iter().map(|r| r.record).collect();
                    let written = mappings().write("fhir-r4-xml", &records, &writing());
                    let faults = written.err().unwrap_or_default();
                    // A relative whose patient is nowhere in the message cannot be written as FHIR.
                    let said = faults.iter().all(|f| f.code.as_str() == "SOL-MAP-INCOMPLETE");
                    assert!(said, "{}: {faults:?}", file.display());
                }
                Err(faults) => assert!(
                    faults.iter().all(|f| f.code.as_str().starts_with("SOL-") && !f.message.is_empty()),
                    "{}",
                    file.display()
                ),
            }
        }
    }
    println!("{read} records");
    assert!(read > 8, "only {read} records could be made of the FHIR samples in XML");
}

#[test]
fn every_census_sample_is_read_child_by_child() {
    let Some(folder) = samples("cin") else { return };
    for file in all_files(&folder, "xml") {
        let (records, _) = read_and_write("cin-census", &file);
        println!("{}: {records} records", file.display());
        assert!(records > 0, "{}", file.display());
    }
}

#[test]
fn a_clean_census_comes_back_as_it_was() {
    let Some(folder) = samples("cin") else { return };
    let bytes = std::fs::read(folder.join("cin_2026_clean_a.xml")).unwrap();
    let read = mappings().read("cin-census", &bytes, &context()).unwrap();
    assert_eq!(read.len(), 60);
    let worst = read.iter().filter_map(|r| r.loss.worst()).max();
    assert!(worst <= Some(Grade::Info), "{:?}", read.iter().flat_map(|r| &r.loss.entries).next());
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    let written = mappings().write("cin-census", &records, &writing()).unwrap();
    let tree = |bytes: &[u8]| -> Document {
        let schema = super::schemas().get("cin-census/message.schema.json").unwrap();
        let read = schema.read(Syntax::Xml { root: "Message" }, bytes, &Limits::file(), Strictness::Strict);
        read.unwrap().into_inner()
    };
    let (before, after) = (tree(&bytes), tree(&written.bytes));
    assert!(before.same(before.root(), &after, after.root()));
}

/// An independent judge of our census output: the published XSD and libxml2.
#[test]
fn the_published_xsd_accepts_our_census() {
    let Some(folder) = samples("cin") else { return };
    let xsd = folder.join("CIN_schema_2026.xsd");
    for file in [super::here("docs/demo/harbourshire-census.xml"), folder.join("cin_2026_clean_a.xml")] {
        let bytes = std::fs::read(&file).unwrap();
        let read = mappings().read("cin-census", &bytes, &context()).unwrap();
        let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
        let written = mappings().write("cin-census", &records, &writing()).unwrap();
        let out = std::env::temp_dir().join(format!("solent-census-{}.xml", std::process::id()));
        std::fs::write(&out, &written.bytes).unwrap();
        let Ok(judged) =
            std::process::Command::new("xmllint").args(["--noout", "--schema"]).arg(&xsd).arg(&out).output()
        else {
            println!("skipped: xmllint is not installed");
            return;
        };
        let _ = std::fs::remove_file(&out);
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    }
}

/// An independent judge of our FHIR output: HL7's own schema for R4.
#[test]
fn hl7s_r4_schema_accepts_our_bundles() {
    let Some(folder) = samples("fhir") else { return };
    let schema = r4_definitions(&folder);
    let bundles = super::own_messages().into_iter().filter(|(format, _)| *format == "fhir-r4-json");
    for (_, file) in bundles {
        let bytes = std::fs::read(&file).unwrap();
        let read = mappings().read("fhir-r4-json", &bytes, &context()).unwrap();
        let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
        let written = mappings().write("fhir-r4-json", &records, &writing()).unwrap();
        judge(&schema, &written.bytes, &file.display().to_string());
    }
}

/// HL7's schema, to be used by definition and not by the root's oneOf over every resource.
pub(super) fn r4_definitions(folder: &Path) -> serde_json::Value {
    let schema = std::fs::read(folder.join("schema/fhir.schema.json")).unwrap();
    let mut schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    schema.as_object_mut().unwrap().retain(|k, _| k == "definitions");
    schema["$schema"] = "http://json-schema.org/draft-06/schema#".into();
    schema
}

/// Every resource of a Bundle is valid R4 and has exactly one confidentiality code.
pub(super) fn judge(schema: &serde_json::Value, bundle: &[u8], name: &str) {
    let bundle: serde_json::Value = serde_json::from_slice(bundle).unwrap();
    for entry in bundle["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        let kind = resource["resourceType"].as_str().unwrap();
        let mut one = schema.clone();
        one["$ref"] = format!("#/definitions/{kind}").into();
        let validator = jsonschema::validator_for(&one).unwrap();
        let errors: Vec<String> = validator.iter_errors(resource).map(|e| e.instance_path().to_string()).collect();
        assert!(errors.is_empty(), "{name}: {kind}: {errors:?}");
        let codes = resource["meta"]["security"].as_array().unwrap().iter();
        let conf = codes.filter(|c| c["system"] == "http://terminology.hl7.org/CodeSystem/v3-Confidentiality");
        assert_eq!(conf.count(), 1, "{name}: {kind}");
    }
}

#[test]
fn a_public_extract_of_mental_health_tables_comes_back_as_it_was() {
    let Some(folder) = samples("mhsds") else { return };
    for file in all_files(&folder, "json") {
        let bytes = std::fs::read(&file).unwrap();
        let read = mappings().read("mhsds", &bytes, &context()).unwrap();
        let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
        let written = mappings().write("mhsds", &records, &writing()).unwrap();
        let value = |bytes: &[u8]| {
            let mut value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            for row in value.as_object_mut().unwrap().values_mut().flat_map(|t| t.as_array_mut().unwrap()) {
                row.as_object_mut().unwrap().retain(|_, cell| !cell.is_null());
            }
            value
        };
        assert_eq!(value(&written.bytes), value(&bytes), "{}", file.display());
    }
}

/// Both forms of the notification, in each direction: the XML comes back element by element, the JSON member by member.
#[test]
fn every_police_sample_comes_back_in_both_forms() {
    let Some(folder) = samples("niem/police-notification-examples") else { return };
    for name in ["ppn-child-001", "missing-001", "school-da-001"] {
        for (from, ending) in [("police", "json"), ("police-xml", "xml")] {
            let bytes = std::fs::read(folder.join(format!("{name}.{ending}"))).unwrap();
            let read = mappings().read(from, &bytes, &context()).unwrap();
            let worst = read.iter().filter_map(|r| r.loss.worst()).max();
            assert!(worst <= Some(Grade::Info), "{name}.{ending}");
            let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
            for (to, root) in
                [("police", Syntax::NiemJson { root: NOTICE }), ("police-xml", Syntax::NiemXml { root: NOTICE })]
            {
                let written = mappings().write(to, &records, &writing()).unwrap();
                let schema = super::schemas().get("police/notification.schema.json").unwrap();
                let own =
                    if from == "police" { Syntax::NiemJson { root: NOTICE } } else { Syntax::NiemXml { root: NOTICE } };
                let tree = |syntax, bytes: &[u8]| {
                    schema.read(syntax, bytes, &Limits::file(), Strictness::Strict).unwrap().into_inner()
                };
                let (before, after) = (tree(own, &bytes), tree(root, &written.bytes));
                assert!(before.same(before.root(), &after, after.root()), "{name}.{ending} to {to}");
            }
        }
    }
}

const NOTICE: &str = "pn:PoliceNotification";

#[test]
fn the_social_care_api_and_transfer_files_come_back_as_they_were() {
    let Some(folder) = samples("ctf") else { return };
    for file in all_files(&folder, "xml") {
        let bytes = std::fs::read(&file).unwrap();
        let read = mappings().read("ctf", &bytes, &context()).unwrap();
        assert_eq!(read.len(), 6);
        let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
        let written = mappings().write("ctf", &records, &writing()).unwrap();
        let schema = super::schemas().get("ctf/file.schema.json").unwrap();
        let tree = |bytes: &[u8]| {
            let read = schema.read(Syntax::Xml { root: "CTfile" }, bytes, &Limits::file(), Strictness::Strict);
            read.unwrap().into_inner()
        };
        let (before, after) = (tree(&bytes), tree(&written.bytes));
        assert!(before.same(before.root(), &after, after.root()), "{}", file.display());
    }
    let Some(folder) = samples("csc-api") else { return };
    let bytes = std::fs::read(folder.join("payload_synthetic_a.json")).unwrap();
    let read = mappings().read("csc-api", &bytes, &context()).unwrap();
    assert_eq!(read.len(), 5);
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    let written = mappings().write("csc-api", &records, &writing()).unwrap();
    // Only the empty lists of questionnaires do not come back.
    let mut before: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    for child in before.as_array_mut().unwrap() {
        let block = child["health_and_wellbeing"].as_object_mut().unwrap();
        block.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    assert_eq!(before, serde_json::from_slice::<serde_json::Value>(&written.bytes).unwrap());
}

#[test]
fn every_looked_after_file_is_read_row_by_row_and_clean_ones_come_back_byte_for_byte() {
    let Some(folder) = samples("ssda903") else { return };
    for file in all_files(&folder.join("fake_half_a"), "csv") {
        let (records, _) = read_and_write("ssda903", &file);
        assert!(records > 0, "{}", file.display());
    }
    for file in all_files(&folder.join("clean_2026_a"), "csv") {
        let bytes = std::fs::read(&file).unwrap();
        let read = mappings().read("ssda903", &bytes, &context()).unwrap();
        let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
        let written = mappings().write("ssda903", &records, &writing()).unwrap();
        assert!(written.bytes == bytes, "{}", file.display());
    }
}

#[test]
fn every_school_concern_comes_back() {
    let Some(folder) = samples("school-concern") else { return };
    let table = std::fs::read(folder.join("concerns_a.csv")).unwrap();
    let read = mappings().read("school-concern", &table, &context()).unwrap();
    let records: Vec<_> = read.into_iter().map(|r| r.record).collect();
    assert_eq!(mappings().write("school-concern", &records, &writing()).unwrap().bytes, table);
    let list = std::fs::read(folder.join("concerns_a.json")).unwrap();
    let read = mappings().read("school-concern", &list, &context()).unwrap();
    assert_eq!(read.len(), 12);
    assert!(read.iter().all(|r| r.loss.entries.is_empty() && r.quarantined.is_empty()));
}

/// The published one-fault returns: each fault by the number of its rule, with place; the clean return has none.
#[test]
fn every_published_fault_of_a_census_is_named_by_its_rule_with_its_place() {
    let Some(folder) = samples("cin") else { return };
    let findings = |file: &Path| {
        let bytes = std::fs::read(file).unwrap();
        mappings().validate("cin-census", &bytes, &Limits::file()).unwrap_or_else(|found| found)
    };
    assert!(findings(&folder.join("cin_2026_clean_a.xml")).is_empty());
    for (name, rule) in [
        ("m01_upn_check_letter", "1510"),
        ("m03_sex_numeric", "4180"),
        ("m05_childid_long", "1570"),
        ("m07_factor_18A", "8945Q"),
        ("m09_no_closure_date", "8810"),
        ("m11_referral_source_bad", "8866"),
        ("m13_disability_none_plus", "8790"),
        ("m15_nfa_with_assessment", "8831"),
        ("m17_cpp_start_end_same", "8840"),
        ("m19_abuse_code_bad", "8910"),
        ("m21_assess_end_before_start", "8608"),
    ] {
        let found = findings(&folder.join("mutants").join(format!("{name}.xml")));
        let fits = |d: &solent::diagnostic::Diagnostic| {
            d.message.starts_with(&format!("rule {rule}")) && d.position.is_some() && d.pointer.is_some()
        };
        assert!(found.iter().any(fits), "{name}: {found:?}");
    }
}

#[test]
fn every_hl7v2_sample_is_read_or_refused_with_a_reason_and_settles() {
    let Some(folder) = samples("hl7v2") else { return };
    let files: Vec<PathBuf> = ["hl7", "txt"].iter().flat_map(|e| all_files(&folder, e)).collect();
    let (mut read, mut written) = (0, 0);
    for file in &files {
        let (records, back) = read_and_write("hl7v2", file);
        read += usize::from(records > 0);
        written += usize::from(back);
    }
    // Not written back: a patient above the ceiling, a notice without its text (MDM T01), a moved account (A41).
    assert!(read >= 54 && written >= 42, "{read} read and {written} written of {}", files.len());
}
