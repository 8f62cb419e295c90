//! The life of a permission through the gateway: who may give it, what it must say, how it ends, and who is told.

use super::house::{House, NOW, breaches, caller, refused};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::exchange::{Deed, Done, Failure, Happening, PermissionDeed};
use solent::ident::ItemId;
use solent::vocabulary::Category;
use std::time::Duration;

const WREN: (&str, &str) = ("wren-sw", "council");
const GRAY: (&str, &str) = ("gray-prv", "council");

/// The mother agrees that the trust tells the council's social workers about her mental health.
fn mothers() -> Value {
    json!({
        "purpose": "CIN", "subject": {"person": "mother"}, "capacity": "self-adult", "decision": "permit",
        "categories": ["MHL"], "from": [{"agency": "trust"}], "to": [{"role": "SW", "agency": "council"}],
        "purposes": ["CIN"], "told_limits": true, "valid_to": "2027-03-14",
        "form": {"how": "signed-paper", "language": "en", "digest": "aa", "kept": "file 7"}
    })
}

/// The mother decides for her son of 14, who is not assessed.
fn boys() -> Value {
    let mut new = mothers();
    merge(
        &mut new,
        json!({
            "subject": {"person": "boy"}, "decider": {"person": "mother"}, "capacity": "parent-pr",
            "pr_evidence": {"kind": "birth-certificate", "seen_by": "duty worker", "date": "2026-10-01"},
            "young_person_asked": {"asked": true}
        }),
    );
    new
}

fn merge(into: &mut Value, more: Value) {
    let more = more.as_object().unwrap().clone();
    into.as_object_mut().unwrap().extend(more);
}

fn record(new: &Value) -> Deed {
    Deed::Permission(PermissionDeed::Record(serde_json::from_value(new.clone()).unwrap()))
}

fn changed(base: Value, change: Value) -> Deed {
    let mut new = base;
    merge(&mut new, change);
    record(&new)
}

fn happened(id: &str, what: Happening) -> Deed {
    Deed::Permission(PermissionDeed::Happened(id.to_owned(), what))
}

fn withdrawn(by: &str) -> Happening {
    Happening::Withdrawn(
        serde_json::from_value(json!({"purpose": "CIN", "by": {"person": by}, "how": "video"})).unwrap(),
    )
}

fn disputed(by: &str) -> Happening {
    Happening::Disputed(serde_json::from_value(json!({"purpose": "CIN", "by": {"person": by}})).unwrap())
}

/// The recording of the mother's permission.
pub fn mothers_permission() -> Deed {
    record(&mothers())
}

/// Its withdrawal by her.
pub fn withdrawal(id: &str) -> Deed {
    happened(id, withdrawn("mother"))
}

fn id(done: &Done) -> String {
    done.body["id"].as_str().unwrap().to_owned()
}

pub fn label(category: &str, person: &str) -> Value {
    let floor = if category == "IDN" { "N" } else { "R" };
    json!({"category": category, "confidentiality": floor, "custodian": "trust", "about": [person], "third_party": "none",
        "basis_marker": "fact", "author_role": "CLN"})
}

/// What the trust sends about the mother: her identity, a condition and its authored summary.
pub fn about_mother() -> Value {
    json!({
        "envelope": {"message_id": "m-1"},
        "people": [{"id": "p", "role": "subject", "label": label("IDN", "p"), "birth": {"date": "1990-02-28"},
            "names": [{"family": "Quill", "given": ["Rowan"]}], "identifiers": [{"scheme": "nhs-number", "value": "9990000107"}]}],
        "assessments": [
            {"id": "a", "kind": "single-assessment", "label": label("MHL", "p"), "summary": "Whole account of the illness."},
            {"id": "s", "kind": "single-assessment", "form": "summary", "summary_of": ["a"], "label": label("MHL", "p"), "summary": "Short account for others."}]
    })
}

async fn sees(house: &House) -> bool {
    house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap().to_string().contains("Short account")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_opens_what_it_names_and_its_withdrawal_closes_it_at_once() {
    let house = House::open().await;
    house.send("trust", &about_mother()).await;
    assert!(!sees(&house).await, "without permission an indicator");
    let done = house.act(WREN, record(&mothers())).await.unwrap();
    assert!(done.created);
    assert_eq!(
        (done.body["status"].as_str(), done.body["ends_at"].as_str()),
        (Some("active"), Some("2027-03-14T00:00:00Z"))
    );
    assert!(sees(&house).await);
    // The mailbox item was sent before; it is decided when it is collected (R72).
    let items = house.gateway.mailbox(&caller("council"), Duration::ZERO).await.unwrap();
    let item = ItemId::new(items[0].id.clone());
    let first = house.gateway.collect(&caller("council"), &item).await.unwrap();
    assert!(String::from_utf8(first.into_bytes()).unwrap().contains("Short account"));
    let done = house.act(WREN, happened(&id(&done), withdrawn("mother"))).await.unwrap();
    assert_eq!(done.body["status"], "withdrawn");
    assert_eq!(done.body["shared_before"].as_array().unwrap().len(), 2, "an enquiry and a collection");
    assert!(!sees(&house).await);
    let again = house.gateway.collect(&caller("council"), &item).await.unwrap();
    assert!(!String::from_utf8(again.into_bytes()).unwrap().contains("Short account"), "re-decided at collection");
    assert_eq!(house.count(Event::PermGrant).await, 1);
    assert_eq!(house.count(Event::PermWithdraw).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_received_something_gets_a_notice_that_holds_receipts_and_nothing_else() {
    let house = House::open().await;
    house.send("trust", &about_mother()).await;
    let permission = id(&house.act(WREN, record(&mothers())).await.unwrap());
    assert!(sees(&house).await);
    house.act(WREN, happened(&permission, withdrawn("mother"))).await.unwrap();
    let items = house.gateway.mailbox(&caller("council"), Duration::ZERO).await.unwrap();
    let mut notices = Vec::new();
    for item in &items {
        let released = house.gateway.collect(&caller("council"), &ItemId::new(item.id.clone())).await.unwrap();
        let body: Value = serde_json::from_slice(&released.into_bytes()).unwrap();
        if body.get("notice").is_some() {
            notices.push(body);
        }
    }
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0]["notice"], "permission-withdrawn");
    assert_eq!(notices[0]["receipts"].as_array().unwrap().len(), 1);
    let text = notices[0].to_string();
    assert!(!text.contains("mother") && !text.contains("MHL") && !text.contains(&permission), "{text}");
    let others = house.gateway.mailbox(&caller("force"), Duration::ZERO).await.unwrap();
    assert!(others.is_empty(), "who received nothing is told nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_record_and_works_with_the_person_records_and_an_unknown_person_looks_the_same() {
    let house = House::open().await;
    for (who, expected) in [
        (("mo-pa", "council"), "D-DELEGATE"),
        (("viv-vol", "mentors"), "D-DELEGATE"),
        (GRAY, "D-DELEGATE"),
        (("uma-uhn", "trust"), "D-REL"),
        (("pike-pol", "force"), "D-COI"),
        (("wren-sw", "trust"), "D-AUTH"),
    ] {
        assert_eq!(refused(house.act(who, record(&mothers())).await), expected, "{who:?}");
    }
    let unknown = changed(mothers(), json!({"subject": {"person": "nobody"}}));
    assert_eq!(refused(house.act(WREN, unknown).await), "D-REL");
    let purpose = changed(mothers(), json!({"purpose": "LE"}));
    assert_eq!(refused(house.act(WREN, purpose).await), "D-PURPOSE");
    assert_eq!(house.count(Event::Refuse).await, 8);
    assert_eq!(house.count(Event::PermGrant).await, 0);
    assert!(house.alerts("force").await.contains(&"conflict".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_that_breaks_a_rule_is_named() {
    let house = House::open().await;
    for (change, pointer) in [
        (json!({"told_limits": false}), "/told_limits"),
        (json!({"kind": "ukgdpr"}), "/kind"),
        (json!({"kind": "treatment"}), "/kind"),
        (json!({"categories": []}), "/categories"),
        (json!({"categories": ["MHL", "MHN"]}), "/categories/1"),
        (json!({"categories": ["LOC"]}), "/categories/0"),
        (json!({"categories": ["MHL", "MHL"]}), "/categories/1"),
        (json!({"from": []}), "/from"),
        (json!({"to": [{}]}), "/to/0"),
        (json!({"to": [{"anyone": true}]}), "/to/0"),
        (json!({"to": [{"team": "no-such-team"}]}), "/to/0/team"),
        (json!({"purposes": ["CP"]}), "/purposes/0"),
        (json!({"purposes": ["MET"]}), "/purposes/0"),
        (json!({"valid_to": "2026-10-06T08:59:59Z"}), "/valid_to"),
        (json!({"valid_to": "2027-10-07"}), "/valid_to"),
        (json!({"data_period": {"from": "2025-02-01", "to": "2025-01-01"}}), "/data_period"),
        (json!({"exceptions": [{"decision": "refuse"}]}), "/exceptions/0"),
        (json!({"exceptions": [{"decision": "refuse", "categories": ["SUB"]}]}), "/exceptions/0/categories"),
        (json!({"capacity": "self-16-17"}), "/decider"),
        (json!({"decider": {"person": "father"}}), "/decider"),
        (json!({"decider": {"person": "nobody"}}), "/decider"),
        (json!({"plan": "no-such-case"}), "/plan"),
        (json!({"supersedes": "no-such-record"}), "/supersedes"),
    ] {
        let found = breaches(house.act(WREN, changed(mothers(), change.clone())).await);
        assert!(found.contains(&pointer.to_owned()), "{change}: {found:?}");
    }
    assert_eq!(house.count(Event::PermGrant).await, 0, "nothing was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_decide_follows_age_competence_and_proven_responsibility() {
    let house = House::open().await;
    let wrong = |change: Value| changed(boys(), change);
    for (change, pointer) in [
        (json!({"decider": {"person": "step"}}), "/decider"),
        (json!({"decider": {"person": "father"}}), "/decider"),
        (json!({"pr_evidence": null}), "/pr_evidence"),
        (json!({"pr_evidence": {"kind": "order", "seen_by": " ", "date": "2026-10-01"}}), "/pr_evidence"),
        (json!({"pr_evidence": {"kind": "order", "seen_by": "x", "date": "2026-10-07"}}), "/pr_evidence"),
        (json!({"young_person_asked": null}), "/young_person_asked"),
        (json!({"capacity": "self-competent-child", "decider": {"person": "boy"}}), "/decider"),
        (json!({"capacity": "la-care-order", "decider": {"agency": "council"}}), "/decider"),
        (json!({"subject": {"person": "teen"}, "valid_to": "2026-11-03"}), "/valid_to"),
    ] {
        let found = breaches(house.act(WREN, wrong(change.clone())).await);
        assert!(found.contains(&pointer.to_owned()), "{change}: {found:?}");
    }
    house.act(WREN, record(&boys())).await.unwrap();
    // A parent's word about health ends on the 16th birthday, at 00:00 in London (GMT in November).
    let teens = changed(boys(), json!({"subject": {"person": "teen"}, "valid_to": null}));
    assert_eq!(house.act(WREN, teens).await.unwrap().body["ends_at"], "2026-11-02T00:00:00Z");
    // Assessed competent for MHL: the boy decides about that, and his mother no longer does.
    let assess = json!({
        "purpose": "CIN", "person": {"person": "boy"}, "kind": "competence", "categories": ["MHL"], "outcome": "yes",
        "decision": "whether the school nurse tells the team",
        "prompts": {"what": "x", "why": "x", "what_follows": "x", "if_no": "x", "pressure": "none"}
    });
    let deed = |v: &Value| Deed::Permission(PermissionDeed::Assess(serde_json::from_value(v.clone()).unwrap()));
    let assessment = id(&house.act(WREN, deed(&assess)).await.unwrap());
    let own = json!({"decider": null, "capacity": "self-competent-child", "competence": assessment, "pr_evidence": null, "young_person_asked": null});
    let mut his = boys();
    merge(&mut his, own);
    house.act(WREN, record(&his)).await.unwrap();
    let found = breaches(house.act(WREN, changed(his, json!({"categories": ["SUB"]}))).await);
    assert!(found.contains(&"/competence".to_owned()), "an assessment is of one decision: {found:?}");
    assert_eq!(breaches(house.act(WREN, record(&boys())).await), ["/decider"]);
    let mut unwritten = assess.clone();
    unwritten["prompts"]["pressure"] = json!("");
    assert_eq!(breaches(house.act(WREN, deed(&unwritten)).await), ["/prompts"]);
    assert_eq!(refused(house.act(("uma-uhn", "trust"), deed(&assess)).await), "D-REL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_needs_standing_and_happens_once_also_when_two_come_together() {
    let house = House::open().await;
    let permission = id(&house.act(WREN, record(&mothers())).await.unwrap());
    assert_eq!(breaches(house.act(WREN, happened(&permission, withdrawn("father"))).await), ["/by"]);
    let future = json!({"purpose": "CIN", "by": {"person": "mother"}, "told_at": "2026-10-06T09:00:01Z"});
    let future = Happening::Withdrawn(serde_json::from_value(future).unwrap());
    assert_eq!(breaches(house.act(WREN, happened(&permission, future)).await), ["/told_at"]);
    assert_eq!(refused(house.act(("uma-uhn", "trust"), happened(&permission, withdrawn("mother"))).await), "not found");
    assert_eq!(refused(house.act(WREN, happened("no-such-record", withdrawn("mother"))).await), "not found");
    assert_eq!(refused(house.act(("mo-pa", "council"), happened(&permission, withdrawn("mother"))).await), "not found");
    let (one, other) = tokio::join!(
        house.act(WREN, happened(&permission, withdrawn("mother"))),
        house.act(GRAY, happened(&permission, withdrawn("mother"))),
    );
    let done = [&one, &other].iter().filter(|r| r.is_ok()).count();
    assert_eq!(done, 1, "{one:?} {other:?}");
    assert_eq!(house.count(Event::PermWithdraw).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_holder_objects_and_a_manager_decides_with_a_reason() {
    let house = House::open().await;
    let girls = changed(boys(), json!({"subject": {"person": "girl"}}));
    let permission = id(&house.act(WREN, girls).await.unwrap());
    assert_eq!(breaches(house.act(WREN, happened(&permission, disputed("step"))).await), ["/by"]);
    assert_eq!(breaches(house.act(WREN, happened(&permission, disputed("mother"))).await), ["/by"]);
    let done = house.act(WREN, happened(&permission, disputed("father"))).await.unwrap();
    assert_eq!(done.body["status"], "disputed");
    assert_eq!(house.alerts("council").await, ["permission-disputed"]);
    let resolve = |why: &str| {
        let body = json!({"purpose": "CIN", "outcome": "active", "why": why});
        happened(&permission, Happening::Resolved(serde_json::from_value(body).unwrap()))
    };
    assert_eq!(refused(house.act(WREN, resolve("x")).await), "not found", "not a manager");
    let hale = ("hale-sw", "council");
    assert_eq!(breaches(house.act(hale, resolve(" ")).await), ["/why"]);
    house.at("2026-10-06T09:00:01Z");
    assert_eq!(house.act(hale, resolve("both were heard")).await.unwrap().body["status"], "active");
    assert_eq!(breaches(house.act(hale, resolve("again")).await), [""]);
    assert_eq!(house.count(Event::PermDispute).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_read_by_its_own_agency_and_an_error_is_corrected_there() {
    let house = House::open().await;
    let permission = id(&house.act(WREN, record(&mothers())).await.unwrap());
    let read = || Deed::Permission(PermissionDeed::Read(permission.clone()));
    let done = house.act(WREN, read()).await.unwrap();
    assert_eq!(done.body["record"]["form"]["how"], "signed-paper");
    house.act(GRAY, read()).await.unwrap();
    for who in [("iris-cln", "trust"), ("lark-prv", "trust"), ("uma-uhn", "trust"), ("otto-vco", "mentors")] {
        assert_eq!(refused(house.act(who, read()).await), "not found", "{who:?}");
    }
    let err = || {
        let body = json!({"purpose": "CIN", "why": "another person's form"});
        happened(&permission, Happening::Erred(serde_json::from_value(body).unwrap()))
    };
    assert_eq!(refused(house.act(("iris-cln", "trust"), err()).await), "not found");
    let done = house.act(GRAY, err()).await.unwrap();
    assert_eq!((done.body["status"].as_str(), done.body["version"].as_i64()), (Some("entered-in-error"), Some(2)));
    assert_eq!(house.alerts("council").await, ["permission-in-error"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_warned_of_thirty_days_before_and_logged_once() {
    let house = House::open().await;
    house.act(WREN, record(&mothers())).await.unwrap();
    house.gateway.upkeep().await.unwrap();
    assert!(house.alerts("council").await.is_empty());
    house.at("2027-02-13T00:00:00Z");
    house.gateway.upkeep().await.unwrap();
    house.at("2027-02-13T02:00:00Z");
    house.gateway.upkeep().await.unwrap();
    assert_eq!(house.alerts("council").await, ["permission-ends-soon"]);
    assert_eq!(house.count(Event::PermExpire).await, 0);
    for time in ["2027-03-14T00:00:00Z", "2027-03-14T02:00:00Z"] {
        house.at(time);
        house.gateway.upkeep().await.unwrap();
    }
    assert_eq!(house.count(Event::PermExpire).await, 1);
    house.at(NOW);
}

#[test]
fn what_is_not_in_the_shape_is_refused_before_any_story() {
    for change in [json!({"categories": ["*"]}), json!({"extra": 1}), json!({"subject": {"agency": "trust"}})] {
        let mut new = mothers();
        merge(&mut new, change);
        assert!(serde_json::from_value::<solent::exchange::NewPermission>(new).is_err());
    }
    assert!(matches!(Failure::Changed, Failure::Changed));
}
