//! Dependencies: each is listed in `docs/dependencies.md` with its features, licence and reason, and every licence in
//! the whole tree is permissive.
//!
//! The licences come from `cargo metadata`, offline: no advisory database, no registry is asked.

use crate::source::Tree;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Licences a permissive project may link. GPL and AGPL are refused by not standing here.
const ALLOWED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "BSL-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "CC0-1.0",
];

/// Every direct dependency that `docs/dependencies.md` does not describe as it is, and every row without a dependency.
pub fn listed(root: &Path) -> Vec<String> {
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let page = std::fs::read_to_string(root.join("docs/dependencies.md")).unwrap_or_default();
    let licences = packages(root).into_iter().map(|p| (p.name, p.licence)).collect();
    compare(&manifest, &page, &licences)
}

/// `manifest` against `page`; `licences` by package name.
fn compare(manifest: &str, page: &str, licences: &BTreeMap<String, String>) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let rows = rows(page);
    let mut out = Vec::new();
    let mut seen = Vec::new();
    for section in ["dependencies", "dev-dependencies"] {
        for (name, value) in manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
            seen.push(name.as_str());
            let Some([features, licence, reason]) = rows.get(name.as_str()) else {
                out.push(format!("docs/dependencies.md: no row for `{name}`"));
                continue;
            };
            for feature in value.get("features").and_then(toml::Value::as_array).into_iter().flatten() {
                let feature = feature.as_str().unwrap_or("");
                if !features.split([' ', '`', ',']).any(|f| f == feature) {
                    out.push(format!("docs/dependencies.md: `{name}` does not list feature `{feature}`"));
                }
            }
            if value.get("default-features").and_then(toml::Value::as_bool) == Some(false)
                && !features.contains("no defaults")
            {
                out.push(format!("docs/dependencies.md: `{name}` does not say `no defaults`"));
            }
            match licences.get(name.as_str()) {
                Some(l) if l != licence => out.push(format!("docs/dependencies.md: the licence of `{name}` is {l}")),
                _ => {}
            }
            if reason.len() < 10 {
                out.push(format!("docs/dependencies.md: `{name}` has no reason"));
            }
        }
    }
    out.extend(
        rows.keys().filter(|n| !seen.contains(*n)).map(|n| format!("docs/dependencies.md: `{n}` is no dependency")),
    );
    out
}

/// Every dependency that no source file names: dead weight in the licence list and in the build.
pub fn used(tree: &Tree) -> Vec<String> {
    let manifest: toml::Table = tree.text("Cargo.toml").parse().unwrap();
    let files = tree.rust_under("");
    let mut out = Vec::new();
    for (section, product) in [("dependencies", true), ("dev-dependencies", false)] {
        for name in manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten().map(|(name, _)| name) {
            let path = format!("{}::", name.replace('-', "_"));
            let names = |text: &str| {
                text.match_indices(&path).any(|(at, _)| {
                    !text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                })
            };
            if !files.iter().any(|f| names(if product { &f.product } else { &f.code })) {
                out.push(format!("Cargo.toml: nothing uses `{name}`"));
            }
        }
    }
    out
}

/// Rows `| name | features | licence | reason |` whose name is in backticks.
fn rows(page: &str) -> BTreeMap<&str, [&str; 3]> {
    let cells = page.lines().map(|l| l.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .filter_map(|c| match c.as_slice() {
            [name, features, licence, reason] if name.starts_with('`') => {
                Some((name.trim_matches('`'), [*features, *licence, *reason]))
            }
            _ => None,
        })
        .collect()
}

/// Every package whose licence is missing or not permissive.
pub fn licences(root: &Path) -> Vec<String> {
    let packages = packages(root);
    assert!(packages.len() > 50, "cargo metadata gave too little to judge");
    let refused = packages.iter().filter(|p| !permissive(&p.licence));
    refused.map(|p| format!("{} {}: licence `{}` is not on the allow list", p.name, p.version, p.licence)).collect()
}

struct Package {
    name: String,
    version: String,
    licence: String,
}

/// The packages that are compiled for this machine, direct dependencies last so that their version wins by name.
fn packages(root: &Path) -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8_lossy(&host.stdout)
        .lines()
        .find_map(|l| l.strip_prefix("host: ").map(str::to_owned))
        .unwrap();
    let args = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host.as_str()];
    let out = Command::new(cargo).current_dir(root).args(args).output().unwrap();
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    let all: Value = serde_json::from_slice(&out.stdout).unwrap();
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or("").to_owned();
    let nodes = all["resolve"]["nodes"].as_array().unwrap();
    let direct: Vec<&str> = nodes
        .iter()
        .filter(|n| n["id"] == all["resolve"]["root"])
        .flat_map(|n| n["dependencies"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let used: Vec<&str> = nodes.iter().filter_map(|n| n["id"].as_str()).collect();
    let mut found: Vec<&Value> = all["packages"].as_array().unwrap().iter().collect();
    found.retain(|p| p["id"].as_str().is_some_and(|id| used.contains(&id)));
    found.sort_by_key(|p| p["id"].as_str().is_some_and(|id| direct.contains(&id)));
    let package =
        |p: &&Value| Package { name: text(p, "name"), version: text(p, "version"), licence: text(p, "license") };
    found.iter().map(package).collect()
}

/// Whether an SPDX expression can be met with allowed licences alone: `OR` and `/` choose, `AND` demands both,
/// an exception (`WITH`) only adds rights.
fn permissive(expression: &str) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    let answer = either(&words, &mut at);
    at == words.len() && answer
}

fn either(words: &[&str], at: &mut usize) -> bool {
    let mut answer = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        answer |= both(words, at);
    }
    answer
}

fn both(words: &[&str], at: &mut usize) -> bool {
    let mut answer = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        answer &= one(words, at);
    }
    answer
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let word = words.get(*at).copied().unwrap_or("");
    *at += 1;
    if word == "(" {
        let answer = either(words, at);
        *at += 1;
        return answer;
    }
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    ALLOWED.contains(&word)
}

#[cfg(test)]
mod samples {
    use super::*;

    #[test]
    fn copyleft_is_refused_and_a_choice_is_taken() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(permissive(good), "{good}");
        }
        for bad in
            ["", "GPL-3.0-or-later", "AGPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND LGPL-2.1", "MPL-2.0"]
        {
            assert!(!permissive(bad), "{bad}");
        }
    }

    #[test]
    fn a_dependency_that_nothing_names_is_found() {
        let manifest = "[dependencies]\na-b = \"1\"\nc = \"1\"\n[dev-dependencies]\nd = \"1\"\n";
        let source = "use a_b::X; fn e() { my_c::f() } #[cfg(test)] mod t { use d::Y; }";
        let tree = Tree::of(&[("Cargo.toml", manifest), ("src/a.rs", source)]);
        assert_eq!(used(&tree), ["Cargo.toml: nothing uses `c`"]);
    }

    #[test]
    fn an_unlisted_dependency_feature_licence_or_reason_is_found() {
        let manifest =
            "[dependencies]\na = { version = \"1\", default-features = false, features = [\"x\"] }\nb = \"1\"\n";
        let licences = BTreeMap::from([("a".to_owned(), "MIT".to_owned())]);
        assert_eq!(compare(manifest, "| `a` | no defaults; x | MIT | reads bytes well |\n", &licences).len(), 1);
        assert_eq!(compare(manifest, "| `a` | y | ISC | |\n| `c` | | | |\n", &licences).len(), 6);
    }
}
