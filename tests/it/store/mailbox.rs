//! Messages and mailboxes: an item's whole life, what is refused, what is erased when.

use super::support::{TestDb, keys, login, noon, on_each_engine, view};
use solent::audit::{Event, Outcome, Payload};
use solent::clock::Moment;
use solent::ident::{AgencyId, HatId, ItemId, MessageId, PersonId, SegmentId, SystemId};
use solent::store::{
    CommitError, Draft, EXPIRY_MILLIS, Effect, HeldCount, ItemKind, ItemState, Job, NewHeld, NewIdempotency, NewItem,
    NewMessage, NewRecord, NewSegment, PersonChange, QUARANTINE_MILLIS, RETENTION_MILLIS, RecordId, Refusal,
};
use solent::vocabulary::{Category, Purpose};

const HELD: &[u8] = br#"{"path":"Condition[1]","item":"invented, about nobody"}"#;
const CONTENT: &[u8] = br#"{"invented":"content of nobody"}"#;

pub fn receipt_draft() -> Draft {
    Draft::new(Outcome::Allow, Payload::new(Event::Receipt))
}

pub fn item(id: &str, message: &str, to: &str) -> NewItem {
    NewItem {
        id: ItemId::from(id),
        kind: ItemKind::Delivery,
        message: MessageId::from(message),
        records: vec![RecordId::new(format!("{message}-r0"))],
        from_system: SystemId::from("southdown"),
        from_agency: AgencyId::from("southdown-mh"),
        to_system: SystemId::from(to),
        hat: Some(HatId::from("priya-sw")),
        purpose: Some(Purpose::Cin),
        available_at: noon(),
        expires_at: noon().plus_millis(EXPIRY_MILLIS),
    }
}

/// A message with one record of two segments about one new person, due to `council`.
pub fn message(id: &str) -> NewMessage {
    let person = PersonId::new(format!("person-{id}"));
    let segment = |local: &str, category| NewSegment {
        id: SegmentId::new(format!("{id}-{local}")),
        local: SegmentId::from(local),
        custodian: AgencyId::from("southdown-mh"),
        category,
        form: "full".to_owned(),
        state: "active".to_owned(),
        recorded_at: noon(),
        about: vec![person.clone()],
    };
    NewMessage {
        id: MessageId::from(id),
        system: SystemId::from("southdown"),
        agency: AgencyId::from("southdown-mh"),
        format: "fhir-r4-json".to_owned(),
        received_at: noon(),
        body_digest: keys().hash("body", id.as_bytes()),
        byte_length: 9_000,
        loss: "{}".to_owned(),
        state: "accepted".to_owned(),
        records: vec![NewRecord {
            id: RecordId::new(format!("{id}-r0")),
            content: CONTENT.to_vec(),
            segments: vec![segment("s1", Some(Category::Mhl)), segment("s2", None)],
            sent_as: None,
            persons: vec![("p1".to_owned(), person.clone())],
        }],
        quarantined: Vec::new(),
        people: vec![PersonChange { person, new: true, identifiers: vec![], traits: vec![], review: None }],
        items: vec![item(&format!("{id}-i0"), id, "council")],
        idempotency: Some(NewIdempotency {
            system: SystemId::from("southdown"),
            key_hash: keys().hash("key", id.as_bytes()),
            body_digest: keys().hash("body", id.as_bytes()),
            response: format!("{{\"id\":\"{id}\"}}"),
            created_at: noon(),
        }),
    }
}

fn accept(id: &str) -> Job {
    Job::new(Draft::new(Outcome::Allow, Payload::new(Event::Send))).with_effect(Effect::Accept(Box::new(message(id))))
}

fn release(id: &str) -> Job {
    Job::new(view("dana")).with_effect(Effect::Release {
        item: ItemId::from(id),
        system: SystemId::from("council"),
        digest: [5; 32],
    })
}

fn council() -> SystemId {
    SystemId::from("council")
}

#[test]
fn an_accepted_message_is_found_again_and_its_content_is_not_in_clear() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        let row = t.db.message(&MessageId::from("m1")).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.byte_length, row.agency.as_str()), ("accepted", 9_000, "southdown-mh"));
        let ids = t.db.records_of(&row.id).await.unwrap();
        let records = t.db.records(&t.keys, &ids).await.unwrap();
        assert_eq!(records[0].content, CONTENT);
        assert_eq!(records[0].persons["p1"].as_str(), "person-m1");
        let segments = t.db.segments_about(&[PersonId::from("person-m1")], None).await.unwrap();
        assert_eq!(
            segments.iter().map(|s| (s.local.as_str(), s.category)).collect::<Vec<_>>(),
            [("s1", Some(Category::Mhl)), ("s2", None)]
        );
        assert_eq!(t.db.segments_about(&[PersonId::from("person-m1")], Some(&[Category::Mhl])).await.unwrap().len(), 1);
        assert_eq!(t.db.segments_about(&[PersonId::from("person-m2")], None).await.unwrap(), []);
        assert_eq!(t.db.segments_in(&ids).await.unwrap(), segments);
        log.stop().await;
        if let Some(path) = t.db.sqlite_path().map(ToOwned::to_owned) {
            t.db.close().await;
            let bytes = std::fs::read(path).unwrap();
            assert!(!bytes.windows(CONTENT.len()).any(|w| w == CONTENT));
            assert!(bytes.windows(9).any(|w| w == b"person-m1"), "the search itself finds what is there");
        }
        t.finish().await;
    });
}

#[test]
fn an_item_goes_from_due_to_released_to_acked_and_never_back() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        assert_eq!(t.db.mailbox_due(&council(), noon(), 10).await.unwrap().len(), 1);
        let id = ItemId::from("m1-i0");
        let ack =
            || Job::new(receipt_draft()).with_effect(Effect::Ack { item: ItemId::from("m1-i0"), system: council() });
        let early = log.commit(ack()).await.unwrap_err();
        assert!(matches!(early, CommitError::Refused(Refusal::ItemState { state: ItemState::Due })));
        let done = log.commit(release("m1-i0")).await.unwrap();
        let item = t.db.mailbox_item(&council(), &id).await.unwrap().unwrap();
        assert_eq!(
            (item.state, item.receipt.as_ref(), item.digest.as_deref()),
            (ItemState::Released, Some(done.receipt.id()), Some(&[5u8; 32][..]))
        );
        assert_eq!(item.records, [RecordId::new("m1-r0")]);
        assert_eq!((item.purpose, item.hat.unwrap().as_str()), (Some(Purpose::Cin), "priya-sw"));
        // Released but not acknowledged: still offered, for a receiver that stopped half-way.
        assert_eq!(t.db.mailbox_due(&council(), noon(), 10).await.unwrap().len(), 1);
        let size = t.db.shards().await.unwrap()[0].size;
        log.commit(ack()).await.unwrap();
        for again in [ack(), release("m1-i0")] {
            let refused = log.commit(again).await.unwrap_err();
            assert!(matches!(refused, CommitError::Refused(Refusal::ItemState { state: ItemState::Acked })));
        }
        // A refused job leaves no entry: only the acknowledgement was added.
        assert_eq!(t.db.shards().await.unwrap()[0].size, size + 1);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn of_many_releases_at_once_each_gets_its_own_answer_and_an_item_keeps_its_last_receipt() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        for n in 0..12 {
            log.commit(accept(&format!("m{n}"))).await.unwrap();
        }
        log.commit(release("m11-i0")).await.unwrap();
        let settle = Effect::Ack { item: ItemId::from("m11-i0"), system: council() };
        log.commit(Job::new(receipt_draft()).with_effect(settle)).await.unwrap();
        let size = t.db.shards().await.unwrap()[0].size;
        // Ten items, one of them four times, as decisions with their questions; and what each round adds that must fail.
        for round in ["whole", "settled", "stolen"] {
            let mut jobs: Vec<Job> = (0..10).map(|n| release(&format!("m{n}-i0"))).collect();
            jobs.extend((0..3).map(|_| release("m3-i0")));
            match round {
                "settled" => jobs.push(release("m11-i0")),
                "stolen" => jobs.push(Job::new(login()).with_effect(Effect::Release {
                    item: ItemId::from("m5-i0"),
                    system: SystemId::from("school"),
                    digest: [0; 32],
                })),
                _ => {}
            }
            let question = |job: Job| job.with_effect(Effect::KeepDecided { body: b"question".to_vec() });
            let answers = futures_util::future::join_all(jobs.into_iter().map(|job| log.commit(question(job)))).await;
            let (good, bad) = answers.split_at(13);
            let receipts: Vec<_> = good.iter().map(|a| &a.as_ref().unwrap().receipt).collect();
            for receipt in &receipts {
                let kept = t.db.decided(&t.keys, receipt.id()).await.unwrap();
                assert_eq!(kept.as_deref(), Some(&b"question"[..]), "{round}");
            }
            match (round, bad) {
                ("whole", []) => {}
                ("settled", [Err(CommitError::Refused(Refusal::ItemState { state: ItemState::Acked }))]) => {}
                ("stolen", [Err(CommitError::Refused(Refusal::Absent))]) => {}
                other => panic!("{other:?}"),
            }
            for (n, receipt) in receipts.iter().enumerate().take(10).filter(|(n, _)| *n != 3) {
                let item = t.db.mailbox_item(&council(), &ItemId::new(format!("m{n}-i0"))).await.unwrap().unwrap();
                assert_eq!((item.state, item.receipt.as_ref()), (ItemState::Released, Some(receipt.id())), "{round}");
            }
            let item = t.db.mailbox_item(&council(), &ItemId::from("m3-i0")).await.unwrap().unwrap();
            let last = [3, 10, 11, 12].map(|n: usize| receipts[n]).into_iter().max_by_key(|r| r.index()).unwrap();
            assert_eq!(item.receipt.as_ref(), Some(last.id()), "{round}");
        }
        assert_eq!(t.db.shards().await.unwrap()[0].size, size + 39, "a refused job leaves no entry");
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn another_systems_item_is_as_absent_as_one_that_never_was() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        let school = SystemId::from("school");
        assert!(t.db.mailbox_item(&school, &ItemId::from("m1-i0")).await.unwrap().is_none());
        for id in ["m1-i0", "nothing"] {
            let job = Job::new(login()).with_effect(Effect::Release {
                item: ItemId::from(id),
                system: school.clone(),
                digest: [0; 32],
            });
            assert!(matches!(log.commit(job).await, Err(CommitError::Refused(Refusal::Absent))));
        }
        assert_eq!(t.db.mailbox_item(&council(), &ItemId::from("m1-i0")).await.unwrap().unwrap().state, ItemState::Due);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_repeated_key_is_refused_whole_and_answered_from_memory_for_seven_days() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        let (system, key) = (SystemId::from("southdown"), keys().hash("key", b"m1"));
        let known = t.db.remembered(&system, &key, noon()).await.unwrap().unwrap();
        assert_eq!(
            (known.response.as_str(), known.body_digest),
            ("{\"id\":\"m1\"}", keys().hash("body", b"m1").to_vec())
        );
        let mut second = message("m2");
        second.idempotency.as_mut().unwrap().key_hash = key;
        let job = Job::new(login()).with_effect(Effect::Accept(Box::new(second)));
        assert!(matches!(log.commit(job).await, Err(CommitError::Refused(Refusal::IdempotencyTaken))));
        assert!(t.db.message(&MessageId::from("m2")).await.unwrap().is_none());
        assert!(t.db.remembered(&SystemId::from("council"), &key, noon()).await.unwrap().is_none());
        let days = |n: i64| noon().plus_millis(n * 86_400_000);
        assert!(t.db.remembered(&system, &key, days(7).plus_millis(-1)).await.unwrap().is_some());
        assert!(t.db.remembered(&system, &key, days(7)).await.unwrap().is_none());
        // After seven days the key is free again.
        let mut third = message("m3");
        let answer = third.idempotency.as_mut().unwrap();
        (answer.key_hash, answer.created_at) = (key, days(7));
        log.commit(Job::new(login()).with_effect(Effect::Accept(Box::new(third)))).await.unwrap();
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_message_half_of_which_is_refused_leaves_nothing() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        // The second effect is refused, so the first must leave nothing either.
        let job = accept("m2").with_effect(Effect::Ack { item: ItemId::from("m1-i0"), system: council() });
        assert!(matches!(log.commit(job).await, Err(CommitError::Refused(Refusal::ItemState { .. }))));
        assert!(t.db.message(&MessageId::from("m2")).await.unwrap().is_none());
        assert!(t.db.segments_about(&[PersonId::from("person-m2")], None).await.unwrap().is_empty());
        assert_eq!(t.db.shards().await.unwrap()[0].size, 1);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_job_that_breaks_a_constraint_fails_alone_in_its_batch() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        let mut waiting = Vec::new();
        for n in 0..20 {
            let log = log.clone();
            let job = if n == 7 {
                // The item names a message that does not exist.
                Job::new(login()).with_effect(Effect::Enqueue(item("i7", "nothing", "council")))
            } else {
                Job::new(view("dana")).with_effect(Effect::Enqueue(item(&format!("i{n}"), "m1", "council")))
            };
            waiting.push(tokio::spawn(async move { log.commit(job).await }));
        }
        let mut failed = Vec::new();
        for (n, one) in waiting.into_iter().enumerate() {
            if let Err(error) = one.await.unwrap() {
                assert!(matches!(error, CommitError::Invalid(_)), "{error}");
                failed.push(n);
            }
        }
        assert_eq!(failed, [7]);
        assert_eq!(t.db.mailbox_backlog(noon()).await.unwrap(), 20);
        assert_eq!(t.db.shards().await.unwrap()[0].size, 20);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn an_item_not_collected_for_fourteen_days_goes_back_with_a_notice() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        let late = noon().plus_millis(EXPIRY_MILLIS);
        assert!(t.db.mailbox_expired(late.plus_millis(-1), 10).await.unwrap().is_empty());
        assert!(t.db.mailbox_due(&council(), late, 10).await.unwrap().is_empty());
        let expired = t.db.mailbox_expired(late, 10).await.unwrap();
        assert_eq!(expired.len(), 1);
        let notice = NewItem {
            kind: ItemKind::ReturnNotice,
            records: vec![],
            available_at: late,
            expires_at: late.plus_millis(EXPIRY_MILLIS),
            ..item("notice", "m1", "southdown")
        };
        let job = Job::new(login()).with_effect(Effect::Return { item: expired[0].id.clone(), notice: Some(notice) });
        log.commit(job).await.unwrap();
        let due = t.db.mailbox_due(&SystemId::from("southdown"), late, 10).await.unwrap();
        assert_eq!(due.iter().map(|i| i.kind).collect::<Vec<_>>(), [ItemKind::ReturnNotice]);
        assert!(t.db.mailbox_expired(late, 10).await.unwrap().is_empty());
        let refused = log.commit(release("m1-i0")).await.unwrap_err();
        assert!(matches!(refused, CommitError::Refused(Refusal::ItemState { state: ItemState::Returned })));
        log.stop().await;
        t.finish().await;
    });
}

async fn acked(t: &TestDb) -> solent::store::CommitterHandle {
    let log = t.start().await.unwrap();
    log.commit(accept("m1")).await.unwrap();
    log.commit(release("m1-i0")).await.unwrap();
    log.commit(Job::new(receipt_draft()).with_effect(Effect::Ack { item: ItemId::from("m1-i0"), system: council() }))
        .await
        .unwrap();
    log
}

#[test]
fn content_is_erased_thirty_days_after_the_ack_but_not_while_somebody_still_waits_for_it() {
    on_each_engine(|t| async move {
        let log = acked(&t).await;
        log.commit(Job::new(login()).with_effect(Effect::Enqueue(item("i1", "m1", "school")))).await.unwrap();
        let purge = |id: &str| Job::new(login()).with_effect(Effect::Purge { item: ItemId::from(id) });
        let before = |at: Moment| at.plus_millis(-RETENTION_MILLIS);
        assert!(t.db.mailbox_settled(before(noon().plus_millis(RETENTION_MILLIS - 1)), 10).await.unwrap().is_empty());
        assert_eq!(t.db.mailbox_settled(before(noon().plus_millis(RETENTION_MILLIS)), 10).await.unwrap().len(), 1);
        let early = log.commit(purge("i1")).await.unwrap_err();
        assert!(matches!(early, CommitError::Refused(Refusal::ItemState { state: ItemState::Due })));
        log.commit(purge("m1-i0")).await.unwrap();
        let ids = [RecordId::new("m1-r0")];
        assert_eq!(t.db.records(&t.keys, &ids).await.unwrap().len(), 1, "the school has not collected it yet");
        let job = Job::new(login()).with_effect(Effect::Return { item: ItemId::from("i1"), notice: None });
        log.commit(job).await.unwrap();
        log.commit(purge("m1-i0")).await.unwrap();
        assert!(t.db.records(&t.keys, &ids).await.unwrap().is_empty());
        assert!(t.db.segments_about(&[PersonId::from("person-m1")], None).await.unwrap().is_empty());
        assert!(t.db.mailbox_settled(noon(), 10).await.unwrap().is_empty());
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn text_with_u0000_is_refused_and_nothing_is_written() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let mut bad = message("m1");
        bad.loss = "a\0b".to_owned();
        let job = Job::new(login()).with_effect(Effect::Accept(Box::new(bad)));
        assert!(matches!(log.commit(job).await, Err(CommitError::Invalid(_))));
        assert_eq!(t.db.shards().await.unwrap()[0].size, 0);
        log.commit(accept("m1")).await.unwrap();
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn an_item_without_a_subject_is_kept_sealed_for_its_custodian_and_erased_when_its_time_is_up() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let id = MessageId::from("m1");
        let held = |id: &str| NewHeld { id: id.to_owned(), place: 0, kind: "no-subject", content: HELD.to_vec() };
        let mut new = message("m1");
        new.quarantined = vec![held("q1"), held("q2")];
        let job = Job::new(Draft::new(Outcome::Allow, Payload::new(Event::Send)));
        log.commit(job.with_effect(Effect::Accept(Box::new(new)))).await.unwrap();
        log.commit(accept("m2")).await.unwrap();
        assert_eq!(t.db.quarantine_of(&id).await.unwrap(), HeldCount { held: 2, erased: 0 });
        assert_eq!(t.db.quarantine_of(&MessageId::from("m2")).await.unwrap(), HeldCount::default());
        let (own, other) = (AgencyId::from("southdown-mh"), AgencyId::from("harbourshire-csc"));
        let opened = t.db.quarantined(&t.keys, &own, &id).await.unwrap();
        let opened: Vec<_> = opened.iter().map(|h| (h.id.as_str(), h.kind.as_str(), h.content.as_slice())).collect();
        assert_eq!(opened, [("q1", "no-subject", HELD), ("q2", "no-subject", HELD)]);
        assert!(t.db.quarantined(&t.keys, &other, &id).await.unwrap().is_empty());
        assert_eq!(t.db.quarantine_counts().await.unwrap(), [(own.clone(), 2)]);
        // One millisecond before its time, and at its time.
        let at = |millis: i64| noon().plus_millis(millis - QUARANTINE_MILLIS);
        assert_eq!(t.db.quarantine_expired(at(QUARANTINE_MILLIS - 1), 10).await.unwrap(), []);
        assert_eq!(t.db.quarantine_expired(at(QUARANTINE_MILLIS), 10).await.unwrap(), [(id.clone(), 2)]);
        let erase = || Job::new(login()).with_effect(Effect::EraseQuarantine { message: MessageId::from("m1") });
        log.commit(erase()).await.unwrap();
        assert_eq!(t.db.quarantine_of(&id).await.unwrap(), HeldCount { held: 0, erased: 2 });
        assert!(t.db.quarantined(&t.keys, &own, &id).await.unwrap().is_empty());
        assert!(matches!(log.commit(erase()).await, Err(CommitError::Refused(Refusal::Absent))));
        log.stop().await;
        if let Some(path) = t.db.sqlite_path().map(ToOwned::to_owned) {
            t.db.close().await;
            let bytes = std::fs::read(path).unwrap();
            assert!(!bytes.windows(HELD.len()).any(|w| w == HELD));
        }
        t.finish().await;
    });
}

#[test]
fn of_messages_that_wait_together_each_gets_its_own_answer_and_a_refused_one_leaves_nothing() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let number = keys().hash("identifier", b"nhs:9990000018");
        // A job before them, so that the rest waits while its transaction runs and is written in one.
        let mut jobs = vec![Job::new(login())];
        for n in 0..40 {
            let mut one = message(&format!("m{n}"));
            match n {
                // The key of the first, and the number of the person of the second.
                20 => one.idempotency.as_mut().unwrap().key_hash = keys().hash("key", b"m0"),
                1 | 30 => one.people[0].identifiers.push((number, "nhs", true)),
                // An item whose record is not in the message breaks a constraint.
                35 => one.items[0].records = vec![RecordId::new("nowhere")],
                _ => {}
            }
            jobs.push(Job::new(login()).with_effect(Effect::Accept(Box::new(one))));
        }
        let answers = futures_util::future::join_all(jobs.into_iter().map(|job| log.commit(job))).await;
        for (n, answer) in answers.iter().skip(1).enumerate() {
            match n {
                20 => assert!(matches!(answer, Err(CommitError::Refused(Refusal::IdempotencyTaken))), "{answer:?}"),
                30 => assert!(matches!(answer, Err(CommitError::Refused(Refusal::PersonChanged))), "{answer:?}"),
                35 => assert!(matches!(answer, Err(CommitError::Invalid(_))), "{answer:?}"),
                _ => assert!(answer.is_ok(), "{n}: {answer:?}"),
            }
            let there = t.db.message(&MessageId::new(format!("m{n}"))).await.unwrap().is_some();
            assert_eq!(there, answer.is_ok(), "m{n}");
        }
        // The entries have the order of the jobs, and only those of written jobs are there.
        let places: Vec<u64> = answers.iter().flatten().map(|done| done.receipt.index()).collect();
        assert_eq!(places, (0..38).collect::<Vec<_>>());
        assert_eq!(t.db.mailbox_due(&council(), noon(), 100).await.unwrap().len(), 37);
        log.stop().await;
        t.finish().await;
    });
}
