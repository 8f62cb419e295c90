//! Do the tests of the deciding part notice a mistake in it? Makes mistakes, one at a time, and looks.
//!
//! Copies the tree, puts every mutant of the chosen files behind a run-time switch ([`mutate`]), compiles once, and runs
//! the decision tests once for each mutant with the switch set ([`run`]). A mutant that no test notices is printed unless
//! `reviewed.tsv` says why nothing can notice it. Not shipped. See `tests/README.md`.
//!
//! `cargo run --release -- TREE WORKPLACE [--only PART-OF-A-PATH]… [--jobs N] [--list] [--whole] [--enumerated]`

mod mutate;
mod run;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The deciding part, below `src/sharing`.
const FILES: &[&str] = &[
    "procedure.rs",
    "local.rs",
    "unknown_adult.rs",
    "redact.rs",
    "decision.rs",
    "steps",
    "world",
    "decision",
    "redact",
    "lifecycle",
];
/// The part of the program that decides and what it needs: compiled without the rest. The life of permissions and the rest
/// of `lifecycle` is tested through the gateway, so `--whole` compiles everything.
const LIBRARY: &str = r#"#![allow(warnings)]
pub mod clock;
pub mod config;
pub mod diagnostic;
pub mod document;
pub mod ident;
pub mod mutant;
pub mod record;
pub mod schema;
pub mod sharing;
pub mod vocabulary;
pub mod cli {
    pub mod content {
        use crate::config::Files;
        pub fn built_in() -> Files {
            let mut files = Files::default();
            let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            for part in ["schemas/config", "schemas/record", "sharing"] {
                for entry in std::fs::read_dir(root.join(part)).unwrap().flatten() {
                    let name = format!("{part}/{}", entry.file_name().to_string_lossy());
                    if entry.path().is_file() { files.insert(name, std::fs::read(entry.path()).unwrap()); }
                }
            }
            files
        }
    }
}
"#;
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
/// Makes it the one of this process.
pub fn set(id: u32) {
    NOW.store(id, Ordering::Relaxed);
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
    let mut only = Vec::new();
    let mut jobs = 2_usize;
    let (mut list, mut whole, mut enumerated) = (false, false, false);
    let mut places = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only.extend(arguments.next()),
            "--jobs" => jobs = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(2),
            "--list" => list = true,
            "--whole" => whole = true,
            "--enumerated" => enumerated = true,
            _ => places.push(PathBuf::from(argument)),
        }
    }
    let [tree, workplace] = places.as_slice() else {
        eprintln!("usage: solent-mutation TREE WORKPLACE [--only PART] [--jobs N] [--list] [--whole] [--enumerated]");
        return ExitCode::from(2);
    };
    copy(tree, workplace, whole);
    let mut refused = remembered(workplace);
    loop {
        let mutants = write(tree, workplace, &refused);
        if list {
            mutants.iter().for_each(|m| println!("{m}"));
            return ExitCode::SUCCESS;
        }
        // What does not compile is no mutant: it is left out and the rest is written again.
        let faulty = run::faulty(workplace, &mutants);
        if faulty.is_empty() {
            let chosen: Vec<_> = mutants
                .into_iter()
                .filter(|m| !refused.contains(&m.key()))
                .filter(|m| only.is_empty() || only.iter().any(|part| m.file.contains(part.as_str())))
                .collect();
            return run::all(tree, workplace, &chosen, jobs, (whole, enumerated));
        }
        eprintln!("{} mutants do not compile and are left out", faulty.len());
        refused.extend(mutants.iter().filter(|m| faulty.contains(&m.id)).map(mutate::Mutant::key));
        remember(workplace, &refused);
    }
}

/// The parts of the deciding part, in `src`.
const DECIDING: &[&str] = &[
    "clock.rs",
    "config",
    "diagnostic",
    "document",
    "ident",
    "ident.rs",
    "record",
    "schema",
    "sharing",
    "vocabulary",
    "vocabulary.rs",
];

/// The tree without what is built; only what decides, unless `whole`. Unchanged files keep their times, so that cargo
/// rebuilds little.
fn copy(tree: &Path, workplace: &Path, whole: bool) {
    let manifest = workplace.join("Cargo.toml");
    let text = std::fs::read_to_string(tree.join("Cargo.toml")).expect("Cargo.toml");
    // Fast enough to enumerate the space of decisions once a mutant.
    let profile = "\n[profile.dev.package.solent]\nopt-level = 1\ndebug = false\n";
    if !whole {
        for part in DECIDING {
            let (from, to) = (tree.join("src").join(part), workplace.join("src").join(part));
            if from.is_dir() {
                copy_folder(&from, &to)
            } else if from.is_file() {
                copy_file(&from, &to)
            }
        }
        let parts = ["schemas/config", "schemas/record", "sharing", "tests/cases/sharing", "tests/it/decide"];
        for part in parts.into_iter().chain(["tests/independent/decide"]) {
            copy_folder(&tree.join(part), &workplace.join(part));
        }
        put(&workplace.join("src/lib.rs"), LIBRARY);
        put(&workplace.join("src/mutant.rs"), SWITCH);
        put(&workplace.join("tests/it/main.rs"), "#![allow(warnings)]\nmod decide;\n");
        for name in ["mod.rs", "govern.rs"] {
            let path = workplace.join("tests/it/decide").join(name);
            let text = std::fs::read_to_string(&path).expect("a test");
            put(&path, &text.replace("env!(\"CARGO_BIN_EXE_solent\")", "\"no-program\""));
        }
        swept(tree, workplace);
        copy_file(&tree.join("Cargo.lock"), &workplace.join("Cargo.lock"));
        // Neither program nor benches.
        let without: Vec<&str> = text.split("\n\n").filter(|part| !part.starts_with("[[")).collect();
        let text = without.join("\n\n").replace("default-run = \"solent\"\n", "");
        put(&manifest, &format!("{text}\n{profile}"));
        return;
    }
    for entry in std::fs::read_dir(tree).expect("the tree").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = workplace.join(&name);
        match entry.file_type() {
            Ok(kind) if kind.is_file() && name != ".git" => copy_file(&entry.path(), &target),
            Ok(kind) if kind.is_dir() && !name.starts_with('.') && name != "target" => {
                copy_folder(&entry.path(), &target)
            }
            _ => {}
        }
    }
    put(&manifest, &format!("{text}{profile}"));
    let library = workplace.join("src/lib.rs");
    let text = std::fs::read_to_string(tree.join("src/lib.rs")).expect("src/lib.rs");
    let text = text.replacen("pub mod audit;", "#![allow(warnings)]\npub mod audit;", 1);
    put(&library, &text.replacen("pub mod vocabulary;", "pub mod vocabulary;\npub mod mutant;", 1));
    put(&workplace.join("src/mutant.rs"), SWITCH);
    swept(tree, workplace);
}

/// Files of tests that are quick enough to run for every mutant in the sweep's process.
const SWEPT: &[&str] = &["lifecycle", "lifecycle_admit", "lifecycle_ties", "question", "references"];

/// The scenarios, and the tests of those files, run for many mutants in one process by a test that only the copy has.
fn swept(tree: &Path, workplace: &Path) {
    let (own, tests) = (tree.join("tests/it/decide"), workplace.join("tests/it/decide"));
    let mut called = String::new();
    for name in SWEPT {
        let text = std::fs::read_to_string(own.join(format!("{name}.rs"))).expect("a test");
        for function in text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split_once('(')) {
            called.push_str(&format!("super::{name}::{}, ", function.0));
        }
        put(&tests.join(format!("{name}.rs")), &text.replace("#[test]\nfn ", "#[test]\npub(super) fn "));
    }
    let sweep = std::fs::read_to_string(tree.join("tests/mutation/sweep.rs")).expect("the sweep");
    put(&tests.join("sweep.rs"), &sweep.replace("/*TESTS*/", &called));
    let text = std::fs::read_to_string(tests.join("mod.rs")).expect("a test");
    if !text.contains("mod sweep;") {
        put(&tests.join("mod.rs"), &text.replacen("mod rules;", "mod rules;\nmod sweep;", 1));
    }
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
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::write(to, new).expect("a file");
    }
}

fn put(path: &Path, text: &str) {
    if std::fs::read_to_string(path).ok().as_deref() != Some(text) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

/// What did not compile the last time, in this workplace.
fn remembered(workplace: &Path) -> BTreeSet<mutate::Key> {
    let text = std::fs::read_to_string(workplace.join("refused.tsv")).unwrap_or_default();
    let keys = text.lines().filter_map(|line| {
        let mut cells = line.split('\t').map(str::to_owned);
        Some((cells.next()?, cells.next()?, cells.next()?))
    });
    keys.collect()
}

fn remember(workplace: &Path, refused: &BTreeSet<mutate::Key>) {
    let text: String = refused.iter().map(|(file, function, what)| format!("{file}\t{function}\t{what}\n")).collect();
    put(&workplace.join("refused.tsv"), &text);
}

/// Every chosen file again, with its mutants; their numbers run through all files, also those left out.
fn write(tree: &Path, workplace: &Path, refused: &BTreeSet<mutate::Key>) -> Vec<mutate::Mutant> {
    let mut files = Vec::new();
    for name in FILES {
        gather(&tree.join("src/sharing").join(name), &mut files);
    }
    files.sort();
    let mut mutants = Vec::new();
    for path in files {
        let name = path.strip_prefix(tree).expect("a file of the tree").to_string_lossy().into_owned();
        if name.ends_with("tests.rs") || name.contains("/tests/") {
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
