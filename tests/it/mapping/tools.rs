//! The mapping tools over the built-in mappings.

use super::{files, mappings};
use solent::mapping::{explain, lang};

fn tree_of(format: &str) -> &'static lang::tree::Mapping {
    mappings().sources().find(|s| s.format == format).unwrap().tree
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
fn the_page_for_governance_shows_labels_reasons_and_tables() {
    let tree = tree_of("cin-census");
    let text = explain::text(tree);
    assert!(text.contains("the census file has nowhere to put a label"));
    assert!(text.contains("CIN, CSN, R") || text.contains("CSN, R"));
    let html = explain::html(tree, &files());
    assert!(html.starts_with("<!doctype html>") && html.contains("assessment-factor"));
}

#[test]
fn the_tree_has_a_json_form() {
    let tree = tree_of("fhir-r4-json");
    let json = lang::ast_json::to_json(tree);
    assert_eq!(json["mapping"], "fhir-referral");
    assert!(json["items"].as_array().is_some_and(|i| i.len() > 10));
}
