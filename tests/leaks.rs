//! No personal value of any fixture may stand in anything the program logs.
//!
//! Owns: collecting names, numbers, addresses and free text from the fixtures (`tests/cases/`, `docs/demo/`), and
//! searching files for them. `tests/run` gathers every log, error and metric of its run in one folder and names it in
//! `SOLENT_SEARCH`; without it only the search itself is tested. Findings name file, line and kind, never the value.
//! Read [`Canary`] first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]
#![allow(missing_docs, reason = "test names are the documentation")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What sort of personal value a text is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Canary {
    Name,
    Number,
    Address,
    FreeText,
}

/// Members and elements that hold a person's name: FHIR, census, canonical record, the demo's cast.
const NAME_KEYS: &[&str] = &[
    "family",
    "given",
    "surname",
    "forename",
    "full",
    "full_name",
    "family_name",
    "given_name",
    "personsurname",
    "pupilsurname",
    "pupilforename",
    "alias",
];
/// … an address or a way to reach someone.
const ADDRESS_KEYS: &[&str] =
    &["line", "lines", "postalcode", "postcode", "street", "phone", "email", "telephone", "uprn"];
/// … an identifier of a person, beside NHS numbers, which are found by their form.
const NUMBER_KEYS: &[&str] = &["lachildid", "upn", "formerupn", "uniquelearnernumber"];
/// … text that somebody wrote.
const TEXT_KEYS: &[&str] = &[
    "text",
    "div",
    "narrative",
    "note",
    "notes",
    "comment",
    "comments",
    "summary",
    "detail",
    "contentstring",
    "valuestring",
    "brief",
    "body",
];

/// Shorter names would be found by chance.
const NAME_CHARS_MIN: usize = 4;
/// Free text shorter than this is a label, not somebody's words.
const TEXT_CHARS_MIN: usize = 24;
/// How much of a free text is looked for: enough to be unique, short enough to find a cut copy.
const TEXT_CHARS_SOUGHT: usize = 40;

fn canaries(name: &str, text: &str) -> BTreeMap<String, Canary> {
    let mut found = BTreeMap::new();
    for number in nhs_numbers(text) {
        found.insert(format!("{} {} {}", &number[..3], &number[3..6], &number[6..]), Canary::Number);
        found.insert(number, Canary::Number);
    }
    let pairs = match name.rsplit('.').next() {
        Some("json") => serde_json::from_str(text).map(|v| members(&v)).unwrap_or_default(),
        Some("jsonl") => text.lines().filter_map(|l| serde_json::from_str(l).ok()).flat_map(|v| members(&v)).collect(),
        Some("yaml" | "yml") => {
            serde_saphyr::from_str(text).map(|v: serde_json::Value| members(&v)).unwrap_or_default()
        }
        Some("xml") => elements(text),
        _ => Vec::new(),
    };
    for (key, value) in pairs {
        let key = key.to_lowercase();
        let value = value.trim();
        // The demo's cast: "Priya Nair, social worker, council".
        if name.ends_with("cast.yaml") && value.starts_with(char::is_uppercase) {
            found.insert(value.split(',').next().unwrap_or("").to_owned(), Canary::Name);
        }
        let has = |keys: &[&str]| keys.contains(&key.as_str());
        if has(NAME_KEYS) && value.chars().count() >= NAME_CHARS_MIN && value.starts_with(char::is_uppercase) {
            found.insert(value.to_owned(), Canary::Name);
        } else if has(ADDRESS_KEYS) && value.chars().count() >= 6 {
            found.insert(value.to_owned(), Canary::Address);
        } else if has(NUMBER_KEYS) && value.chars().count() >= 6 {
            found.insert(value.to_owned(), Canary::Number);
        } else if has(TEXT_KEYS) && value.chars().count() >= TEXT_CHARS_MIN && value.contains(' ') {
            found.insert(value.chars().take(TEXT_CHARS_SOUGHT).collect(), Canary::FreeText);
        }
    }
    found
}

/// Ten digits that begin with 999, plain or grouped.
fn nhs_numbers(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("999") {
        let digits: String =
            text[at..].chars().take(12).filter(|c| *c != ' ').take_while(char::is_ascii_digit).take(10).collect();
        if digits.len() == 10 {
            found.insert(digits);
        }
    }
    found
}

/// Every text of a JSON value with the nearest member name above it.
fn members(value: &serde_json::Value) -> Vec<(String, String)> {
    fn walk(key: &str, value: &serde_json::Value, out: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::String(text) => out.push((key.to_owned(), text.clone())),
            serde_json::Value::Array(items) => items.iter().for_each(|v| walk(key, v, out)),
            serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| walk(k, v, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk("", value, &mut out);
    out
}

/// Every text of an XML document with its element's name. Not our own reader: this test must not share its faults.
fn elements(text: &str) -> Vec<(String, String)> {
    let Ok(document) = roxmltree::Document::parse(text) else { return Vec::new() };
    let texts = document.descendants().filter(|n| n.is_element()).filter_map(|n| Some((n, n.text()?)));
    texts.map(|(n, t)| (n.tag_name().name().to_owned(), t.to_owned())).collect()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// All personal values of the project's fixtures.
fn all_canaries() -> BTreeMap<String, Canary> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = BTreeMap::new();
    for folder in ["tests/cases", "docs/demo"] {
        for path in files_under(&root.join(folder)) {
            if let Ok(text) = std::fs::read_to_string(&path) {
                all.extend(canaries(&path.to_string_lossy(), &text));
            }
        }
    }
    all
}

/// Where a value stands as words of its own: line numbers from 1.
fn lines_with(text: &str, value: &str) -> Vec<usize> {
    let edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    let hits = text
        .match_indices(value)
        .filter(|(at, hit)| edge(text[..*at].chars().next_back()) && edge(text[at + hit.len()..].chars().next()));
    hits.map(|(at, _)| text[..at].matches('\n').count() + 1).collect()
}

/// Every personal value in the files of a folder: file, line and kind.
fn search(folder: &Path, all: &BTreeMap<String, Canary>) -> Vec<String> {
    let mut found = Vec::new();
    for path in files_under(folder) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for (value, kind) in all {
            for line in lines_with(&text, value) {
                found.push(format!("{}:{line}: a {kind:?}", path.display()));
            }
        }
    }
    found
}

/// One value of each kind, planted as a careless log line would hold it, is found among lines that hold none.
#[test]
fn a_leak_of_every_kind_in_a_gateways_log_is_found() {
    let all = all_canaries();
    let folder = std::env::temp_dir().join(format!("solent-leaks-{}", std::process::id()));
    let log = folder.join("gateways");
    std::fs::create_dir_all(&log).unwrap();
    for kind in [Canary::Name, Canary::Number, Canary::Address, Canary::FreeText] {
        let value = all.iter().find(|(_, k)| **k == kind).map(|(v, _)| v).unwrap();
        let line = "2026-10-06T09:00:00Z  INFO solent: refused";
        std::fs::write(log.join("serve.log"), format!("{line}\n{line} value=\"{value}\"\n{line}\n")).unwrap();
        let found = search(&folder, &all);
        assert!(found.iter().any(|f| f.ends_with(&format!("serve.log:2: a {kind:?}"))), "{kind:?}: {found:?}");
        std::fs::write(log.join("serve.log"), format!("{line}\n")).unwrap();
        assert_eq!(search(&folder, &all), Vec::<String>::new(), "a line without a value");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_search_finds_what_is_planted_and_only_that() {
    let json = r#"{"name":[{"family":"Quill","given":["Jordan"]}],"note":"said she would rather stay with her aunt","id":"9990000069"}"#;
    let found = canaries("a.json", json);
    assert_eq!(found.get("Quill"), Some(&Canary::Name));
    assert_eq!(found.get("999 000 0069"), Some(&Canary::Number));
    assert!(found.values().any(|c| *c == Canary::FreeText));
    let xml = canaries("a.xml", "<C><PostCode>PO99 9ZZ</PostCode><UPN>A123456789012</UPN></C>");
    assert_eq!(xml.values().copied().collect::<Vec<_>>(), [Canary::Number, Canary::Address]);
    assert_eq!(lines_with("a\nWARN Quill refused\nQuillery", "Quill"), [2]);
}

#[test]
fn every_fixture_folder_gives_values_to_look_for() {
    let all = all_canaries();
    for kind in [Canary::Name, Canary::Number, Canary::Address, Canary::FreeText] {
        assert!(all.values().filter(|k| **k == kind).count() >= 3, "too few of kind {kind:?} in the fixtures");
    }
}

#[test]
fn nothing_the_run_logged_holds_a_personal_value() {
    let Some(folder) = std::env::var_os("SOLENT_SEARCH") else {
        eprintln!("note: no logs to search (tests/run names them in SOLENT_SEARCH)");
        return;
    };
    let folder = Path::new(&folder);
    let files = files_under(folder);
    let of = |word: &str| files.iter().filter(|f| f.to_string_lossy().contains(word)).count();
    // An empty search finds nothing: the gateways of the tests must have written where it looks.
    for word in ["gateways/serve-", "gateways/metrics-", "gateways/killed-"] {
        assert!(of(word) > 0, "no {word}* among the {} files to search: SOLENT_TEST_LOGS was not used", files.len());
    }
    let found = search(folder, &all_canaries());
    assert!(found.is_empty(), "{} personal values in logs:\n  {}", found.len(), found.join("\n  "));
}
