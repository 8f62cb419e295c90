//! Do the tests of the deciding part notice a mistake in it? Makes mistakes, one at a time, and looks.
//!
//! Copies the tree, puts every mutant of the chosen files behind a run-time switch ([`mutate`]), compiles once, and runs
//! the decision tests once for each mutant with the switch set ([`run`]). A mutant that no test notices is printed unless
//! `reviewed.tsv` says why nothing can notice it. Not shipped. See `tests/README.md`.
//!
//! `cargo run --release -- TREE WORKPLACE [--only PART-OF-A-PATH] [--jobs N] [--list]`

mod mutate;
mod run;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The deciding part, below `src/sharing`.
const FILES: &[&str] =
    &["procedure.rs", "local.rs", "unknown_adult.rs", "redact.rs", "decision.rs", "steps", "world", "decision", "redact", "lifecycle"];
/// What a mutant is switched with.
const SWITCH: &str = r#"//! Which mistake is made in this run. Written by tests/mutation.
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
/// Nobody has looked at the environment yet.
const UNREAD: u32 = u32::MAX;
/// No mutant: which of them are reached is written down.
const TRACED: u32 = u32::MAX - 1;
static NOW: AtomicU32 = AtomicU32::new(UNREAD);
static SEEN: [AtomicBool; 20_000] = [const { AtomicBool::new(false) }; 20_000];
/// Whether this mutant is the one of this run.
#[inline]
pub fn on(id: u32) -> bool {
    let now = NOW.load(Ordering::Relaxed);
    now == id || (now >= TRACED && slow(id))
}
#[cold]
fn slow(id: u32) -> bool {
    let trace = std::env::var_os("SOLENT_MUTANT_TRACE");
    if NOW.load(Ordering::Relaxed) == UNREAD {
        let set = std::env::var("SOLENT_MUTANT").ok().and_then(|v| v.parse().ok());
        NOW.store(set.unwrap_or(if trace.is_some() { TRACED } else { 0 }), Ordering::Relaxed);
        return on(id);
    }
    if SEEN[id as usize % SEEN.len()].swap(true, Ordering::Relaxed) { return false; }
    if let Some(path) = trace {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        if let Ok(mut file) = file { let _ = file.write_all(format!("{id}\n").as_bytes()); }
    }
    false
}
"#;

fn main() -> ExitCode {
    let mut only = None;
    let mut jobs = 2_usize;
    let mut list = false;
    let mut places = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only = arguments.next(),
            "--jobs" => jobs = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(2),
            "--list" => list = true,
            _ => places.push(PathBuf::from(argument)),
        }
    }
    let [tree, workplace] = places.as_slice() else {
        eprintln!("usage: solent-mutation TREE WORKPLACE [--only PART] [--jobs N] [--list]");
        return ExitCode::from(2);
    };
    copy(tree, workplace);
    let mut refused = BTreeSet::new();
    loop {
        let mutants = write(tree, workplace, &refused);
        if list {
            mutants.iter().for_each(|m| println!("{m}"));
            return ExitCode::SUCCESS;
        }
        // What does not compile is no mutant: it is left out and the rest is written again.
        let faulty = run::faulty(workplace, &mutants);
        if faulty.is_empty() {
            let chosen: Vec<_> =
                mutants.into_iter().filter(|m| only.as_ref().is_none_or(|part| m.file.contains(part))).collect();
            return run::all(tree, workplace, &chosen, jobs);
        }
        eprintln!("{} mutants do not compile and are left out", faulty.len());
        refused.extend(faulty);
    }
}

/// The tree without what is built, except that unchanged files keep their times so that cargo rebuilds little.
fn copy(tree: &Path, workplace: &Path) {
    for part in ["src", "tests", "schemas", "mappings", "sharing", "templates", "text", "docs", "benches", "deploy", "demo", "examples"] {
        if tree.join(part).is_dir() {
            copy_folder(&tree.join(part), &workplace.join(part));
        }
    }
    for entry in std::fs::read_dir(tree).expect("the tree").flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) && entry.file_name() != ".git" {
            copy_file(&entry.path(), &workplace.join(entry.file_name()));
        }
    }
    let manifest = workplace.join("Cargo.toml");
    let mut text = std::fs::read_to_string(&manifest).expect("Cargo.toml");
    // Fast enough to enumerate the space of decisions once a mutant.
    text.push_str("\n[profile.dev.package.solent]\nopt-level = 1\ndebug = false\n");
    put(&manifest, &text);
    let library = workplace.join("src/lib.rs");
    let text = std::fs::read_to_string(&library).expect("src/lib.rs");
    let text = text.replacen("pub mod audit;", "#![allow(warnings)]\npub mod audit;", 1);
    put(&library, &text.replacen("pub mod vocabulary;", "pub mod vocabulary;\npub mod mutant;", 1));
    put(&workplace.join("src/mutant.rs"), SWITCH);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() { copy_folder(&path, &target) } else { copy_file(&path, &target) }
    }
}

fn copy_file(from: &Path, to: &Path) {
    let new = std::fs::read(from).expect("a file");
    if std::fs::read(to).ok().as_ref() != Some(&new) {
        std::fs::write(to, new).expect("a file");
    }
}

fn put(path: &Path, text: &str) {
    if std::fs::read_to_string(path).ok().as_deref() != Some(text) {
        std::fs::write(path, text).expect("a file");
    }
}

/// Every chosen file again, with its mutants; their numbers run through all files, also those left out.
fn write(tree: &Path, workplace: &Path, refused: &BTreeSet<u32>) -> Vec<mutate::Mutant> {
    let mut files = Vec::new();
    for name in FILES {
        gather(&tree.join("src/sharing").join(name), &mut files);
    }
    files.sort();
    let mut mutants = Vec::new();
    for path in files {
        let name = path.strip_prefix(tree).expect("a file of the tree").to_string_lossy().into_owned();
        if name.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a file");
        let text = mutate::file(&name, &source, refused, &mut mutants);
        put(&workplace.join(&name), &text);
    }
    mutants
}

fn gather(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
    } else if let Ok(entries) = std::fs::read_dir(path) {
        entries.flatten().for_each(|entry| gather(&entry.path(), files));
    }
}
