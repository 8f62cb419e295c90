//! Who may begin and end which relationship, ask for which override, open which item and set which flag (R5–R7, R37–R45,
//! R47–R52, R57, R61, R66), on the facts of `lifecycle.rs`.

use super::lifecycle::{NOW, actor, facts, said, time, with, world};
use super::policy;
use serde_json::{Value, json};
use solent::sharing::facts::{ItemGrant, Override, OverrideKind, Relationship, RelationshipKind, Told};
use solent::sharing::lifecycle::{Actor, Needs, overrides, relationship, safety};
use solent::vocabulary::{Category, Purpose, Role};

const NONE: [&str; 0] = [];

fn tie(change: Value) -> Relationship {
    let base = json!({"id": "r", "kind": "allocated", "hat": "iris-fmh", "subject": "girl", "evidence": "allocation form", "from": NOW});
    let value = with(&base, change);
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn begins(hat: &str, change: Value) -> bool {
    relationship::may_begin(&world(&facts()), policy(), &tie(change), &actor(hat))
}

#[test]
fn who_may_begin_each_kind_of_relationship() {
    let kinds = |kind: &str, hat: &str| json!({"kind": kind, "hat": hat});
    let rows = [
        ("wren-sw", kinds("self-claim", "wren-sw"), true),
        ("hale-sw", kinds("self-claim", "wren-sw"), false),
        ("mo-pa", kinds("self-claim", "mo-pa"), false),
        ("gray-prv", kinds("subject-access", "gray-prv"), true),
        ("gray-prv", kinds("subject-access", "gil-prv"), true),
        ("gray-prv", kinds("subject-access", "gil-next"), false),
        ("gray-prv", kinds("subject-access", "wren-sw"), false),
        ("wren-sw", kinds("subject-access", "gray-prv"), false),
        ("hale-sw", kinds("allocated", "wren-sw"), true),
        ("hale-sw", kinds("supervisor", "wren-sw"), true),
        ("hale-sw", kinds("observation", "obi-obs"), true),
        ("hale-sw", kinds("contact", "max-msh"), true),
        ("hale-sw", kinds("allocated", "nora-sw"), false),
        ("hale-sw", kinds("allocated", "hale-two"), false),
        ("wren-sw", kinds("allocated", "eddy-edg"), false),
        ("gone-sw", kinds("allocated", "wren-sw"), false),
        ("mim-pa", kinds("allocated", "wren-sw"), false),
        ("wren-sw", kinds("lead", "iris-fmh"), true),
        ("wren-sw", kinds("lead", "wren-sw"), false),
        ("hale-sw", kinds("lead", "hale-sw"), true),
        ("mo-pa", kinds("lead", "iris-fmh"), false),
        ("wren-sw", kinds("plan-named", "iris-fmh"), true),
        ("wren-sw", kinds("team-named", "iris-fmh"), true),
        ("wren-sw", kinds("referral", "iris-fmh"), true),
        ("wren-sw", kinds("consultation", "sue-sur"), true),
        ("hale-sw", kinds("plan-named", "hale-two"), false),
        ("mo-pa", kinds("plan-named", "iris-fmh"), false),
        ("wren-sw", json!({"kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw"}), true),
        ("hale-sw", json!({"kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw"}), true),
        ("eddy-edg", json!({"kind": "delegation", "hat": "mo-pa", "grantor": "eddy-edg"}), false),
        ("wren-sw", json!({"kind": "delegation", "hat": "mo-pa", "grantor": "nora-sw"}), false),
        ("nim-sw", json!({"kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw"}), false),
        ("hale-sw", json!({"kind": "delegation", "hat": "mo-pa", "grantor": "none"}), false),
        ("hale-sw", json!({"kind": "delegation", "hat": "hale-two", "grantor": "wren-sw"}), false),
        ("otto-vco", kinds("match", "viv-vol"), true),
        ("wren-sw", kinds("match", "viv-vol"), false),
        ("otto-vco", kinds("match", "otto-vco"), false),
        ("none-sw", kinds("plan-named", "iris-fmh"), false),
        ("wren-sw", kinds("plan-named", "none"), false),
    ];
    for (hat, change, expected) in rows {
        assert_eq!(begins(hat, change.clone()), expected, "{hat} {change}");
    }
}

#[test]
fn how_far_into_the_procedure_who_begins_one_must_come() {
    use RelationshipKind as K;
    for kind in [K::TeamNamed, K::PlanNamed, K::Referral, K::Consultation] {
        assert_eq!(relationship::needs(kind), Needs::Relationship, "{kind:?}");
    }
    for kind in [K::SubjectAccess, K::Match, K::Supervisor, K::Delegation] {
        assert_eq!(relationship::needs(kind), Needs::Hat, "{kind:?}");
    }
    for kind in [K::Allocated, K::Contact, K::Lead, K::SelfClaim, K::Observation] {
        assert_eq!(relationship::needs(kind), Needs::Purpose, "{kind:?}");
    }
}

#[test]
fn what_each_relationship_must_say() {
    let facts = facts();
    let world = world(&facts);
    let found = |change: Value| said(relationship::breaches(&world, policy(), &tie(change), &actor("hale-sw")));
    let claim = |change: Value| {
        with(
            &json!({"kind": "self-claim", "hat": "wren-sw", "evidence": null, "reason": "seen at the door", "to": "2026-10-07T10:00:00+01:00"}),
            change,
        )
    };
    let delegation = |change: Value| {
        with(
            &json!({"kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw", "subject": null, "to": "2027-10-06T10:00:00+01:00"}),
            change,
        )
    };
    let kind = |kind: &str, hat: &str| json!({"kind": kind, "hat": hat});
    let mut no_person = claim(json!({"case": "quill"}));
    no_person["subject"] = Value::Null;
    let mut nobody = claim(json!({}));
    nobody["subject"] = Value::Null;
    let rows = [
        (json!({}), vec![]),
        (json!({"evidence": null}), vec!["/evidence R5"]),
        (json!({"evidence": " "}), vec!["/evidence R5"]),
        (json!({"from": "2026-10-06"}), vec![]),
        (json!({"from": "2026-10-05T23:59:59+01:00"}), vec!["/from R5"]),
        (json!({"to": NOW}), vec!["/to R5"]),
        (json!({"to": "2026-10-06T10:00:01+01:00"}), vec![]),
        (json!({"from": "2026-10-06", "to": "2026-10-06T09:00:00+01:00"}), vec!["/to R5"]),
        (json!({"from": "2026-10-08", "to": "2026-10-08"}), vec!["/to R5"]),
        (json!({"from": "2026-10-06", "to": NOW}), vec!["/to R5"]),
        (json!({"subject": "nobody"}), vec!["/subject R5"]),
        (json!({"hat": "none"}), vec!["/hat R5"]),
        (json!({"hat": "gone-sw"}), vec!["/hat R5"]),
        (json!({"hat": "newt-fmh", "from": "2026-10-06"}), vec![]),
        (json!({"subject": null}), vec!["/subject R5"]),
        (json!({"subject": null, "case": "quill"}), vec![]),
        (json!({"purposes": ["CIN"]}), vec![]),
        (json!({"purposes": ["CIN"], "case": "quill"}), vec!["/purposes R5"]),
        (kind("contact", "wren-sw"), vec!["/hat R5"]),
        (kind("contact", "max-msh"), vec![]),
        (kind("consultation", "wren-sw"), vec!["/hat R5"]),
        (kind("consultation", "sue-sur"), vec![]),
        (kind("observation", "wren-sw"), vec!["/hat R5"]),
        (kind("observation", "obi-obs"), vec![]),
        (json!({"kind": "match", "hat": "viv-vol", "role": "mentor"}), vec![]),
        (json!({"kind": "match", "hat": "viv-vol"}), vec!["/role R5"]),
        (json!({"kind": "match", "hat": "otto-vco", "role": "mentor"}), vec!["/hat R5"]),
        (json!({"kind": "lead", "hat": "iris-fmh"}), vec!["/case R5"]),
        (json!({"kind": "lead", "hat": "iris-fmh", "case": "quill"}), vec![]),
        (json!({"kind": "supervisor", "hat": "hale-sw", "of": "wren-sw", "subject": null}), vec![]),
        (json!({"kind": "supervisor", "hat": "hale-sw", "subject": null}), vec!["/of R5"]),
        (json!({"kind": "supervisor", "hat": "wren-sw", "of": "eddy-edg", "subject": null}), vec!["/hat R5"]),
        (json!({"kind": "team-named", "hat": "wren-sw", "subject": null, "case": "quill"}), vec![]),
        (json!({"kind": "team-named", "hat": "wren-sw"}), vec!["/case R5", "/hat R7"]),
        (json!({"kind": "team-named", "hat": "hale-two", "case": "quill"}), vec!["/hat R7"]),
        (json!({"kind": "team-named", "hat": "eddy-edg", "case": "open"}), vec!["/hat R7"]),
        (json!({"kind": "subject-access", "hat": "gray-prv", "requester": "father"}), vec![]),
        (json!({"kind": "subject-access", "hat": "gray-prv"}), vec!["/requester R5"]),
        (
            json!({"kind": "subject-access", "hat": "gray-prv", "requester": "father", "subject": null, "case": "quill"}),
            vec!["/requester R5"],
        ),
        (json!({"kind": "subject-access", "hat": "wren-sw", "requester": "father"}), vec!["/hat R5"]),
        (delegation(json!({})), vec![]),
        (delegation(json!({"to": "2027-10-06T10:00:01+01:00"})), vec!["/to R48"]),
        (delegation(json!({"to": null})), vec!["/to R48"]),
        (delegation(json!({"grantor": "eddy-edg"})), vec!["/grantor R48"]),
        (delegation(json!({"grantor": null})), vec!["/grantor R48"]),
        (delegation(json!({"hat": "eddy-edg"})), vec!["/hat R5"]),
        (claim(json!({})), vec![]),
        (claim(json!({"reason": null})), vec!["/reason R6"]),
        (claim(json!({"reason": " "})), vec!["/reason R6"]),
        (claim(json!({"subject": "shielded"})), vec!["/subject R6"]),
        (claim(json!({"subject": "former"})), vec!["/subject R6"]),
        (no_person, vec!["/subject R5", "/subject R6"]),
        (nobody, vec!["/subject R5", "/subject R5", "/subject R6"]),
        (
            json!({"kind": "supervisor", "hat": "hale-sw", "of": "wren-sw", "subject": null, "purposes": ["CIN"]}),
            vec!["/purposes R5"],
        ),
        (json!({"hat": "dora-fdv", "subject": "gran"}), vec!["/hat R61"]),
        (claim(json!({"case": "quill"})), vec!["/subject R5"]),
        (json!({"hat": "fay-fdp", "subject": "mother"}), vec!["/hat R61"]),
        (json!({"hat": "fay-fdp", "subject": "girl"}), vec!["/hat R61"]),
        (json!({"hat": "fay-fdp", "subject": null, "case": "quill"}), vec!["/hat R61"]),
        (json!({"hat": "fay-fdp", "subject": "gran"}), vec![]),
        (json!({"hat": "fay-fdv", "subject": "mother"}), vec![]),
        (json!({"hat": "finn-fdp", "subject": "mother"}), vec![]),
    ];
    for (change, expected) in rows {
        assert_eq!(found(change.clone()), expected, "{change}");
    }
    assert!(
        relationship::is_hidden(&world, "shielded", time(NOW)) && relationship::is_hidden(&world, "former", time(NOW))
    );
    assert!(
        !relationship::is_hidden(&world, "girl", time(NOW)) && !relationship::is_hidden(&world, "nobody", time(NOW))
    );
}

#[test]
fn a_claim_lasts_from_now_for_a_day() {
    let world = world(&facts());
    let found = |from: &str, to: Option<&str>| {
        let change =
            json!({"kind": "self-claim", "hat": "wren-sw", "reason": "seen", "evidence": null, "from": from, "to": to});
        !relationship::breaches(&world, policy(), &tie(change), &actor("wren-sw")).is_empty()
    };
    assert!(!found(NOW, Some("2026-10-07T10:00:00+01:00")));
    assert!(found(NOW, Some("2026-10-07T10:00:01+01:00")) && found(NOW, None));
}

#[test]
fn who_may_end_a_relationship_and_when() {
    let world = world(&facts());
    let ends = |hat: &str, change: Value| relationship::may_end(&world, policy(), &tie(change), &actor(hat));
    let made = json!({"hat": "wren-sw", "created_by": "eddy-edg", "grantor": "iris-fmh"});
    for (hat, expected) in [
        ("wren-sw", true),
        ("eddy-edg", true),
        ("iris-fmh", true),
        ("hale-sw", true),
        ("nim-sw", false),
        ("sue-sur", false),
        ("gone-sw", false),
        ("oona-vco", false),
        ("none", false),
    ] {
        assert_eq!(ends(hat, made.clone()), expected, "{hat}");
    }
    let matched = json!({"kind": "match", "hat": "viv-vol", "role": "mentor"});
    assert!(ends("otto-vco", matched.clone()) && !ends("oona-vco", matched.clone()) && !ends("wren-sw", matched));
    assert!(!ends("otto-vco", json!({"hat": "viv-vol"})));
    assert!(!ends("wren-sw", json!({"kind": "match", "hat": "mo-pa"})), "of the agency, but no co-ordinator");
    assert!(!ends("hale-sw", json!({"hat": "nobody-sw"})), "of nobody's agency");
    let ending =
        |to: Option<&str>, end: &str| said(relationship::ending(&tie(json!({"to": to})), time(end), &actor("wren-sw")));
    assert_eq!(ending(None, NOW), NONE);
    assert_eq!(ending(None, "2026-10-06T09:59:59+01:00"), ["/at R5"]);
    assert_eq!(ending(Some("2026-12-01"), "2026-12-01"), NONE);
    assert_eq!(ending(Some("2026-12-01"), "2026-12-02"), ["/at R5"]);
    assert_eq!(ending(Some(NOW), "2026-12-02"), [" R5"]);
}

#[test]
fn an_item_is_opened_to_ones_own_assistant_or_matched_volunteer_for_a_task_of_eight_hours() {
    let ended = facts();
    let mut facts = facts();
    for matched in facts.relationships.iter_mut().filter(|r| r.kind == RelationshipKind::Match) {
        matched.to = Some(time("2026-10-07"));
    }
    let base = json!({"id": "g", "segment": "s", "by": "wren-sw", "to": "mo-pa", "task": "book a visit", "from": NOW, "until": "2026-10-06T18:00:00+01:00"});
    let grant = |change: Value| -> ItemGrant {
        serde_json::from_value(with(&base, change)).unwrap_or_else(|error| panic!("{error}"))
    };
    let world = world(&facts);
    let found = |hat: &str, category: Option<Category>, change: Value| {
        said(relationship::item_grant(&world, &facts, &grant(change), category, &actor(hat)))
    };
    for category in [Category::Adr, Category::Loc] {
        assert_eq!(found("wren-sw", Some(category), json!({})), NONE);
    }
    for category in [Some(Category::Hlt), None] {
        assert_eq!(found("wren-sw", category, json!({})), ["/to R50"], "{category:?}");
    }
    assert_eq!(found("hale-sw", Some(Category::Adr), json!({})), ["/to R50"]);
    assert_eq!(found("wren-sw", Some(Category::Adr), json!({"to": "mim-pa"})), ["/to R50"]);
    assert_eq!(found("eddy-edg", Some(Category::Adr), json!({})), ["/to R50"]);
    assert_eq!(found("otto-vco", Some(Category::Adr), json!({"to": "viv-vol"})), NONE);
    assert_eq!(found("otto-vco", Some(Category::Loc), json!({"to": "viv-vol"})), ["/to R50"]);
    assert_eq!(found("otto-vco", Some(Category::Adr), json!({"to": "mo-pa"})), ["/to R50"]);
    let over = said(relationship::item_grant(
        &world,
        &ended,
        &grant(json!({"to": "viv-vol"})),
        Some(Category::Adr),
        &actor("otto-vco"),
    ));
    assert_eq!(over, ["/to R50"], "a match that has ended");
    for task in [json!(null), json!(" ")] {
        assert_eq!(found("wren-sw", Some(Category::Adr), json!({"task": task})), ["/task R50"]);
    }
    for (from, until) in
        [(NOW, "2026-10-06T18:00:01+01:00"), (NOW, NOW), ("2026-10-06T09:59:59+01:00", "2026-10-06T12:00:00+01:00")]
    {
        assert_eq!(
            found("wren-sw", Some(Category::Adr), json!({"from": from, "until": until})),
            ["/until R50"],
            "{from} {until}"
        );
    }
}

#[test]
fn an_item_rests_on_the_delegation_or_match_of_this_hat_that_lives_now() {
    let base = json!({"id": "g", "segment": "s", "by": "wren-sw", "to": "mo-pa", "task": "book a visit", "from": NOW, "until": "2026-10-06T18:00:00+01:00"});
    let opened = |by: &str, to: &str, tie: Value| {
        let mut facts = facts();
        facts.relationships = vec![serde_json::from_value(tie).unwrap_or_else(|error| panic!("{error}"))];
        let grant = with(&base, json!({"by": by, "to": to}));
        let grant: ItemGrant = serde_json::from_value(grant).unwrap_or_else(|error| panic!("{error}"));
        let found = relationship::item_grant(&world(&facts), &facts, &grant, Some(Category::Adr), &actor(by));
        found.is_empty()
    };
    let delegation = json!({"id": "r", "kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw", "from": NOW});
    let matched =
        json!({"id": "r", "kind": "match", "hat": "viv-vol", "subject": "girl", "role": "mentor", "from": NOW});
    for (by, to, tie) in [("wren-sw", "mo-pa", delegation), ("otto-vco", "viv-vol", matched)] {
        let with_tie = |change: Value| opened(by, to, with(&tie, change));
        assert!(with_tie(json!({})), "from this very moment, without an end");
        assert!(with_tie(json!({"to": "2026-10-06T10:00:01+01:00"})), "to the last second");
        assert!(!with_tie(json!({"to": NOW})), "over");
        assert!(!with_tie(json!({"from": "2026-10-06T10:00:01+01:00"})), "not yet");
        assert!(!with_tie(json!({"kind": "contact", "subject": "girl"})), "of another kind");
        assert!(!with_tie(json!({"hat": "mim-pa"})), "of another hat");
    }
}

fn asked(change: Value) -> Override {
    let answers = json!({"harm": "a", "needed": "b", "why_not_less": "c", "proportionate": "d", "telling_risk": "e"});
    let base = json!({"id": "o", "kind": "ordinary", "hat": "wren-sw", "subject": "mother", "categories": ["MHL"], "purpose": "CIN", "requested_at": NOW, "answers": answers});
    let value = with(&base, change);
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

#[test]
fn which_role_may_ask_for_an_override_under_which_purpose() {
    let may = |role: Role, kind: OverrideKind, purpose: Purpose| overrides::may_ask(policy(), role, kind, purpose);
    use OverrideKind::{Emg, Ordinary};
    assert!(
        may(Role::Sw, Ordinary, Purpose::Cin)
            && !may(Role::Sw, Ordinary, Purpose::Eh)
            && !may(Role::Dsl, Ordinary, Purpose::Cp)
    );
    assert!(may(Role::Sur, Ordinary, Purpose::Eh) && !may(Role::Sur, Emg, Purpose::Eh));
    for purpose in [Purpose::Cp, Purpose::Cin, Purpose::Met, Purpose::Eh, Purpose::Dc] {
        assert!(may(Role::Pol, Emg, purpose) && !may(Role::Vol, Emg, purpose), "{purpose}");
    }
    for purpose in [Purpose::Le, Purpose::Qa, Purpose::An, Purpose::Au, Purpose::Sa] {
        assert!(!may(Role::Pol, Emg, purpose), "{purpose}");
    }
}

#[test]
fn what_an_override_must_say() {
    let world = world(&facts());
    let found = |change: Value, role: Role| said(overrides::breaches(&world, policy(), &asked(change), role));
    assert_eq!(found(json!({}), Role::Sw), NONE);
    for member in ["harm", "needed", "why_not_less", "proportionate", "telling_risk"] {
        let whole = json!({"harm": "a", "needed": "b", "why_not_less": "c", "proportionate": "d", "telling_risk": "e"});
        let pointer = format!("/answers/{member} R37");
        for empty in [json!(null), json!("  ")] {
            assert_eq!(
                found(json!({"answers": with(&whole, json!({member: empty}))}), Role::Sw),
                std::slice::from_ref(&pointer)
            );
        }
    }
    assert_eq!(found(json!({"categories": []}), Role::Sw), ["/categories R40"]);
    assert_eq!(found(json!({"categories": ["MHL", "SUB", "MHL"]}), Role::Sw), ["/categories/2 R40"]);
    assert_eq!(found(json!({"subject": "nobody"}), Role::Sw), ["/subject R40"]);
    for never in ["ADP", "TPI", "INT", "IDN", "MHN"] {
        assert_eq!(found(json!({"categories": [never]}), Role::Sw), ["/categories R42"], "{never}");
        assert_eq!(found(json!({"categories": [never], "kind": "EMG"}), Role::Sw), ["/categories R42"], "{never}");
    }
    assert_eq!(found(json!({"categories": ["INT", "MHL"]}), Role::Sw), NONE, "one that opens is enough");
    assert_eq!(found(json!({"categories": ["CSN"]}), Role::Uhn), ["/categories R42"]);
    assert_eq!(found(json!({"categories": ["CSN"], "kind": "EMG"}), Role::Uhn), NONE, "imminent danger opens a gate");
    assert_eq!(found(json!({"purpose": "DC"}), Role::Sw), ["/categories R42"], "no column");
}

/// The shipped rules, with third-party identity opened by override in the matrix.
#[test]
fn what_is_never_reached_by_override_is_not_reached_by_a_changed_matrix_either() {
    let mut files = solent::cli::content::built_in();
    let text = String::from_utf8(files.get("sharing/matrix.csv").unwrap_or_default().to_vec()).unwrap_or_default();
    let wide = text
        .replace("CIN,SW,INT,N,N,no", "CIN,SW,INT,N,N,yes")
        .replace("CIN,SW,TPI,F,F,no", "CIN,SW,TPI,S,S,yes")
        .replace("CIN,SW,ADP,N,N,no", "CIN,SW,ADP,N,N,yes");
    files.insert("sharing/matrix.csv", wide.into_bytes());
    let Ok(rules) = solent::sharing::Policy::load(&files) else { return };
    let world = world(&facts());
    for never in ["INT", "TPI", "ADP"] {
        let found = overrides::breaches(&world, &rules, &asked(json!({"categories": [never]})), Role::Sw);
        assert_eq!(said(found), ["/categories R42"], "{never}");
    }
}

#[test]
fn who_approves_and_who_answers_for_an_override() {
    let world = world(&facts());
    let second =
        |hat: &str, owner: &str| overrides::second_person(&world, policy(), &asked(json!({"hat": owner})), &actor(hat));
    assert!(second("hale-sw", "wren-sw"));
    for (hat, owner) in [
        ("wren-sw", "wren-sw"),
        ("nim-sw", "wren-sw"),
        ("hale-sw", "hale-two"),
        ("gone-sw", "wren-sw"),
        ("eddy-edg", "wren-sw"),
        ("mim-pa", "wren-sw"),
        ("none", "wren-sw"),
        ("hale-sw", "none"),
    ] {
        assert!(!second(hat, owner), "{hat} for {owner}");
    }
    let answers = |hat: &str| overrides::answerable(&world, policy(), &asked(json!({})), &actor(hat));
    assert!(answers("wren-sw") && answers("hale-sw") && !answers("eddy-edg") && !answers("nim-sw"));
}

#[test]
fn how_long_an_override_lasts_and_when_it_can_be_renewed() {
    let approved = "2026-10-06T10:00:00+01:00";
    let renewed =
        |times: &[&str]| -> Value { times.iter().map(|at| json!({"at": at, "approved_by": "hale-sw"})).collect() };
    let of = |kind: &str, times: &[&str]| {
        asked(
            json!({"kind": kind, "requested_at": "2026-10-06T09:00:00+01:00", "approved_at": approved, "renewals": renewed(times)}),
        )
    };
    let end = |record: &Override| overrides::end(record);
    assert_eq!(end(&asked(json!({}))), None);
    assert_eq!(end(&of("ordinary", &[])), Some(time("2026-10-07T10:00:00+01:00")));
    assert_eq!(end(&of("EMG", &[])), Some(time("2026-10-07T09:00:00+01:00")));
    assert_eq!(end(&of("ordinary", &["2026-10-07T09:59:59+01:00"])), Some(time("2026-10-08T10:00:00+01:00")));
    assert_eq!(
        end(&of("ordinary", &["2026-10-07T10:00:00+01:00"])),
        Some(time("2026-10-07T10:00:00+01:00")),
        "too late"
    );
    assert_eq!(end(&of("ordinary", &[approved])), Some(time("2026-10-08T10:00:00+01:00")));
    assert_eq!(
        end(&of("ordinary", &["2026-10-06T09:30:00+01:00"])),
        Some(time("2026-10-07T10:00:00+01:00")),
        "before it began"
    );
    let thrice = ["2026-10-08T09:00:00+01:00", "2026-10-07T09:00:00+01:00", "2026-10-08T09:30:00+01:00"];
    assert_eq!(end(&of("ordinary", &thrice)), Some(time("2026-10-09T10:00:00+01:00")), "72 hours in all");
    assert_eq!(end(&of("ordinary", &thrice[..2])), Some(time("2026-10-09T10:00:00+01:00")), "in whichever order");
    let renewal = |record: &Override, at: &str| said(overrides::renewal(record, time(at)));
    assert_eq!(renewal(&asked(json!({})), NOW), [" R40"]);
    assert_eq!(renewal(&of("ordinary", &[]), "2026-10-07T09:59:59+01:00"), NONE);
    assert_eq!(renewal(&of("ordinary", &[]), "2026-10-07T10:00:00+01:00"), [" R40"]);
    assert_eq!(renewal(&of("EMG", &[]), "2026-10-07T09:30:00+01:00"), [" R40"]);
    assert_eq!(renewal(&of("ordinary", &thrice[1..2]), "2026-10-07T12:00:00+01:00"), NONE);
    assert_eq!(renewal(&of("ordinary", &thrice), "2026-10-08T12:00:00+01:00"), [" R40"], "at its longest");
}

#[test]
fn what_the_person_was_told_or_why_not_is_written() {
    let found = |value: Value| {
        let told: Told = serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"));
        said(overrides::told(&told))
    };
    assert_eq!(found(json!({"told": true, "why": "by phone"})), NONE);
    assert_eq!(found(json!({"told": false, "why": "unsafe", "review": "2026-11-01"})), NONE);
    assert_eq!(found(json!({"told": false, "why": "unsafe"})), ["/review R43"]);
    assert_eq!(found(json!({"told": true, "why": " "})), ["/why R43"]);
    assert_eq!(found(json!({"told": false})), ["/why R43", "/review R43"]);
}

#[test]
fn what_a_flag_of_safety_must_say() {
    let world = world(&facts());
    let wren = actor("wren-sw");
    fn read<T: serde::de::DeserializeOwned>(base: &Value, change: Value) -> T {
        serde_json::from_value(with(base, change)).unwrap_or_else(|error| panic!("{error}"))
    }
    let protection = |change: Value| {
        said(safety::protection(
            &world,
            &read(&json!({"id": "x", "person": "girl", "against": "step", "from": NOW}), change),
            &wren,
        ))
    };
    let strand = |change: Value| {
        said(safety::strand(
            &world,
            &read(&json!({"hat": "finn-fdp", "linked_to": "step", "marked_by": "wren-sw", "from": NOW}), change),
            &wren,
        ))
    };
    let seal = |change: Value| {
        said(safety::seal(
            &world,
            &read(&json!({"id": "x", "kind": "adoption", "former": "girl", "current": "current", "from": NOW}), change),
            &wren,
        ))
    };
    for (found, rule) in [(protection(json!({})), "R57"), (strand(json!({})), "R57"), (seal(json!({})), "R66")] {
        assert_eq!(found, NONE, "{rule}");
    }
    assert_eq!(protection(json!({"person": "nobody", "against": "none"})), ["/person R57", "/against R57"]);
    assert_eq!(protection(json!({"against": "girl"})), ["/against R57"]);
    assert_eq!(protection(json!({"from": "2026-10-06T09:59:59+01:00"})), ["/from R57"]);
    assert_eq!(protection(json!({"to": NOW})), ["/to R57"]);
    assert_eq!(protection(json!({"to": "2026-10-06T10:00:01+01:00"})), NONE);
    assert_eq!(strand(json!({"hat": "none", "linked_to": "nobody"})), ["/linked_to R57", "/hat R57"]);
    assert_eq!(strand(json!({"from": "2026-10-06", "to": "2026-10-05"})), ["/from R57", "/to R57"]);
    assert_eq!(seal(json!({"former": "nobody", "current": "none"})), ["/former R66", "/current R66"]);
    assert_eq!(seal(json!({"current": "girl"})), ["/current R66"]);
    assert_eq!(seal(json!({"former": "former"})), ["/former R66"]);
    assert_eq!(seal(json!({"to": NOW, "from": "2026-10-05"})), ["/from R66"]);
}

#[test]
fn an_actor_acts_at_a_moment() {
    let early = Actor { at: time("2026-09-30"), ..actor("gone-sw") };
    let world = world(&facts());
    assert!(relationship::may_begin(&world, policy(), &tie(json!({"hat": "wren-sw"})), &early), "in office then");
}
