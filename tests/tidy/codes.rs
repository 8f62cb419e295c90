//! Diagnostic codes: every row of the registry has a page, is given by some code, and is provoked by some test.
//!
//! The pages under `docs/reference/codes/` are generated from the registry, so they cannot drift from it.

use crate::source::Tree;
use solent::diagnostic::{REGISTRY, RegistryRow};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const FOLDER: &str = "docs/reference/codes";

/// The page of one code.
fn page(row: &RegistryRow) -> String {
    format!("# {}\n\n{}\n\n**What to do.** {}\n", row.code, row.meaning, row.fix)
}

/// The list of all codes, by subject.
fn index() -> String {
    let mut subjects: BTreeMap<&str, Vec<&RegistryRow>> = BTreeMap::new();
    for row in REGISTRY {
        subjects.entry(row.code.as_str().split('-').nth(1).unwrap_or("")).or_default().push(row);
    }
    let mut out = String::from(
        "# Diagnostic codes\n\nEvery message to a person carries a stable code. These pages are generated from \
         `src/diagnostic/codes.rs` by `SOLENT_BLESS=1 cargo test --test tidy`; do not edit them by hand.\n",
    );
    for (subject, rows) in subjects {
        let _ = write!(out, "\n## {subject}\n\n| Code | Given when |\n|---|---|\n");
        for row in rows {
            let _ = writeln!(out, "| [{0}]({0}.md) | {1} |", row.code, row.meaning);
        }
    }
    out
}

/// Compares the pages with the registry; with `bless` writes them first.
pub fn pages(root: &Path, bless: bool) -> Vec<String> {
    let folder = root.join(FOLDER);
    let mut wanted: BTreeMap<String, String> = REGISTRY.iter().map(|r| (format!("{}.md", r.code), page(r))).collect();
    wanted.insert("README.md".to_owned(), index());
    let found: BTreeMap<String, String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| (e.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(e.path()).unwrap_or_default()))
        .collect();
    if bless {
        std::fs::create_dir_all(&folder).unwrap();
        for name in found.keys().filter(|n| !wanted.contains_key(*n)) {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in &wanted {
            std::fs::write(folder.join(name), text).unwrap();
        }
        return Vec::new();
    }
    differences(&wanted, &found)
}

fn differences(wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<String> {
    let how = "run SOLENT_BLESS=1 cargo test --test tidy";
    let mut out = Vec::new();
    for (name, text) in wanted {
        match found.get(name) {
            None => out.push(format!("{FOLDER}/{name} is missing: {how}")),
            Some(f) if f != text => out.push(format!("{FOLDER}/{name} is out of date: {how}")),
            Some(_) => {}
        }
    }
    out.extend(found.keys().filter(|n| !wanted.contains_key(*n)).map(|n| format!("{FOLDER}/{n} has no code: {how}")));
    out
}

/// Codes that no product code gives, and codes that no test provokes.
pub fn used(tree: &Tree) -> Vec<String> {
    let registry = tree.text("src/diagnostic/codes.rs");
    let (mut product, mut tests) = (String::new(), String::new());
    for file in tree.rust_under("").iter().filter(|f| f.path != "src/diagnostic/codes.rs") {
        product.push_str(&file.product);
        // What a test sees of a code is its text in a string, or its constant.
        if !file.path.starts_with("tests/tidy") {
            tests.push_str(&test_part(&file.text, &file.product));
        }
    }
    for name in tree.names().filter(|n| n.starts_with("tests/cases/")) {
        tests.push_str(name);
        tests.push('\n');
        tests.push_str(&tree.text(name));
        tests.push('\n');
    }
    let mut out = Vec::new();
    for row in REGISTRY {
        let code = row.code.as_str();
        let constant = constant_of(&registry, code);
        if !has_word(&product, &constant) {
            out.push(format!("{code}: nothing gives it (`code::{constant}` is not used in src/)"));
        }
        if !has_word(&tests, &constant) && !has_word(&tests, code) {
            out.push(format!("{code}: no test provokes it"));
        }
    }
    out
}

/// The lines of a file that are not product code, as they are written.
fn test_part(text: &str, product: &str) -> String {
    if product.is_empty() {
        return text.to_owned();
    }
    let from = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[from..].to_owned()
}

fn constant_of(registry: &str, code: &str) -> String {
    let quoted = format!(" = \"{code}\"");
    let line = registry.lines().find(|l| l.contains(&quoted)).unwrap_or("");
    line.split('=').next().unwrap_or("").trim().to_owned()
}

fn has_word(text: &str, word: &str) -> bool {
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
            edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
        })
}

#[cfg(test)]
mod samples {
    use super::*;

    #[test]
    fn missing_stale_and_extra_pages_are_found() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let wanted: BTreeMap<String, String> = map(&[("A.md", "a"), ("B.md", "b")]);
        assert_eq!(differences(&wanted, &map(&[("B.md", "old"), ("C.md", "c")])).len(), 3);
        assert!(differences(&wanted, &wanted).is_empty());
    }

    #[test]
    fn a_longer_code_does_not_stand_for_a_shorter_one() {
        assert!(has_word("SOL-DOC-LIMIT", "SOL-DOC-LIMIT") && !has_word("SOL-DOC-LIMIT-X", "SOL-DOC-LIMIT"));
        assert!(!has_word("MY_DOC_LIMIT", "DOC_LIMIT") && has_word("code::DOC_LIMIT,", "DOC_LIMIT"));
    }

    #[test]
    fn a_constant_is_found_by_its_code() {
        assert_eq!(constant_of("    DOC_SYNTAX = \"SOL-DOC-SYNTAX\", \"x\";", "SOL-DOC-SYNTAX"), "DOC_SYNTAX");
    }
}
