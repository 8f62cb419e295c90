//! `solent decide` against scenarios: our own under `tests/cases/sharing`, and the public samples when present.
//!
//! Each ask of a scenario says what is expected; every field stated is compared.

mod govern;
mod independent;
mod invariants;
mod lifecycle;
mod lifecycle_admit;
mod lifecycle_ties;
mod local;
mod output;
mod question;
mod references;
mod rules;

use serde_json::Value;
use solent::sharing::facts::{Expect, Reader};
use solent::sharing::{Decision, Policy, World, decide};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn policy() -> &'static Policy {
    static POLICY: LazyLock<Policy> =
        LazyLock::new(|| Policy::load(&solent::cli::content::built_in()).unwrap_or_else(|faults| panic!("{faults:?}")));
    &POLICY
}

pub(super) fn reader() -> &'static Reader {
    static READER: LazyLock<Reader> = LazyLock::new(|| {
        let files = solent::cli::content::built_in();
        let schema = files.get("schemas/config/facts.schema.json").unwrap_or(b"");
        Reader::new(schema).unwrap_or_else(|fault| panic!("{fault}"))
    });
    &READER
}

/// The scenario files of a folder, in name order.
fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "yaml" || ext == "json"));
    files.sort();
    files
}

/// What differs from what the ask expects.
fn differences(expect: &Expect, found: &Decision) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, expected: String, found: String| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    compare("level", expect.level.to_string(), found.level.to_string());
    compare("reason", expect.reason.clone(), found.reason.to_string());
    if let Some(limit) = &expect.limit {
        let found = found.limit.map(|limit| limit.code().to_owned());
        compare("limit", format!("{limit:?}"), format!("{found:?}"));
    }
    if let Some(marker) = &expect.marker {
        compare("marker", marker.clone(), found.marker.code().to_owned());
    }
    if let Some(flags) = &expect.flags {
        let mut flags = flags.clone();
        flags.sort();
        let found: Vec<String> = found.flags.iter().map(|flag| flag.code().to_owned()).collect();
        compare("flags", format!("{flags:?}"), format!("{found:?}"));
    }
    wrong
}

/// Answers every ask of every file and reports all differences at once; the number of asks.
fn check(files: &[PathBuf]) -> usize {
    let (policy, reader) = (policy(), reader());
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in files {
        let bytes = std::fs::read(path).unwrap_or_default();
        let facts = reader.read(&bytes).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
        let asks = facts.asks.clone();
        let world = World::new(facts).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
        for ask in &asks {
            let Some(expect) = &ask.expect else { continue };
            count += 1;
            let differences = differences(expect, &decide(&world, policy, ask));
            if !differences.is_empty() {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                wrong.push(format!("{name} {}: {}", ask.id.as_str(), differences.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} asks differ:\n{}", wrong.len(), wrong.join("\n"));
    count
}

#[test]
fn our_own_scenarios_are_answered_as_expected() {
    let count = check(&scenarios(&root().join("tests/cases/sharing")));
    assert!(count >= 100, "only {count} asks");
}

#[test]
fn the_public_sample_scenarios_are_answered_as_expected() {
    check(&scenarios(&samples().join("facts")));
}

fn samples() -> PathBuf {
    std::env::var_os("SOLENT_SAMPLES").map_or_else(|| root().join("../shared/data"), PathBuf::from)
}

fn solent(file: &Path, json: bool) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solent"));
    command.arg("decide").arg("--facts").arg(file);
    if json {
        command.arg("--json");
    }
    command.output().unwrap_or_else(|error| panic!("{error}"))
}

/// Bad files say in their first line what is expected: `# expect: exit 1, CODE POINTER`.
fn check_bad(files: &[PathBuf]) {
    for path in files {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let expected = line.trim_start_matches("# expect: exit 1, ").replace("(root)", "/");
        let (code, pointer) = expected.split_once(' ').unwrap_or((&expected, "/"));
        let output = solent(path, true);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}", path.display());
        assert!(output.stdout.is_empty(), "{} wrote to standard output", path.display());
        let start = format!("{code} {} {pointer} ", path.display());
        assert!(error.starts_with(&start), "{}: {error}", path.display());
    }
}

#[test]
fn a_bad_file_gives_its_code_and_pointer_and_no_decision() {
    let own = scenarios(&root().join("tests/cases/sharing/bad"));
    assert!(own.len() >= 10);
    check_bad(&own);
    check_bad(&scenarios(&samples().join("facts/bad")));
}

#[test]
fn the_json_output_has_the_keys_of_the_contract_in_the_order_of_the_asks() {
    let file = root().join("tests/cases/sharing/family.yaml");
    let output = solent(&file, true);
    assert_eq!(output.status.code(), Some(0));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let first = &value["decisions"][0];
    for key in ["ask", "level", "reason", "limit", "marker", "flags", "basis", "rules"] {
        assert!(!first[key].is_null() || key == "limit", "{key} is missing");
    }
    assert_eq!(first["ask"], "permitted");
    assert_eq!(first["basis"]["matrix"], "CIN,SW,MHL,S,I,yes");
    assert_eq!(first["basis"]["permissions"][0], "agreed");
    assert_eq!(first["basis"]["art6"], "6(1)(e)");
    let withheld = &value["decisions"][1];
    assert_eq!((&withheld["level"], &withheld["basis"]["art6"]), (&Value::from("N"), &Value::Null));
}

#[test]
fn the_plain_output_is_one_line_per_decision_and_names_nobody() {
    let output = solent(&root().join("tests/cases/sharing/family.yaml"), false);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().all(|line| line.split(' ').count() > 5), "{text}");
    assert!(text.starts_with("permitted S ALLOW-PERMISSION - none: Shown as a summary"), "{text}");
    for name in ["Quill", "Rowan"] {
        assert!(!text.contains(name), "{name} is printed");
    }
}
