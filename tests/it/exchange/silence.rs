//! Hidden and not there are the same bytes apart from the nonce and the time, on every way out: answers, the mailbox with its
//! list, acknowledgements and errors, consent exports, the log for those who are no auditors (R59).

use super::house::{House, caller, family, refused};
use super::permissions::{about_mother, mothers_permission};
use serde_json::{Value, json};
use solent::exchange::{
    Ask, Deed, Enquiry, Failure, ItemSummary, LogForm, LogRequest, PermissionDeed, SafetyDeed, Subject,
};
use solent::ident::{AccountId, HatId, ItemId, PersonId};
use solent::vocabulary::{Category, Purpose};
use std::time::{Duration, Instant};

const WREN: (&str, &str) = ("wren-sw", "council");
const GRAY: (&str, &str) = ("gray-prv", "council");

fn of<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).unwrap()
}

/// One segment of a category about the mother, from an agency.
fn one(message: &str, category: &str, custodian: &str) -> Value {
    let label = |category: &str, floor: &str| {
        json!({"category": category, "confidentiality": floor, "custodian": custodian, "about": ["p"],
            "third_party": "none", "basis_marker": "fact", "author_role": "CLN"})
    };
    json!({
        "envelope": {"message_id": message},
        "people": [{"id": "p", "role": "subject", "label": label("IDN", "N"), "birth": {"date": "1990-02-28"},
            "names": [{"family": "Quill", "given": ["Rowan"]}], "identifiers": [{"scheme": "nhs-number", "value": "9990000107"}]}],
        "assessments": [{"id": "a", "kind": "single-assessment", "label": label(category, "V"), "summary": "Words."}]
    })
}

/// The answer with what changes from time to time put away: the receipt, and the moment of the answer.
async fn answer(house: &House, (hat, agency): (&str, &str), categories: &[Category]) -> String {
    let enquiry = Enquiry {
        account: AccountId::new(hat.split('-').next().unwrap()),
        hat: HatId::new(hat),
        purpose: Purpose::Cin,
        subject: Subject::Person(PersonId::new("mother")),
        categories: categories.to_vec(),
        override_id: None,
        delegation: None,
        opening: None,
    };
    match house.gateway.enquire(caller(agency), enquiry).await {
        Ok(released) => {
            let receipt = released.receipt().as_str().to_owned();
            String::from_utf8(released.into_bytes()).unwrap().replace(&receipt, "-")
        }
        Err(failure) => format!("{failure:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_same_with_and_without_a_segment_of_a_silent_category() {
    let house = House::open().await;
    house.send("trust", &about_mother()).await;
    house.act(WREN, mothers_permission()).await.unwrap();
    let asked = [Category::Mhl, Category::Sxh, Category::Mhn, Category::Tpi];
    let without = answer(&house, WREN, &asked).await;
    assert!(without.contains("Short account"), "{without}");
    for (n, category) in ["SXH", "MHN"].iter().enumerate() {
        house.send("trust", &one(&format!("m-hidden-{n}"), category, "trust")).await;
        assert_eq!(answer(&house, WREN, &asked).await, without, "{category}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_on_the_other_side_gets_the_same_bytes_whether_there_is_something_or_not() {
    let house = House::open().await;
    let iris = ("iris-cln", "trust");
    let asked = [Category::Edu, Category::Mis, Category::Pin];
    let protect = json!({"person": {"person": "mother"}, "against": {"person": "step"}});
    house.act(GRAY, Deed::Safety(SafetyDeed::Protect(of(protect)))).await.unwrap();
    let mark = json!({"purpose": "CIN", "hat": "iris-cln", "linked_to": {"person": "step"}});
    house.act(WREN, Deed::Safety(SafetyDeed::Mark(of(mark)))).await.unwrap();
    let without = answer(&house, iris, &asked).await;
    house.send("council", &one("m-school", "EDU", "council")).await;
    house.send("council", &one("m-police", "PIN", "council")).await;
    assert_eq!(answer(&house, iris, &asked).await, without);
    let seen = answer(&house, WREN, &asked).await;
    assert!(seen.contains("Words."), "the social worker sees it: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_somebody_is_protected_from_cannot_tell_them_from_a_stranger() {
    let house = House::open().await;
    house.send("trust", &about_mother()).await;
    hide(&house).await;
    let hidden = answer(&house, WREN, &[Category::Mhl]).await;
    let stranger = Enquiry {
        account: AccountId::new("wren"),
        hat: HatId::new("wren-sw"),
        purpose: Purpose::Cin,
        subject: Subject::Person(PersonId::new("nobody-at-all")),
        categories: vec![Category::Mhl],
        override_id: None,
        delegation: None,
        opening: None,
    };
    let released = house.gateway.enquire(caller("council"), stranger).await.unwrap();
    let receipt = released.receipt().as_str().to_owned();
    let absent = String::from_utf8(released.into_bytes()).unwrap().replace(&receipt, "-");
    // The person's alias is keyed by whom was asked about, whether or not they exist.
    assert_eq!(unaliased(&hidden), unaliased(&absent));
    assert_eq!(hidden.len(), absent.len());
}

/// Ids only this receiver sees: 32 hex digits.
fn unaliased(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
        } else {
            out.push_str(if run.len() == 32 { "ALIAS" } else { &run });
            run.clear();
            out.push(c);
        }
    }
    out
}

/// Wren turns out to be the man the mother is protected from.
async fn hide(house: &House) {
    let protect = json!({"person": {"person": "mother"}, "against": {"person": "step"}});
    house.act(GRAY, Deed::Safety(SafetyDeed::Protect(of(protect)))).await.unwrap();
    let own = json!({"person": {"person": "step"}, "kind": "self"});
    house.act(WREN, Deed::Safety(SafetyDeed::Declare(of(own)))).await.unwrap();
}

async fn listed(house: &House) -> Vec<ItemSummary> {
    house.gateway.mailbox(&caller("council"), Duration::ZERO).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_item_is_in_no_list_no_count_no_wait_and_every_word_about_it_is_that_of_an_unknown_one() {
    let house = House::open().await;
    hide(&house).await;
    let before = listed(&house).await;
    house.send("trust", &about_mother()).await;
    assert_eq!(listed(&house).await, before, "offers and count");
    let council = solent::ident::SystemId::new("council-desk");
    let due = house.gateway.db().mailbox_due(&council, house.clock.now(), 10).await.unwrap();
    let hidden = due.iter().find(|item| item.hat.is_some()).expect("it waits all the same").id.clone();
    let unknown = ItemId::new("no-such-item");
    let said = |result: Result<(), Failure>| format!("{:?}", result.unwrap_err());
    for id in [&hidden, &unknown] {
        let from = caller("council");
        assert_eq!(said(house.gateway.collect(&from, id).await.map(drop)), "NotFound");
        assert_eq!(said(house.gateway.acknowledge(&from, id).await), "NotFound");
        assert_eq!(said(house.gateway.refuse_item(&from, id).await), "NotFound");
    }
    // After its time, too, there never was one.
    house.at("2026-10-21T09:00:00Z");
    for id in [&hidden, &unknown] {
        assert_eq!(said(house.gateway.collect(&caller("council"), id).await.map(drop)), "NotFound");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_arrival_does_not_end_the_wait() {
    let house = House::open().await;
    hide(&house).await;
    let wait = Duration::from_secs(2);
    let started = Instant::now();
    let (found, ()) = tokio::join!(async { house.gateway.mailbox(&caller("council"), wait).await.unwrap() }, async {
        house.send("trust", &about_mother()).await
    });
    assert!(found.is_empty() && started.elapsed() >= wait, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_of_another_agency_exports_like_one_that_does_not_exist() {
    let house = House::open().await;
    let id = house.act(WREN, mothers_permission()).await.unwrap().body["id"].as_str().unwrap().to_owned();
    for who in [("iris-cln", "trust"), ("uma-uhn", "trust"), ("otto-vco", "mentors"), ("viv-vol", "mentors")] {
        for id in [id.as_str(), "no-such-record"] {
            for deed in [PermissionDeed::Export(id.to_owned()), PermissionDeed::Read(id.to_owned())] {
                assert_eq!(refused(house.act(who, Deed::Permission(deed)).await), "not found", "{who:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_the_same_to_whoever_is_no_auditor_about_what_is_there_and_what_is_not() {
    let house = House::open().await;
    house.send("trust", &about_mother()).await;
    answer(&house, WREN, &[Category::Mhl]).await;
    let now = house.clock.now().millis();
    let about =
        |person: &str| Ask { from: now - 1000, to: now + 1, subject: Some(person.to_owned()), ..Ask::default() };
    let entry = house.entries().await.len();
    assert!(entry > 2);
    let requests = || {
        [
            LogRequest::AuditEvents(about("mother")),
            LogRequest::AuditEvents(about("nobody")),
            LogRequest::Entries(about("mother")),
            LogRequest::Entry("no-such-entry".to_owned()),
        ]
    };
    for (hat, agency) in [WREN, ("iris-cln", "trust"), ("viv-vol", "mentors"), ("ado-ado", "council")] {
        let user = (AccountId::new(hat.split('-').next().unwrap()), HatId::new(hat));
        let mut said = Vec::new();
        for request in requests() {
            let asked = house.gateway.ask_log(&caller(agency), (&user.0, &user.1), request, LogForm::Json).await;
            said.push(format!("{:?}", asked.map(drop).unwrap_err()));
        }
        assert!(said.iter().all(|s| *s == said[0] && s.starts_with("Refused")), "{hat}: {said:?}");
    }
    assert!(family()["people"].as_array().unwrap().len() > 5);
}
