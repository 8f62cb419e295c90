//! What a decision says besides level and reason: what it rests on (facts-file paper §7) and its plain sentence.

use super::{policy, reader, root};
use serde_json::{Value, json};
use solent::sharing::{Decision, World, decide};

fn decided(scenario: &str, change: impl Fn(String) -> String) -> impl Fn(&str) -> Decision {
    let text = std::fs::read_to_string(root().join("tests/cases/sharing").join(scenario)).expect("a scenario");
    let facts = reader().read(change(text).as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    move |id| {
        let ask = asks.iter().find(|ask| ask.id.as_str() == id).unwrap_or_else(|| panic!("{id}"));
        decide(&world, policy(), ask)
    }
}

fn basis(decision: &Decision) -> Value {
    serde_json::to_value(decision).expect("a decision").get("basis").cloned().expect("what it rests on")
}

#[test]
fn the_basis_names_the_four_legal_grounds_and_whatever_was_used() {
    let of = decided("family.yaml", |text| text);
    let permitted = basis(&of("permitted"));
    assert_eq!(permitted["art6"], json!("6(1)(e)"));
    for ground in ["art9_10", "gateway", "confidence"] {
        assert!(permitted[ground].as_str().is_some_and(|text| !text.is_empty()), "{ground}");
    }
    assert_eq!(permitted["matrix"], json!("CIN,SW,MHL,S,I,yes"));
    assert_eq!(permitted["permissions"], json!(["agreed"]));
    assert_eq!(permitted["relationship"], json!("r-wren-sw"));
    assert_eq!(permitted.as_object().map(serde_json::Map::len), Some(7), "nothing that was not used");
    assert_eq!(basis(&of("adult-cap"))["matrix"], json!("CP,DSL,MHL,I,I,no"));
    // At level N there is no legal ground (R11); the row that refused is named.
    let absent = basis(&of("absent"));
    for ground in ["art6", "art9_10", "gateway", "confidence"] {
        assert_eq!(absent.get(ground), Some(&Value::Null), "{ground}");
    }
    assert_eq!(absent.get("permissions"), None);
}

#[test]
fn the_basis_names_delegation_item_grant_and_override() {
    let delegated = decided("delegation.yaml", |text| text);
    let item = basis(&delegated("item"));
    assert_eq!((&item["delegation"], &item["item_grant"]), (&json!("d"), &json!("g")));
    assert_eq!(basis(&delegated("named"))["relationship"], json!("r-wren"));
    assert_eq!(basis(&decided("overrides.yaml", |text| text)("approved"))["override"], json!("o1"));
}

#[test]
fn the_sentence_says_level_reason_limit_flags_and_what_the_reader_learns() {
    let of = decided("family.yaml", |text| text);
    assert_eq!(of("permitted").explain(), "Shown as a summary: the person who decides has given permission.");
    assert_eq!(
        of("absent").explain(),
        "Not shown: it needs permission; more would need a permission, and none counts here; the reader is told that it is \
         withheld or not available."
    );
    assert_eq!(
        of("no-summary").explain(),
        "Shown only as an indicator: the person who decides has given permission; nobody has written a summary yet; the \
         agency that holds it is asked to write a summary."
    );
    assert!(of("no-label").explain().ends_with("; the reader is told nothing."));
}

#[test]
fn the_rules_that_set_the_result_are_listed_once_in_order() {
    let decision = serde_json::to_value(decided("overrides.yaml", |text| text)("approved")).expect("a decision");
    assert_eq!(decision["rules"], json!(["R33", "R36", "R37", "R38", "R40"]));
    assert_eq!(decision["flags"], json!([]));
}

#[test]
fn a_segment_is_there_from_the_very_moment_it_was_recorded() {
    let recorded = |at: &str| {
        let line = format!("custodian: trust, form: full, summary: mhl-s, recorded_at: \"{at}\"}}");
        decided("family.yaml", move |text| text.replacen("custodian: trust, form: full, summary: mhl-s}", &line, 1))
    };
    assert_eq!(recorded("2026-10-06T10:00:00+01:00")("permitted").level.to_string(), "S");
    assert_eq!(recorded("2026-10-06T10:00:01+01:00")("permitted").level.to_string(), "N");
}

#[test]
fn of_two_people_the_one_whose_record_it_is_is_decided_first_else_the_first_named() {
    // Both adults; only the mother agreed. Of a segment about both the minimum counts, and who came second is the limit.
    let about = |who: &str| {
        let line = format!("category: MHL, about: [{who}], custodian: trust, form: full, summary: mhl-s}}");
        decided("family.yaml", move |text| {
            text.replacen("category: MHL, about: [mother], custodian: trust, form: full, summary: mhl-s}", &line, 1)
        })("permitted")
    };
    let limit = |decision: &Decision| decision.limit.map(|l| l.code());
    assert_eq!(limit(&about("mother, father")), Some("CAP-THIRD"));
    assert_eq!(limit(&about("father, mother")), Some("PERMISSION-ABSENT"));
}
