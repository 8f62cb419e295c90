//! Flags of safety through the gateway: who sets them, what others learn of them, and how their entries are spelt openly.

use super::house::{House, breaches, refused};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::exchange::{Deed, SafetyDeed};
use solent::vocabulary::Category;

const GRAY: (&str, &str) = ("gray-prv", "council");
const WREN: (&str, &str) = ("wren-sw", "council");

fn of<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_protects_and_lifts_and_for_others_there_is_nothing() {
    let house = House::open().await;
    let protect = |a: &str, b: &str| {
        Deed::Safety(SafetyDeed::Protect(of(json!({"person": {"person": a}, "against": {"person": b}}))))
    };
    let lift = |id: &str| Deed::Safety(SafetyDeed::Lift(id.to_owned(), of(json!({"why": "order ended"}))));
    assert_eq!(refused(house.act(WREN, protect("mother", "step")).await), "D-DELEGATE");
    assert_eq!(breaches(house.act(GRAY, protect("mother", "mother")).await), ["/against"]);
    assert_eq!(breaches(house.act(GRAY, protect("mother", "nobody")).await), ["/against"]);
    let done = house.act(GRAY, protect("mother", "step")).await.unwrap();
    let id = done.body["id"].as_str().unwrap().to_owned();
    assert_eq!(refused(house.act(WREN, lift(&id)).await), "not found");
    house.at("2026-10-06T10:00:00Z");
    house.act(GRAY, lift(&id)).await.unwrap();
    let entries = house.entries().await;
    let flags: Vec<&str> = entries
        .iter()
        .filter(|(_, p)| p.event == Event::ProtectFlag && p.hat.is_some())
        .map(|(open, _)| open.as_str())
        .collect();
    assert_eq!(flags, ["identity", "identity"], "the open part does not say what");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_marked_by_the_social_worker_of_the_family() {
    let house = House::open().await;
    let mark = |hat: &str| {
        Deed::Safety(SafetyDeed::Mark(of(json!({"purpose": "CIN", "hat": hat, "linked_to": {"person": "step"}}))))
    };
    assert_eq!(refused(house.act(("iris-cln", "trust"), mark("uma-uhn")).await), "D-DELEGATE");
    assert_eq!(breaches(house.act(WREN, mark("no-such")).await), ["/hat"]);
    house.act(WREN, mark("uma-uhn")).await.unwrap();
    house.act(WREN, mark("uma-uhn")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declares_a_conflict_is_refused_from_then_on_and_learns_nothing_of_strangers() {
    let house = House::open().await;
    let declare =
        |who: &str| Deed::Safety(SafetyDeed::Declare(of(json!({"person": {"person": who}, "kind": "friend"}))));
    house.enquire("wren-sw", "council", "mother", Category::Idn).await.unwrap();
    let known = house.act(WREN, declare("mother")).await.unwrap();
    let unknown = house.act(WREN, declare("nobody")).await.unwrap();
    let members = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&known.body), members(&unknown.body));
    assert!(house.enquire("wren-sw", "council", "mother", Category::Idn).await.is_err());
    assert!(house.alerts("council").await.contains(&"conflict".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_adoption_team_seals_once() {
    let house = House::open().await;
    let seal = || {
        Deed::Safety(SafetyDeed::Seal(of(
            json!({"kind": "adoption", "former": {"person": "hunter"}, "current": {"person": "aunt"}}),
        )))
    };
    assert_eq!(refused(house.act(GRAY, seal()).await), "D-DELEGATE");
    assert_eq!(refused(house.act(WREN, seal()).await), "D-DELEGATE");
    house.act(("ado-ado", "council"), seal()).await.unwrap();
    assert_eq!(breaches(house.act(("ado-ado", "council"), seal()).await), ["/former"]);
    assert_eq!(house.count(Event::AdoptSeal).await, 1);
}
