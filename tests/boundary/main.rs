//! Programs that must not compile: going around the steps that a release demands.
//!
//! Each file of `programs/` is a small user of the library. Its first line says what must happen:
//! `//! Must compile: …` (the control: the driver works) or `//! Must fail with E0451: …` (one rustc error code). The driver
//! runs `rustc` on it against the library that this very test was linked with, and asks for metadata only: no
//! dependency, no linking, well under a second each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]
#![allow(missing_docs, reason = "test names are the documentation")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program's first line demands.
#[derive(Debug, PartialEq)]
enum Demand {
    Compiles,
    FailsWith(String),
}

fn demand(text: &str) -> Option<Demand> {
    let first = text.lines().next()?;
    if first.starts_with("//! Must compile:") {
        return Some(Demand::Compiles);
    }
    let (code, why) = first.strip_prefix("//! Must fail with ")?.split_once(':')?;
    let known = code.len() == 5 && code.starts_with('E') && !why.trim().is_empty();
    known.then(|| Demand::FailsWith(code.to_owned()))
}

/// The library this test was linked with: beside the test itself, the newest if there are several.
fn library() -> (PathBuf, PathBuf) {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let is_library = |p: &PathBuf| {
        let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("libsolent-") && name.ends_with(".rlib")
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().flatten().map(|e| e.path()).collect();
    found.retain(is_library);
    found.sort_by_key(|p| std::fs::metadata(p).unwrap().modified().unwrap());
    (found.pop().expect("the library stands beside its tests"), folder)
}

/// The codes of the errors rustc gives; `None` when the program compiles.
fn errors(program: &Path) -> Option<Vec<String>> {
    let (library, folder) = library();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(program.file_stem().unwrap()).with_extension("rmeta");
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--error-format=json", "-o"])
        .arg(out)
        .arg("--extern")
        .arg(format!("solent={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", folder.display()))
        .arg(program)
        .output()
        .expect("rustc runs");
    if output.status.success() {
        return None;
    }
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    let messages = lines.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let errors = messages.filter(|m| m["level"] == "error");
    Some(errors.map(|m| m["code"]["code"].as_str().unwrap_or("no code").to_owned()).collect())
}

#[test]
fn every_program_ends_as_its_first_line_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boundary/programs");
    let mut programs: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).collect();
    programs.sort();
    let (mut controls, mut wrong) = (0, Vec::new());
    for program in &programs {
        let name = program.file_name().unwrap().to_string_lossy().into_owned();
        let found = errors(program);
        match (demand(&std::fs::read_to_string(program).unwrap()), found) {
            (None, _) => wrong.push(format!("{name}: the first line does not say what must happen")),
            (Some(Demand::Compiles), None) => controls += 1,
            (Some(Demand::Compiles), Some(codes)) => wrong.push(format!("{name}: must compile, gave {codes:?}")),
            (Some(Demand::FailsWith(code)), None) => wrong.push(format!("{name}: compiles, {code} wanted")),
            // Only that error: a program that fails for another reason proves nothing.
            (Some(Demand::FailsWith(code)), Some(codes)) => {
                let told: Vec<&String> = codes.iter().filter(|c| *c != "no code").collect();
                if told.is_empty() || told.iter().any(|c| **c != code) {
                    wrong.push(format!("{name}: {code} wanted, gave {codes:?}"));
                }
            }
        }
    }
    assert!(controls > 0, "no program shows that the driver works");
    assert!(programs.len() > controls, "no program shows what must not compile");
    assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
}

#[test]
fn the_first_line_is_read_strictly() {
    assert_eq!(demand("//! Must compile: why"), Some(Demand::Compiles));
    assert_eq!(demand("//! Must fail with E0451: why"), Some(Demand::FailsWith("E0451".to_owned())));
    assert_eq!(demand("//! Must fail: why"), None);
    assert_eq!(demand("//! Must fail with E0451:"), None);
}
