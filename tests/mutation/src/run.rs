//! Compiles the mutated copy once and runs the tests for each mutant: those first that are quickest and reach it.

use crate::mutate::Mutant;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Test groups: the binary, what is run of it; the quickest first. Tests that need the program or the gateway run only
/// where the whole tree was compiled.
const GROUPS: &[(&str, &[&str])] = &[
    ("it", &["decide::our_own_scenarios", "decide::the_public_sample_scenarios"]),
    ("lib", &["sharing::"]),
    ("it", &["decide::output", "decide::local", "decide::govern", "decide::the_", "decide::a_bad"]),
    ("it", &["exchange::"]),
    ("it", &["decide::invariants"]),
];
/// A mutant that takes this many times as long as the unchanged program is caught: it hangs.
const PATIENCE: u32 = 8;
/// And at least this long.
const PATIENCE_MIN: Duration = Duration::from_secs(20);

fn cargo(workplace: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workplace);
    command
}

/// The mutants that do not compile.
pub fn faulty(workplace: &Path, mutants: &[Mutant]) -> BTreeSet<u32> {
    let output = cargo(workplace).args(["check", "--lib", "--message-format=json"]).output().expect("cargo");
    let mut faulty = BTreeSet::new();
    let mut unplaced = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let message = &value["message"];
        if message["level"] != "error" {
            continue;
        }
        let spans = message["spans"].as_array().cloned().unwrap_or_default();
        let primary = spans.iter().find(|s| s["is_primary"] == true);
        let found = primary.and_then(|span| {
            let file = span["file_name"].as_str()?;
            let (start, end) = (span["byte_start"].as_u64()? as usize, span["byte_end"].as_u64()? as usize);
            let text = std::fs::read(workplace.join(file)).ok()?;
            nearest(&text, start, end)
        });
        match found {
            Some(id) => drop(faulty.insert(id)),
            None => unplaced.push(message["rendered"].as_str().unwrap_or_default().to_owned()),
        }
    }
    if faulty.is_empty() && !output.status.success() {
        eprintln!("{}", unplaced.join("\n"));
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        panic!("the mutated copy does not compile, and no mutant is to blame");
    }
    for each in mutants.iter().filter(|m| faulty.contains(&m.id)) {
        eprintln!("left out: {each}");
    }
    faulty
}

/// The switch inside the span, or else the last one before it.
fn nearest(text: &[u8], start: usize, end: usize) -> Option<u32> {
    let needle = b"mutant :: on (";
    let read = |at: usize| -> Option<u32> {
        let digits: String = text[at + needle.len()..]
            .iter()
            .map(|b| *b as char)
            .skip_while(|c| *c == ' ')
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().ok()
    };
    let before = text[..start].windows(needle.len()).rposition(|w| w == needle);
    let inside = text[start..end.min(text.len())].windows(needle.len()).position(|w| w == needle).map(|n| n + start);
    before.into_iter().chain(inside).find_map(read)
}

fn binaries(workplace: &Path) -> BTreeMap<String, PathBuf> {
    let output = cargo(workplace)
        .args(["test", "--no-run", "--lib", "--test", "it", "--message-format=json"])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    assert!(output.status.success(), "the mutated copy does not build: {}", String::from_utf8_lossy(&output.stdout));
    let mut found = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        if let (Some(path), true) = (value["executable"].as_str(), value["profile"]["test"] == true) {
            let kind = value["target"]["kind"][0].as_str().unwrap_or_default();
            let name = if kind == "test" { value["target"]["name"].as_str().unwrap_or_default() } else { "lib" };
            found.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    found
}

enum Ran {
    Passed,
    Failed,
    Hung,
}

fn group(
    binary: &Path,
    tree: &Path,
    (filters, skipped): (&[&str], &[String]),
    setting: (&str, &str),
    limit: Duration,
) -> (Ran, Duration) {
    let started = Instant::now();
    let mut child = Command::new(binary)
        .current_dir(tree)
        .args(filters)
        .args(skipped.iter().flat_map(|name| ["--skip", name.as_str()]))
        .args(["--test-threads", "1", "--quiet"])
        .env(setting.0, setting.1)
        .env("SOLENT_TEST_POSTGRES", "none")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a test binary");
    // What it prints ends when it ends.
    let mut printed = child.stdout.take().expect("a pipe");
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut printed, &mut std::io::sink());
        let _ = done.send(());
    });
    let hung = ended.recv_timeout(limit).is_err();
    if hung {
        let _ = child.kill();
    }
    let status = child.wait().expect("a child");
    let ran = match (hung, status.success()) {
        (true, _) => Ran::Hung,
        (false, true) => Ran::Passed,
        (false, false) => Ran::Failed,
    };
    (ran, started.elapsed())
}

/// The tests of a group that fail as it is.
fn failing(binary: &Path, tree: &Path, filters: &[&str]) -> Vec<String> {
    let mut command = Command::new(binary);
    command.current_dir(tree).args(filters).env("SOLENT_TEST_POSTGRES", "none").stderr(Stdio::null());
    let output = command.output().expect("a test binary");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = text.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let failed: Vec<String> = failed.map(str::to_owned).collect();
    failed.iter().for_each(|name| eprintln!("left out, it needs the whole program: {name}"));
    failed
}

/// A group as it is without any mutant.
struct Known {
    binary: PathBuf,
    filters: &'static [&'static str],
    /// Tests that do not pass here without any mutant: those that need the program.
    skipped: Vec<String>,
    reaches: BTreeSet<u32>,
    limit: Duration,
}

/// Runs them all; the exit code says whether one that nobody reviewed was missed.
pub fn all(tree: &Path, workplace: &Path, mutants: &[Mutant], jobs: usize, whole: bool) -> ExitCode {
    let binaries = binaries(workplace);
    let mut known = Vec::new();
    for (number, (binary, filters)) in GROUPS.iter().enumerate() {
        let binary = binaries.get(*binary).expect("a binary").clone();
        let trace = workplace.join(format!("reached-{number}"));
        let _ = std::fs::remove_file(&trace);
        let text = trace.display().to_string();
        if !whole && filters[0] == "exchange::" {
            continue;
        }
        let skipped = failing(&binary, workplace, filters);
        let setting = ("SOLENT_MUTANT_TRACE", text.as_str());
        let (ran, took) = group(&binary, workplace, (filters, &skipped), setting, Duration::from_secs(900));
        assert!(matches!(ran, Ran::Passed), "{filters:?} fail without any mutant");
        let reached = std::fs::read_to_string(&trace).unwrap_or_default();
        let reaches: BTreeSet<u32> = reached.lines().filter_map(|l| l.parse().ok()).collect();
        eprintln!("{filters:?}: reaches {} mutants in {:.1} s", reaches.len(), took.as_secs_f64());
        known.push(Known { binary, filters, skipped, reaches, limit: (took * PATIENCE).max(PATIENCE_MIN) });
    }
    let reviewed = reviewed(tree);
    let queue = Mutex::new(mutants.iter());
    let missed = Mutex::new(Vec::new());
    let counts = Mutex::new((0_usize, 0_usize, 0_usize));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some(mutant) = queue.lock().expect("a lock").next() else { return };
                    let caught = caught(mutant, workplace, &known);
                    let mut counts = counts.lock().expect("a lock");
                    match caught {
                        Some(Ran::Hung) => counts.1 += 1,
                        Some(_) => counts.0 += 1,
                        None if reviewed.contains(&mutant.key()) => counts.2 += 1,
                        None => {
                            println!("missed: {mutant}");
                            missed.lock().expect("a lock").push(mutant.clone());
                        }
                    }
                }
            });
        }
    });
    let (caught, hung, reviewed) = *counts.lock().expect("a lock");
    let missed = missed.into_inner().expect("a lock");
    let all = mutants.len();
    println!(
        "{all} mutants: {caught} caught, {hung} caught by time, {reviewed} missed and reviewed, {} missed",
        missed.len()
    );
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn caught(mutant: &Mutant, workplace: &Path, known: &[Known]) -> Option<Ran> {
    let id = mutant.id.to_string();
    for each in known.iter().filter(|k| k.reaches.contains(&mutant.id)) {
        let (ran, _) =
            group(&each.binary, workplace, (each.filters, &each.skipped), ("SOLENT_MUTANT", &id), each.limit);
        if !matches!(ran, Ran::Passed) {
            return Some(ran);
        }
    }
    None
}

/// File, function, mutant, why nothing can notice it.
fn reviewed(tree: &Path) -> BTreeSet<(String, String, String)> {
    let text = std::fs::read_to_string(tree.join("tests/mutation/reviewed.tsv")).unwrap_or_default();
    let rows = text.lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t').map(str::to_owned);
        Some((cells.next()?, cells.next()?, cells.next()?))
    });
    rows.collect()
}
