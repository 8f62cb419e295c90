//! Every reference of a facts file must resolve to something of its kind, and every id stand once (facts-file paper §7).

use serde_json::{Value, json};
use solent::sharing::facts::Facts;
use solent::sharing::{Fault, Indexed, World};

/// Facts with every kind of reference in them.
fn rich() -> Value {
    let party = json!([{"agency": "council"}, {"team": "green"}, {"account": "wren"}]);
    let scope = |more: Value| {
        let mut scope =
            json!({"categories": ["MHL"], "from": party, "to": party, "purposes": ["CIN"], "segments": ["full"]});
        scope.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        scope
    };
    let at = "2026-10-01T10:00:00Z";
    let events = json!([{"event": "withdraw", "at": at, "by": "mother"}, {"event": "object", "at": at, "by": "father"},
        {"event": "resolve", "at": at, "by": "boss-sw", "outcome": "active"}, {"event": "entered-in-error", "at": at, "by": "wren"}]);
    let act =
        |id: &str, act: Value| json!({"id": id, "account": "wren", "hat": "wren-sw", "purpose": "CIN", "act": act});
    json!({
        "facts": 1, "now": at,
        "agencies": [{"id": "council", "kind": "council"}],
        "teams": [{"id": "green", "agency": "council"}],
        "accounts": [{"id": "wren", "person": "father", "hats": [{"id": "wren-sw", "role": "SW", "agency": "council", "team": "green"}]},
                     {"id": "boss", "hats": [{"id": "boss-sw", "role": "SW", "agency": "council"}, {"id": "boss-two", "role": "SW", "agency": "council"}]}],
        "people": [{"id": "mother"}, {"id": "father"}],
        "households": [{"id": "h", "members": ["mother", {"person": "father"}]}],
        "cases": [{"id": "c", "agency": "council", "team": "green", "members": ["mother", {"person": "father"}],
                   "purposes": [{"purpose": "CIN", "from": at, "by": "wren-sw", "manager": "boss-sw"}]}],
        "links": [{"id": "l", "a": "mother", "b": "father", "kind": "partner"}],
        "conflicts": [{"account": "wren", "person": "mother", "kind": "friend"}],
        "parental_responsibility": [{"holder": "mother", "child": "father", "basis": "mother"}],
        "orders": [{"id": "o", "kind": "care-order", "child": "mother", "agency": "council", "from": at}],
        "assessments": [{"id": "a", "person": "mother", "kind": "competence", "categories": ["MHL"], "outcome": "yes", "at": at, "assessor": "wren-sw"}],
        "protections": [{"id": "p", "person": "mother", "against": "father", "set_by": "wren-sw", "from": at}],
        "strands": [{"hat": "wren-sw", "linked_to": "father", "marked_by": "boss-sw", "from": at}],
        "seals": [{"id": "s", "kind": "adoption", "former": "mother", "current": "father", "custodian": "council", "from": at}],
        "openings": [{"id": "op", "hat": "wren-sw", "segment": "full", "reason": "asked", "from": at, "to": at}],
        "relationships": [{"id": "r", "kind": "delegation", "hat": "wren-sw", "subject": "mother", "case": "c", "of": "boss-sw", "grantor": "boss-sw",
                           "cases": ["c"], "absences": [{"from": at, "cover": "boss-sw"}], "requester": "father", "created_by": "boss-sw", "from": at}],
        "item_grants": [{"id": "g", "segment": "full", "by": "wren-sw", "to": "boss-sw", "from": at, "until": at}],
        "permissions": [scope(json!({"id": "m", "subject": "mother", "decider": "mother", "capacity": "self-adult", "decision": "permit",
            "competence": "a", "plan": "c", "recorded_by": "wren-sw", "supersedes": "m", "told_limits": true, "recorded_at": at,
            "events": events, "exceptions": [scope(json!({"decision": "refuse"}))]}))],
        "overrides": [{"id": "v", "kind": "ordinary", "hat": "wren-sw", "subject": "mother", "categories": ["MHL"], "purpose": "CIN",
                       "requested_at": at, "answers": {}, "approved_by": "boss-sw", "renewals": [{"at": at, "approved_by": "boss-sw"}]}],
        "segments": [{"id": "full", "category": "MHL", "about": ["mother"], "record_of": "father", "custodian": "council", "author": "wren-sw",
                      "caseload": ["wren-sw"], "form": "full", "summary": "short", "originator": [{"to": {"agency": "council"}, "max": "S"}],
                      "voices": ["father"], "sealed": {"from": at, "by": "wren-sw"}},
                     {"id": "short", "category": "MHL", "about": ["mother"], "custodian": "council", "form": "summary"}],
        "asks": [{"id": "1", "account": "wren", "hat": "wren-sw", "purpose": "CIN", "segment": "full", "override": "v", "delegation": "r",
                  "opening": "op", "requester": "father"},
                 act("2", json!({"do": "approve-override", "override": "v"})),
                 act("3", json!({"do": "delegate", "person": "mother", "account": "wren"})),
                 act("4", json!({"do": "assign-lead", "case": "c", "hat": "wren-sw"})),
                 act("5", json!({"do": "sign-off", "person": "mother"})),
                 act("6", json!({"do": "read-practice-scores", "account": "wren"})),
                 act("7", json!({"do": "forward", "segment": "full", "to": "council"})),
                 {"id": "8", "account": "boss", "hat": "boss-two", "purpose": "CIN", "segment": "full"}],
    })
}

/// Members whose text is a reference wherever it stands; `to` is one in an item grant and in an act of forwarding only.
const REFERS: [&str; 46] = [
    "agency",
    "team",
    "account",
    "hat",
    "person",
    "members",
    "a",
    "b",
    "holder",
    "child",
    "assessor",
    "against",
    "set_by",
    "linked_to",
    "marked_by",
    "former",
    "current",
    "custodian",
    "segment",
    "by",
    "manager",
    "subject",
    "case",
    "of",
    "grantor",
    "cases",
    "cover",
    "requester",
    "created_by",
    "decider",
    "competence",
    "plan",
    "recorded_by",
    "supersedes",
    "approved_by",
    "about",
    "record_of",
    "author",
    "caseload",
    "summary",
    "voices",
    "override",
    "delegation",
    "opening",
    "segments",
    "to",
];

/// The pointer of every reference.
fn references(value: &Value, key: &str, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| references(value, name, &format!("{at}/{name}"), found))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, value)| references(value, key, &format!("{at}/{n}"), found));
        }
        Value::String(text) => {
            let time = key == "to" && text.starts_with("20");
            if REFERS.contains(&key) && !time {
                found.push(at.to_owned());
            }
        }
        _ => {}
    }
}

fn read(value: &Value) -> Facts {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}"))
}

fn faults(value: &Value) -> Vec<(Fault, String)> {
    World::new(read(value)).err().into_iter().flatten().map(|error| (error.fault, error.pointer)).collect()
}

#[test]
fn every_reference_resolves_to_something_of_its_kind() {
    let facts = rich();
    assert_eq!(faults(&facts), []);
    let mut pointers = Vec::new();
    references(&facts, "", "", &mut pointers);
    assert!(pointers.len() >= 80, "{}", pointers.len());
    for pointer in pointers {
        // What exists, but as another kind of thing, is as wrong as what does not.
        for wrong in ["nothing", if pointer.ends_with("/team") { "council" } else { "green" }] {
            let mut changed = facts.clone();
            *changed.pointer_mut(&pointer).unwrap_or_else(|| panic!("{pointer}")) = json!(wrong);
            let found = faults(&changed);
            assert!(found.contains(&(Fault::Reference, pointer.clone())), "{pointer} {wrong}: {found:?}");
        }
    }
}

#[test]
fn a_hat_is_of_the_account_that_asks_and_that_of_an_unknown_account_is_not_looked_for() {
    let found = |account: &str, hat: &str| {
        let mut changed = rich();
        changed["asks"][7]["account"] = json!(account);
        changed["asks"][7]["hat"] = json!(hat);
        faults(&changed)
    };
    assert_eq!(found("boss", "boss-two"), []);
    assert_eq!(found("boss", "wren-sw"), [(Fault::Reference, "/asks/7/hat".to_owned())]);
    assert_eq!(found("nobody", "boss-two"), [(Fault::Reference, "/asks/7/account".to_owned())]);
}

#[test]
fn every_id_stands_once_in_its_section() {
    let facts = rich();
    for section in
        facts.as_object().unwrap().iter().filter(|(_, value)| value[0].get("id").is_some()).map(|(name, _)| name)
    {
        let mut changed = facts.clone();
        let last = facts[section].as_array().map_or(0, Vec::len);
        let twin = facts[section][0].clone();
        changed[section].as_array_mut().unwrap().push(twin);
        assert!(faults(&changed).contains(&(Fault::Duplicate, format!("/{section}/{last}/id"))), "{section}");
    }
    let mut changed = facts.clone();
    changed["accounts"][1]["hats"][0]["id"] = json!("wren-sw");
    let mut both = changed.clone();
    both["teams"][0]["agency"] = json!("nothing");
    assert!(faults(&both).iter().all(|(fault, _)| *fault == Fault::Reference), "references come first");
}

#[test]
fn facts_to_which_questions_add_segments_may_name_those_and_nothing_else() {
    let mut facts = rich();
    facts["segments"] = json!([]);
    facts["asks"] = json!([]);
    assert!(Indexed::new(&read(&facts)).is_ok());
    assert!(!faults(&facts).is_empty());
    facts["item_grants"][0]["to"] = json!("nobody");
    let found: Vec<String> =
        Indexed::new(&read(&facts)).err().into_iter().flatten().map(|error| error.pointer).collect();
    assert_eq!(found, ["/item_grants/0/to"]);
}
