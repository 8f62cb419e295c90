//! People who may be one: two officers join them, one parts them, and nobody joins whom something on record keeps apart.

use crate::audit::{SPAN, links};
use crate::clocked::Clocked;
use crate::danger::send;
use serde_json::{Value, json};
use solent::store::Section;
use std::collections::BTreeSet;

pub const COUNCIL: &str = "harbourshire-csc";
const CANARY: &str = "Visit canary twenty";
const REVIEW: &str = "/review/matches/";

/// A label of the council's, about somebody of the record.
pub fn label(category: &str, about: &str) -> Value {
    json!({
        "category": category, "confidentiality": "R", "custodian": COUNCIL, "about": [about], "third_party": "none",
        "basis_marker": "fact", "author_role": "SW",
    })
}

/// Somebody of a record who says to be Theo, under a number of the sender's own.
pub fn theo(local: &str, own: &str) -> Value {
    json!({
        "id": local, "label": label("IDN", local), "role": "subject", "birth": {"date": "2012-04-20"},
        "names": [{"family": "Lane", "given": ["Theo"]}],
        "identifiers": [{"scheme": "local-patient-id", "value": own}],
    })
}

pub fn record(people: Vec<Value>, text: &str) -> Value {
    let about = people[0]["id"].as_str().unwrap().to_owned();
    json!({
        "envelope": {"purpose": "CIN"}, "people": people,
        "notes": [{"id": "note", "label": label("CSN", &about), "kind": "text", "text": text}],
    })
}

/// The facts by which an on-call lead becomes the council's second officer.
pub fn second_officer() -> Value {
    json!({"accounts": [{"id": "acc-13", "hats": [{"id": "hat-prv-second", "role": "PRV", "agency": COUNCIL}]}]})
}

/// A house with two officers at the council.
fn house() -> Clocked {
    let house = Clocked::start();
    house.register(&second_officer());
    house
}

fn first_match(page: &str) -> String {
    let form = page.split("action=\"").find(|rest| rest.starts_with(REVIEW)).expect("a doubtful match");
    form.split('"').next().unwrap().to_owned()
}

fn chronology(house: &Clocked, account: &str) -> String {
    let mut visitor = house.walking(account);
    visitor.state("case-01", "CIN");
    visitor.get("/families/case-01/chronology").body
}

#[test]
fn two_officers_join_who_is_one_and_everything_is_the_one_persons() {
    let house = house();
    assert_eq!(house.message(COUNCIL, &record(vec![theo("s", "c-71")], CANARY)).subjects_matched, 0);
    let mut first = house.walking("acc-14");
    let to = first_match(&first.get("/review").body);
    assert!(!house.walking("acc-15").get("/review").body.contains(REVIEW), "another agency's officer has none of it");
    let mut auditor = house.walking("acc-20");
    let read = auditor.get("/review").body;
    assert!(read.contains("People who may be one") && !read.contains(REVIEW), "an auditor reads");
    assert_eq!(send(&mut auditor, &to, &[("also", "same")]).status, 403);
    assert_eq!(send(&mut house.walking("acc-15"), &to, &[("also", "same")]).status, 404);
    // One officer's word joins nobody, and said twice it is one word.
    assert_eq!(send(&mut first, &to, &[("also", "same")]).status, 303);
    let page = first.get("/review").body;
    assert!(page.contains("You said that they are one person") && !page.contains("join them"));
    assert_eq!(send(&mut first, &to, &[("also", "same")]).status, 403, "the second person is another (Q17)");
    assert!(!chronology(&house, "acc-01").contains(CANARY));
    let mut second = house.walking("acc-13");
    let page = second.get("/review").body;
    assert!(page.contains("Another officer said") && page.contains("join them"));
    assert_eq!(send(&mut second, &to, &[("also", "same")]).status, 303);
    assert!(!second.get("/review").body.contains(REVIEW));
    assert_eq!(send(&mut second, &to, &[("also", "same")]).status, 404, "once");
    // What was the one's is the other's: in the family, and for the next message.
    assert!(chronology(&house, "acc-01").contains(CANARY));
    assert_eq!(house.message(COUNCIL, &record(vec![theo("s", "c-71")], "Another visit")).subjects_matched, 1);
    assert!(chronology(&house, "acc-01").contains("Another visit"));
    house.events(&["person-link", "refuse"]);
}

/// Before they were joined each had a reference of its own. Asked by either, the log answers with what it holds of both, and
/// says so.
#[test]
fn an_auditor_finds_entries_about_who_was_joined_by_either_reference() {
    let house = house();
    chronology(&house, "acc-01");
    house.message(COUNCIL, &record(vec![theo("s", "c-78")], CANARY));
    let to = first_match(&house.walking("acc-14").get("/review").body);
    for account in ["acc-14", "acc-13"] {
        assert_eq!(send(&mut house.walking(account), &to, &[("also", "same")]).status, 303, "{account}");
    }
    chronology(&house, "acc-01");
    let mut auditor = house.walking("acc-20");
    let joined = auditor.get(&format!("/audit?{SPAN}&event=person-link&actor=acc-13")).body;
    let references: BTreeSet<String> = joined.split(">s-").skip(1).map(|rest| format!("s-{}", &rest[..24])).collect();
    assert_eq!(references.len(), 2, "an entry about each of them");
    let mut answers = Vec::new();
    for reference in &references {
        let page = auditor.get(&format!("/audit?{SPAN}&subject={reference}")).body;
        assert!(
            references.iter().all(|one| page.contains(one.as_str())),
            "entries from before stand under what they were"
        );
        answers.push(links(&page, "/audit/entries/"));
        let seen = auditor.get(&format!("/audit/questions/Q1?{SPAN}&subject={reference}")).body;
        assert!(seen.contains("This person was known under 2 ids before they were joined"));
        assert!(links(&seen, "/audit/entries/").len() >= 2, "who looked before and since");
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].len() > 4);
}

#[test]
fn what_protects_or_ties_either_holds_for_the_one_person_and_nothing_is_lost() {
    let house = house();
    house.message(COUNCIL, &record(vec![theo("s", "c-72")], CANARY));
    let gone = house.doubtful().remove(0);
    house.register(&json!({
        "protections": [{"id": "prot-90", "person": gone, "against": "p-04", "from": "2026-10-01"}],
        "strands": [
            {"hat": "hat-sur", "linked_to": gone, "marked_by": "hat-sw", "from": "2026-10-01"},
            {"hat": "hat-dsl", "linked_to": gone, "marked_by": "hat-sw", "from": "2026-10-01"},
            {"hat": "hat-dsl", "linked_to": "p-02", "marked_by": "hat-sw", "from": "2026-09-01", "to": "2026-10-02"},
        ],
        "relationships": [{"id": "rel-90", "kind": "contact", "hat": "hat-fmh", "subject": gone, "from": "2026-10-01", "evidence": "call"}],
    }));
    let to = first_match(&house.walking("acc-14").get("/review").body);
    for account in ["acc-14", "acc-13"] {
        assert_eq!(send(&mut house.walking(account), &to, &[("also", "same")]).status, 303, "{account}");
    }
    assert_eq!(house.fact(Section::Protections, "prot-90").unwrap()["person"], "p-02");
    assert_eq!(house.fact(Section::Relationships, "rel-90").unwrap()["subject"], "p-02");
    assert_eq!(house.fact(Section::Strands, "hat-sur.p-02").unwrap()["linked_to"], "p-02");
    assert!(house.fact(Section::Strands, "hat-dsl.p-02").unwrap().get("to").is_none(), "the longer one holds");
    for hat in ["hat-sur", "hat-dsl"] {
        assert!(house.fact(Section::Strands, &format!("{hat}.{gone}")).is_none());
    }
    house.events(&["person-link"]);
}

#[test]
fn an_agency_with_one_officer_is_told_that_nobody_is_joined_and_what_to_do() {
    let house = Clocked::start();
    house.message(COUNCIL, &record(vec![theo("s", "c-77")], CANARY));
    let alone = "Your agency has one privacy officer now";
    let mut officer = house.walking("acc-14");
    let page = officer.get("/review").body;
    assert!(page.contains(alone) && page.contains("name a second privacy officer"), "{page}");
    let to = first_match(&page);
    assert_eq!(send(&mut officer, &to, &[("also", "same")]).status, 303);
    assert_eq!(send(&mut officer, &to, &[("also", "same")]).status, 403, "nobody is their own second");
    house.register(&second_officer());
    assert!(!officer.get("/review").body.contains(alone));
    assert_eq!(send(&mut house.walking("acc-13"), &to, &[("also", "same")]).status, 303);
    assert!(chronology(&house, "acc-01").contains(CANARY));
}

#[test]
fn an_officer_with_a_tie_to_either_joins_nobody() {
    let house = house();
    house.message(COUNCIL, &record(vec![theo("s", "c-76")], CANARY));
    let to = first_match(&house.walking("acc-14").get("/review").body);
    house.register(&json!({"conflicts": [{"account": "acc-13", "person": "p-02", "kind": "friend"}]}));
    assert_eq!(send(&mut house.walking("acc-14"), &to, &[("also", "same")]).status, 303);
    assert_eq!(send(&mut house.walking("acc-13"), &to, &[("also", "same")]).status, 404);
    assert!(house.walking("acc-14").get("/review").body.contains("Conflict of interest"), "and it is an alert");
    assert!(!chronology(&house, "acc-01").contains(CANARY));
}

#[test]
fn one_officer_says_that_they_are_two_whatever_another_said() {
    let house = house();
    house.message(COUNCIL, &record(vec![theo("s", "c-73")], "First"));
    let to = first_match(&house.walking("acc-14").get("/review").body);
    assert_eq!(send(&mut house.walking("acc-14"), &to, &[("also", "same")]).status, 303);
    assert_eq!(send(&mut house.walking("acc-13"), &to, &[]).status, 303);
    assert!(!house.walking("acc-14").get("/review").body.contains(REVIEW));
    house.events(&["person-unlink"]);
}

#[test]
fn people_whom_one_record_names_stay_two() {
    let house = house();
    let known = json!({
        "id": "k", "label": label("IDN", "k"), "role": "relative", "birth": {"date": "2012-04-20"},
        "names": [{"family": "Lane", "given": ["Theo"]}], "identifiers": [{"scheme": "nhs-number", "value": "9990000026"}],
    });
    // A twin by name and birth date, beside the one whom the NHS number leads to.
    house.message(COUNCIL, &record(vec![theo("s", "c-74"), known], CANARY));
    let to = first_match(&house.walking("acc-14").get("/review").body);
    assert_eq!(send(&mut house.walking("acc-14"), &to, &[("also", "same")]).status, 303);
    let refused = send(&mut house.walking("acc-13"), &to, &[("also", "same")]);
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("something on record says that they are two people"));
    assert!(!chronology(&house, "acc-01").contains(CANARY));
}
