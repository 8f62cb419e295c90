//! What a decision says besides level and reason: what it rests on (facts-file paper §7) and its plain sentence.

use super::{policy, reader, root, samples, scenarios};
use serde_json::{Value, json};
use solent::sharing::decision::{Flag, Limit, Marker, Reason};
use solent::sharing::facts::{Ask, AskId, Facts, OverrideId, OverrideKind};
use solent::sharing::{Decision, Policy, World, decide};
use solent::vocabulary::{Level, Purpose, Role};

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

/// The role of the asking hat.
fn role(facts: &Facts, ask: &Ask) -> Option<Role> {
    let mut hats = facts.accounts.iter().flat_map(|account| &account.hats);
    hats.find(|hat| hat.id == ask.hat).map(|hat| hat.role)
}

/// The rules that must stand among those that set a result, by what the result says.
fn rules_wanted(decision: &Decision, purpose: Purpose) -> Vec<&'static [u8]> {
    let limit = decision.limit.map_or(&[][..], |limit| match limit {
        Limit::PermissionAbsent
        | Limit::PermissionRefused
        | Limit::PermissionExpired
        | Limit::PermissionWithdrawn
        | Limit::PermissionDisputed => &[33],
        Limit::CapAdult | Limit::CapThird => &[54],
        Limit::CapDelegate => &[47],
        Limit::CapVolunteer => &[51],
        Limit::CapOriginator => &[18],
        Limit::OverrideNotAvailable => &[42],
        Limit::CustodianTask => &[19, 75],
        Limit::CapLocal | Limit::SummaryMissing | Limit::Minimised => &[],
    });
    let reason: &[u8] = match decision.reason {
        Reason::DAudit => &[79],
        Reason::DCoi => &[9],
        Reason::DSafe => &[57, 25],
        Reason::DAdopt => &[66],
        Reason::AllowItem => &[50],
        Reason::AllowOverride => &[40, 45],
        Reason::AllowOwn => &[10, 66],
        Reason::AllowPermission => &[33],
        _ => &[],
    };
    let dissent: &[u8] = if decision.flags.contains(Flag::DissentNoted) { &[34] } else { &[] };
    let task: &[u8] = if purpose == Purpose::Le && decision.limit == Some(Limit::CustodianTask) { &[19] } else { &[] };
    [limit, reason, dissent, task].into_iter().filter(|one| !one.is_empty()).collect()
}

/// What the parts of a decision about a segment say that cannot all be true (facts-file paper §7).
pub(super) fn unsound(facts: &Facts, ask: &Ask, found: &Decision) -> Option<String> {
    let basis = &found.basis;
    let mut wrong = Vec::new();
    let mut must = |what: &'static str, so: bool| {
        if !so {
            wrong.push(what);
        }
    };
    let refused = found.reason.code().starts_with("D-");
    must("a refusal is at N, and only a refusal", (found.level == Level::N) == refused);
    must("a legal ground above N only", (found.level == Level::N) == basis.legal.is_none());
    must("a marker at N only", (found.level == Level::N) == (found.marker != Marker::None));
    must("permissions in order, each once", basis.permissions.is_sorted_by(|a, b| a < b));
    let listed = |numbers: &[u8]| numbers.iter().any(|number| found.rules.contains(*number));
    must("the rules that say so", rules_wanted(found, ask.purpose).into_iter().all(listed));
    let known = found.rules.iter().all(|number| (1..=84).contains(&number)) && found.rules.iter().next().is_some();
    must("rules of the paper", known || found.reason == Reason::AllowMatrix || found.reason == Reason::DMatrix);
    if ask.segment.is_some() {
        let by_matrix = match found.reason {
            Reason::AllowMatrix
            | Reason::AllowPermission
            | Reason::AllowOverride
            | Reason::DPermission
            | Reason::DCap => {
                basis.matrix.is_some_and(|row| row.purpose == ask.purpose && Some(row.role) == role(facts, ask))
            }
            Reason::DMatrix => true,
            _ => basis.matrix.is_none(),
        };
        must("the row of the matrix where it was used", by_matrix);
        must("the permission that opened it", found.reason != Reason::AllowPermission || !basis.permissions.is_empty());
        must("the item grant", (found.reason == Reason::AllowItem) == basis.item_grant.is_some());
        let used = basis.override_id.as_deref().map(|id| facts.overrides.iter().find(|o| o.id.as_str() == id));
        must("the override", (found.reason == Reason::AllowOverride) <= used.is_some());
        must("an override of this hat", used.is_none_or(|used| used.is_some_and(|used| used.hat == ask.hat)));
        let danger = used.flatten().is_some_and(|used| used.kind == OverrideKind::Emg);
        must("R45 of an override", !found.rules.contains(45) || used.is_some());
        must("R45 with imminent danger", !danger || found.rules.contains(45));
        let stood_in = facts.overrides.iter().any(|o| o.kind == OverrideKind::Emg && o.hat == ask.hat);
        let carried = basis.relationship.is_some() || stood_in || ask.opening.is_some();
        must("the relationship", found.level == Level::N || carried);
        let assistant = role(facts, ask) == Some(Role::Pa);
        let delegated = basis.delegation.as_deref() == ask.delegation.as_ref().map(|id| id.as_str());
        must("the delegation, of an assistant only", basis.delegation.is_none() || (assistant && delegated));
        must("the delegation", !assistant || found.level == Level::N || basis.delegation.is_some());
    }
    (!wrong.is_empty()).then(|| format!("{}: {wrong:?} in {found:?}", ask.id.as_str()))
}

#[test]
fn what_a_decision_rests_on_agrees_with_what_it_says_in_every_scenario() {
    let mut files = scenarios(&root().join("tests/cases/sharing"));
    files.extend(scenarios(&samples().join("facts")));
    let mut wrong = Vec::new();
    for path in files {
        let facts =
            reader().read(&std::fs::read(&path).unwrap_or_default()).unwrap_or_else(|faults| panic!("{faults:?}"));
        let world = World::new(facts.clone()).unwrap_or_else(|faults| panic!("{faults:?}"));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = facts.asks.iter().filter_map(|ask| unsound(&facts, ask, &decide(&world, policy(), ask)));
        wrong.extend(found.map(|text| format!("{name} {text}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An ask of a scenario, changed, put to its facts: what only a program can ask, as no file may name what is not there.
fn asked(scenario: &str, id: &str, change: impl Fn(&mut Ask)) -> Decision {
    let text = std::fs::read(root().join("tests/cases/sharing").join(scenario)).expect("a scenario");
    let facts = reader().read(&text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut ask = facts.asks.iter().find(|ask| ask.id.as_str() == id).cloned().unwrap_or_else(|| panic!("{id}"));
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    change(&mut ask);
    decide(&world, policy(), &ask)
}

/// The act of an ask with every occurrence of a name replaced.
fn renamed(ask: &mut Ask, from: &str, to: &str) {
    let text = serde_json::to_string(&ask.act).expect("an act").replace(&format!("\"{from}\""), &format!("\"{to}\""));
    ask.act = serde_json::from_str(&text).expect("an act");
}

#[test]
fn an_act_about_something_that_does_not_exist_is_refused() {
    let refused = |id: &str, from: &str, to: &str| asked("acts.yaml", id, |ask| renamed(ask, from, to)).reason;
    assert_eq!(refused("approved-in-the-second-it-is-asked", "asked", "nothing"), Reason::DDelegate);
    assert_eq!(refused("a-nurse-has-no-other-side", "uma-uhn", "nobody"), Reason::DDelegate);
    assert_eq!(refused("a-nurse-has-no-other-side", "quill", "nothing"), Reason::DDelegate);
    assert_eq!(refused("an-assistant-with-another-hat-too", "mo", "nobody"), Reason::DDelegate);
    assert_eq!(refused("a-lead-out-of-office-is-no-lead", "quill", "nothing"), Reason::DRel);
    assert_eq!(refused("allocated-confirms", "girl", "nobody"), Reason::DRel);
    assert_eq!(refused("observed-through-the-case", "wren", "nobody"), Reason::DRel);
    let forwarded = asked("r18-forward.yaml", "ones-own-agencys", |ask| renamed(ask, "edu", "nothing"));
    assert_eq!((forwarded.level, forwarded.reason), (Level::N, Reason::DRel));
}

#[test]
fn an_ask_that_names_what_is_not_there_is_refused_silently() {
    let changes: [fn(&mut Ask); 8] = [
        |ask| ask.account = "iris".into(),
        |ask| ask.hat = "nobody".into(),
        |ask| ask.segment = Some("nothing".into()),
        |ask| ask.segment = None,
        |ask| ask.r#override = Some(OverrideId::from("nothing")),
        |ask| ask.delegation = Some("nothing".into()),
        |ask| ask.opening = Some("nothing".into()),
        |ask| ask.requester = Some("nobody".into()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let found = asked("family.yaml", "permitted", change);
        let said = (found.level, found.reason, found.marker);
        assert_eq!(said, (Level::N, Reason::DAuth, Marker::Silent), "change {number}");
    }
    assert_eq!(asked("family.yaml", "permitted", |ask| ask.id = AskId::from("other")).level, Level::S);
}

/// The shipped rules with one text of the matrix replaced.
fn with_cell(from: &str, to: &str) -> Policy {
    changed("sharing/matrix.csv", from, to)
}

fn changed(file: &str, from: &str, to: &str) -> Policy {
    let mut files = solent::cli::content::built_in();
    let text = String::from_utf8(files.get(file).unwrap_or_default().to_vec()).unwrap_or_default();
    assert!(text.contains(from), "{file} has no `{from}`");
    files.insert(file, text.replacen(from, to, 1).into_bytes());
    Policy::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// One ask of a scenario under these rules.
fn under(policy: &Policy, scenario: &str, id: &str) -> (Level, Reason, Option<Limit>) {
    let text = std::fs::read(root().join("tests/cases/sharing").join(scenario)).expect("a scenario");
    let facts = reader().read(&text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let ask = facts.asks.iter().find(|ask| ask.id.as_str() == id).cloned().unwrap_or_else(|| panic!("{id}"));
    let world = World::new(facts).unwrap_or_else(|faults| panic!("{faults:?}"));
    let found = decide(&world, policy, &ask);
    (found.level, found.reason, found.limit)
}

#[test]
fn the_volunteers_minimum_view_holds_whatever_the_matrix_says() {
    let seen = |from: &str, to: &str, id: &str| under(&with_cell(from, to), "volunteer-view.yaml", id);
    let capped = Some(Limit::CapVolunteer);
    assert_eq!(seen("CIN,VOL,IDN,S,S,", "CIN,VOL,IDN,F,F,", "idn"), (Level::S, Reason::AllowMatrix, capped));
    assert_eq!(seen("CIN,VOL,STS,I,I,", "CIN,VOL,STS,F,F,", "sts"), (Level::I, Reason::AllowMatrix, capped));
    assert_eq!(seen("MET,VOL,MIS,S,S,", "MET,VOL,MIS,F,F,", "mis"), (Level::S, Reason::AllowMatrix, capped));
    assert_eq!(seen("CIN,VOL,FAM,N,N,", "CIN,VOL,FAM,F,F,", "fam"), (Level::N, Reason::DCap, capped));
    assert_eq!(seen("CIN,VOL,RSK,F,F,", "CIN,VOL,RSK,F,F,", "rsk"), (Level::F, Reason::AllowMatrix, None));
}

#[test]
fn a_gated_cell_is_not_gated_where_the_purpose_asks_no_permission() {
    let gated = with_cell("CP,DSL,MHL,I,I,", "CP,DSL,MHL,I,N,");
    assert_eq!(under(&gated, "family.yaml", "adult-cap"), (Level::I, Reason::AllowMatrix, None));
}

#[test]
fn a_police_officer_in_danger_exceeds_the_adult_cap_also_where_only_a_gate_opens() {
    let gated = with_cell("CIN,POL,SUB,N,N,yes", "CIN,POL,SUB,F,N,no");
    assert_eq!(under(&gated, "danger.yaml", "in-danger-too"), (Level::F, Reason::AllowOverride, None));
}

#[test]
fn nobody_but_the_police_exceeds_an_adult_cap_even_in_danger() {
    let capped = changed("sharing/caps.csv", "DSL,HLT,", "SW,HLT,I\nDSL,HLT,");
    for id in ["in-danger-under-child-protection", "from-the-very-second"] {
        assert_eq!(under(&capped, "danger.yaml", id), (Level::I, Reason::AllowOverride, Some(Limit::CapAdult)), "{id}");
    }
}

#[test]
fn of_several_people_every_permission_that_opened_is_named_in_order() {
    let both = decided("several-people.yaml", |text| text)("both-agreed");
    assert_eq!(basis(&both)["permissions"], json!(["f-yes", "m-yes"]));
}
