//! The commands `read`, `write`, `translate`, `formats`: what they print, and that they print nothing when they refuse.

use super::{here, samples};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn solent(arguments: &[&str], input: Option<&[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A refused command may close its input early.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or(b""));
    child.wait_with_output().unwrap()
}

fn demo(name: &str) -> String {
    here("docs/demo").join(name).display().to_string()
}

#[test]
fn a_census_of_two_children_reads_as_two_lines_and_writes_back_as_it_was() {
    let census = demo("harbourshire-census.xml");
    let read = solent(&["read", "--from", "cin-census", &census], None);
    assert!(read.status.success());
    assert_eq!(read.stdout.iter().filter(|b| **b == b'\n').count(), 2);
    let written = solent(&["write", "--to", "cin-census", "-"], Some(&read.stdout));
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    assert_eq!(written.stdout, std::fs::read(census).unwrap());
}

#[test]
fn a_census_comes_back_from_either_notation_of_fhir_as_it_was() {
    let census = demo("harbourshire-census.xml");
    for format in ["fhir-r4-json", "fhir-r4-xml"] {
        let there = solent(&["translate", "--from", "cin-census", "--to", format, &census], None);
        assert!(there.status.success(), "{}", String::from_utf8_lossy(&there.stderr));
        let back = solent(&["translate", "--from", format, "--to", "cin-census", "-"], Some(&there.stdout));
        assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
        assert_eq!(String::from_utf8_lossy(&back.stdout), std::fs::read_to_string(&census).unwrap(), "{format}");
    }
}

#[test]
fn the_custodian_is_who_the_command_line_says() {
    let bundle = demo("southdown-bundle.json");
    let read = solent(&["read", "--from", "fhir-r4-json", "--custodian", "southdown-mh", &bundle], None);
    let record: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(record["people"][0]["label"]["custodian"], "southdown-mh");
    let categories: Vec<&str> = ["health", "plans", "notes"]
        .iter()
        .flat_map(|a| record[a].as_array().unwrap())
        .map(|s| s["label"]["category"].as_str().unwrap())
        .collect();
    assert_eq!(categories, ["MHL", "MHL", "MHN", "MHL"]);
    assert_eq!(record["notes"][1]["form"], "summary");
    assert_eq!(record["notes"][1]["summary_of"].as_array().unwrap().len(), 2);
}

#[test]
fn a_census_translates_to_valid_bundles_one_a_line() {
    let census = demo("harbourshire-census.xml");
    let out = solent(&["translate", "--from", "cin-census", "--to", "fhir-r4-json", &census], None);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<&[u8]> = out.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    assert_eq!(lines.len(), 2);
    if let Some(folder) = samples("fhir") {
        let schema = super::samples::r4_definitions(&folder);
        lines.iter().for_each(|line| super::samples::judge(&schema, line, "census"));
    }
    // The lines are a message again.
    let back = solent(&["read", "--from", "fhir-r4-json", "-"], Some(&out.stdout));
    assert_eq!(back.stdout.iter().filter(|b| **b == b'\n').count(), 2);
}

#[test]
fn a_refusal_prints_nothing_on_standard_output_and_no_value_at_all() {
    let bundle = demo("southdown-bundle.json");
    let out = solent(&["translate", "--from", "fhir-r4-json", "--to", "cin-census", &bundle], None);
    assert_eq!(out.status.code(), Some(1));
    assert!(out.stdout.is_empty());
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("SOL-MAP-INCOMPLETE"), "{said}");
    for personal in ["Lane", "Dana", "Sertraline", "9990000034"] {
        assert!(!said.contains(personal));
    }
    let broken = solent(&["read", "--from", "fhir-r4-json", "-"], Some(b"{\"resourceType\": \"Bundle\", "));
    assert_eq!((broken.status.code(), broken.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("SOL-DOC-SYNTAX"));
    let usage = solent(&["read", "--from", "fhir-r4-json", "--now", "yesterday", "-"], Some(b"{}"));
    assert_eq!((usage.status.code(), usage.stdout.len()), (Some(2), 0));
}

#[test]
fn the_loss_report_is_json_without_values() {
    let file = std::env::temp_dir().join(format!("solent-loss-{}.json", std::process::id()));
    let (bundle, loss) = (demo("clearway-bundle.json"), file.display().to_string());
    let out = solent(&["translate", "--from", "fhir-r4-json", "--to", "canonical", "--loss", &loss, &bundle], None);
    assert!(out.status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    let _ = std::fs::remove_file(&file);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["runs"][0]["mapping"], "fhir-referral");
    assert!(report["entries"].as_array().unwrap().iter().all(|e| e["kind"].is_string() && e["severity"].is_string()));
    for personal in ["Lane", "Dana", "9990000034", "alcohol"] {
        assert!(!text.contains(personal));
    }
}

#[test]
fn formats_are_listed() {
    let out = solent(&["formats", "--json"], None);
    let list: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted());
    for format in ["canonical", "cin-census", "fhir-r4-json", "mhsds"] {
        assert!(names.contains(&format), "{format} is not listed");
    }
}
