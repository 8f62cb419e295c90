//! `solent validate`, as a person runs it.

use super::{CENSUS, REFERRAL};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn validate(format: &str, files: &[&std::path::Path], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["validate", "--format", format])
        .args(files)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end before it reads its input (a wrong format), which closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdin(format: &str, input: &str) -> (Option<i32>, String) {
    let output = validate(format, &["-".as_ref()], input);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn valid_files_end_with_zero_and_say_nothing() {
    assert_eq!(stdin("cin-census", CENSUS), (Some(0), String::new()));
    let record = serde_json::json!({ "envelope": {}, "people": [{ "id": "p", "role": "subject", "label": {
        "category": "IDN", "confidentiality": "N", "custodian": "a", "about": ["p"], "third_party": "none",
        "basis_marker": "fact", "author_role": "SW" } }] });
    assert_eq!(stdin("canonical", &record.to_string()), (Some(0), String::new()));
    assert_eq!(stdin("canonical", &format!("{record}\n{record}\n")), (Some(0), String::new()));
}

#[test]
fn a_warning_is_shown_and_ends_with_zero() {
    let (status, shown) = stdin("fhir-r4-json", REFERRAL);
    assert_eq!(status, Some(0));
    assert!(shown.starts_with("SOL-SCHEMA-INVALID -:") && shown.lines().count() == 1, "{shown}");
}

#[test]
fn an_error_names_code_file_line_column_and_pointer() {
    let (status, shown) = stdin(
        "fhir-r4-json",
        "{\"resourceType\":\"Bundle\",\"type\":\"message\",\n \"entry\":[{\"resource\":{\"resourceType\":\"Flag\"}}]}",
    );
    assert_eq!(status, Some(1));
    assert!(shown.contains("SOL-SCHEMA-INVALID -:2:23 /entry/0/resource `status` is missing"), "{shown}");
    let (status, shown) = stdin("canonical", "{\"envelope\":{}}");
    assert_eq!(status, Some(1));
    assert!(shown.contains("`people` is missing"), "{shown}");
    let label = |c: &str| {
        format!(
            "{{\"category\":\"HLT\",\"confidentiality\":\"{c}\",\"custodian\":\"a\",\"about\":[\"p\"],\"third_party\":\"none\",\"basis_marker\":\"fact\",\"author_role\":\"SW\"}}"
        )
    };
    let low =
        format!("{{\"envelope\":{{}},\"people\":[{{\"id\":\"p\",\"role\":\"subject\",\"label\":{}}}]}}", label("N"));
    let (status, shown) = stdin("canonical", &low);
    assert!(status == Some(1) && shown.contains("SOL-RECORD-RULE"), "{shown}");
}

#[test]
fn several_files_are_each_reported() {
    let folder = std::env::temp_dir().join(format!("solent-validate-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (good, bad) = (folder.join("good.xml"), folder.join("bad.xml"));
    std::fs::write(&good, CENSUS).unwrap();
    std::fs::write(&bad, CENSUS.replace("<Sex>F</Sex>", "<Sex>1</Sex>")).unwrap();
    let output = validate("cin-census", &[&good, &bad, &folder.join("absent.xml")], "");
    std::fs::remove_dir_all(&folder).unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(shown.contains("bad.xml:9:") && shown.contains("SOL-CLI-FILE") && !shown.contains("good.xml"), "{shown}");
}

#[test]
fn an_unknown_format_is_a_usage_error() {
    let (status, shown) = stdin("csv", "");
    assert!(status == Some(2) && shown.contains("canonical, cin-census, csc-api"), "{shown}");
}
