//! Two gateways on one PostgreSQL, each with a log of its own: what is decided at one holds at the other at once.

use super::house::{House, caller};
use super::permissions::{about_mother, mothers_permission, withdrawal};
use crate::store::support::{TestDb, runtime};
use serde_json::Value;
use solent::audit::Event;
use solent::exchange::{Accepted, Failure, Submission};
use solent::ident::ItemId;
use solent::store::Engine;
use solent::vocabulary::Category;
use std::time::Duration;

const WREN: (&str, &str) = ("wren-sw", "council");

async fn sees(house: &House) -> bool {
    let answer = house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap();
    answer.to_string().contains("Short account")
}

async fn submit(house: &House, key: &str) -> Result<Accepted, Failure> {
    let body = serde_json::to_vec(&about_mother()).unwrap();
    house.gateway.receive(&caller("trust"), Submission { body, idempotency_key: Some(key.to_owned()) }).await
}

/// The ids of what waits, as this gateway lists it.
async fn waiting(house: &House) -> Vec<String> {
    let items = house.gateway.mailbox(&caller("council"), Duration::ZERO).await.unwrap();
    items.into_iter().map(|item| item.id).collect()
}

#[test]
fn a_withdrawal_at_one_gateway_holds_at_the_other_at_once_and_one_message_is_one_message() {
    runtime().block_on(async {
        let Some(t) = TestDb::new(Engine::Postgres).await else { return };
        let first = House::on(&t.db).await;
        let second = House::beside(&t.db, "audit.example.org/log2").await;
        // The same message with the same key at both at the same time is accepted once.
        let (a, b) = tokio::join!(submit(&first, "k-1"), submit(&second, "k-1"));
        assert_eq!(a.unwrap().id, b.unwrap().id);
        assert_eq!(waiting(&first).await, waiting(&second).await);
        assert_eq!(waiting(&first).await.len(), 1);
        assert!(!sees(&first).await && !sees(&second).await);
        // What one records the other knows at its next decision, although it has decided about these people before.
        for round in 0..3 {
            let (here, there) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
            let given = here.act(WREN, mothers_permission()).await.unwrap();
            assert!(sees(there).await && sees(here).await, "given at one, {round}");
            there.act(WREN, withdrawal(given.body["id"].as_str().unwrap())).await.unwrap();
            assert!(!sees(here).await && !sees(there).await, "withdrawn at the other, {round}");
        }
        // An item is collected at either, decided anew each time, and each log has its own entries of it.
        let item = ItemId::new(waiting(&second).await.swap_remove(0));
        for house in [&first, &second] {
            let released = house.gateway.collect(&caller("council"), &item).await.unwrap();
            let body: Value = serde_json::from_slice(&released.into_bytes()).unwrap();
            assert!(!body.to_string().contains("Short account"));
            assert_eq!(house.count(Event::Collect).await, 1, "its own release, in its own log");
        }
        let given = first.count(Event::PermGrant).await + second.count(Event::PermGrant).await;
        assert_eq!((given, first.count(Event::PermGrant).await), (3, 2));
        for house in [&first, &second] {
            house.committer.stop().await;
        }
        t.finish().await;
    });
}
