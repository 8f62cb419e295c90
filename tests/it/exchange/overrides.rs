//! Overrides through the gateway: five answers, the second person, the time box, alerts, review, tell-the-person.

use super::house::{House, breaches, refused};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::exchange::{Deed, Done, OverrideDeed};

const WREN: (&str, &str) = ("wren-sw", "council");
const HALE: (&str, &str) = ("hale-sw", "council");

fn new() -> Value {
    json!({"purpose": "CIN", "kind": "ordinary", "subject": {"person": "mother"}, "categories": ["MHL"], "answers": {
        "harm": "x", "needed": "x", "why_not_less": "x", "proportionate": "x", "telling_risk": "x"}})
}

fn ask(change: Value) -> Deed {
    let mut body = new();
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    Deed::Override(OverrideDeed::Ask(serde_json::from_value(body).unwrap()))
}

fn answer(id: &str, approve: bool) -> Deed {
    Deed::Override(OverrideDeed::Answer(id.to_owned(), approve, serde_json::from_value(json!({})).unwrap()))
}

fn renew(id: &str) -> Deed {
    Deed::Override(OverrideDeed::Renew(id.to_owned(), serde_json::from_value(json!({})).unwrap()))
}

fn tell(id: &str, body: Value) -> Deed {
    Deed::Override(OverrideDeed::Tell(id.to_owned(), serde_json::from_value(body).unwrap()))
}

fn review(id: &str, body: Value) -> Deed {
    Deed::Override(OverrideDeed::Review(id.to_owned(), serde_json::from_value(body).unwrap()))
}

fn id(done: &Done) -> String {
    done.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_needs_the_role_all_five_answers_and_a_cell_that_can_open() {
    let house = House::open().await;
    for answer in ["harm", "needed", "why_not_less", "proportionate", "telling_risk"] {
        let mut answers = new()["answers"].clone();
        answers[answer] = json!(" ");
        assert_eq!(breaches(house.act(WREN, ask(json!({"answers": answers}))).await), [format!("/answers/{answer}")]);
    }
    assert_eq!(breaches(house.act(WREN, ask(json!({"categories": []}))).await), ["/categories"]);
    assert_eq!(breaches(house.act(WREN, ask(json!({"categories": ["INT", "IDN"]}))).await), ["/categories"]);
    assert_eq!(refused(house.act(("bea-dsl", "council"), ask(json!({}))).await), "D-DELEGATE");
    assert_eq!(house.count(Event::OvrReject).await, 1, "one entry for an attempt of a role without the right");
    assert_eq!(refused(house.act(("uma-uhn", "trust"), ask(json!({}))).await), "D-REL");
    assert_eq!(refused(house.act(("pike-pol", "force"), ask(json!({"kind": "EMG"}))).await), "D-COI");
    assert_eq!(house.count(Event::OvrRequest).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_manager_of_the_agency_approves_and_renews_to_72_hours() {
    let house = House::open().await;
    house.send("trust", &super::permissions::about_mother()).await;
    let done = house.act(WREN, ask(json!({}))).await.unwrap();
    assert_eq!((done.body["state"].as_str(), done.body["ends_at"].as_str()), (Some("waiting"), None));
    let wanted = id(&done);
    assert_eq!(house.alerts("council").await, ["override"]);
    assert_eq!(house.alerts("trust").await, ["override"]);
    assert_eq!(refused(house.act(WREN, answer(&wanted, true)).await), "D-DELEGATE", "never one's own");
    assert_eq!(refused(house.act(("iris-cln", "trust"), answer(&wanted, true)).await), "not found");
    assert_eq!(refused(house.act(HALE, answer("no-such", true)).await), "not found");
    assert_eq!(breaches(house.act(HALE, renew(&wanted)).await), [""]);
    let (one, other) = tokio::join!(house.act(HALE, answer(&wanted, true)), house.act(HALE, answer(&wanted, false)));
    assert_eq!([&one, &other].iter().filter(|r| r.is_ok()).count(), 1, "{one:?} {other:?}");
    let second = id(&house.act(WREN, ask(json!({}))).await.unwrap());
    let done = house.act(HALE, answer(&second, true)).await.unwrap();
    assert_eq!(done.body["ends_at"], "2026-10-07T09:00:00Z");
    assert_eq!(house.act(HALE, renew(&second)).await.unwrap().body["ends_at"], "2026-10-08T09:00:00Z");
    house.at("2026-10-07T10:00:00Z");
    assert_eq!(house.act(HALE, renew(&second)).await.unwrap().body["ends_at"], "2026-10-09T09:00:00Z");
    assert_eq!(breaches(house.act(HALE, renew(&second)).await), [""], "72 hours in all");
    house.at("2026-10-09T09:00:00Z");
    assert_eq!(breaches(house.act(HALE, renew(&second)).await), [""], "it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn imminent_danger_needs_no_approval_and_no_relationship_but_a_role() {
    let house = House::open().await;
    house.send("trust", &super::permissions::about_mother()).await;
    let emergency = || ask(json!({"kind": "EMG"}));
    assert_eq!(refused(house.act(("viv-vol", "mentors"), emergency()).await), "D-DELEGATE");
    let done = house.act(("uma-uhn", "trust"), emergency()).await.unwrap();
    assert_eq!(
        (done.body["state"].as_str(), done.body["ends_at"].as_str()),
        (Some("emergency"), Some("2026-10-07T09:00:00Z"))
    );
    assert_eq!(house.count(Event::EmgUse).await, 1);
    assert_eq!(house.alerts("trust").await, ["override"]);
    assert_eq!(breaches(house.act(WREN, ask(json!({"kind": "EMG", "categories": ["TPI"]}))).await), ["/categories"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custodians_officer_reviews_and_it_closes_only_with_told_or_not_told_because() {
    let house = House::open().await;
    house.send("trust", &super::permissions::about_mother()).await;
    let wanted = id(&house.act(WREN, ask(json!({}))).await.unwrap());
    house.act(HALE, answer(&wanted, true)).await.unwrap();
    let lark = ("lark-prv", "trust");
    let justified = json!({"outcome": "justified"});
    assert_eq!(refused(house.act(("gray-prv", "council"), review(&wanted, justified.clone())).await), "not found");
    assert_eq!(refused(house.act(("iris-cln", "trust"), review(&wanted, justified.clone())).await), "not found");
    assert_eq!(breaches(house.act(lark, review(&wanted, justified.clone())).await), ["/outcome"]);
    assert_eq!(
        breaches(house.act(WREN, tell(&wanted, json!({"told": false, "why": "unsafe now"}))).await),
        ["/review"]
    );
    assert_eq!(
        refused(house.act(("iris-cln", "trust"), tell(&wanted, json!({"told": true, "why": "x"}))).await),
        "not found"
    );
    house.act(WREN, tell(&wanted, json!({"told": false, "why": "unsafe now", "review": "2026-11-06"}))).await.unwrap();
    assert_eq!(breaches(house.act(lark, review(&wanted, json!({"outcome": "not-justified"}))).await), ["/why"]);
    house.act(lark, review(&wanted, justified)).await.unwrap();
    house.act(lark, review(&wanted, json!({"outcome": "not-justified", "why": "read again"}))).await.unwrap();
    assert!(house.alerts("council").await.contains(&"incident".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_review_is_asked_for_again_once() {
    let house = House::open().await;
    house.send("trust", &super::permissions::about_mother()).await;
    let wanted = id(&house.act(WREN, ask(json!({}))).await.unwrap());
    house.act(HALE, answer(&wanted, true)).await.unwrap();
    house.at("2026-10-08T08:59:59Z");
    house.gateway.upkeep().await.unwrap();
    assert_eq!(house.alerts("trust").await, ["override"]);
    for time in ["2026-10-08T10:00:00Z", "2026-10-08T12:00:00Z"] {
        house.at(time);
        house.gateway.upkeep().await.unwrap();
    }
    assert_eq!(house.alerts("trust").await, ["override", "override-unreviewed"]);
}
