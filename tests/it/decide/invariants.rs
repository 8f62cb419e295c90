//! What must hold in every corner of the finite space: each purpose × role × category, enumerated, not sampled.

use super::{policy, reader};
use solent::sharing::decision::{Flag, Limit, Marker, Reason};
use solent::sharing::facts::Facts;
use solent::sharing::{Decision, Policy, World, decide};
use solent::vocabulary::{Category, Level, Purpose, Role};

const MATRIX: [Purpose; 7] =
    [Purpose::Cp, Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met, Purpose::Le, Purpose::Qa];

/// A world with one hat of `role`, one segment of `category` about `person`, and a relationship; `more` adds sections.
fn world(role: Role, purpose: Purpose, category: Category, person: &str, more: &str) -> Facts {
    let kind = if role == Role::Obs { "observation" } else { "plan-named" };
    let handling = if category == Category::Int { ", handling: P" } else { "" };
    let (hat_agency, delegation) = ("one", if role == Role::Pa { ", delegation: d" } else { "" });
    let text = format!(
        r#"facts: 1
now: "2026-10-06T10:00:00+01:00"
agencies: [{{id: one, kind: council}}, {{id: two, kind: nhs}}]
accounts:
  - {{id: a, hats: [{{id: h, role: {role}, agency: {hat_agency}}}]}}
  - {{id: sw, hats: [{{id: sw-h, role: SW, agency: one, supervisor: true}}]}}
people: [{{id: p, born: "{person}"}}, {{id: x, born: "1980-01-01"}}]
relationships:
  - {{id: r, kind: {kind}, hat: h, subject: p, from: "2026-01-01"}}
  - {{id: r-sw, kind: allocated, hat: sw-h, subject: p, from: "2026-01-01"}}
  - {{id: d, kind: delegation, hat: h, grantor: sw-h, from: "2026-09-01", to: "2027-01-01"}}
segments:
  - {{id: s, category: {category}, about: [p], custodian: two, form: full, summary: s-s, kind: missing-episode{handling}}}
  - {{id: s-s, category: {category}, about: [p], custodian: two, form: summary, kind: missing-episode{handling}}}
{more}
asks: [{{id: q, account: a, hat: h, purpose: {purpose}, segment: s{delegation}}}]
"#
    );
    reader().read(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

fn answer(policy: &Policy, facts: Facts) -> Decision {
    let asks = facts.asks.clone();
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    decide(&world, policy, &asks[0])
}

/// Every existing column and category, with the decision of the plain world about a child of nine.
fn every_cell(more: &str, mut check: impl FnMut(Purpose, Role, Category, Decision)) {
    let policy = policy();
    for purpose in MATRIX {
        for role in Role::ALL.iter().copied().filter(|role| policy.column(purpose, *role).is_some()) {
            for category in Category::ALL.iter().copied() {
                let found = answer(policy, world(role, purpose, category, "2017-02-03", more));
                check(purpose, role, category, found);
            }
        }
    }
}

#[test]
fn without_permission_or_override_nobody_gets_more_than_the_cell() {
    let policy = policy();
    every_cell("", |purpose, role, category, found| {
        let cell = policy.cell(purpose, role, category).unwrap_or_else(|| panic!("no cell"));
        // Under 13, EXP and SXH are never gated (R27).
        let most = if matches!(category, Category::Exp | Category::Sxh) { cell.with } else { cell.without };
        let consulted = matches!(purpose, Purpose::Cin | Purpose::Eh | Purpose::Dc);
        assert!(found.level <= most || !consulted, "{purpose} {role} {category}: {found:?}");
        assert!(found.level <= cell.with, "{purpose} {role} {category}: {found:?}");
    });
}

#[test]
fn adoption_is_closed_to_every_role_under_every_purpose() {
    every_cell("", |purpose, role, category, found| {
        if category == Category::Adp {
            assert_eq!((found.level, found.reason), (Level::N, Reason::DAdopt), "{purpose} {role}");
        }
    });
}

#[test]
fn level_n_has_no_legal_ground_and_a_marker_and_above_n_all_four_grounds_and_none() {
    every_cell("", |purpose, role, category, found| {
        let grounds = [&found.basis.art6, &found.basis.art9_10, &found.basis.gateway, &found.basis.confidence];
        let withheld = found.level == Level::N;
        assert!(grounds.iter().all(|ground| ground.is_none() == withheld), "{purpose} {role} {category}");
        assert_eq!(found.marker == Marker::None, !withheld, "{purpose} {role} {category}");
    });
}

#[test]
fn silent_categories_and_volunteers_are_silent_at_level_n() {
    let silent = [Category::Int, Category::Tpi, Category::Adp, Category::Sxh, Category::Mhn, Category::Loc];
    every_cell("", |purpose, role, category, found| {
        if found.level == Level::N && (silent.contains(&category) || role == Role::Vol) {
            assert_eq!(found.marker, Marker::Silent, "{purpose} {role} {category}");
        }
    });
}

#[test]
fn the_worker_of_the_person_causing_harm_never_sees_what_locates_or_reveals_the_protected_person() {
    let telling = "ADR LOC EDU HLT MHL MHN SUB SXH DAB EXP PIN MIS CSN TPI";
    let protected = "protections: [{id: pr, person: p, against: x, from: \"2026-01-01\"}]";
    let policy = policy();
    for purpose in [Purpose::Cp, Purpose::Cin] {
        for code in telling.split(' ') {
            let category = Category::parse(code).unwrap_or_else(|| panic!("{code}"));
            for more in [
                "",
                "overrides: [{id: o, kind: EMG, hat: h, subject: p, categories: [DAB], purpose: CP, requested_at: \"2026-10-06\", answers: {harm: a, needed: b, why_not_less: c, proportionate: d, telling_risk: e}}]",
            ] {
                let facts = world(Role::Fdp, purpose, category, "1990-01-01", &format!("{protected}\n{more}"));
                let found = answer(policy, facts);
                assert_eq!(
                    (found.level, found.reason, found.marker),
                    (Level::N, Reason::DSafe, Marker::Silent),
                    "{code}"
                );
            }
        }
    }
}

#[test]
fn an_unavailable_log_refuses_everything() {
    every_cell("config: {log_available: false}", |_, _, _, found| {
        assert_eq!((found.level, found.reason), (Level::N, Reason::DAudit));
    });
}

#[test]
fn a_live_override_raises_only_cells_marked_for_it_and_only_for_roles_that_may() {
    let policy = policy();
    for purpose in [Purpose::Cp, Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met] {
        for role in Role::ALL.iter().copied().filter(|role| policy.column(purpose, *role).is_some()) {
            for category in Category::ALL.iter().copied() {
                let override_text = format!(
                    "overrides: [{{id: o, kind: ordinary, hat: h, subject: p, categories: [{category}], purpose: {purpose}, \
                     requested_at: \"2026-10-06T08:00:00Z\", approved_by: sw-h, approved_at: \"2026-10-06T08:30:00Z\", \
                     answers: {{harm: a, needed: b, why_not_less: c, proportionate: d, telling_risk: e}}}}]"
                );
                let found = answer(policy, world(role, purpose, category, "2017-02-03", &override_text));
                let cell = policy.cell(purpose, role, category).unwrap_or_else(|| panic!("no cell"));
                if found.reason == Reason::AllowOverride {
                    assert!(cell.raisable && policy.role(role).override_purposes.contains(&purpose));
                }
                if cell.raisable {
                    assert_eq!(found.level, Level::F, "{purpose} {role} {category}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn a_refusal_never_raises_and_a_permit_never_lowers() {
    let policy = policy();
    let listable: Vec<Category> =
        Category::ALL.iter().copied().filter(|c| policy.category(*c).may_be_permitted).collect();
    for purpose in [Purpose::Cin, Purpose::Eh, Purpose::Dc] {
        for role in Role::ALL.iter().copied().filter(|role| policy.column(purpose, *role).is_some()) {
            for category in &listable {
                let record = |decision: &str| {
                    format!(
                        "permissions: [{{id: c, subject: p, decider: p, capacity: self-adult, decision: {decision}, categories: [{category}], \
                         from: [{{agency: two}}], to: [{{agency: one}}], purposes: [{purpose}], told_limits: true, recorded_at: \"2026-09-01\"}}]"
                    )
                };
                let level = |more: &str| answer(policy, world(role, purpose, *category, "1990-01-01", more)).level;
                let (plain, permit, refuse) = (level(""), level(&record("permit")), level(&record("refuse")));
                assert!(refuse <= plain && plain <= permit, "{purpose} {role} {category}");
            }
        }
    }
}

#[test]
fn every_code_of_reason_limit_and_flag_is_unique_and_reads_back() {
    assert!(Reason::ALL.iter().all(|r| Reason::parse(r.code()) == Some(*r)));
    assert!(Limit::ALL.iter().all(|l| Limit::parse(l.code()) == Some(*l)));
    assert!(Flag::ALL.iter().all(|f| Flag::parse(f.code()) == Some(*f)));
}
