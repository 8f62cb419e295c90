//! Relationships through the gateway: who begins and ends which, dated, evidenced, one lead only, claims that alert.

use super::house::{House, breaches, refused};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::exchange::{Deed, Done, RelationshipDeed};

const WREN: (&str, &str) = ("wren-sw", "council");
const HALE: (&str, &str) = ("hale-sw", "council");

fn begin(body: Value) -> Deed {
    Deed::Relationship(RelationshipDeed::Begin(serde_json::from_value(body).unwrap()))
}

fn end(id: &str, body: Value) -> Deed {
    Deed::Relationship(RelationshipDeed::End(id.to_owned(), serde_json::from_value(body).unwrap()))
}

fn id(done: &Done) -> String {
    done.body["id"].as_str().unwrap().to_owned()
}

fn claim(person: &str, reason: &str) -> Value {
    json!({"purpose": "CIN", "kind": "self-claim", "subject": {"person": person}, "reason": reason})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_lives_24_hours_and_tells_the_officers_of_both_agencies() {
    let house = House::open().await;
    house.send("trust", &super::permissions::about_mother()).await;
    let bea = ("bea-dsl", "council");
    assert_eq!(refused(house.act(bea, begin(claim("mother", "seen at the desk"))).await), "D-DELEGATE");
    let uma = ("uma-uhn", "trust");
    assert_eq!(breaches(house.act(WREN, begin(claim("mother", " "))).await), ["/reason"]);
    for hidden in ["aunt", "nobody"] {
        assert_eq!(refused(house.act(uma, begin(claim(hidden, "came to the clinic"))).await), "D-REL", "{hidden}");
    }
    let done = house.act(uma, begin(claim("mother", "came to the clinic"))).await.unwrap();
    assert_eq!(done.body["to"], "2026-10-07T09:00:00Z");
    assert_eq!(house.alerts("trust").await, ["self-claim"], "custodian and claimant are one agency: one alert");
    house.act(WREN, begin(claim("mother", "called in"))).await.unwrap();
    assert_eq!(house.alerts("council").await, ["self-claim"]);
    assert_eq!(house.alerts("trust").await, ["self-claim", "self-claim"]);
    assert_eq!(house.count(Event::RelSelfclaim).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_themselves_work_and_every_relationship_is_dated_and_evidenced() {
    let house = House::open().await;
    let allocate =
        |hat: &str| json!({"purpose": "CIN", "kind": "allocated", "hat": hat, "case": "quill", "evidence": "minute"});
    assert_eq!(refused(house.act(WREN, begin(allocate("wren-sw"))).await), "D-DELEGATE");
    assert_eq!(refused(house.act(HALE, begin(allocate("hale-sw"))).await), "D-DELEGATE");
    assert_eq!(refused(house.act(HALE, begin(allocate("uma-uhn"))).await), "D-DELEGATE", "another agency's worker");
    for (change, pointer) in [
        (json!({"evidence": ""}), "/evidence"),
        (json!({"from": "2026-10-05"}), "/from"),
        (json!({"to": "2026-10-06T09:00:00Z"}), "/to"),
        (json!({"case": null}), "/subject"),
        (json!({"case": "no-such-case"}), "/case"),
        (json!({"purposes": ["CIN"]}), "/purposes"),
    ] {
        let mut body = allocate("bea-dsl");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let found = breaches(house.act(HALE, begin(body)).await);
        assert!(found.contains(&pointer.to_owned()), "{change}: {found:?}");
    }
    let done = house.act(HALE, begin(allocate("bea-dsl"))).await.unwrap();
    let relationship = id(&done);
    assert_eq!(
        refused(house.act(("otto-vco", "mentors"), end(&relationship, json!({"purpose": "CIN"}))).await),
        "not found"
    );
    assert_eq!(refused(house.act(HALE, end("no-such", json!({"purpose": "CIN"}))).await), "not found");
    let past = json!({"purpose": "CIN", "at": "2026-10-06T08:59:59Z"});
    assert_eq!(breaches(house.act(HALE, end(&relationship, past)).await), ["/at"]);
    let done = house.act(("bea-dsl", "council"), end(&relationship, json!({"purpose": "CIN"}))).await.unwrap();
    assert_eq!(done.body["to"], "2026-10-06T09:00:00Z", "exclusive: it is over in that second");
    assert_eq!(breaches(house.act(HALE, end(&relationship, json!({"purpose": "CIN"}))).await), [""]);
    assert_eq!((house.count(Event::RelEnd).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_has_one_lead_also_when_two_are_named_in_the_same_moment() {
    let house = House::open().await;
    let lead =
        |hat: &str| begin(json!({"purpose": "CIN", "kind": "lead", "hat": hat, "case": "quill", "evidence": "minute"}));
    let (one, other) = tokio::join!(house.act(HALE, lead("bea-dsl")), house.act(WREN, lead("uma-uhn")));
    let (done, late) = if one.is_ok() { (one, other) } else { (other, one) };
    done.unwrap();
    assert_eq!(refused(late), "D-LEAD-EXISTS");
    assert_eq!(house.count(Event::LeadChange).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_names_an_assistant_and_ends_within_a_year() {
    let house = House::open().await;
    let new = |change: Value| {
        let mut body = json!({"purpose": "CIN", "kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw", "evidence": "form", "to": "2027-10-06T09:00:00Z"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        begin(body)
    };
    assert_eq!(breaches(house.act(WREN, new(json!({"to": null}))).await), ["/to"]);
    assert_eq!(breaches(house.act(WREN, new(json!({"to": "2027-10-06T10:00:00Z"}))).await), ["/to"]);
    assert_eq!(breaches(house.act(WREN, new(json!({"hat": "bea-dsl"}))).await), ["/hat"]);
    assert_eq!(refused(house.act(("mo-pa", "council"), new(json!({}))).await), "D-DELEGATE");
    house.act(WREN, new(json!({}))).await.unwrap();
    house.act(HALE, new(json!({}))).await.unwrap();
    assert_eq!(house.count(Event::Delegate).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volunteer_is_matched_by_the_co_ordinator_only() {
    let house = House::open().await;
    let new = json!({"purpose": "CIN", "kind": "match", "hat": "viv-vol", "case": "quill", "role": "mentor", "evidence": "form"});
    let otto = ("otto-vco", "mentors");
    assert_eq!(refused(house.act(WREN, begin(new.clone())).await), "D-DELEGATE");
    let mut without = new.clone();
    without.as_object_mut().unwrap().remove("role");
    assert_eq!(breaches(house.act(otto, begin(without)).await), ["/role"]);
    let done = house.act(otto, begin(new)).await.unwrap();
    house.act(otto, end(&id(&done), json!({"purpose": "CIN"}))).await.unwrap();
    assert_eq!((house.count(Event::MatchStart).await, house.count(Event::MatchEnd).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_purpose_has_author_time_reason_and_manager() {
    let house = House::open().await;
    let change = |body: Value| {
        Deed::Relationship(RelationshipDeed::Purpose("quill".to_owned(), serde_json::from_value(body).unwrap()))
    };
    let right = json!({"purpose": "CIN", "start": "CP", "end": "CIN", "manager": "hale-sw", "reason": "threshold met"});
    let with = |member: &str, value: Value| {
        let mut body = right.clone();
        body[member] = value;
        change(body)
    };
    assert_eq!(breaches(house.act(WREN, with("reason", json!(" "))).await), ["/reason"]);
    assert_eq!(breaches(house.act(WREN, with("manager", json!("wren-sw"))).await), ["/manager"]);
    assert_eq!(breaches(house.act(WREN, with("start", json!("CIN"))).await), ["/start"]);
    assert_eq!(breaches(house.act(WREN, with("end", json!("CP"))).await), ["/end"]);
    assert_eq!(refused(house.act(("uma-uhn", "trust"), change(right.clone())).await), "not found");
    let done = house.act(WREN, change(right)).await.unwrap();
    assert_eq!(done.body["purposes"], json!(["CP"]));
    assert_eq!(house.count(Event::PurposeChange).await, 2, "the first when the case was registered");
}
