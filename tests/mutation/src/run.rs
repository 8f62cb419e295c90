//! Compiles the mutated copy once and runs the tests for each mutant: those first that are quickest and reach it.

use crate::mutate::Mutant;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Test groups: the binary, what is run of it; the quickest first. Tests that need the program or the gateway run only
/// where the whole tree was compiled. The scenarios run before them all, see [`swept`].
const GROUPS: &[(&str, &[&str])] = &[
    ("lib", &["sharing::redact", "sharing::decision", "sharing::unknown_adult"]),
    ("it", &["decide::output", "decide::local"]),
    ("lib", &["sharing::"]),
    ("it", &["exchange::"]),
    ("it", &["decide::govern", "decide::invariants"]),
];
/// The scenarios once more: the sweep has put them to every mutant that comes so far.
const SCENARIOS: &str = "what_a_decision_rests_on_agrees_with_what_it_says_in_every_scenario";
/// The group with the gateway: only with `--whole`.
const GATEWAY: &str = "exchange::";
/// The group that enumerates the space of decisions, a minute a mutant: only with `--enumerated`.
const ENUMERATED: &str = "decide::govern";
/// A mutant that takes this many times as long as the unchanged program is caught: it hangs.
const PATIENCE: u32 = 8;
/// And at least this long.
const PATIENCE_MIN: Duration = Duration::from_secs(20);
/// Limits are of processor time, so that a busy machine calls no mutant caught that only waited. One that waits for ever
/// uses none: it hangs after this many times its limit by the clock.
const IDLE: u32 = 20;
/// How often a running mutant is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The kernel's tick in `/proc/PID/stat`, per second (`USER_HZ`, the same on every Linux this runs on).
const TICKS: u64 = 100;

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
    let mut used = Duration::ZERO;
    let hung = loop {
        match ended.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => used = processor_time(child.id()).unwrap_or(used),
            _ => break false,
        }
        if used > limit || started.elapsed() > limit * IDLE {
            let _ = child.kill();
            break true;
        }
    };
    let status = child.wait().expect("a child");
    let ran = match (hung, status.success()) {
        (true, _) => Ran::Hung,
        (false, true) => Ran::Passed,
        (false, false) => Ran::Failed,
    };
    (ran, started.elapsed())
}

/// What a process has used of the processor so far, its threads together (proc(5), fields 14 and 15).
fn processor_time(process: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS))
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
pub fn all(
    tree: &Path,
    workplace: &Path,
    mutants: &[Mutant],
    jobs: usize,
    (whole, enumerated): (bool, bool),
) -> ExitCode {
    let binaries = binaries(workplace);
    let mut known = Vec::new();
    for (number, (binary, filters)) in GROUPS.iter().enumerate() {
        let binary = binaries.get(*binary).expect("a binary").clone();
        let trace = workplace.join(format!("reached-{number}-{}", std::process::id()));
        let _ = std::fs::remove_file(&trace);
        let text = trace.display().to_string();
        if (!whole && filters[0] == GATEWAY) || (!enumerated && filters[0] == ENUMERATED) {
            continue;
        }
        let mut skipped = failing(&binary, workplace, filters);
        skipped.push(SCENARIOS.to_owned());
        let setting = ("SOLENT_MUTANT_TRACE", text.as_str());
        let (ran, took) = group(&binary, workplace, (filters, &skipped), setting, Duration::from_secs(900));
        assert!(matches!(ran, Ran::Passed), "{filters:?} fail without any mutant");
        let reached = std::fs::read_to_string(&trace).unwrap_or_default();
        let reaches: BTreeSet<u32> = reached.lines().filter_map(|l| l.parse().ok()).collect();
        eprintln!("{filters:?}: reaches {} mutants in {:.1} s", reaches.len(), took.as_secs_f64());
        known.push(Known { binary, filters, skipped, reaches, limit: (took * PATIENCE).max(PATIENCE_MIN) });
    }
    let reviewed = reviewed(tree);
    let it = binaries.get("it").expect("a binary");
    let mut swept = swept(it, workplace, mutants, true);
    let rest: Vec<Mutant> = mutants.iter().filter(|m| !swept.contains_key(&m.id)).cloned().collect();
    swept.extend(self::swept(it, workplace, &rest, false));
    let left: Vec<&Mutant> = mutants.iter().filter(|m| !swept.contains_key(&m.id)).collect();
    eprintln!("in one process: {} of {} mutants caught", swept.len(), mutants.len());
    let queue = Mutex::new(left.into_iter());
    let missed = Mutex::new(Vec::new());
    let hung = swept.values().filter(|hung| **hung).count();
    let counts = Mutex::new((swept.len() - hung, hung, 0_usize));
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
                        None if reviewed.iter().any(|row| row.explains(mutant)) => counts.2 += 1,
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

/// How long the scenarios of one mutant may take before it counts as hung.
const SWEEP_MAX: Duration = Duration::from_secs(40);
/// And reading them all, before the first.
const SWEEP_START_MAX: Duration = Duration::from_secs(300);

/// The mutants that the scenarios catch, or the tests named to the sweep, and whether by time. One process for all of them, a new one after each that hangs.
fn swept(binary: &Path, workplace: &Path, mutants: &[Mutant], tests: bool) -> BTreeMap<u32, bool> {
    let mode = tests.then_some(("SOLENT_SWEEP_TESTS", "1"));
    let list = workplace.join(format!("sweep-{}", std::process::id()));
    let said = list.with_extension("found");
    let mut caught = BTreeMap::new();
    let mut left: Vec<u32> = mutants.iter().map(|m| m.id).collect();
    let trace = list.with_extension("reached");
    let _ = std::fs::remove_file(&trace);
    std::fs::write(&list, "").expect("a file");
    let traced = Command::new(binary)
        .current_dir(workplace)
        .args(["decide::sweep", "--test-threads", "1"])
        .env("SOLENT_SWEEP", &list)
        .envs(mode)
        .env("SOLENT_MUTANT_TRACE", &trace)
        .output()
        .expect("a test binary");
    assert!(traced.status.success(), "the scenarios fail without any mutant");
    let reached = std::fs::read_to_string(&trace).unwrap_or_default();
    let reached: BTreeSet<u32> = reached.lines().filter_map(|line| line.parse().ok()).collect();
    left.retain(|id| reached.contains(id));
    eprintln!("in one process, {}: reach {} mutants", if tests { "tests" } else { "scenarios" }, left.len());
    while !left.is_empty() {
        let text: String = left.iter().map(|id| format!("{id}\n")).collect();
        std::fs::write(&list, text).expect("a file");
        let _ = std::fs::remove_file(&said);
        let mut child = Command::new(binary)
            .current_dir(workplace)
            .args(["decide::sweep", "--test-threads", "1"])
            .env("SOLENT_SWEEP", &list)
            .envs(mode)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a test binary");
        // Its output ends when it ends.
        let mut output = child.stdout.take().expect("an output");
        let (gone, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut output, &mut std::io::sink());
            let _ = gone.send(());
        });
        let (mut lines, mut since, mut before, mut used) = (0, Instant::now(), Duration::ZERO, Duration::ZERO);
        let ended = loop {
            if over.recv_timeout(LOOK).is_ok() {
                let _ = child.wait();
                break true;
            }
            used = processor_time(child.id()).unwrap_or(used);
            let now = std::fs::read_to_string(&said).unwrap_or_default().lines().count();
            if now > lines {
                (lines, since, before) = (now, Instant::now(), used);
            }
            let limit = if lines == 0 { SWEEP_START_MAX } else { SWEEP_MAX };
            if used.saturating_sub(before) > limit || since.elapsed() > limit * IDLE {
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        };
        let text = std::fs::read_to_string(&said).unwrap_or_default();
        let found: Vec<(u32, bool)> = text
            .lines()
            .filter_map(|line| Some((line.split_once(' ')?.0.parse().ok()?, line.ends_with("caught"))))
            .collect();
        assert_eq!(found.first(), Some(&(0, false)), "the scenarios fail without any mutant");
        caught.extend(found.iter().filter(|(_, seen)| *seen).map(|(id, _)| (*id, false)));
        left.retain(|id| !found.iter().any(|(done, _)| done == id));
        if !left.is_empty() {
            // The first that was not answered hung, or ended the process (a stack that overflows).
            caught.insert(left.remove(0), !ended);
        }
    }
    caught
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

/// A row of the list: file, function, mutant. `*` as function is any of the file's; a mutant that ends in `*` is every one
/// that begins so.
struct Row(String, String, String);

impl Row {
    fn explains(&self, mutant: &Mutant) -> bool {
        let Self(file, function, what) = self;
        *file == mutant.file
            && (function == "*" || *function == mutant.function)
            && what.strip_suffix('*').map_or(*what == mutant.what, |start| mutant.what.starts_with(start))
    }
}

/// The list; a row without its reason explains nothing.
fn reviewed(tree: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(tree.join("tests/mutation/reviewed.tsv")).unwrap_or_default();
    let rows = text.lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t').map(str::to_owned);
        let row = Row(cells.next()?, cells.next()?, cells.next()?);
        cells.next().filter(|why| !why.trim().is_empty()).map(|_| row)
    });
    rows.collect()
}
