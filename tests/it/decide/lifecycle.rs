//! What may be recorded, breach by breach (consent paper §2 to §4; R12, R22, R24–R26, R29–R31, R33, R35, R36, R73).
//!
//! Each row changes one thing of a record that is right, and names the member and rule that must object.

use super::{reader, root};
use serde_json::{Value, json};
use solent::diagnostic::Diagnostic;
use solent::ident::{AccountId, HatId};
use solent::sharing::World;
use solent::sharing::facts::{Facts, Permission, Time};
use solent::sharing::lifecycle::status::{self, Status};
use solent::sharing::lifecycle::{Actor, events, permission};
use solent::vocabulary::Purpose;
use std::sync::LazyLock;

pub(super) const NOW: &str = "2026-10-06T10:00:00+01:00";

pub(super) fn time(text: &str) -> Time {
    Time::parse(text).unwrap_or_else(|error| panic!("{error:?}"))
}

/// What `recorded.yaml` says.
pub(super) fn facts() -> Facts {
    static READ: LazyLock<Facts> = LazyLock::new(|| {
        let text = std::fs::read(root().join("tests/cases/sharing/recorded.yaml")).unwrap_or_default();
        reader().read(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
    });
    READ.clone()
}

pub(super) fn world(facts: &Facts) -> World {
    World::new(facts.clone()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

pub(super) fn actor(hat: &str) -> Actor {
    let account = hat.split('-').next().unwrap_or_default();
    Actor { account: AccountId::from(account), hat: HatId::from(hat), purpose: Purpose::Cin, at: time(NOW) }
}

/// `base` with these members instead; `null` takes one away.
pub(super) fn with(base: &Value, change: Value) -> Value {
    let mut out = base.clone();
    for (key, value) in change.as_object().cloned().unwrap_or_default() {
        if value.is_null() {
            out.as_object_mut().map(|map| map.remove(&key));
        } else {
            out[key] = value;
        }
    }
    out
}

/// `pointer rule` of each breach.
pub(super) fn said(found: Vec<Diagnostic>) -> Vec<String> {
    let rule = |text: &str| text.rsplit('(').next().unwrap_or_default().trim_end_matches(')').to_owned();
    found.iter().map(|d| format!("{} {}", d.pointer.clone().unwrap_or_default(), rule(&d.message))).collect()
}

fn parsed(value: &Value) -> Permission {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn agreed() -> Value {
    json!({"id": "p", "subject": "mother", "decider": "mother", "capacity": "self-adult", "decision": "permit",
           "categories": ["MHL"], "from": [{"agency": "trust"}], "to": [{"role": "SW"}], "purposes": ["CIN"],
           "told_limits": true, "recorded_at": NOW})
}

fn breaches(change: Value) -> Vec<String> {
    let facts = facts();
    said(permission::breaches(&world(&facts), &facts, &parsed(&with(&agreed(), change)), &actor("wren-sw")))
}

/// A parent's record about a child.
fn parents(change: Value) -> Value {
    let base = json!({"subject": "girl", "decider": "mother", "capacity": "parent-pr",
        "pr_evidence": {"kind": "birth-certificate", "seen_by": "Wren", "date": "2026-10-06"}});
    with(&base, change)
}

/// A parent's record that names codes and no categories.
fn coded(change: Value) -> Value {
    let mut record = parents(change);
    record["categories"] = Value::Null;
    record
}

#[test]
fn a_record_that_is_right_has_no_breach() {
    let right = [
        json!({}),
        json!({"kind": "service"}),
        json!({"decision": "refuse", "to": [{"anyone": true}]}),
        json!({"imported": true, "from": null, "to": null}),
        json!({"labels": ["MH"], "categories": null}),
        json!({"categories": ["SXH"], "purposes": ["MET", "CIN", "EH", "DC"]}),
        json!({"valid_to": "2027-10-06"}),
        json!({"data_period": {"from": "2026-01-01", "to": "2026-01-01"}}),
        json!({"data_period": {"from": "2026-01-01"}}),
        json!({"exceptions": [{"decision": "refuse", "categories": ["MHL"], "purposes": ["CIN"]}]}),
        json!({"exceptions": [{"decision": "refuse", "to": [{"role": "DSL"}]}]}),
        json!({"supersedes": "first"}),
        json!({"subject": "dying", "decider": "dying"}),
        json!({"subject": "teen", "decider": "teen", "capacity": "self-16-17"}),
        json!({"subject": "boy", "decider": "boy", "capacity": "self-competent-child", "competence": "boy-mhl"}),
        json!({"subject": "gran", "decider": "aunt", "capacity": "attorney-or-deputy", "competence": "gran-mhl"}),
        json!({"subject": "gran", "decider": "trust", "capacity": "best-interests", "competence": "gran-mhl"}),
        json!({"subject": "cared", "decider": "council", "capacity": "la-care-order"}),
        parents(json!({})),
        parents(json!({"valid_to": "2027-10-06"})),
        parents(json!({"subject": "boy", "categories": ["SUB"], "young_person_asked": {"asked": true, "at": NOW}})),
        parents(json!({"subject": "boy", "categories": ["EDU"]})),
        parents(json!({"subject": "boy", "categories": ["SUB"], "decision": "refuse"})),
        parents(json!({"subject": "nearly", "categories": ["EDU"], "valid_to": "2027-10-06"})),
    ];
    for change in right {
        assert_eq!(breaches(change.clone()), Vec::<String>::new(), "{change}");
    }
}

#[test]
fn each_thing_a_record_must_say_is_asked_for() {
    let long: Vec<Value> = (0..51).map(|n| json!({"account": format!("a{n}")})).collect();
    let fifty: Vec<Value> = long.iter().take(50).cloned().collect();
    let exceptions = |n: usize| vec![json!({"decision": "refuse", "categories": ["MHL"]}); n];
    let rows = [
        (json!({"kind": "ukgdpr"}), vec!["/kind R12"]),
        (json!({"kind": "treatment"}), vec!["/kind R12"]),
        (json!({"told_limits": false}), vec!["/told_limits consent §2"]),
        (json!({"categories": null}), vec!["/categories R33"]),
        (json!({"categories": []}), vec!["/categories R33"]),
        (json!({"categories": [], "labels": []}), vec!["/categories R33"]),
        (json!({"from": null}), vec!["/from consent §2"]),
        (json!({"from": [], "to": []}), vec!["/from consent §2", "/to consent §2"]),
        (json!({"purposes": null}), vec!["/purposes consent §2"]),
        (json!({"purposes": []}), vec!["/purposes consent §2"]),
        (json!({"purposes": ["CIN", "CP"]}), vec!["/purposes/1 consent §2"]),
        (json!({"purposes": ["MET"]}), vec!["/purposes/0 consent §2"]),
        (json!({"purposes": ["MET"], "categories": ["SXH", "MHL"]}), vec!["/purposes/0 consent §2"]),
        (json!({"purposes": ["MET"], "categories": null, "labels": ["SEX"]}), vec!["/purposes/0 consent §2"]),
        (json!({"categories": ["MHL", "SUB", "MHL"]}), vec!["/categories/2 consent §2"]),
        (json!({"from": [{}]}), vec!["/from/0 consent §2"]),
        (json!({"to": [{"role": "SW"}, {"anyone": true}]}), vec!["/to/1 consent §2"]),
        (json!({"decision": "refuse", "to": [{"anyone": true, "team": "green"}]}), vec!["/to/0 consent §2"]),
        (json!({"data_period": {"from": "2026-01-02", "to": "2026-01-01"}}), vec!["/data_period consent §2"]),
        (json!({"to": long}), vec![" R22"]),
        (json!({"to": fifty}), vec![]),
        (json!({"exceptions": exceptions(51)}), vec!["/exceptions consent §2"]),
        (json!({"exceptions": exceptions(50)}), vec![]),
        (json!({"exceptions": [{"decision": "refuse"}]}), vec!["/exceptions/0 consent §2"]),
        (
            json!({"exceptions": [{"decision": "refuse", "categories": ["SUB"]}]}),
            vec!["/exceptions/0/categories consent §2"],
        ),
        (
            json!({"exceptions": [{"decision": "refuse", "categories": ["MHL", "SUB"]}]}),
            vec!["/exceptions/0/categories consent §2"],
        ),
        (
            json!({"exceptions": [{"decision": "refuse", "purposes": ["CIN", "EH"]}]}),
            vec!["/exceptions/0/purposes consent §2"],
        ),
        (
            json!({"exceptions": [{"decision": "refuse", "categories": ["LOC"]}]}),
            vec!["/exceptions/0/categories/0 consent §2", "/exceptions/0/categories consent §2"],
        ),
        (
            json!({"exceptions": [{"decision": "refuse", "purposes": ["EH"]}]}),
            vec!["/exceptions/0/purposes consent §2"],
        ),
        (
            json!({"exceptions": [{"decision": "permit", "to": [{"anyone": true}]}]}),
            vec!["/exceptions/0/to/0 consent §2"],
        ),
        (json!({"subject": "nobody"}), vec!["/subject consent §2"]),
        (json!({"valid_to": NOW}), vec!["/valid_to R36"]),
        (json!({"valid_from": "2026-10-08", "valid_to": "2026-10-07"}), vec!["/valid_to R36"]),
        (json!({"valid_from": "2026-09-01", "valid_to": "2026-10-01"}), vec!["/valid_to R36"]),
        (
            json!({"categories": ["SXH"], "purposes": ["MET", "CIN"], "exceptions": [{"decision": "refuse", "purposes": ["MET"]}]}),
            vec![],
        ),
        (json!({"valid_to": "2027-10-06T00:00:01+01:00"}), vec!["/valid_to R36"]),
        (json!({"valid_from": "2027-10-06"}), vec!["/valid_from R36"]),
        (json!({"decision": "refuse", "valid_to": "2030-01-01"}), vec![]),
        (json!({"supersedes": "other"}), vec!["/supersedes consent §4"]),
        (json!({"supersedes": "first", "to": [{"role": "DSL"}]}), vec!["/supersedes consent §4"]),
        (json!({"supersedes": "first", "from": [{"agency": "refuge"}]}), vec!["/supersedes consent §4"]),
        (json!({"supersedes": "first", "kind": "service"}), vec!["/supersedes consent §4"]),
        (json!({"supersedes": "first", "decider": "father"}), vec!["/decider R24", "/supersedes consent §4"]),
        (parents(json!({"supersedes": "first"})), vec!["/supersedes consent §4"]),
        (json!({"supersedes": "first", "subject": "father", "decider": "father"}), vec!["/supersedes consent §4"]),
        (json!({"young_person_asked": {"asked": true, "at": "2026-10-07"}}), vec!["/young_person_asked/at consent §7"]),
    ];
    for (change, expected) in rows {
        assert_eq!(breaches(change.clone()), expected, "{change}");
    }
    for never in ["MHN", "INT", "ADP", "TPI", "LOC"] {
        assert_eq!(breaches(json!({"categories": [never]})), ["/categories/0 consent §2"], "{never}");
    }
}

#[test]
fn only_who_may_decide_for_this_person_now_decides() {
    let adult = vec!["/decider R24"];
    let young = vec!["/decider R25"];
    let parent = vec!["/decider R30"];
    let lacking = |subject: &str, assessed: &str| json!({"subject": subject, "decider": "aunt", "capacity": "attorney-or-deputy", "competence": assessed});
    let rows = [
        (json!({"decider": "father"}), adult.clone()),
        (json!({"decider": "nobody"}), adult.clone()),
        (json!({"subject": "teen", "decider": "teen"}), adult.clone()),
        (json!({"subject": "gran", "decider": "gran"}), adult.clone()),
        (json!({"subject": "gran", "decider": "gran", "categories": ["EDU", "MHL"]}), adult),
        (json!({"subject": "gran", "decider": "gran", "categories": ["EDU"]}), vec![]),
        (json!({"subject": "dead", "decider": "dead"}), vec!["/subject R73"]),
        (json!({"subject": "late", "decider": "late"}), vec!["/subject R73"]),
        (json!({"subject": "dead", "decider": "father"}), vec!["/subject R73"]),
        (parents(json!({"decider": "next"})), parent.clone()),
        (
            json!({"subject": "cared", "decider": "council", "capacity": "la-care-order", "categories": ["SUB", "EDU"]}),
            parent.clone(),
        ),
        (
            json!({"subject": "boy", "decider": "mother", "capacity": "self-competent-child", "competence": "boy-mhl"}),
            vec!["/decider R26"],
        ),
        (
            json!({"subject": "teen", "decider": "teen", "capacity": "self-competent-child", "competence": "teen-mhl"}),
            vec!["/decider R26"],
        ),
        (coded(json!({"subject": "boy", "labels": ["MH"]})), parent.clone()),
        (
            json!({"subject": "ward", "decider": "council", "capacity": "la-care-order", "categories": ["EDU"]}),
            parent.clone(),
        ),
        (
            json!({"subject": "cared", "decider": "council", "capacity": "la-care-order", "categories": ["SUB"]}),
            parent.clone(),
        ),
        (
            json!({"subject": "girl", "decider": "aunt", "capacity": "attorney-or-deputy", "competence": "girl-lacks"}),
            young.clone(),
        ),
        (
            json!({"subject": "gran", "decider": "aunt", "capacity": "attorney-or-deputy", "competence": "gran-mhl", "labels": ["MH"], "categories": null}),
            vec!["/decider R25", "/competence R25"],
        ),
        (json!({"capacity": "self-16-17"}), young.clone()),
        (json!({"subject": "nearly", "decider": "nearly", "capacity": "self-16-17"}), young.clone()),
        (json!({"subject": "elder", "decider": "elder", "capacity": "self-16-17"}), young.clone()),
        (json!({"subject": "teen", "decider": "mother", "capacity": "self-16-17"}), young.clone()),
        (parents(json!({"decider": "step"})), parent.clone()),
        (parents(json!({"decider": "girl"})), parent.clone()),
        (parents(json!({"decider": "council"})), parent.clone()),
        (parents(json!({"subject": "teen", "categories": ["EDU"]})), vec!["/decider R30"]),
        (parents(json!({"subject": "teen", "categories": ["MHL"]})), vec!["/decider R30", "/valid_from R36"]),
        (
            parents(json!({"subject": "boy", "categories": ["MHL"], "young_person_asked": {"asked": true}})),
            parent.clone(),
        ),
        (
            parents(json!({"subject": "boy", "categories": ["SUB", "MHL"], "young_person_asked": {"asked": true}})),
            parent.clone(),
        ),
        (parents(json!({"subject": "cared", "categories": ["EDU"]})), parent.clone()),
        (parents(json!({"subject": "shielded", "decider": "father"})), parent.clone()),
        (parents(json!({"subject": "shielded"})), vec![]),
        (json!({"subject": "cared", "decider": "next", "capacity": "la-care-order"}), parent.clone()),
        (json!({"subject": "cared", "decider": "mother", "capacity": "la-care-order"}), parent.clone()),
        (json!({"subject": "girl", "decider": "council", "capacity": "la-care-order"}), parent),
        (
            json!({"subject": "mother", "decider": "aunt", "capacity": "attorney-or-deputy", "competence": "gran-mhl"}),
            vec!["/decider R25", "/competence R25"],
        ),
        (
            json!({"subject": "gran", "decider": "gran", "capacity": "attorney-or-deputy", "competence": "gran-mhl"}),
            young.clone(),
        ),
        (with(&lacking("gran", "gran-mhl"), json!({"decider": "nobody"})), young.clone()),
        (
            with(&lacking("gran", "gran-mhl"), json!({"categories": ["MHL", "EDU"]})),
            vec!["/decider R25", "/competence R25"],
        ),
        (lacking("gran", "elder-mhl"), vec!["/competence R25"]),
        (with(&lacking("gran", "gran-mhl"), json!({"competence": null})), vec!["/competence R25"]),
        (with(&lacking("elder", "elder-mhl"), json!({"categories": ["EDU"]})), vec!["/decider R25", "/competence R25"]),
    ];
    for (change, expected) in rows {
        assert_eq!(breaches(change.clone()), expected, "{change}");
    }
}

#[test]
fn best_interests_are_decided_by_the_service_that_holds_the_information_for_what_it_holds() {
    let by = |decider: &str, from: Value| {
        breaches(
            json!({"subject": "gran", "decider": decider, "capacity": "best-interests", "competence": "gran-mhl", "from": from}),
        )
    };
    assert_eq!(by("trust", json!([{"agency": "trust"}])), Vec::<String>::new());
    assert_eq!(by("trust", json!([{"agency": "trust", "role": "CLN"}])), Vec::<String>::new());
    assert_eq!(by("council", json!([{"agency": "trust"}])), ["/capacity consent §3"]);
    assert_eq!(by("trust", json!([{"agency": "trust"}, {"agency": "council"}])), ["/capacity consent §3"]);
    assert_eq!(by("trust", json!([{"role": "CLN"}])), ["/capacity consent §3"]);
    assert_eq!(by("aunt", json!([{"agency": "trust"}])), ["/capacity consent §3"]);
}

#[test]
fn the_assessment_or_proof_must_be_of_this_person_for_this_decision() {
    let own = |competence: &str, categories: Value| {
        breaches(
            json!({"subject": "boy", "decider": "boy", "capacity": "self-competent-child", "competence": competence, "categories": categories}),
        )
    };
    assert_eq!(own("boy-mhl", json!(["MHL"])), Vec::<String>::new());
    assert_eq!(own("boy-now", json!(["FAM"])), Vec::<String>::new());
    assert_eq!(own("boy-odd", json!(["MHL"])), ["/competence R26"]);
    assert_eq!(own("boy-late", json!(["MHL"])), ["/competence R26"]);
    assert_eq!(own("girl-hlt", json!(["MHL"])), ["/competence R26"]);
    assert_eq!(own("gran-mhl", json!(["MHL"])), ["/competence R26"]);
    assert_eq!(own("nothing", json!(["MHL"])), ["/competence R26"]);
    assert_eq!(own("boy-sub", json!(["SUB"])), ["/decider R26", "/competence R26"]);
    assert_eq!(own("boy-mhl", json!(["MHL", "SUB"])), ["/decider R26", "/competence R26"]);
    let proof = |change: Value| breaches(parents(json!({"pr_evidence": change})));
    assert_eq!(proof(Value::Null), ["/pr_evidence R30"]);
    assert_eq!(proof(json!({"kind": "birth-certificate", "seen_by": " ", "date": "2026-10-06"})), ["/pr_evidence R30"]);
    assert_eq!(
        proof(json!({"kind": "birth-certificate", "seen_by": "Wren", "date": "2026-10-07"})),
        ["/pr_evidence R30"]
    );
}

#[test]
fn a_parents_word_ends_at_sixteen_for_health_and_at_eighteen_and_asks_the_young_person() {
    let of = |subject: &str, change: Value| breaches(with(&parents(json!({"subject": subject})), change));
    for category in ["HLT", "MHL", "SUB", "SXH"] {
        let asked = json!({"categories": [category], "valid_to": "2026-10-08", "young_person_asked": {"asked": true}});
        assert_eq!(of("nearly", asked), ["/valid_to R36"], "{category}");
    }
    let ends = |end: &str, categories: Value| of("nearly", json!({"categories": categories, "valid_to": end}));
    assert_eq!(ends("2026-10-07", json!(["HLT"])), Vec::<String>::new());
    assert_eq!(ends("2026-10-08", json!(["HLT", "EDU"])), Vec::<String>::new());
    let refused = |end: &str| of("nearly", json!({"categories": ["EDU"], "decision": "refuse", "valid_to": end}));
    assert_eq!(refused("2028-10-07"), Vec::<String>::new());
    assert_eq!(refused("2028-10-08"), ["/valid_to R36"]);
    let by_code = coded(json!({"subject": "nearly", "labels": ["MH"], "decision": "refuse", "valid_to": "2028-10-07"}));
    assert_eq!(breaches(by_code), Vec::<String>::new(), "a code may cover what is not of health");
    let council = |end: &str| {
        breaches(
            json!({"subject": "cared", "decider": "council", "capacity": "la-care-order", "decision": "refuse", "categories": ["HLT"], "valid_to": end}),
        )
    };
    assert_eq!(council("2032-01-01"), Vec::<String>::new());
    assert_eq!(council("2032-01-02"), ["/valid_to R36"], "the council decides as a parent does");
    assert_eq!(of("boy", json!({"categories": ["EDU", "SUB"]})), ["/young_person_asked consent §7"]);
    for category in ["SXH", "SUB", "EXP"] {
        assert_eq!(of("boy", json!({"categories": [category]})), ["/young_person_asked consent §7"], "{category}");
        assert_eq!(of("girl", json!({"categories": [category]})), Vec::<String>::new(), "{category}");
    }
}

fn state(change: Value, at: &str) -> &'static str {
    let record = with(&agreed(), with(&json!({"id": "s", "recorded_at": "2026-09-01"}), change));
    let mut facts = facts();
    facts.permissions.push(parsed(&record));
    let world = world(&facts);
    status::status(&world, &facts, &parsed(&record), time(at)).word()
}

#[test]
fn the_state_of_a_record_is_derived_from_its_times_and_events() {
    let event = |event: Value| json!({"events": [event]});
    let child = |change: Value| with(&parents(json!({})), change);
    let rows = [
        (json!({}), NOW, "active"),
        (json!({"decision": "refuse"}), NOW, "refused"),
        (json!({"valid_from": "2026-10-06T10:00:01+01:00"}), NOW, "draft"),
        (json!({"valid_from": NOW}), NOW, "active"),
        (json!({"valid_from": "2026-08-01"}), "2026-08-15", "draft"),
        (json!({"valid_to": NOW}), NOW, "expired"),
        (json!({"valid_to": "2026-10-06T10:00:01+01:00"}), NOW, "active"),
        (json!({}), "2027-08-31T23:59:59+01:00", "active"),
        (json!({}), "2027-09-01", "expired"),
        (json!({"decision": "refuse"}), "2027-09-01", "refused"),
        (json!({"plan": "shut"}), NOW, "expired"),
        (json!({"plan": "shut", "decision": "refuse"}), NOW, "refused"),
        (json!({"plan": "quill"}), "2026-12-31", "active"),
        (json!({"plan": "quill"}), "2027-01-01", "expired"),
        (json!({"plan": "open"}), "2027-01-01", "active"),
        (event(json!({"event": "withdraw", "at": NOW, "by": "mother"})), NOW, "withdrawn"),
        (event(json!({"event": "withdraw", "at": "2026-10-06T10:00:01+01:00", "by": "mother"})), NOW, "active"),
        (event(json!({"event": "withdraw", "at": NOW, "by": "father"})), NOW, "active"),
        (event(json!({"event": "entered-in-error", "at": NOW})), NOW, "entered-in-error"),
        (event(json!({"event": "entered-in-error", "at": "2026-10-07"})), NOW, "active"),
        (event(json!({"event": "resolve", "at": NOW, "outcome": "withdrawn"})), NOW, "withdrawn"),
        (event(json!({"event": "resolve", "at": "2026-10-07", "outcome": "withdrawn"})), NOW, "active"),
        (child(event(json!({"event": "object", "at": NOW, "by": "father"}))), NOW, "disputed"),
        (
            child(with(&json!({"decision": "refuse"}), event(json!({"event": "object", "at": NOW, "by": "father"})))),
            NOW,
            "refused",
        ),
        (child(event(json!({"event": "object", "at": "2026-10-07", "by": "father"}))), NOW, "active"),
        (child(event(json!({"event": "withdraw", "at": NOW, "by": "girl"}))), NOW, "active"),
        (
            child(json!({"categories": ["HLT"], "events": [{"event": "withdraw", "at": NOW, "by": "girl"}]})),
            NOW,
            "withdrawn",
        ),
        (
            child(json!({"categories": ["HLT"], "events": [{"event": "withdraw", "at": NOW, "by": "boy"}]})),
            NOW,
            "active",
        ),
        (child(event(json!({"event": "withdraw", "at": NOW, "by": "council"}))), NOW, "active"),
        (
            child(
                json!({"subject": "cared", "decider": "father", "events": [{"event": "withdraw", "at": NOW, "by": "council"}]}),
            ),
            NOW,
            "withdrawn",
        ),
        (child(json!({"decider": "step"})), NOW, "review"),
        (child(json!({"subject": "cared"})), NOW, "review"),
        (child(json!({"subject": "shielded", "decider": "father"})), NOW, "review"),
        (child(json!({"subject": "shielded"})), NOW, "active"),
        (json!({"subject": "cared", "decider": "council", "capacity": "la-care-order"}), NOW, "active"),
        (json!({"subject": "girl", "decider": "council", "capacity": "la-care-order"}), NOW, "review"),
        (json!({"subject": "cared", "decider": "mother", "capacity": "la-care-order"}), NOW, "review"),
        (child(json!({"decider": "council"})), NOW, "review"),
        (child(json!({"subject": "nearly", "categories": ["HLT"]})), "2026-10-06T23:59:59+01:00", "active"),
        (child(json!({"subject": "nearly", "categories": ["HLT"]})), "2026-10-07", "expired"),
    ];
    for (change, at, expected) in rows {
        assert_eq!(state(change.clone(), at), expected, "{change} at {at}");
    }
    let ended = |events: Value| state(child(json!({"events": events})), NOW);
    let (object, keep) = (
        json!({"event": "object", "at": "2026-10-02", "by": "father"}),
        |at: &str| json!({"event": "resolve", "at": at, "outcome": "active"}),
    );
    assert_eq!(ended(json!([object, keep("2026-10-03")])), "active");
    assert_eq!(ended(json!([keep("2026-10-03"), object])), "active");
    assert_eq!(ended(json!([object, keep("2026-10-01")])), "disputed");
    assert_eq!(ended(json!([object, keep("2026-10-02")])), "active");
}

#[test]
fn a_word_of_somebody_nobody_knows_ends_nothing() {
    let facts = facts();
    let event = json!({"events": [{"event": "withdraw", "at": "2026-10-01", "by": "nobody"}]});
    let record = parsed(&with(&agreed(), with(&json!({"recorded_at": "2026-09-01"}), event)));
    assert_eq!(status::status(&world(&facts), &facts, &record, time(NOW)).word(), "active");
}

#[test]
fn a_newer_version_takes_the_place_from_when_it_was_recorded() {
    let mut facts = facts();
    let newer = parsed(&with(&agreed(), json!({"id": "newer", "supersedes": "first"})));
    let first = facts.permissions[0].clone();
    facts.permissions.push(newer);
    let world = world(&facts);
    let at = |when: &str| status::status(&world, &facts, &first, time(when));
    assert_eq!((at("2026-10-06T09:59:59+01:00"), at(NOW)), (Status::Active, Status::Superseded));
    let stranger = parsed(&with(&agreed(), json!({"subject": "nobody"})));
    assert_eq!(status::status(&world, &facts, &stranger, time(NOW)), Status::Review);
    assert_eq!(status::end(&world, &stranger), None);
}

#[test]
fn what_ended_by_a_word_is_told_from_what_ended_by_time() {
    let over = |event: Value| status::over(&parsed(&with(&agreed(), json!({"events": [event]}))));
    assert!(over(json!({"event": "withdraw", "at": NOW, "by": "mother"})));
    assert!(over(json!({"event": "entered-in-error", "at": NOW})));
    assert!(over(json!({"event": "resolve", "at": NOW, "outcome": "withdrawn"})));
    assert!(!over(json!({"event": "resolve", "at": NOW, "outcome": "active"})));
    assert!(!over(json!({"event": "object", "at": NOW, "by": "father"})));
    assert!(!status::over(&parsed(&agreed())));
}

#[test]
fn the_term_of_many_is_found_from_record_person_and_plan_alone() {
    let facts = facts();
    let person = |id: &str| facts.people.iter().find(|p| p.id.as_str() == id);
    let case = |id: &str| facts.cases.iter().find(|c| c.id.as_str() == id);
    let term =
        |change: Value, who: &str, plan: &str| status::term(&parsed(&with(&agreed(), change)), person(who), case(plan));
    assert_eq!(term(json!({}), "mother", "none"), Some(time("2027-10-06")));
    assert_eq!(term(json!({"valid_to": "2026-11-01"}), "mother", "none"), Some(time("2026-11-01")));
    assert_eq!(term(json!({}), "mother", "quill"), Some(time("2027-01-01")));
    assert_eq!(term(json!({}), "mother", "open"), Some(time("2027-10-06")));
    assert_eq!(term(json!({}), "mother", "shut"), Some(time(NOW)), "never before it was recorded");
    assert_eq!(term(json!({"decision": "refuse"}), "mother", "quill"), None);
    assert_eq!(
        term(parents(json!({"subject": "nearly", "categories": ["HLT"]})), "nearly", "none"),
        Some(time("2026-10-07"))
    );
    assert_eq!(term(parents(json!({"decision": "refuse"})), "girl", "none"), Some(time("2033-05-05")));
    assert_eq!(
        term(parents(json!({"decision": "refuse", "categories": ["EDU"]})), "girl", "none"),
        Some(time("2035-05-05"))
    );
}

#[test]
fn who_may_withdraw_object_resolve_and_correct() {
    let facts = facts();
    let world = world(&facts);
    let (wren, mother) = (actor("wren-sw"), parsed(&agreed()));
    let girl = parsed(&with(&agreed(), parents(json!({"categories": ["HLT"]}))));
    let plain = parsed(&with(&agreed(), parents(json!({"categories": ["EDU"]}))));
    let cared = parsed(&with(&agreed(), json!({"subject": "cared", "decider": "father", "capacity": "parent-pr"})));
    let withdrawn = |record: &Permission, by: &str, told: Option<&str>| {
        said(events::withdrawal(&world, &facts, record, by, told.map(time), &wren))
    };
    assert_eq!(withdrawn(&mother, "mother", None), Vec::<String>::new());
    assert_eq!(withdrawn(&mother, "mother", Some(NOW)), Vec::<String>::new());
    assert_eq!(withdrawn(&mother, "mother", Some("2026-10-06T10:00:01+01:00")), ["/told_at R35"]);
    for (record, by) in [
        (&mother, "father"),
        (&mother, "nobody"),
        (&mother, "council"),
        (&girl, "boy"),
        (&plain, "girl"),
        (&girl, "council"),
    ] {
        assert_eq!(withdrawn(record, by, None), ["/by R35"], "{by}");
    }
    assert_eq!(withdrawn(&girl, "girl", None), Vec::<String>::new());
    assert_eq!(withdrawn(&cared, "council", None), Vec::<String>::new());
    let both = parsed(&with(&agreed(), parents(json!({"categories": ["HLT", "EDU"]}))));
    assert_eq!(withdrawn(&both, "girl", None), Vec::<String>::new(), "for what she can decide about");
    let teens = parsed(&with(
        &agreed(),
        parents(json!({"subject": "teen", "categories": ["EDU"], "recorded_at": "2026-09-01"})),
    ));
    assert_eq!(withdrawn(&teens, "teen", None), Vec::<String>::new(), "from sixteen");
    for open in [json!({"valid_from": "2026-10-07"}), json!({"decision": "refuse"})] {
        assert_eq!(withdrawn(&parsed(&with(&agreed(), open)), "mother", None), Vec::<String>::new());
    }
    let stranger = parsed(&with(&agreed(), parents(json!({"subject": "nobody"}))));
    assert_eq!(withdrawn(&stranger, "mother", None), ["/by R35"]);
    assert_eq!(said(events::objection(&world, &facts, &stranger, "father", &wren)), ["/by R29"]);
    let gone = parsed(&with(&agreed(), json!({"events": [{"event": "withdraw", "at": NOW, "by": "mother"}]})));
    assert_eq!(withdrawn(&gone, "mother", None), [" consent §4"]);
    let objected = |record: &Permission, by: &str| said(events::objection(&world, &facts, record, by, &wren));
    assert_eq!(objected(&plain, "father"), Vec::<String>::new());
    for by in ["mother", "girl", "step", "nobody", "council"] {
        assert_eq!(objected(&plain, by), ["/by R29"], "{by}");
    }
    assert_eq!(objected(&girl, "father"), ["/by R29"], "she decides about her health herself");
    assert_eq!(objected(&mother, "father"), ["/by R29"]);
    assert_eq!(objected(&gone, "mother"), [" consent §4", "/by R29"]);
    let of = |change: Value| parsed(&with(&agreed(), change));
    let shielded = of(parents(json!({"subject": "shielded", "categories": ["EDU"]})));
    assert_eq!(objected(&shielded, "father"), ["/by R29"], "the child is protected from him");
    let council = of(json!({"subject": "cared", "decider": "council", "capacity": "la-care-order"}));
    assert_eq!(objected(&council, "mother"), ["/by R29"], "under a care order a parent does not object");
    assert_eq!(objected(&cared, "council"), Vec::<String>::new());
    assert_eq!(objected(&cared, "mother"), ["/by R29"], "nor to the other parent's record");
    let disputed = of(parents(
        json!({"categories": ["EDU"], "recorded_at": "2026-10-01", "events": [{"event": "object", "at": "2026-10-02", "by": "father"}]}),
    ));
    assert_eq!(withdrawn(&disputed, "mother", None), Vec::<String>::new());
    let boys =
        of(json!({"subject": "boy", "decider": "boy", "capacity": "self-competent-child", "categories": ["SUB"]}));
    assert_eq!(objected(&boys, "mother"), ["/by R29"], "what the child decided is no parent's to dispute");
    let resolved = |record: &Permission, why: &str| said(events::resolution(&world, &facts, record, why, &wren));
    assert_eq!(resolved(&disputed, "heard both"), Vec::<String>::new());
    assert_eq!(resolved(&disputed, " "), ["/why R29"]);
    assert_eq!(resolved(&plain, "heard both"), [" R29"]);
    let erred = |record: &Permission, why: &str| said(events::error(&world, &facts, record, why, &wren));
    assert_eq!(erred(&plain, "another child"), Vec::<String>::new());
    assert_eq!(erred(&plain, ""), ["/why consent §4"]);
    let wrong = of(json!({"events": [{"event": "entered-in-error", "at": NOW}]}));
    assert_eq!(erred(&wrong, "again"), [" consent §4"]);
}
