//! The rules of a record, each kept and each broken.

use super::*;
use crate::cli::content;
use crate::diagnostic::Severity;
use crate::vocabulary::{Category, Confidentiality, Level};

fn schemas() -> Schemas {
    Schemas::load(&content::built_in()).unwrap()
}

fn label(category: &str, confidentiality: &str, about: &str) -> serde_json::Value {
    serde_json::json!({ "category": category, "confidentiality": confidentiality, "custodian": "harbourshire-csc",
        "about": [about], "third_party": "none", "basis_marker": "fact", "author_role": "SW" })
}

/// A child, an involvement, an assessment and its summary: §6 of the canonical record paper, made whole.
fn sample() -> serde_json::Value {
    let mut summary = label("CSN", "R", "child-1");
    summary["handling"] = serde_json::json!(["NOPAT"]);
    summary["originator"] = serde_json::json!([{ "max": "I", "roles": ["DSL"], "reason": "not told yet" }]);
    serde_json::json!({
        "envelope": { "message_id": "m-1" },
        "people": [{ "id": "child-1", "role": "subject", "label": label("IDN", "N", "child-1"),
            "names": [{ "family": "Lane", "given": ["Maya"] }],
            "addresses": [{ "id": "adr-1", "label": label("ADR", "N", "child-1"), "lines": ["1 Invented Way"] }] }],
        "involvements": [{ "id": "cin-1", "kind": "child-in-need", "person": "child-1",
            "label": label("STS", "R", "child-1"), "start": "2022-10-01" }],
        "assessments": [
            { "id": "a-1", "kind": "single-assessment", "involvement": "cin-1", "label": label("CSN", "R", "child-1"),
              "factors": [{ "factor": "alcohol-misuse", "whose": "parent" }] },
            { "id": "a-1-s", "kind": "single-assessment", "form": "summary", "summary_of": ["a-1"], "label": summary,
              "summary": "Goals: bedtime routine." }]
    })
}

fn build(value: &serde_json::Value) -> Result<Record, Vec<Diagnostic>> {
    Record::validate(Document::from_value(value), &schemas())
}

fn refused(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
    let mut value = sample();
    change(&mut value);
    build(&value).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_record_knows_its_segments_and_their_labels() {
    let record = build(&sample()).unwrap();
    let arrays: Vec<&str> = record.segments().iter().map(|s| s.array.as_str()).collect();
    assert_eq!(arrays, ["people", "addresses", "involvements", "assessments", "assessments"]);
    let address = record.segment(&"adr-1".into()).unwrap();
    assert_eq!(address.within, Some("child-1".into()));
    assert_eq!(address.label.category, Some(Category::Adr));
    let summary = record.segment(&"a-1-s".into()).unwrap();
    assert_eq!((summary.form, summary.summary_of.clone()), (Form::Summary, vec!["a-1".into()]));
    assert_eq!(summary.label.originator.first().map(|c| c.max), Some(Level::I));
    assert_eq!(summary.label.handling, [Handling::Nopat]);
    assert_eq!(record.envelope_text("message_id"), Some("m-1"));
}

#[test]
fn debug_shows_no_content() {
    let record = build(&sample()).unwrap();
    let shown = format!("{record:?} {:?} {:?}", record.document(), record.segments());
    assert!(["Lane", "Maya", "Invented", "bedtime"].iter().all(|w| !shown.contains(w)), "{shown}");
}

#[test]
fn a_confidentiality_below_the_floor_is_refused() {
    let out = refused(|v| v["assessments"][0]["label"]["confidentiality"] = "N".into());
    assert!(out[0].contains("/assessments/0") && out[0].contains("below R"), "{out:?}");
}

#[test]
fn an_unclassified_segment_is_very_restricted() {
    let out = refused(|v| v["involvements"][0]["label"]["category"] = "none".into());
    assert!(out[0].contains("below V"), "{out:?}");
    let mut held = sample();
    held["involvements"][0]["label"]["category"] = "none".into();
    held["involvements"][0]["label"]["confidentiality"] = "V".into();
    let record = build(&held).unwrap();
    let label = &record.segment(&"cin-1".into()).unwrap().label;
    assert_eq!((label.category, label.confidentiality), (None, Confidentiality::V));
}

#[test]
fn ids_are_unique_and_links_lead_somewhere() {
    assert!(refused(|v| v["involvements"][0]["id"] = "child-1".into())[0].contains("same id"));
    assert!(refused(|v| v["assessments"][0]["involvement"] = "cin-2".into())[0].contains("/assessments/0/involvement"));
    assert!(refused(|v| v["assessments"][0]["involvement"] = "child-1".into())[0].contains("leads to nothing"));
    assert!(refused(|v| v["involvements"][0]["label"]["about"][0] = "adr-1".into())[0].contains("not in `people`"));
}

#[test]
fn a_summary_matches_what_it_summarises() {
    let other = refused(|v| v["assessments"][1]["label"]["category"] = "STS".into());
    assert!(other[0].contains("category and the people"), "{other:?}");
    assert!(refused(|v| v["assessments"][1]["summary_of"][0] = "zzz".into())[0].contains("not in the record"));
    assert!(refused(|v| v["assessments"][1]["form"] = "full".into())[0].contains("form is `summary`"));
}

#[test]
fn the_world_is_closed_and_labels_are_whole() {
    for (pointer, value) in [
        ("/people/0/nickname", "x"),
        ("/people/0/names/0/nick", "x"),
        ("/people/0/birth", "x"),
        ("/extra", "x"),
        ("/envelope/about", "x"),
        ("/people/0/label/category", "XXX"),
        ("/people/0/addresses/0/label/custodian2", "x"),
        ("/assessments/0/factors/0/factor", "gin"),
        ("/involvements/0/start", "2022-13-01"),
    ] {
        let out = refused(|v| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            v.pointer_mut(parent).unwrap()[name] = value.into();
        });
        assert!(out.iter().all(|d| d.starts_with("SOL-SCHEMA-INVALID")), "{pointer}: {out:?}");
    }
    for missing in ["category", "confidentiality", "custodian", "about", "third_party", "basis_marker", "author_role"] {
        let out = refused(|v| {
            v["involvements"][0]["label"].as_object_mut().unwrap().remove(missing);
        });
        assert!(out[0].contains(missing), "{missing}: {out:?}");
    }
}

#[test]
fn intelligence_needs_a_police_handling_code() {
    let change = |v: &mut serde_json::Value| {
        v["involvements"][0]["label"]["category"] = "INT".into();
        v["involvements"][0]["label"]["confidentiality"] = "V".into();
    };
    assert!(refused(change)[0].contains("police_handling"));
    let mut value = sample();
    change(&mut value);
    value["involvements"][0]["label"]["police_handling"] = "C".into();
    assert!(build(&value).is_ok());
}

#[test]
fn findings_are_errors() {
    let mut value = sample();
    value["people"] = serde_json::json!([]);
    assert!(build(&value).unwrap_err().iter().all(|d| d.severity == Severity::Error));
}
