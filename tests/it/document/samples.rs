//! The shared samples: everything is answered, what is clean is read, and what we write satisfies the published schemas.
//! Skipped where the samples are absent.

use super::{CENSUS, REFERRAL, schemas, shared};
use solent::diagnostic::Severity;
use solent::diagnostic::code;
use solent::document::{Limits, Style, fhir, json, xml};
use solent::schema::{Strictness, Syntax};
use std::path::{Path, PathBuf};

const XML: Syntax = Syntax::Xml { root: "Message" };

fn files(root: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
}

fn all(below: &str, ending: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    if let Some(root) = shared(below) {
        files(&root, ending, &mut out);
    }
    out.sort();
    out
}

#[test]
fn every_json_sample_reads_as_an_independent_reader_reads_it() {
    for path in all("", "json") {
        let bytes = std::fs::read(&path).unwrap();
        let ours = json::read(&bytes, &Limits::file());
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        match (ours, theirs) {
            (Ok(tree), Ok(value)) => {
                assert_eq!(tree.to_value(tree.root()), value, "{}", path.display());
                let back = json::read(&json::write(&tree, tree.root(), Style::Pretty), &Limits::file()).unwrap();
                assert!(tree.same(tree.root(), &back, back.root()));
            }
            // What we forbid on purpose (one name twice in an object), serde_json takes: the last one wins there.
            (Err(d), Ok(_)) if d.code == code::DOC_FORBIDDEN => {}
            (ours, theirs) => assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", path.display()),
        }
    }
}

#[test]
fn every_xml_sample_is_taken_or_refused_as_an_independent_reader_does() {
    for path in all("", "xml").into_iter().chain(all("", "xsd")) {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(text) = xml::decode(&bytes, &Limits::file()) else {
            assert!(std::str::from_utf8(&bytes).is_err(), "{}", path.display());
            continue;
        };
        let oracle = roxmltree::Document::parse(&text);
        let root = oracle.as_ref().map_or("x", |d| d.root_element().tag_name().name());
        let ours = xml::read(&text, root, &Limits::file(), None);
        assert_eq!(ours.is_ok(), oracle.is_ok(), "{}: {:?}", path.display(), ours.err());
    }
}

#[test]
fn the_census_samples_are_read_and_the_clean_one_is_clean() {
    let schema = schemas().get("cin-census/message.schema.json").unwrap();
    for path in all("cin", "xml") {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let valid = schema.read(XML, &bytes, &Limits::default(), Strictness::Tolerant);
        let valid = valid.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        if name == "cin_2026_clean_a.xml" {
            assert!(schema.read(XML, &bytes, &Limits::default(), Strictness::Strict).unwrap().warnings().is_empty());
        }
        let tree = valid.get();
        let written = schema.write(XML, tree, Style::Pretty);
        let back = schema.read(XML, &written, &Limits::default(), Strictness::Tolerant).unwrap();
        // An empty wrapper holds nothing and is not written again.
        let emptied = name == "CIN_Census_2024.xml";
        assert!(emptied || tree.same(tree.root(), back.get(), back.get().root()), "{name}");
    }
}

/// What we write against the published XSD, by an independent validator.
#[test]
fn a_written_census_satisfies_the_published_schema() {
    let available = std::process::Command::new("xmllint").arg("--version").output().is_ok();
    let Some(folder) = shared("cin").filter(|_| available) else { return };
    let schema = schemas().get("cin-census/message.schema.json").unwrap();
    let clean = std::fs::read(folder.join("cin_2026_clean_a.xml")).unwrap();
    let older = CENSUS.replace("<Sex>F</Sex>", "<GenderCurrent>2</GenderCurrent>");
    let older = older.replace("<Sex>M</Sex>", "<GenderCurrent>1</GenderCurrent>");
    for (bytes, xsd) in [
        (CENSUS.as_bytes(), "CIN_schema_2026.xsd"),
        (clean.as_slice(), "CIN_schema_2026.xsd"),
        (older.as_bytes(), "CIN_schema_2024.xsd"),
    ] {
        let valid = schema.read(XML, bytes, &Limits::default(), Strictness::Strict).unwrap();
        for style in [Style::Compact, Style::Pretty] {
            let file = std::env::temp_dir().join(format!("solent-census-{}-{style:?}.xml", std::process::id()));
            std::fs::write(&file, schema.write(XML, valid.get(), style)).unwrap();
            let xsd = folder.join(xsd);
            let run = std::process::Command::new("xmllint").args(["--noout", "--schema"]).arg(xsd).arg(&file).output();
            let run = run.unwrap();
            let _ = std::fs::remove_file(&file);
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        }
    }
}

/// Samples the dossier names as wrong, and ones that are no FHIR at all.
fn known_bad(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    !text.contains("\"resourceType\"")
}

#[test]
fn fhir_samples_are_accepted_or_refused_for_a_reason_the_published_schema_shares() {
    let Some(published) = shared("fhir/schema/fhir.schema.json") else { return };
    let published: serde_json::Value = serde_json::from_slice(&std::fs::read(published).unwrap()).unwrap();
    let schema = schemas().get("fhir-r4-json/referral.schema.json").unwrap();
    let mut taken = 0;
    for path in all("fhir", "json") {
        let bytes = std::fs::read(&path).unwrap();
        if path.components().any(|c| matches!(c.as_os_str().to_str(), Some("schema" | "terminology")))
            || known_bad(&path)
        {
            continue;
        }
        match schema.read(Syntax::FhirJson, &bytes, &Limits::file(), Strictness::Tolerant) {
            Ok(_) => taken += 1,
            Err(found) => {
                let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                let shared = !satisfies(&published, &value);
                let errors: Vec<String> =
                    found.iter().filter(|d| d.severity == Severity::Error).map(ToString::to_string).collect();
                assert!(shared, "only we refuse {}: {errors:?}", path.display());
            }
        }
    }
    assert!(taken > 150, "{taken}");
}

#[test]
fn a_written_bundle_satisfies_the_published_schema() {
    let Some(published) = shared("fhir/schema/fhir.schema.json") else { return };
    let published: serde_json::Value = serde_json::from_slice(&std::fs::read(published).unwrap()).unwrap();
    let tree = json::read(REFERRAL.as_bytes(), &Limits::default()).unwrap();
    let tree = fhir::regroup(tree, REFERRAL.as_bytes()).unwrap().document;
    let bundle = fhir::ungroup(&tree);
    assert!(satisfies(&published, &bundle.to_value(bundle.root())));
}

/// Validates against the definition of the resource's own type; entries of a Bundle one by one.
fn satisfies(published: &serde_json::Value, value: &serde_json::Value) -> bool {
    let kind = value["resourceType"].as_str().unwrap_or("");
    if kind == "Bundle" {
        let entries = value["entry"].as_array().cloned().unwrap_or_default();
        return entries.iter().all(|e| e["resource"].is_null() || satisfies(published, &e["resource"]));
    }
    let mut schema = published.clone();
    let members = schema.as_object_mut().unwrap();
    members.remove("oneOf");
    members.remove("discriminator");
    members.insert("$ref".into(), serde_json::Value::Null);
    let mut root = serde_json::json!({ "$schema": "http://json-schema.org/draft-06/schema#",
        "allOf": [{ "$ref": format!("#/definitions/{kind}") }] });
    root["definitions"] = published["definitions"].clone();
    jsonschema::options().build(&root).is_ok_and(|v| v.is_valid(value))
}
