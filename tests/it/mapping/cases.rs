//! Case folders: `tests/cases/mappings/<format>/<mapping>/<case>/` with `input.*`, `record.json`, `losses.txt` and `output.*`
//! (or `refused.txt`, where the record says too little to be written back).
//! `SOLENT_BLESS=1` writes what is missing or different; read the difference before it is committed.

use super::{context, here, mappings, writing};
use std::path::{Path, PathBuf};

pub(super) fn folders(format: &str) -> Vec<PathBuf> {
    let inside = |folder: PathBuf| -> Vec<PathBuf> {
        std::fs::read_dir(folder).map(|d| d.filter_map(|e| Some(e.ok()?.path())).collect()).unwrap_or_default()
    };
    let mappings = inside(here("tests/cases/mappings").join(format));
    let mut list: Vec<PathBuf> = mappings.into_iter().flat_map(inside).collect();
    list.sort();
    list
}

pub(super) fn input(case: &Path) -> PathBuf {
    let found = std::fs::read_dir(case).unwrap().map(|e| e.unwrap().path());
    let is_input = |p: &PathBuf| p.file_stem().is_some_and(|s| s == "input");
    found.into_iter().find(is_input).unwrap_or_else(|| panic!("{} has no input", case.display()))
}

fn compare(file: &Path, actual: &str) {
    if std::env::var_os("SOLENT_BLESS").is_some() {
        std::fs::write(file, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(file).unwrap_or_else(|_| panic!("{} is missing", file.display()));
    assert!(expected == actual, "{} differs; compare with SOLENT_BLESS=1", file.display());
}

/// The loss report without digests, which change with every word of a table.
fn losses(text: &str) -> String {
    text.lines()
        .map(|l| match l.split_once("sha256:") {
            Some((head, tail)) => format!("{head}{}\n", tail.split_once(' ').map_or("", |(_, rest)| rest).trim()),
            None => format!("{l}\n"),
        })
        .collect()
}

fn run(format: &str) {
    let folders = folders(format);
    assert!(!folders.is_empty(), "there is no case for {format}");
    for case in folders {
        let input = input(&case);
        let bytes = std::fs::read(&input).unwrap();
        let read = mappings().read(format, &bytes, &context()).unwrap_or_else(|e| panic!("{}: {e:?}", case.display()));
        let mut report = String::new();
        let mut records = Vec::new();
        for one in read {
            report += &losses(&one.loss.to_text());
            records.push(one.record);
        }
        let canonical = mappings().write("canonical", &records, &writing()).unwrap();
        let canonical = String::from_utf8(canonical.bytes).unwrap();
        compare(&case.join("record.json"), &without_digests(&canonical));
        let written = match mappings().write(format, &records, &writing()) {
            Ok(written) => written,
            Err(faults) => {
                let said: String = faults.iter().map(|f| format!("{f}\n")).collect();
                compare(&case.join("refused.txt"), &said);
                compare(&case.join("losses.txt"), &report);
                continue;
            }
        };
        report += &losses(&written.loss.to_text());
        let name = format!("output.{}", input.extension().unwrap().to_string_lossy());
        compare(&case.join(name), &String::from_utf8(written.bytes).unwrap());
        compare(&case.join("losses.txt"), &report);
    }
}

fn without_digests(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\"digest\":") {
        let (head, tail) = rest.split_at(at);
        let end = tail.get(9..).and_then(|t| {
            t.find('"').and_then(|s| t.get(s + 1..).and_then(|u| u.find('"').map(|e| 9 + s + 1 + e + 1)))
        });
        out += head;
        out += "\"digest\": \"…\"";
        rest = end.and_then(|e| tail.get(e..)).unwrap_or("");
    }
    out + rest
}

#[test]
fn fhir_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("fhir-r4-json");
}

#[test]
fn fhir_xml_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("fhir-r4-xml");
}

#[test]
fn census_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("cin-census");
}

#[test]
fn mhsds_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("mhsds");
}

#[test]
fn police_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("police");
}

#[test]
fn police_xml_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("police-xml");
}

#[test]
fn csc_api_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("csc-api");
}

#[test]
fn ctf_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("ctf");
}

#[test]
fn hl7v2_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("hl7v2");
}

#[test]
fn ndtms_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("ndtms");
}

#[test]
fn ssda903_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("ssda903");
}

#[test]
fn school_concern_cases_give_the_record_the_output_and_the_losses_written_beside_them() {
    run("school-concern");
}
