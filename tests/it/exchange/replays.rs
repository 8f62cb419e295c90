//! Past decisions made again from what was kept with them, after facts and rules have changed (R78); on both engines.

use super::house::{House, caller, content, content_files};
use super::permissions::{about_mother, mothers_permission, withdrawal};
use crate::store::support::{TestDb, on_each_engine};
use solent::audit::Event;
use solent::config::Files;
use solent::exchange::{Ask, Asker, Gone, LogAnswer, LogDifference, QuestionId, Viewer};
use solent::ident::ItemId;
use solent::sharing::Policy;
use solent::store::Db;
use solent::vocabulary::Category;
use std::time::Duration;

const WREN: (&str, &str) = ("wren-sw", "council");

/// The shipped files with one text replaced by another.
fn with(file: &str, from: &str, to: &str) -> Files {
    let mut files = content_files();
    let text = String::from_utf8(files.get(file).unwrap().to_vec()).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    files.insert(file, text.replace(from, to).into_bytes());
    files
}

/// A matrix in which social workers see nothing of mental health under CIN, also with permission.
fn without_mental_health() -> Files {
    with("sharing/matrix.csv", "CIN,SW,MHL,S,I,yes", "CIN,SW,MHL,N,N,no")
}

async fn asked(house: &House, question: QuestionId, entry: &str) -> LogAnswer {
    let ask = Ask { entry: Some(entry.to_owned()), ..Ask::default() };
    asker(house).answer(question, &ask).await.unwrap()
}

fn asker(house: &House) -> Asker<'_> {
    let place = (house.gateway.db(), &house.keys);
    Asker::new(place, house.gateway.config(), Viewer::operator(), house.clock.now())
}

async fn difference(house: &House, old: &Policy, new: &Policy) -> LogDifference {
    let now = house.clock.now().millis();
    let ask = Ask { from: now - 86_400_000, to: now + 1, ..Ask::default() };
    asker(house).difference(old, new, &ask).await.unwrap()
}

fn same(answer: &LogAnswer) -> bool {
    assert!(answer.notes.is_empty(), "{:?}", answer.notes);
    answer.summary["same_decision"] == true
}

fn levels(answer: &LogAnswer) -> Vec<String> {
    answer.rows.iter().map(|row| row["recomputed"].as_str().unwrap().to_owned()).collect()
}

async fn newest_of(house: &House, event: Event) -> String {
    let now = house.clock.now().millis();
    let ask = Ask { from: now - 86_400_000, to: now + 1, event: Some(event), ..Ask::default() };
    let (rows, _) = asker(house).page(&ask).await.unwrap();
    rows.last().unwrap().id().to_owned()
}

async fn a_past_decision_is_made_again_after_facts_and_rules_have_changed_on(t: &Db) {
    let house = House::on(t).await;
    let old = Policy::load(&content_files()).unwrap();
    house.send("trust", &about_mother()).await;
    house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap();
    let without = newest_of(&house, Event::View).await;
    let permission = house.act(WREN, mothers_permission()).await.unwrap().body["id"].as_str().unwrap().to_owned();
    house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap();
    let with_it = newest_of(&house, Event::View).await;
    let items = house.gateway.mailbox(&caller("council"), Duration::ZERO).await.unwrap();
    house.gateway.collect(&caller("council"), &ItemId::new(items[0].id.clone())).await.unwrap();
    let collected = newest_of(&house, Event::Collect).await;

    // In the same millisecond the permission is withdrawn, and the rules change.
    house.act(WREN, withdrawal(&permission)).await.unwrap();
    house.gateway.replace_content(content(&without_mental_health()));
    house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap();
    let after = newest_of(&house, Event::View).await;

    for (entry, level) in [(&without, "I:ALLOW-MATRIX"), (&with_it, "S:ALLOW-PERMISSION"), (&after, "N:D-MATRIX")] {
        let answer = asked(&house, QuestionId::Q2, entry).await;
        assert!(same(&answer), "{entry}");
        assert!(levels(&answer).contains(&level.to_owned()), "{:?}", levels(&answer));
        assert!(same(&asked(&house, QuestionId::Q8, entry).await));
    }
    assert!(same(&asked(&house, QuestionId::Q2, &collected).await));

    let new = Policy::load(&without_mental_health()).unwrap();
    let found = difference(&house, &old, &new).await;
    assert!(found.otherwise.is_empty() && found.gone.is_empty(), "{found:?}");
    let sentences: Vec<String> = found.changed.iter().map(|c| c.in_words()).collect();
    for entry in [&without, &with_it, &collected] {
        assert!(sentences.iter().any(|s| s.contains(&format!("entry {entry}"))), "{entry} in {sentences:?}");
    }
    assert!(sentences.iter().all(|s| s.contains("Less is shown. Before: ")), "{sentences:?}");
    assert!(sentences.iter().all(|s| !s.contains("mother") && !s.contains("Rowan")), "{sentences:?}");
    let none = difference(&house, &old, &old).await;
    assert!(none.changed.is_empty() && none.entries == found.entries && none.decisions >= 4, "{none:?}");
    house.committer.stop().await;
}

#[test]
fn a_past_decision_is_made_again_after_facts_and_rules_have_changed() {
    on_each_engine(|t: TestDb| async move {
        a_past_decision_is_made_again_after_facts_and_rules_have_changed_on(&t.db).await;
        t.finish().await;
    });
}

/// Rules in which a clinician cannot declare CIN.
fn without_clinicians_under_cin() -> Files {
    let mut files = content_files();
    let text = String::from_utf8(files.get("sharing/matrix.csv").unwrap().to_vec()).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("CIN,CLN,")).collect();
    files.insert("sharing/matrix.csv", format!("{}\n", kept.join("\n")).into_bytes());
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_act_and_who_was_not_is_decided_again_after_facts_and_rules_have_changed() {
    let house = House::open().await;
    let old = Policy::load(&content_files()).unwrap();
    let given = house.act(WREN, mothers_permission()).await.unwrap();
    let by_clinician = house.act(("iris-cln", "trust"), mothers_permission()).await.unwrap();
    assert!(house.act(("uma-uhn", "trust"), mothers_permission()).await.is_err(), "she works with nobody of them");
    let (_, refusal) = house.last_entry().await;
    assert_eq!(refusal.reason.as_deref(), Some("D-REL"));
    let refused = newest_of(&house, refusal.event).await;
    // The worker's allocation ends, the rules change.
    let permission = given.body["id"].as_str().unwrap().to_owned();
    house.act(WREN, withdrawal(&permission)).await.unwrap();
    house.gateway.replace_content(content(&without_clinicians_under_cin()));
    for entry in [given.receipt.as_str(), by_clinician.receipt.as_str(), &refused] {
        assert!(same(&asked(&house, QuestionId::Q2, entry).await), "{entry}");
    }
    let again = asked(&house, QuestionId::Q2, &refused).await;
    assert_eq!(again.summary["recomputed_reason"], "D-REL");
    // Without the column the clinician could not have recorded it; nobody else's act changes.
    let new = Policy::load(&without_clinicians_under_cin()).unwrap();
    let found = difference(&house, &old, &new).await;
    assert!(found.otherwise.is_empty() && found.gone.is_empty(), "{found:?}");
    let sentences: Vec<String> = found.changed.iter().map(|c| c.in_words()).collect();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    assert!(sentences[0].contains(&format!("entry {}, an act", by_clinician.receipt)), "{sentences:?}");
}

#[test]
fn what_a_decision_was_made_from_cannot_be_altered_or_outlive_the_erasure_of_its_entry() {
    on_each_engine(|t: TestDb| async move {
        let house = House::on(&t.db).await;
        let old = Policy::load(&content_files()).unwrap();
        house.send("trust", &about_mother()).await;
        for _ in 0..2 {
            house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap();
        }
        let entry = newest_of(&house, Event::View).await;
        assert!(same(&asked(&house, QuestionId::Q2, &entry).await));
        // The question of another entry in its place: sealed for that entry, it cannot be opened.
        t.tamper("UPDATE decided SET body = (SELECT body FROM decided ORDER BY entry LIMIT 1)").await;
        let now = house.clock.now().millis();
        let ask = Ask { from: now - 86_400_000, to: now + 1, ..Ask::default() };
        assert!(asker(&house).difference(&old, &old, &ask).await.is_err());
        t.tamper("DELETE FROM decided").await;
        let found = difference(&house, &old, &old).await;
        assert_eq!((found.entries, found.gone.get(&Gone::Erased).copied()), (0, Some(2)));
        let answer = asked(&house, QuestionId::Q2, &entry).await;
        assert_eq!(answer.notes, ["Not decided again: what it was decided from has been erased."]);
        t.tamper("UPDATE policy_set SET files = '{}'").await;
        house.enquire("wren-sw", "council", "mother", Category::Mhl).await.unwrap();
        let found = difference(&house, &old, &old).await;
        assert_eq!(found.gone.get(&Gone::Rules).copied(), Some(1));
        house.committer.stop().await;
        t.finish().await;
    });
}
