//! Each folder of `tests/cases/diagnostics/` provokes one code: `<CODE>-<slug>/`.
//!
//! `command` holds the arguments, one a line; `{case}` is the folder and `{dir}` a content set: the shipped one with the
//! files of the case's `overlay/` laid over it. `expected` holds the exit code and, from the second line, what stands on
//! standard error, word for word. `SOLENT_BLESS=1 cargo test --test it diagnostics` writes it; read it before keeping it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

/// The shipped content set with the case's files laid over it.
fn content_set(case: &Path, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diagnostics").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    for part in ["schemas", "mappings", "sharing"] {
        copy(&root.join(part), &dir.join(part));
    }
    copy(&case.join("overlay"), &dir);
    dir
}

/// Exit code and standard error of a case, with its folders named `{case}` and `{dir}`.
fn run(case: &Path, name: &str) -> String {
    let arguments = std::fs::read_to_string(case.join("command")).unwrap();
    let dir = arguments.contains("{dir}").then(|| content_set(case, name));
    let dir = dir.map_or(String::new(), |d| d.display().to_string());
    let here = case.display().to_string();
    let out = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(arguments.lines().map(|a| a.replace("{case}", &here).replace("{dir}", &dir)))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let mut text = String::from_utf8_lossy(&out.stderr).replace(&here, "{case}");
    if !dir.is_empty() {
        text = text.replace(&dir, "{dir}");
    }
    format!("exit {}\n{text}", out.status.code().unwrap())
}

#[test]
fn every_case_says_exactly_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/diagnostics");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).collect();
    cases.sort();
    assert!(cases.len() > 5);
    let bless = std::env::var_os("SOLENT_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let found = run(&case, &name);
        let code =
            name.split('-').take_while(|p| p.chars().all(|c| c.is_ascii_uppercase())).collect::<Vec<_>>().join("-");
        if !found.contains(&code) {
            wrong.push(format!("{name}: {code} is not given:\n{found}"));
        } else if bless {
            std::fs::write(case.join("expected"), &found).unwrap();
        } else if std::fs::read_to_string(case.join("expected")).unwrap_or_default() != found {
            wrong.push(format!("{name}: not as expected, but:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
