//! A statement that its sender corrects or takes back: nobody is shown it any more, and whoever received it is told (R70).

use super::house::{House, caller};
use super::permissions::{about_mother, mothers_permission};
use crate::store::support::{TestDb, on_each_engine};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::exchange::{Accepted, Ask, Asker, QuestionId, Submission, Viewer};
use solent::ident::ItemId;
use solent::vocabulary::Category;
use std::time::Duration;

const WREN: (&str, &str) = ("wren-sw", "council");

/// The same record with another account of the illness, as a correction of the first.
fn corrected(earlier: &str) -> Value {
    let mut record = about_mother();
    record["envelope"] = json!({"message_id": "m-2", "replaces": earlier});
    record["assessments"][0]["summary"] = json!("Another whole account.");
    record["assessments"][1]["summary"] = json!("Another short account.");
    record
}

async fn accepted(house: &House, agency: &str, record: &Value) -> Accepted {
    let body = serde_json::to_vec(record).unwrap();
    house.gateway.receive(&caller(agency), Submission { body, idempotency_key: None }).await.unwrap()
}

async fn collected(house: &House, agency: &str) -> Vec<Value> {
    let items = house.gateway.mailbox(&caller(agency), Duration::ZERO).await.unwrap();
    let mut all = Vec::new();
    for item in &items {
        let released = house.gateway.collect(&caller(agency), &ItemId::new(item.id.clone())).await.unwrap();
        all.push(serde_json::from_slice(&released.into_bytes()).unwrap());
    }
    all
}

async fn sees(house: &House, hat: &str, agency: &str) -> String {
    house.enquire(hat, agency, "mother", Category::Mhl).await.unwrap().to_string()
}

#[test]
fn each_hat_that_received_a_statement_is_told_once_when_it_is_corrected_and_nobody_is_shown_it_again() {
    on_each_engine(|t: TestDb| async move {
        let house = House::on(&t.db).await;
        accepted(&house, "trust", &about_mother()).await;
        house.act(WREN, mothers_permission()).await.unwrap();
        assert!(sees(&house, "wren-sw", "council").await.contains("Short account"));
        assert!(sees(&house, "wren-sw", "council").await.contains("Short account"));
        sees(&house, "hale-sw", "council").await;
        sees(&house, "iris-cln", "trust").await;
        let answer = accepted(&house, "trust", &corrected("m-1")).await;
        assert_eq!(answer.replaced, 1);
        let text = sees(&house, "wren-sw", "council").await;
        assert!(text.contains("Another short account.") && !text.contains("Short account for others"), "{text}");
        // Three hats received it, two of them through the council's system.
        let told = house.count(Event::Correction).await;
        assert_eq!(told, 4, "the correction, and one for each of three hats");
        let found = collected(&house, "council").await;
        let mut notices: Vec<&Value> = found.iter().filter(|body| body.get("notice").is_some()).collect();
        notices.sort_by_key(|body| body["hat"].to_string());
        let heads: Vec<(&str, usize)> =
            notices.iter().map(|n| (n["hat"].as_str().unwrap(), n["receipts"].as_array().unwrap().len())).collect();
        assert_eq!(heads, [("hale-sw", 1), ("wren-sw", 2)]);
        assert!(notices.iter().all(|n| n["notice"] == "statement-corrected"));
        let text = format!("{notices:?}");
        assert!(["mother", "MHL", "account", "m-1"].iter().all(|word| !text.contains(word)), "{text}");
        // What waited in the mailbox is the new record alone.
        let delivered: Vec<&Value> = found.iter().filter(|body| body.get("notice").is_none()).collect();
        assert_eq!(delivered.len(), 1);
        assert!(!delivered[0].to_string().contains("Short account for others"));
        assert_eq!(collected(&house, "trust").await.len(), 1, "its own clinician had looked at it too");
        assert!(collected(&house, "force").await.is_empty(), "who received nothing is told nothing");
        t.finish().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_received_a_statement_and_when_each_was_told() {
    let house = House::open().await;
    let first = accepted(&house, "trust", &about_mother()).await;
    sees(&house, "wren-sw", "council").await;
    let now = house.clock.now().millis();
    let ask = Ask { from: now - 86_400_000, to: now + 1, message: Some(first.id.clone()), ..Ask::default() };
    let asker = || {
        let place = (house.gateway.db(), &house.keys);
        Asker::new(place, house.gateway.config(), Viewer::operator(), house.clock.now())
    };
    let before = asker().answer(QuestionId::Q10, &ask).await.unwrap();
    assert_eq!((before.rows.len(), &before.rows[0]["corrected"]), (1, &Value::Null));
    accepted(&house, "trust", &corrected(&first.id)).await;
    let after = asker().answer(QuestionId::Q10, &ask).await.unwrap();
    assert_eq!(after.rows.len(), 1);
    assert!(after.rows[0]["corrected"].is_string(), "{:?}", after.rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_taken_back_is_shown_to_nobody_and_a_later_correction_finds_what_stands_in_its_place() {
    let house = House::open().await;
    accepted(&house, "trust", &about_mother()).await;
    house.act(WREN, mothers_permission()).await.unwrap();
    sees(&house, "wren-sw", "council").await;
    let mut back = corrected("m-1");
    for assessment in back["assessments"].as_array_mut().unwrap() {
        assessment["state"] = json!("entered-in-error");
    }
    accepted(&house, "trust", &back).await;
    assert!(!sees(&house, "wren-sw", "council").await.contains("account"));
    let kinds: Vec<Value> = collected(&house, "council").await.iter().map(|b| b["notice"].clone()).collect();
    assert!(kinds.contains(&json!("statement-withdrawn")), "{kinds:?}");
    // Named by the first record's name: the second stands in its place by now.
    let mut third = corrected("m-1");
    third["envelope"]["message_id"] = json!("m-3");
    assert_eq!(accepted(&house, "trust", &third).await.replaced, 1);
    assert!(sees(&house, "wren-sw", "council").await.contains("Another short account."));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_replaces_what_another_sent_and_an_unknown_name_replaces_nothing() {
    let house = House::open().await;
    let first = accepted(&house, "trust", &about_mother()).await;
    house.act(WREN, mothers_permission()).await.unwrap();
    for earlier in ["m-1", first.id.as_str()] {
        let mut other = corrected(earlier);
        other["people"][0]["label"]["custodian"] = json!("force");
        for assessment in other["assessments"].as_array_mut().unwrap() {
            assessment["label"]["custodian"] = json!("force");
        }
        assert_eq!(accepted(&house, "force", &other).await.replaced, 0, "{earlier}");
    }
    assert_eq!(accepted(&house, "trust", &corrected("m-9")).await.replaced, 0);
    assert!(sees(&house, "wren-sw", "council").await.contains("Short account for others."));
    assert_eq!(house.count(Event::Correction).await, 0);
}
