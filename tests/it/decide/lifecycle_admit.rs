//! Who gets as far as an act, which assessments count, ages and roles as the lifecycle asks for them, and days of work (R1, R3,
//! R24–R26, R44, R57, R66).

use super::lifecycle::{NOW, actor, facts, said, time, with, world};
use serde_json::{Value, json};
use solent::ident::{AccountId, HatId, PersonId};
use solent::sharing::facts::Assessment;
use solent::sharing::lifecycle::{self, Actor, Needs, assessment};
use solent::vocabulary::{Level, Purpose, Role};

#[test]
fn an_assessment_counts_when_a_professional_says_for_which_decision_and_how_it_came_out() {
    let facts = facts();
    let world = world(&facts);
    let base = json!({"id": "a", "person": "boy", "kind": "competence", "categories": ["MHL"], "outcome": "yes", "at": NOW, "decision": "sharing with school"});
    let five = ["yes"; 5];
    let found = |change: Value, role: Role, prompts: &[&str]| {
        let record: Assessment = serde_json::from_value(with(&base, change)).unwrap_or_else(|error| panic!("{error}"));
        said(assessment::breaches(&world, &record, role, prompts))
    };
    let none = Vec::<String>::new();
    assert_eq!(found(json!({}), Role::Sw, &five), none);
    for role in [Role::Pa, Role::Vol, Role::Sch, Role::Anl, Role::Obs, Role::Aud, Role::Sys, Role::Prv, Role::Vco] {
        assert_eq!(found(json!({}), role, &five), [" R26"], "{role}");
    }
    assert_eq!(found(json!({"categories": []}), Role::Sw, &five), ["/categories R26"]);
    assert_eq!(found(json!({"decision": " "}), Role::Sw, &five), ["/decision R26"]);
    assert_eq!(found(json!({"decision": null}), Role::Sw, &five), ["/decision R26"]);
    assert_eq!(found(json!({}), Role::Sw, &["yes", " ", "yes", "yes", "yes"]), ["/prompts consent §3"]);
    for outcome in ["no", "unsure"] {
        assert_eq!(found(json!({"outcome": outcome}), Role::Sw, &five), none);
    }
    assert_eq!(found(json!({"outcome": "has"}), Role::Sw, &five), ["/outcome R25, R26"]);
    assert_eq!(found(json!({"person": "teen"}), Role::Sw, &five), ["/outcome R25, R26"]);
    let capacity = |person: &str, outcome: &str| {
        found(json!({"kind": "capacity", "person": person, "outcome": outcome}), Role::Sw, &[""])
    };
    assert_eq!((capacity("teen", "has"), capacity("gran", "lacks")), (none.clone(), none));
    for (person, outcome) in [("boy", "has"), ("teen", "yes"), ("nobody", "lacks")] {
        assert_eq!(capacity(person, outcome), ["/outcome R25, R26"], "{person} {outcome}");
    }
}

#[test]
fn an_act_goes_through_the_first_four_steps() {
    let facts = facts();
    let world = world(&facts);
    let admit = |hat: &str, person: &str, needs: Needs, purpose: Purpose| {
        let actor = Actor { purpose, ..actor(hat) };
        let found = lifecycle::admit(&world, super::policy(), &actor, &PersonId::from(person), needs);
        found.map_err(|refused| (refused.reason.code(), refused.silent, refused.alert))
    };
    assert_eq!(admit("wren-sw", "mother", Needs::Relationship, Purpose::Cin), Ok(Some("r-wren".to_owned())));
    assert_eq!(admit("wren-sw", "mother", Needs::Purpose, Purpose::Cin), Ok(None));
    assert_eq!(admit("wren-sw", "girl", Needs::Relationship, Purpose::Cin), Err(("D-REL", false, false)));
    assert_eq!(admit("wren-sw", "nobody", Needs::Relationship, Purpose::Cin), Err(("D-REL", false, false)));
    assert_eq!(admit("wren-sw", "mother", Needs::Purpose, Purpose::Le), Err(("D-PURPOSE", false, false)));
    assert_eq!(admit("wren-sw", "mother", Needs::Hat, Purpose::Le), Ok(None));
    assert_eq!(admit("gone-sw", "mother", Needs::Hat, Purpose::Cin), Err(("D-AUTH", false, false)));
    assert_eq!(admit("none-sw", "mother", Needs::Hat, Purpose::Cin), Err(("D-AUTH", false, false)));
    assert_eq!(admit("foe-old", "shielded", Needs::Hat, Purpose::Cin), Err(("D-AUTH", false, false)));
    assert_eq!(admit("kin-sw", "girl", Needs::Hat, Purpose::Cin), Err(("D-COI", false, true)));
    assert_eq!(admit("foe-sw", "shielded", Needs::Hat, Purpose::Cin), Err(("D-COI", true, true)));
}

#[test]
fn an_admission_is_a_decision_of_everything_or_nothing() {
    let facts = facts();
    let world = world(&facts);
    let decided = |hat: &str, person: &str| {
        let found =
            lifecycle::admission(&world, super::policy(), &actor(hat), &PersonId::from(person), Needs::Relationship);
        (found.level, found.reason.code())
    };
    assert_eq!(decided("wren-sw", "mother"), (Level::F, "ALLOW-MATRIX"));
    assert_eq!(decided("wren-sw", "girl"), (Level::N, "D-REL"));
    assert_eq!(decided("kin-sw", "girl"), (Level::N, "D-COI"));
}

#[test]
fn who_confirms_an_assistants_draft_works_with_the_person_and_is_tied_to_nobody() {
    let facts = facts();
    let world = world(&facts);
    let confirms = |hat: &str, person: &str| {
        let found = lifecycle::confirms(&world, super::policy(), &actor(hat), &PersonId::from(person));
        found.map_err(|refused| (refused.reason.code(), refused.silent, refused.alert))
    };
    assert_eq!(confirms("wren-sw", "mother"), Ok(()));
    assert_eq!(confirms("wren-sw", "girl"), Err(("D-REL", false, false)));
    assert_eq!(confirms("mo-pa", "mother").map_err(|(reason, ..)| reason), Err("D-DELEGATE"));
    assert_eq!(confirms("kin-sw", "girl"), Err(("D-COI", false, true)));
    assert_eq!(confirms("foe-sw", "shielded"), Err(("D-COI", true, true)));
}

#[test]
fn ages_roles_and_who_may_be_found() {
    let facts = facts();
    let world = world(&facts);
    let capacity = |who: &str| {
        lifecycle::own_capacity(&world, who, time(NOW)).map(|c| serde_json::to_value(c).unwrap_or_default())
    };
    assert_eq!(capacity("mother"), Some(json!("self-adult")));
    assert_eq!(capacity("teen"), Some(json!("self-16-17")));
    assert_eq!(capacity("nearly"), Some(json!("self-competent-child")));
    assert_eq!(capacity("nobody"), None);
    let reached = |who: &str| lifecycle::ages_reached(&world, who, time(NOW));
    assert_eq!(reached("girl"), (false, false, false));
    assert_eq!(reached("boy"), (true, false, false));
    assert_eq!(reached("teen"), (true, true, false));
    assert_eq!((reached("mother"), reached("nobody")), ((true, true, true), (true, true, true)));
    let found = |account: &str, who: &str| {
        lifecycle::may_be_found(&world, &AccountId::from(account), &PersonId::from(who), time(NOW))
    };
    assert!(found("wren", "girl") && found("wren", "current") && found("nobody", "girl"));
    assert!(
        !found("wren", "shielded") && !found("wren", "former") && !found("wren", "nobody") && !found("kin", "girl")
    );
    let leads = |hat: &str| lifecycle::supervises(&world, super::policy(), &HatId::from(hat), time(NOW));
    assert!(leads("hale-sw") && !leads("wren-sw") && !leads("gone-sw") && !leads("mim-pa") && !leads("none"));
    assert_eq!(lifecycle::role_of(&world, &HatId::from("mo-pa")), Some(Role::Pa));
    assert_eq!(lifecycle::role_of(&world, &HatId::from("none")), None);
}

#[test]
fn working_days_leave_out_saturdays_and_sundays() {
    let due = |from: &str, days: u32| lifecycle::working_days(time(from), days);
    assert_eq!(due("2026-10-06T10:00:00+01:00", 2), time("2026-10-08T10:00:00+01:00"));
    assert_eq!(due("2026-10-08T10:00:00+01:00", 2), time("2026-10-12T10:00:00+01:00"));
    assert_eq!(due("2026-10-10T10:00:00+01:00", 1), time("2026-10-12T10:00:00+01:00"));
    assert_eq!(due("2026-10-23T10:00:00+01:00", 1), time("2026-10-26T10:00:00Z"), "the clocks go back");
    assert_eq!(due(NOW, 0), time(NOW));
    assert!(due("9999-12-29T00:00:00Z", 30) >= time("9999-12-29T00:00:00Z"), "time ends");
}
