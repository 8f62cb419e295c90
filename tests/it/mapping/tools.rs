//! The mapping tools over the built-in mappings.

use super::{files, here, mappings};
use solent::mapping::{Source, explain, lang};
use std::process::Command;

fn source_of(format: &str) -> Source<'static> {
    mappings().sources().find(|s| s.format == format).unwrap()
}

/// Exit code and standard output of the program.
fn solent(arguments: &[&str]) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_solent")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &said)
}

#[test]
fn the_built_in_mappings_are_in_their_one_layout() {
    for (name, bytes) in files().matching("mappings/", ".bimap") {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let formatted = lang::format::format(&lang::parse(bytes).unwrap());
        assert!(formatted == text, "{name} is not formatted; run `solent mapping fmt --write {name}`");
    }
}

#[test]
fn the_page_for_governance_shows_labels_reasons_tables_losses_and_a_place_to_sign() {
    let source = source_of("cin-census");
    let text = explain::text(&source);
    assert!(text.contains("the census file has nowhere to put a label") && text.contains("CSN, R"));
    assert!(text.contains("What can be lost when writing") && text.contains("withheld-by-ceiling"));
    let html = explain::html(&source, &files());
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en-GB\">"));
    for wanted in [
        "assessment-factor",
        "<caption>",
        "What can be lost when reading",
        "What is refused or held",
        "<h2>Sign-off</h2>",
        "@media print",
        source.digest,
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
}

/// What a screen reader and `axe` ask of a page: a language, one main part, one first heading, headings in order, a
/// caption and named columns for every table.
#[test]
fn every_governance_page_is_sound_for_those_who_hear_it() {
    for source in mappings().sources() {
        let html = explain::html(&source, &files());
        let count = |what: &str| html.matches(what).count();
        assert_eq!(
            (count("<main>"), count("</main>"), count("<h1>"), count("<title>")),
            (1, 1, 1, 1),
            "{}",
            source.file
        );
        assert_eq!(count("<table"), count("<caption>"), "{}", source.file);
        assert_eq!(count("<table"), count("<thead>"), "{}", source.file);
        assert!(!html.contains("<th scope=\"col\"></th>") && !html.contains("<th></th>"), "{}", source.file);
        let mut level = 1;
        for (at, _) in html.match_indices("<h") {
            let Some(found) = html[at + 2..].chars().next().and_then(|c| c.to_digit(10)) else { continue };
            assert!(found <= level + 1, "{}: a heading skips a level", source.file);
            level = found;
        }
    }
}

#[test]
fn every_mapping_comes_back_from_its_json_form_which_has_a_schema() {
    let schema = std::fs::read(here("schemas/config/mapping-tree.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    for source in mappings().sources() {
        let json = lang::ast_json::to_json(source.tree);
        let faults: Vec<String> = validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", source.file);
        let text = lang::from_json::to_text(&json).unwrap();
        let again = lang::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}\n{text}", source.file));
        assert_eq!(lang::ast_json::to_json(&again), json, "{}", source.file);
    }
}

#[test]
fn a_json_form_with_a_member_missing_is_refused_by_its_pointer() {
    let mut json = lang::ast_json::to_json(source_of("cin-census").tree);
    json["items"][0] = serde_json::json!({"field": {"native": "a", "canonical": ["b"], "converter": "text"}});
    let fault = lang::from_json::to_text(&json).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.pointer.as_deref()), ("SOL-MAP-SYNTAX", Some("/items/0/field")));
}

#[test]
fn what_each_pair_loses_is_kept_in_the_documentation() {
    let file = here("docs/formats/pairs.md");
    let now = mappings().pairs();
    if std::env::var_os("SOLENT_BLESS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == now, "docs/formats/pairs.md is not up to date: SOLENT_BLESS=1 cargo test --test it mapping::tools");
}

#[test]
fn a_format_gives_itself_everything_it_writes() {
    let pairs = mappings().pairs();
    let own = pairs.split("## From cin-census").nth(1).unwrap().split("\n## ").next().unwrap();
    let line = own.lines().find(|l| l.contains("**cin-census**")).unwrap();
    // Of what it reads, only the elements it no longer writes do not go back.
    assert!(!line.contains("(all)"), "{line}");
}

#[test]
fn a_folder_of_samples_becomes_a_table_without_values() {
    let (code, table) = solent(&["formats", "--samples", &here("docs/demo").display().to_string()]);
    assert_eq!(code, 0, "{table}");
    assert!(table.contains("| harbourshire-census.xml | cin-census | 2 |"), "{table}");
    for personal in ["Lane", "Dana", "9990000034"] {
        assert!(!table.contains(personal));
    }
}

#[test]
fn a_mapping_is_tried_covered_and_compared_from_its_file() {
    let file = here("mappings/cin-census/census.bimap").display().to_string();
    let census = here("docs/demo/harbourshire-census.xml").display().to_string();
    let (code, out) = solent(&["mapping", "try", &file, "--in", &census]);
    assert!(code == 0 && out.contains("is the same): yes"), "{out}");
    assert!(out.ends_with("written back):\nnone\n"), "{out}");
    let (code, out) =
        solent(&["mapping", "cover", "cin-census", "--samples", &here("docs/demo").display().to_string()]);
    assert!(code == 0 && out.contains("rules had an effect") && out.contains("never when reading: line"), "{out}");
    let (code, out) = solent(&["mapping", "diff", &file, &file]);
    assert_eq!((code, out.as_str()), (0, "The two say the same.\n"));
}
