//! What a question adds to the facts kept: its segments, and people nobody has registered. They decide as if they had stood
//! in the facts; what is registered stays as it is.

use super::policy;
use serde_json::{Value, json};
use solent::sharing::decision::Reason;
use solent::sharing::facts::{Ask, Facts, Person, Segment};
use solent::sharing::lifecycle;
use solent::sharing::{Decision, Indexed, World, decide};
use solent::vocabulary::Level;
use std::sync::Arc;

const NOW: &str = "2026-10-06T10:00:00+01:00";

fn read(value: &Value) -> Facts {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}"))
}

/// A council with a social worker and a school with its lead, both of one case; `people` are registered.
fn kept(people: &Value) -> Value {
    json!({
        "facts": 1, "now": NOW,
        "agencies": [{"id": "council", "kind": "council"}, {"id": "trust", "kind": "nhs"}, {"id": "school", "kind": "school"}],
        "teams": [{"id": "green", "agency": "school"}],
        "accounts": [{"id": "wren", "hats": [{"id": "wren-sw", "role": "SW", "agency": "council"}]},
                     {"id": "bea", "hats": [{"id": "bea-dsl", "role": "DSL", "agency": "school", "team": "green"}]}],
        "people": people,
        "cases": [{"id": "c", "agency": "council", "members": ["girl"], "purposes": [{"purpose": "CP", "from": "2026-01-01"}, {"purpose": "CIN", "from": "2026-01-01"}]}],
        "relationships": [{"id": "r", "kind": "allocated", "hat": "wren-sw", "case": "c", "from": "2026-01-01"},
                          {"id": "s", "kind": "plan-named", "hat": "bea-dsl", "case": "c", "from": "2026-01-01"}],
        "segments": [], "asks": []
    })
}

fn girl() -> Value {
    json!([{"id": "girl", "born": "2017-05-05"}])
}

/// People and segments as a question brings them.
fn brought(people: Value, segments: Value) -> (Vec<Person>, Vec<Segment>) {
    let people = serde_json::from_value(people).unwrap_or_else(|error| panic!("{error}"));
    (people, serde_json::from_value(segments).unwrap_or_else(|error| panic!("{error}")))
}

fn asked(kept: &Value, people: Value, segments: Value, ask: Value) -> Option<Decision> {
    let facts = read(kept);
    let indexed = Indexed::new(&facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (people, segments) = brought(people, segments);
    let segments: Vec<&Segment> = segments.iter().collect();
    let world = World::of(&Arc::clone(&indexed), &people, &segments, facts.now)?;
    let ask: Ask = serde_json::from_value(ask).unwrap_or_else(|error| panic!("{error}"));
    Some(decide(&world, policy(), &ask))
}

fn segment(change: &Value) -> Value {
    let mut out = json!({"id": "new", "category": "MHL", "about": ["girl"], "custodian": "trust", "form": "full", "summary": "short"});
    for (key, value) in change.as_object().into_iter().flatten() {
        out[key] = value.clone();
    }
    json!([out, {"id": "short", "category": "MHL", "about": ["girl"], "custodian": "trust", "form": "summary"}])
}

fn reads(hat: &str, purpose: &str) -> Value {
    let account = hat.split('-').next().unwrap_or_default();
    json!({"id": "a", "account": account, "hat": hat, "purpose": purpose, "segment": "new"})
}

#[test]
fn a_segment_of_the_question_is_decided_and_what_it_names_must_exist() {
    let level = |change: Value| {
        asked(&kept(&girl()), json!([]), segment(&change), reads("wren-sw", "CP")).map(|decision| decision.level)
    };
    assert_eq!(level(json!({})), Some(Level::S));
    assert_eq!(level(json!({"about": ["nobody"]})), None);
    assert_eq!(level(json!({"record_of": "nobody"})), None);
    assert_eq!(level(json!({"custodian": "nobody"})), None);
}

#[test]
fn of_two_segments_with_one_id_the_first_counts() {
    let both = |first: &str, second: &str| {
        let mut all = segment(&json!({"category": first}));
        let more = segment(&json!({"category": second}));
        all.as_array_mut().into_iter().for_each(|list| list.extend(more.as_array().cloned().unwrap_or_default()));
        asked(&kept(&girl()), json!([]), all, reads("wren-sw", "CP")).map(|decision| decision.level)
    };
    // Legal advice of another agency is for nobody; education is for the social worker.
    assert_eq!((both("EDU", "ADP"), both("ADP", "EDU")), (Some(Level::F), Some(Level::N)));
}

#[test]
fn somebody_nobody_registered_counts_with_the_age_the_question_says() {
    let capped = |born: &str| {
        let people = json!([{"id": "guest", "born": born}]);
        let about = segment(&json!({"category": "HLT", "about": ["girl", "guest"], "record_of": "girl"}));
        asked(&kept(&girl()), people, about, reads("bea-dsl", "CP")).map(|decision| decision.level)
    };
    let child = capped("2018-01-01");
    let adult = capped("1988-01-01");
    assert!(child > adult, "an adult in it lowers it for a school (R54): {child:?} {adult:?}");
    let alone = asked(
        &kept(&girl()),
        json!([{"id": "guest", "born": "1988-01-01"}]),
        segment(&json!({"about": ["guest"]})),
        reads("wren-sw", "CP"),
    );
    assert_eq!(alone.map(|decision| decision.reason), Some(Reason::DRel), "nobody works with them");
}

#[test]
fn somebody_nobody_registered_is_found_by_name_too() {
    let indexed = Indexed::new(&read(&kept(&girl()))).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (people, _) = brought(json!([{"id": "guest", "born": "2018-01-01"}]), json!([]));
    let now = read(&kept(&girl())).now;
    let world = World::of(&indexed, &people, &[], now).unwrap_or_else(|| panic!("no segments"));
    let reached = |id: &str| lifecycle::ages_reached(&world, id, now);
    assert_eq!((reached("guest"), reached("girl")), ((false, false, false), (false, false, false)));
    assert_eq!(reached("nobody"), (true, true, true));
}

#[test]
fn who_is_registered_or_brought_twice_is_one_person() {
    let twin =
        |at: usize| json!({"id": format!("t{at}"), "born": "2012-06-01", "family_name": "Tarn", "given_name": "Lee"});
    let registered: Vec<Value> = (0..4).map(twin).collect();
    let search = json!({"id": "a", "account": "wren", "hat": "wren-sw", "purpose": "CIN",
        "act": {"do": "search", "query": {"family_name": "Tarn", "given_name": "Lee", "born": "2012-06-01"}}});
    let mut people = girl();
    people.as_array_mut().into_iter().for_each(|list| list.extend(registered.clone()));
    let found =
        |brought: Value| asked(&kept(&people), brought, json!([]), search.clone()).map(|decision| decision.level);
    assert_eq!(found(json!([twin(4)])), Some(Level::S), "five are shown (R8)");
    assert_eq!(found(json!([twin(4), twin(5)])), Some(Level::N), "six are too many");
    assert_eq!(found(json!([twin(4), twin(4)])), Some(Level::S), "brought twice");
    assert_eq!(found(json!([twin(0), twin(1), twin(4)])), Some(Level::S), "registered already");
    let alone =
        |brought: Value| asked(&kept(&girl()), brought, json!([]), search.clone()).map(|decision| decision.level);
    assert_eq!((alone(json!([twin(1)])), alone(json!([]))), (Some(Level::S), Some(Level::N)));
}

#[test]
fn an_instruction_for_a_party_that_does_not_exist_binds_nobody() {
    let level = |to: Value| {
        let bound = segment(&json!({"category": "EDU", "originator": [{"to": to, "max": "N"}]}));
        asked(&kept(&girl()), json!([]), bound, reads("bea-dsl", "CP")).map(|decision| decision.level)
    };
    let free = level(json!({"role": "SW"}));
    assert!(free > Some(Level::N));
    let here = json!({"agency": "school", "team": "green", "account": "bea", "role": "DSL"});
    assert_eq!(level(here.clone()), Some(Level::N));
    for member in ["agency", "team", "account"] {
        let mut other = here.clone();
        other[member] = json!("nobody");
        assert_eq!(level(other), free, "{member}");
        assert_eq!(level(json!({member: "nobody", "role": "DSL"})), free, "{member} and a role");
        assert_eq!(level(json!({member: "nobody"})), free, "{member} alone");
    }
}
