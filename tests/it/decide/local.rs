//! A partnership's own rules lower decisions and name themselves as the limit.

use super::{reader, root};
use solent::sharing::decision::{Limit, Marker, Reason};
use solent::sharing::{Decision, Policy, World, decide};
use solent::vocabulary::{Level, Purpose};

/// The decisions of `family.yaml` under these local rules, by ask id.
fn decisions(rules: &str) -> Vec<(String, Decision)> {
    let mut files = solent::cli::content::built_in();
    files.insert("sharing/local.cedar", rules.as_bytes().to_vec());
    let policy = Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let bytes = std::fs::read(root().join("tests/cases/sharing/family.yaml")).unwrap_or_default();
    let facts = reader().read(&bytes).unwrap_or_else(|faults| panic!("{faults:?}"));
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    asks.iter().map(|ask| (ask.id.as_str().to_owned(), decide(&world, &policy, ask))).collect()
}

fn of(found: &[(String, Decision)], id: &str) -> Decision {
    found.iter().find(|(name, _)| name == id).map(|(_, decision)| decision.clone()).unwrap_or_else(|| panic!("{id}"))
}

fn rule(cap: &str, when: &str) -> String {
    format!(
        "@id(\"r\") @cap(\"{cap}\") @reason(\"agreed locally\") forbid (principal, action, resource) when {{ {when} }};\n"
    )
}

#[test]
fn a_local_rule_lowers_the_level_and_is_the_limit() {
    let found = decisions(&rule("I", "principal.role == \"SW\" && resource.category == \"MHL\""));
    let permitted = of(&found, "permitted");
    assert_eq!(
        (permitted.level, permitted.reason, permitted.limit),
        (Level::I, Reason::AllowPermission, Some(Limit::CapLocal))
    );
    // It concerns social workers only.
    assert_eq!(of(&found, "adult-cap").limit, None);
}

#[test]
fn a_local_rule_to_nothing_is_a_refusal_by_cap() {
    let permitted = of(&decisions(&rule("N", "context.purpose == \"CIN\"")), "permitted");
    assert_eq!((permitted.level, permitted.reason, permitted.limit), (Level::N, Reason::DCap, Some(Limit::CapLocal)));
    assert_eq!(permitted.marker, Marker::Shown);
    assert_eq!(permitted.basis.legal, None);
}

#[test]
fn own_work_is_decided_before_local_rules() {
    let own = of(&decisions(&rule("N", "resource.people > 0")), "own");
    assert_eq!((own.level, own.reason), (Level::F, Reason::AllowOwn));
}

#[test]
fn of_several_rules_the_lowest_counts() {
    let rules =
        rule("I", "resource.about_adult") + &rule("N", "context.level == \"S\"").replace("@id(\"r\")", "@id(\"q\")");
    assert_eq!(of(&decisions(&rules), "permitted").level, Level::N);
}

#[test]
fn a_rule_that_cannot_be_evaluated_refuses() {
    // An overflow is found only when the rule runs.
    let rules = rule("S", "resource.people + 9223372036854775807 > 0");
    let permitted = of(&decisions(&rules), "permitted");
    assert_eq!((permitted.level, permitted.limit), (Level::N, Some(Limit::CapLocal)));
}

#[test]
fn an_indicator_can_be_taken_away_too() {
    let found = decisions(&rule("N", "resource.category == \"MHL\""));
    let indicator = of(&found, "adult-cap");
    assert_eq!((indicator.level, indicator.reason, indicator.limit), (Level::N, Reason::DCap, Some(Limit::CapLocal)));
}

#[test]
fn a_whereabouts_lowered_to_a_summary_is_an_indicator() {
    let mut files = solent::cli::content::built_in();
    files.insert("sharing/local.cedar", rule("S", "resource.category == \"LOC\"").into_bytes());
    let policy = Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let text = std::fs::read_to_string(root().join("tests/cases/sharing/family.yaml")).unwrap_or_default();
    let text = text.replacen("{id: bare, category: MHL", "{id: bare, category: LOC", 1);
    let facts = reader().read(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut ask = asks.into_iter().find(|ask| ask.id.as_str() == "no-summary").unwrap_or_else(|| panic!("no-summary"));
    ask.purpose = Purpose::Cp;
    let decision = decide(&world, &policy, &ask);
    assert_eq!((decision.level, decision.limit), (Level::I, Some(Limit::CapLocal)), "facts file paper, 8.23");
}

/// Under what a rule may ask, whether `ask` of the family is lowered by it.
fn holds(ask: &str, when: &str) -> bool {
    of(&decisions(&rule("N", when)), ask).limit == Some(Limit::CapLocal)
}

#[test]
fn a_rule_sees_the_form_and_whether_it_is_about_adults_or_children() {
    assert!(holds("permitted", "resource.form == \"full\"") && !holds("permitted", "resource.form == \"summary\""));
    assert!(holds("summary-itself", "resource.form == \"summary\""));
    assert!(holds("permitted", "resource.about_adult") && !holds("permitted", "resource.about_child"));
    assert!(holds("permitted", "principal has team && principal.team == \"green\""));
    assert!(!holds("permitted", "principal has team && principal.team == \"blue\""));
}

#[test]
fn of_a_segment_about_an_adult_and_a_child_a_rule_sees_both() {
    let mut files = solent::cli::content::built_in();
    let both = rule("I", "resource.about_adult && resource.about_child && resource.people == 2");
    files.insert("sharing/local.cedar", both.into_bytes());
    let policy = Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let text = std::fs::read_to_string(root().join("tests/cases/sharing/family.yaml")).unwrap_or_default();
    let text =
        text.replacen("{id: mhl, category: MHL, about: [mother]", "{id: mhl, category: CSN, about: [mother, girl]", 1);
    let text = text.replacen(
        "{id: mhl-s, category: MHL, about: [mother]",
        "{id: mhl-s, category: CSN, about: [mother, girl]",
        1,
    );
    let facts = reader().read(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let ask = asks.iter().find(|ask| ask.id.as_str() == "permitted").unwrap_or_else(|| panic!("permitted"));
    let decision = decide(&world, &policy, ask);
    assert_eq!((decision.level, decision.limit), (Level::I, Some(Limit::CapLocal)));
}

#[test]
fn a_rule_sees_whether_an_override_opened_it() {
    let mut files = solent::cli::content::built_in();
    files.insert("sharing/local.cedar", rule("I", "context.emergency").into_bytes());
    let policy = Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let bytes = std::fs::read(root().join("tests/cases/sharing/overrides.yaml")).unwrap_or_default();
    let facts = reader().read(&bytes).unwrap_or_else(|faults| panic!("{faults:?}"));
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let limit = |id: &str| {
        let ask = asks.iter().find(|ask| ask.id.as_str() == id).unwrap_or_else(|| panic!("{id}"));
        decide(&world, &policy, ask).limit
    };
    assert_eq!(limit("approved"), Some(Limit::CapLocal));
    assert_eq!(limit("not-before-approval"), Some(Limit::PermissionAbsent));
}
