//! The whole of what comes out, member by member: several records of one person, coded fields, links, markers.

use super::super::*;
use crate::cli::content;
use crate::schema::Schemas;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::load(&content::built_in()).unwrap());
static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::load(&content::built_in()).unwrap());

fn label(category: &str, custodian: &str, about: &[&str]) -> Value {
    json!({"category": category, "confidentiality": "R", "custodian": custodian, "about": about,
           "third_party": "none", "basis_marker": "reported", "author_role": "CLN"})
}

/// The label of a released segment: the same, people under their aliases, with the codes every disclosure carries.
fn released(category: &str, custodian: &str, about: &[&str]) -> Value {
    let mut label = label(category, custodian, about);
    label["handling"] = json!(["NORDSCLCD", "NOREUSE"]);
    label
}

struct Given {
    id: &'static str,
    record: Record,
    people: BTreeMap<String, PersonId>,
}

/// A record of the store; `people` are local ids with hub ids.
fn given(id: &'static str, record: &Value, people: &[(&str, &str)]) -> Given {
    let record = Record::validate(Document::from_value(record), &SCHEMAS).unwrap();
    let people = people.iter().map(|(local, hub)| ((*local).to_owned(), PersonId::new(*hub))).collect();
    Given { id, record, people }
}

/// A ruling: record, segment, level; the rest of the decision can be changed.
fn ruling(held: usize, local: &str, level: Level) -> Ruled {
    let reason = if level == Level::N { Reason::DPermission } else { Reason::AllowMatrix };
    let mut decision = Decision::new(level, reason);
    if level == Level::N {
        decision.marker = Marker::Shown;
    }
    let (segment, contact) = (format!("{held}.{local}"), "duty desk".to_owned());
    Ruled { held, local: local.to_owned(), segment, contact, decision }
}

fn redacted(given: &[Given], ruled: Vec<Ruled>, identities: Identities) -> Disclosable {
    let held: Vec<Held<'_>> = given.iter().map(|g| Held { id: g.id, record: &g.record, people: &g.people }).collect();
    let alias = |text: &str| format!("<{text}>");
    let request = Request {
        purpose: Purpose::Cin,
        policy: &POLICY,
        alias: &alias,
        receiver: "council",
        subject: alias("person/hub-a"),
        identities,
        searched: vec![Category::Mhl],
        unavailable: vec![Category::Sub],
    };
    redact(request, &held, ruled)
}

fn record(disclosable: &Disclosable) -> Value {
    disclosable.record().map_or(Value::Null, |record| record.to_value(record.root()))
}

fn one(value: &Value, rulings: &[(&str, Level)]) -> Disclosable {
    let ruled = rulings.iter().map(|(local, level)| ruling(0, local, *level)).collect();
    redacted(&[given("rec", value, &[("a", "hub-a"), ("b", "hub-b")])], ruled, Identities::Separate)
}

fn person(id: &str, role: &str, custodian: &str) -> Value {
    json!({"id": id, "label": label("IDN", custodian, &[id]), "role": role})
}

#[test]
fn coded_fields_of_an_identity_and_an_address_are_given_name_year_and_outward_code() {
    let mut a = person("a", "other", "trust");
    a["names"] = json!([{"family": "Quill", "given": ["Ash"]}, {"family": "Rowan", "given": ["Ivy", "May"]}]);
    a["birth"] = json!({"date": "2012-02-29"});
    a["languages"] = json!([{"code": "pl"}]);
    a["addresses"] = json!([
        {"id": "adr", "label": label("ADR", "trust", &["a"]), "lines": ["1 Mill Lane"], "postcode": "ZZ99 3VZ ",
         "district": "Northfield", "town": "Sampleton"},
        {"id": "short", "label": label("ADR", "trust", &["a"]), "postcode": "Z9"},
        {"id": "kept", "label": label("ADR", "trust", &["a"]), "lines": ["2 Mill Lane"]},
    ]);
    a["telecoms"] =
        json!([{"id": "tel", "label": label("ADR", "trust", &["a"]), "kind": "phone", "value": "01632 960001"}]);
    let levels = [("a", Level::S), ("adr", Level::S), ("short", Level::S), ("tel", Level::F)];
    let out = record(&one(&json!({"envelope": {}, "people": [a]}), &levels));
    let expected = json!({
        "id": "<person/hub-a>", "label": released("IDN", "trust", &["<person/hub-a>"]), "role": "subject",
        "names": [{"given": ["Ash"]}, {"given": ["Ivy", "May"]}], "birth": {"date": "2012"},
        "languages": [{"code": "pl"}],
        "telecoms": [{"id": "<rec/tel>", "label": released("ADR", "trust", &["<person/hub-a>"]), "kind": "phone",
                      "value": "01632 960001"}],
        "addresses": [{"id": "<rec/adr>", "label": released("ADR", "trust", &["<person/hub-a>"]), "postcode": "ZZ99",
                       "district": "Northfield"},
                      {"id": "<rec/short>", "label": released("ADR", "trust", &["<person/hub-a>"])}],
    });
    assert_eq!(out, json!({"envelope": {"purpose": "CIN"}, "people": [expected]}));
}

#[test]
fn coded_fields_of_a_family_are_the_relation_and_who_is_released_of_a_household() {
    let value = json!({
        "envelope": {}, "people": [person("a", "other", "trust"), person("b", "carer", "trust"), person("c", "other", "trust")],
        "relationships": [{"id": "r", "label": label("FAM", "trust", &["a"]), "from": "b", "to": "a",
                           "relation": {"code": "mother"}, "described": "sees her on Sundays", "parental_responsibility": "yes"}],
        "households": [{"id": "h", "label": label("FAM", "trust", &["a"]),
                        "members": [{"person": "a", "start": "2020-01-01"}, {"person": "c"}, {"person": "b"}]}],
    });
    let disclosed = one(&value, &[("r", Level::S), ("h", Level::S)]);
    let out = record(&disclosed);
    // Each member stands once, with its alias: the sender's own id beside it would be read by nobody and seen by all.
    let written =
        disclosed.record().map(|r| crate::document::json::write(r, r.root(), crate::document::Style::Compact));
    let written = String::from_utf8(written.unwrap_or_default()).unwrap_or_default();
    assert_eq!(written.matches("\"person\":").count(), 2, "{written}");
    let skeleton = |alias: &str, role: &str| {
        json!({"id": alias, "label": {"category": "IDN", "confidentiality": "R", "custodian": "trust", "about": [alias],
               "third_party": "none", "basis_marker": "reported", "author_role": "CLN"}, "role": role})
    };
    assert_eq!(out["people"], json!([skeleton("<person/hub-a>", "subject"), skeleton("<person/hub-b>", "carer")]));
    let about = released("FAM", "trust", &["<person/hub-a>"]);
    assert_eq!(
        out["relationships"],
        json!([{"id": "<rec/r>", "label": about, "from": "<person/hub-b>", "to": "<person/hub-a>",
                "relation": {"code": "mother"}, "parental_responsibility": "yes"}])
    );
    let members = json!([{"start": "2020-01-01", "person": "<person/hub-a>"}, {"person": "<person/hub-b>"}]);
    assert_eq!(out["households"], json!([{"id": "<rec/h>", "label": about, "members": members}]));
}

#[test]
fn at_s_a_category_of_coded_fields_gives_them_kind_and_form_and_an_authored_summary_instead_of_them() {
    let involvement = |id: &str| {
        json!({"id": id, "label": label("STS", "trust", &["a"]), "kind": "child-in-need", "person": "a", "start": "2026-01-01",
               "team": "green", "urn": "100001", "form": "full"})
    };
    let mut short = involvement("short");
    short["form"] = json!("summary");
    short["summary_of"] = json!(["full"]);
    short["urn"] = json!("100002");
    let value = json!({"envelope": {}, "people": [person("a", "subject", "trust")],
                       "involvements": [involvement("plain"), involvement("full"), short],
                       "flags": [{"id": "brief", "label": label("RSK", "trust", &["a"]), "kind": "worker-safety",
                                  "text": "two at the door"}]});
    let out = record(&one(&value, &[("plain", Level::S), ("full", Level::S), ("brief", Level::S)]));
    let about = released("STS", "trust", &["<person/hub-a>"]);
    let plain = json!({"id": "<rec/plain>", "label": about, "kind": "child-in-need", "person": "<person/hub-a>",
                       "start": "2026-01-01", "team": "green", "form": "full"});
    // What it sums up is not in the record, so nothing points to it.
    let short = json!({"id": "<rec/short>", "label": about, "kind": "child-in-need", "person": "<person/hub-a>",
                       "start": "2026-01-01", "team": "green", "urn": "100002", "form": "summary"});
    assert_eq!(out["involvements"], json!([plain, short]));
    assert_eq!(out["flags"][0]["text"], "two at the door", "a safety brief has no shorter form");
}

#[test]
fn a_summary_is_itself_at_s_and_one_of_a_category_without_coded_fields_is_needed() {
    let note = |id: &str, form: &str| json!({"id": id, "label": label("MHL", "trust", &["a"]), "kind": "text", "form": form, "text": id});
    let value = json!({"envelope": {}, "people": [person("a", "subject", "trust")],
                       "notes": [note("sum", "summary"), note("full", "full"), note("other", "full")]});
    let out = record(&one(&value, &[("sum", Level::S), ("full", Level::S), ("other", Level::N)]));
    let ids: Vec<&Value> = out["notes"].as_array().unwrap().iter().map(|n| &n["id"]).collect();
    assert_eq!(ids, ["<rec/sum>"]);
}

#[test]
fn links_to_what_is_released_stay_and_the_rest_goes_lists_item_by_item() {
    let value = json!({
        "envelope": {}, "people": [person("a", "subject", "trust"), person("b", "carer", "trust"), person("x", "other", "trust")],
        "contacts": [
            {"id": "c", "label": label("CSN", "trust", &["a", "b"]), "with": ["a", "b", "x"], "involvement": "inv", "by": "n",
             "recorded_by": "somebody", "state": "current", "source_ref": {"system": "s", "key": "k"}},
            {"id": "d", "label": label("CSN", "trust", &["a"]), "with": ["x"], "part_of": "c", "involvement": "none"},
        ],
        "involvements": [{"id": "inv", "label": label("STS", "trust", &["a"]), "kind": "child-in-need"},
                         {"id": "none", "label": label("STS", "trust", &["a"]), "kind": "early-help"}],
    });
    let out = record(&one(&value, &[("c", Level::F), ("d", Level::F), ("inv", Level::F), ("none", Level::I)]));
    assert_eq!(
        out["contacts"],
        json!([
            {"id": "<rec/c>", "label": released("CSN", "trust", &["<person/hub-a>", "<person/hub-b>"]),
             "with": ["<person/hub-a>", "<person/hub-b>"], "involvement": "<rec/inv>", "by": "n"},
            {"id": "<rec/d>", "label": released("CSN", "trust", &["<person/hub-a>"]), "part_of": "<rec/c>"},
        ])
    );
    assert_eq!(out["involvements"].as_array().map(Vec::len), Some(1));
}

#[test]
fn somebody_unlinked_has_an_id_of_their_record_and_required_links_keep_a_skeleton() {
    let value = json!({
        "envelope": {}, "people": [person("a", "subject", "trust"), person("x", "relative", "trust")],
        "relationships": [{"id": "r", "label": label("FAM", "trust", &["a"]), "from": "a", "to": "x"}],
        "characteristics": [{"id": "ch", "label": label("CHR", "trust", &["a"]), "person": "x", "religion": {"code": "4"}}],
    });
    let out = record(&one(&value, &[("ch", Level::F)]));
    let ids: Vec<&Value> = out["people"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
    assert_eq!(ids, ["<person/hub-a>", "<rec/x>"]);
    assert_eq!(out["characteristics"][0]["person"], "<rec/x>");
    assert_eq!(out["people"][1]["role"], "relative");
}

#[test]
fn an_identity_brings_no_address_or_number_along_and_a_number_at_s_says_its_kind() {
    let mut a = person("a", "subject", "trust");
    a["addresses"] = json!([{"id": "adr", "label": label("ADR", "trust", &["a"]), "lines": ["1 Mill Lane"]}]);
    a["telecoms"] =
        json!([{"id": "tel", "label": label("ADR", "trust", &["a"]), "kind": "phone", "value": "01632 960001"}]);
    let value = json!({"envelope": {}, "people": [a]});
    let out = record(&one(&value, &[("a", Level::F), ("adr", Level::N), ("tel", Level::N)]));
    assert!(out["people"][0].get("addresses").is_none() && out["people"][0].get("telecoms").is_none(), "{out}");
    let out = record(&one(&value, &[("a", Level::F), ("tel", Level::S)]));
    let about = released("ADR", "trust", &["<person/hub-a>"]);
    assert_eq!(out["people"][0]["telecoms"], json!([{"id": "<rec/tel>", "label": about, "kind": "phone"}]));
}

#[test]
fn whoever_is_only_linked_where_no_link_is_required_does_not_stand_in_the_record() {
    let value = json!({
        "envelope": {}, "people": [person("a", "subject", "trust"), person("b", "carer", "trust")],
        "involvements": [{"id": "i", "label": label("STS", "trust", &["a"]), "kind": "child-in-need", "person": "b"}],
    });
    let out = record(&one(&value, &[("i", Level::F)]));
    let ids: Vec<&Value> = out["people"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
    assert_eq!(ids, ["<person/hub-a>"]);
    assert!(out["involvements"][0].get("person").is_none());
}

#[test]
fn a_skeleton_is_of_the_first_record_that_names_the_person() {
    let of = |custodian: &str, role: &str| {
        json!({"envelope": {}, "people": [person("a", role, custodian)],
               "notes": [{"id": "n", "label": label("CSN", custodian, &["a"]), "kind": "text", "text": "t"}]})
    };
    let people = [("a", "hub-a")];
    let given = [given("one", &of("trust", "other"), &people), given("two", &of("council", "other"), &people)];
    let out = record(&redacted(&given, vec![ruling(0, "n", Level::F), ruling(1, "n", Level::F)], Identities::Separate));
    assert_eq!(out["people"].as_array().map(Vec::len), Some(1));
    assert_eq!(out["people"][0]["label"]["custodian"], "trust");
}

#[test]
fn labels_carry_their_own_handling_but_not_the_custodians_caps_nor_whom_they_mention() {
    let mut own = label("MHL", "trust", &["a"]);
    own["handling"] = json!(["NOPAT", "NOREUSE"]);
    own["mentions"] = json!(["b"]);
    own["originator"] = json!([{"roles": ["DSL"], "max": "I"}]);
    own["observed"] = json!("2026-03-04");
    let value = json!({"envelope": {}, "people": [person("a", "subject", "trust"), person("b", "carer", "trust")],
                       "notes": [{"id": "n", "label": own, "kind": "text", "text": "t"}]});
    let out = record(&one(&value, &[("n", Level::F)]));
    let mut expected = released("MHL", "trust", &["<person/hub-a>"]);
    expected["handling"] = json!(["NOPAT", "NORDSCLCD", "NOREUSE"]);
    expected["observed"] = json!("2026-03-04");
    assert_eq!(out["notes"][0]["label"], expected);
    assert_eq!(out["people"].as_array().map(Vec::len), Some(1));
}

/// Two custodians' records of the same person; the council's stands second and is the receiver's own.
fn two() -> Vec<Given> {
    let identity = |custodian: &str, role: &str, value: &str, language: &str| {
        let mut a = person("p", role, custodian);
        a["identifiers"] =
            json!([{"scheme": "nhs-number", "value": "9990000107"}, {"scheme": "other", "value": value}]);
        a["languages"] = json!([{"code": language}]);
        json!({"envelope": {"from_organisation": custodian}, "people": [a]})
    };
    let mut trust = identity("trust", "subject", "T1", "pl");
    trust["people"][0]["birth"] = json!({"date": "2012-02-29"});
    let council = identity("council", "subject", "C1", "pl");
    let sibling = identity("refuge", "relative", "R1", "cy");
    let people = [("p", "hub-a")];
    vec![given("t", &trust, &people), given("c", &council, &people), given("r", &sibling, &people)]
}

fn identities(how: Identities) -> Value {
    record(&redacted(&two(), (0..3).map(|held| ruling(held, "p", Level::F)).collect(), how))
}

#[test]
fn separate_identities_stand_each_under_its_custodian_the_receivers_own_first() {
    let out = identities(Identities::Separate);
    assert_eq!(out["envelope"], json!({"purpose": "CIN", "from_organisation": "council"}));
    let said = |n: usize| {
        let person = &out["people"][n];
        (
            person["id"].clone(),
            person["label"]["about"].clone(),
            person["label"]["custodian"].clone(),
            person["role"].clone(),
        )
    };
    assert_eq!(said(0), (json!("<person/hub-a>"), json!(["<person/hub-a>"]), json!("council"), json!("subject")));
    assert_eq!(said(1), (json!("<t/p>"), json!(["<t/p>"]), json!("trust"), json!("subject")));
    assert_eq!(said(2), (json!("<r/p>"), json!(["<r/p>"]), json!("refuge"), json!("relative")));
    assert_eq!(out["people"][1].get("same_as"), None);
    assert_eq!(out["people"][1]["birth"], json!({"date": "2012-02-29"}));
}

#[test]
fn marked_identities_say_whose_they_are_too() {
    let out = identities(Identities::Marked);
    assert_eq!(out["people"][0].get("same_as"), None);
    assert_eq!(
        (&out["people"][1]["same_as"], &out["people"][2]["same_as"]),
        (&json!("<person/hub-a>"), &json!("<person/hub-a>"))
    );
}

#[test]
fn merged_identities_are_one_person_completed_without_repetition() {
    let out = identities(Identities::Merged);
    assert_eq!(out["people"].as_array().map(Vec::len), Some(1));
    let person = &out["people"][0];
    assert_eq!(person["label"]["custodian"], "council");
    let values: Vec<&Value> = person["identifiers"].as_array().unwrap().iter().map(|i| &i["value"]).collect();
    assert_eq!(values, ["9990000107", "C1", "T1", "R1"]);
    assert_eq!(person["languages"], json!([{"code": "pl"}, {"code": "cy"}]));
    assert_eq!(person["birth"], json!({"date": "2012-02-29"}));
    assert_eq!(person["role"], "subject");
}

#[test]
fn another_senders_code_never_travels() {
    let out = record(&redacted(&two(), vec![ruling(0, "p", Level::F), ruling(1, "p", Level::I)], Identities::Separate));
    assert_eq!(out["envelope"], json!({"purpose": "CIN"}));
}

#[test]
fn somebody_named_as_a_relative_stays_what_they_are_to_the_subject() {
    let value = json!({"envelope": {}, "people": [person("a", "subject", "trust"), person("b", "carer", "trust")]});
    let out = record(&one(&value, &[("b", Level::F)]));
    assert_eq!(
        out["people"],
        json!([{"id": "<person/hub-b>", "label": released("IDN", "trust", &["<person/hub-b>"]), "role": "carer"}])
    );
}

/// One note of each of two categories about one person, observed on a day.
fn notes() -> Value {
    let note = |id: &str, category: &str| {
        let mut label = label(category, "trust", &["a"]);
        label["observed"] = json!("2026-03-04");
        json!({"id": id, "label": label, "kind": "text", "text": "t"})
    };
    json!({"envelope": {}, "people": [person("a", "subject", "trust")], "notes": [note("m", "MHL"), note("n", "MHL"), note("s", "SUB")]})
}

#[test]
fn what_needs_permission_is_marked_with_custodian_and_reason_and_nothing_else_is() {
    let told = |change: fn(&mut Decision)| {
        let mut ruled = ruling(0, "m", Level::N);
        ruled.decision.limit = Some(Limit::PermissionRefused);
        change(&mut ruled.decision);
        let found = redacted(&[given("rec", &notes(), &[("a", "hub-a")])], vec![ruled], Identities::Separate);
        assert!(!found.is_silent());
        found
            .markings()
            .iter()
            .map(|m| (m.category, m.custodian.clone(), m.contact.clone(), m.text.clone()))
            .collect::<Vec<_>>()
    };
    let generic = (Category::Sub, None, None, "not available for this purpose".to_owned());
    let text = "information is held; it needs the person's permission PERMISSION-REFUSED".to_owned();
    let held = (Category::Mhl, Some("trust".to_owned()), Some("duty desk".to_owned()), text);
    assert_eq!(told(|_| ()), [held.clone(), generic.clone()]);
    let plain = told(|decision| decision.limit = None);
    assert_eq!(plain.first().map(|m| m.3.as_str()), Some("information is held; it needs the person's permission"));
    assert_eq!(told(|decision| decision.marker = Marker::Silent), std::slice::from_ref(&generic));
    assert_eq!(told(|decision| decision.reason = Reason::DMatrix), std::slice::from_ref(&generic));
    assert_eq!(told(|decision| decision.reason = Reason::DSafe), std::slice::from_ref(&generic));
    assert_eq!(told(|decision| decision.level = Level::I), std::slice::from_ref(&generic));
    assert_eq!(told(|decision| decision.level = Level::F), [generic]);
}

#[test]
fn an_indicator_stands_once_with_the_reason_of_a_permission_that_ended_and_a_month_on_our_pages_only() {
    let found = |limits: [Option<Limit>; 3], how: Identities| {
        let mut ruled: Vec<Ruled> = ["m", "n", "s"].iter().map(|id| ruling(0, id, Level::I)).collect();
        for (one, limit) in ruled.iter_mut().zip(limits) {
            one.decision.limit = limit;
        }
        let found = redacted(&[given("rec", &notes(), &[("a", "hub-a")])], ruled, how);
        let said: Vec<_> =
            found.indicators().iter().map(|i| (i.category, i.reason, i.month.clone(), i.about.clone())).collect();
        said
    };
    let about = "<person/hub-a>".to_owned();
    for limit in [Limit::PermissionExpired, Limit::PermissionWithdrawn, Limit::PermissionDisputed] {
        let said = found([Some(limit), None, Some(Limit::PermissionRefused)], Identities::Separate);
        assert_eq!(
            said,
            [(Category::Mhl, Some(limit.in_words()), None, about.clone()), (Category::Sub, None, None, about.clone()),]
        );
    }
    let said = found([None, None, None], Identities::Marked);
    let month = Some("2026-03".to_owned());
    assert_eq!(said, [(Category::Mhl, None, month.clone(), about.clone()), (Category::Sub, None, month, about)]);
}

#[test]
fn every_decided_segment_is_kept_for_the_log_with_its_custodian_and_the_answer_says_what_was_searched() {
    let found = one(&notes(), &[("m", Level::F), ("s", Level::N)]);
    let items: Vec<_> = found
        .items()
        .iter()
        .map(|i| (i.segment.as_str(), i.category, i.custodian.as_str(), i.decision.level))
        .collect();
    assert_eq!(
        items,
        [("0.m", Some(Category::Mhl), "trust", Level::F), ("0.s", Some(Category::Sub), "trust", Level::N)]
    );
    assert_eq!(found.highest_level(), Level::F);
    let said = found.to_json("receipt");
    assert_eq!(said["coverage"], json!({"searched": ["MHL"], "not_searched": ["records not sent to the gateway"]}));
    assert_eq!((&said["purpose"], &said["basis"]["art6"]), (&json!("CIN"), &json!("6(1)(e)")));
}

#[test]
fn a_segment_that_is_in_no_record_releases_nothing() {
    let found = redacted(
        &[given("rec", &notes(), &[("a", "hub-a")])],
        vec![ruling(3, "m", Level::F), ruling(0, "none", Level::F), ruling(0, "none", Level::I)],
        Identities::Separate,
    );
    assert!(found.record().is_none() && found.indicators().is_empty());
}
