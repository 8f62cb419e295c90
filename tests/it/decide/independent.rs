//! A second decision procedure, in another language and written from the papers alone (`tests/independent/decide`),
//! beside ours over generated facts files: every level, reason, limit, marker and flag.

use super::{policy, reader, root};
use serde_json::{Value, json};
use solent::sharing::{Decision, World, decide};
use std::process::Command;

/// Files compared in an ordinary run, about 70 asks each; `SOLENT_ORACLE_FILES` asks for more.
const FILES: &str = "60";

/// Where the generator's numbers start; `SOLENT_ORACLE_SEED` starts elsewhere.
const SEED: &str = "1";

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

pub(super) fn as_the_other_says_it(ask: &str, found: &Decision) -> Value {
    let flags: Vec<&str> = found.flags.iter().map(|flag| flag.code()).collect();
    json!({
        "ask": ask, "level": found.level.to_string(), "reason": found.reason.to_string(),
        "limit": found.limit.map(|limit| limit.code()), "marker": found.marker.code(), "flags": flags,
    })
}

/// The differences of one generated file, and how many asks it has.
fn compare(line: &str, wrong: &mut Vec<String>) -> usize {
    let said: Value = serde_json::from_str(line).unwrap();
    let facts = reader().read(said["facts"].to_string().as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let answers = said["decisions"].as_array().unwrap();
    assert_eq!(answers.len(), asks.len());
    for (ask, other) in asks.iter().zip(answers) {
        let ours = decide(&world, policy(), ask);
        assert!(ours.level > solent::vocabulary::Level::N || ours.basis.legal.is_none(), "a legal basis at N");
        let ours = as_the_other_says_it(ask.id.as_str(), &ours);
        if ours != *other {
            wrong.push(format!("file {}: ours {ours}, the other {other}", said["file"]));
        }
    }
    asks.len()
}

/// The generated files with the other's decisions, one a line; none where there is no interpreter.
pub(super) fn generated() -> Option<String> {
    let script = root().join("tests/independent/decide/decide.py");
    let (seed, files) = (setting("SOLENT_ORACLE_SEED", SEED), setting("SOLENT_ORACLE_FILES", FILES));
    let matrix = root().join("sharing/matrix.csv");
    let done = Command::new("python3").arg("-B").arg(script).arg(matrix).args(["--generate", &seed, &files]).output();
    let done = done.ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap())
}

#[test]
fn a_second_procedure_written_from_the_papers_alone_decides_the_same() {
    let Some(lines) = generated() else {
        eprintln!("skipped: no python3");
        return;
    };
    let mut wrong = Vec::new();
    let asks: usize = lines.lines().map(|line| compare(line, &mut wrong)).sum();
    eprintln!("{} files, {asks} asks, {} differ", lines.lines().count(), wrong.len());
    assert!(wrong.is_empty(), "{} of {asks} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(lines.lines().count().to_string(), setting("SOLENT_ORACLE_FILES", FILES));
}
