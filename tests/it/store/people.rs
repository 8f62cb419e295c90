//! The people index: who is found again, who waits for review, who is never found.

use super::mailbox::message;
use super::support::{ORIGIN, TestDb, login, on_each_engine, view};
use solent::audit::{Event, Origin};
use solent::ident::{AgencyId, PersonId};
use solent::matching::{Identifier, Scheme};
use solent::store::{
    CommitError, CommitterHandle, Cursor, Effect, IndexKeys, Job, Presented, RecordId, Refusal, Resolution, Wanted,
};

fn presented(nhs: &str, own: Option<&str>, birth: &str, family: &str, given: &str) -> Presented {
    let sender = AgencyId::from("southdown-mh");
    let nhs = Identifier::new(Scheme::NhsNumber, nhs, &sender);
    let own = own.and_then(|v| Identifier::new(Scheme::Local, v, &sender));
    Presented {
        identifiers: nhs.into_iter().chain(own).collect(),
        birth: Some(birth.to_owned()),
        names: vec![(family.to_owned(), given.to_owned())],
        homes: Vec::new(),
    }
}

/// Accepts a message that brings what the resolution adds.
async fn write(log: &CommitterHandle, id: &str, mut resolution: Resolution) -> Result<PersonId, CommitError> {
    let mut new = message(id);
    let person = resolution.person.clone();
    for segment in &mut new.records[0].segments {
        segment.about = vec![person.clone()];
    }
    new.records[0].persons = vec![("p1".to_owned(), person.clone())];
    if let Some(review) = &mut resolution.change.review {
        (review.record, review.local) = (Some(RecordId::new(format!("{id}-r0"))), "p1".to_owned());
    }
    new.people = vec![resolution.change];
    log.commit(Job::new(login()).with_effect(Effect::Accept(Box::new(new)))).await.map(|_| person)
}

async fn arrive(t: &TestDb, log: &CommitterHandle, id: &str, who: &Presented) -> (PersonId, bool) {
    let resolution = t.db.resolve_person(&t.keys, who).await.unwrap();
    let matched = resolution.matched;
    (write(log, id, resolution).await.unwrap(), matched)
}

#[test]
fn the_same_person_is_found_again_and_a_doubtful_one_waits_for_review() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let (maya, matched) =
            arrive(&t, &log, "m1", &presented("9990000018", None, "2017-02-03", "Lane", "Maya")).await;
        assert!(!matched);
        let again =
            arrive(&t, &log, "m2", &presented("999 000 0018", Some("c-1"), "2017-02-03", "LANE", "Maya Rose")).await;
        assert_eq!(again, (maya.clone(), true));
        assert!(t.db.reviews("open", 10).await.unwrap().is_empty());
        // Same number, another name: never merged.
        let (other, matched) =
            arrive(&t, &log, "m3", &presented("9990000018", None, "2017-02-03", "Lane", "Theo")).await;
        assert!(!matched && other != maya);
        // Same name and birth date, no number that proves it.
        let (third, matched) =
            arrive(&t, &log, "m4", &presented("9990000019", None, "2017-02-03", "Lane", "Maya")).await;
        assert!(!matched && third != maya);
        let open = t.db.reviews("open", 10).await.unwrap();
        let reasons: Vec<_> = open.iter().map(|r| (r.reason.as_str(), r.candidate.clone(), r.local.as_str())).collect();
        assert_eq!(reasons.len(), 2);
        assert!(reasons.contains(&("identifier-only", maya.clone(), "p1")));
        assert!(reasons.contains(&("name-and-birth-only", maya.clone(), "p1")));
        // The number still leads to Maya, and to her only.
        let again = arrive(&t, &log, "m5", &presented("9990000018", Some("c-1"), "2017-02-03", "Lane", "Maya")).await;
        assert_eq!(again, (maya, true));
        log.commit(
            Job::new(login())
                .with_effect(Effect::SettleReview { id: open[0].id.clone(), state: "other-person".to_owned() }),
        )
        .await
        .unwrap();
        assert_eq!(t.db.reviews("open", 10).await.unwrap().len(), 1);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn two_messages_that_make_the_same_new_person_at_once_make_one() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let who = presented("9990000018", None, "2017-02-03", "Lane", "Maya");
        let first = t.db.resolve_person(&t.keys, &who).await.unwrap();
        let second = t.db.resolve_person(&t.keys, &who).await.unwrap();
        assert!(!first.matched && !second.matched && first.person != second.person);
        let maya = write(&log, "m1", first).await.unwrap();
        assert!(matches!(write(&log, "m2", second).await, Err(CommitError::Refused(Refusal::PersonChanged))));
        assert_eq!(arrive(&t, &log, "m2", &who).await, (maya, true));
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_sealed_persons_old_number_answers_like_one_never_issued() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let who = presented("9990000018", Some("c-1"), "2017-02-03", "Lane", "Maya");
        let (former, _) = arrive(&t, &log, "m1", &who).await;
        log.commit(Job::new(login()).with_effect(Effect::SealPerson(former.clone()))).await.unwrap();
        let (fresh, matched) = arrive(&t, &log, "m2", &who).await;
        assert!(!matched && fresh != former);
        assert!(t.db.reviews("open", 10).await.unwrap().is_empty(), "a doubt would show that there is something");
        assert_eq!(arrive(&t, &log, "m3", &who).await, (fresh, true));
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_search_says_who_fits_how_surely_and_who_was_sealed() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let whole = presented("9990000018", None, "2017-02-03", "Lane", "Maya");
        let (maya, _) = arrive(&t, &log, "m1", &whole).await;
        let found = |presented: Presented| {
            let (db, keys) = (t.db.clone(), t.keys.clone());
            async move {
                let found = db.search_people(&keys, &presented).await.unwrap();
                found.into_iter().map(|f| (f.person, f.certain, f.holds)).collect::<Vec<_>>()
            }
        };
        let number = Presented { identifiers: whole.identifiers.clone(), ..Presented::default() };
        let named = Presented { identifiers: Vec::new(), ..whole.clone() };
        assert_eq!(found(whole.clone()).await, [(maya.clone(), true, true)]);
        assert_eq!(found(number.clone()).await, [(maya.clone(), false, true)]);
        assert_eq!(found(named.clone()).await, [(maya.clone(), false, false)]);
        assert_eq!(found(presented("9990000018", None, "2017-02-03", "Lane", "Theo")).await, []);
        // A home finds with the family name and the birth date it came with; alone or with others it finds nobody, and it
        // matches no message.
        let at = |family: &str, code: &str| vec![(family.to_owned(), code.to_owned())];
        let home = Presented { homes: at("Lane", "ZZ99 4AB"), ..whole.clone() };
        assert_eq!(arrive(&t, &log, "m2", &home).await, (maya.clone(), true));
        let born = |homes| Presented { birth: whole.birth.clone(), homes, ..Presented::default() };
        assert_eq!(found(born(at("LANE", "zz994ab"))).await, [(maya.clone(), false, false)]);
        for nobody in [born(at("Lane", "ZZ99 4AC")), born(at("Briggs", "ZZ99 4AB"))] {
            assert_eq!(found(nobody).await, []);
        }
        let undated = Presented { homes: at("Lane", "ZZ99 4AB"), ..Presented::default() };
        assert_eq!(found(undated).await, []);
        let twin =
            Presented { homes: at("Lane", "ZZ99 4AB"), ..presented("9990000026", None, "2017-02-03", "Lane", "Theo") };
        assert!(!arrive(&t, &log, "m3", &twin).await.1, "living together makes nobody the same");
        let known: Vec<_> = t.db.likeness(&maya, &maya).await.unwrap().into_iter().map(|l| l.what).collect();
        assert!(!known.contains(&"home".to_owned()), "{known:?}");
        assert_eq!(t.db.sealed_holders(&t.keys, &whole.identifiers).await.unwrap(), []);
        log.commit(Job::new(login()).with_effect(Effect::SealPerson(maya.clone()))).await.unwrap();
        for query in [whole.clone(), number, named, home] {
            assert_eq!(found(query).await, []);
        }
        assert_eq!(t.db.sealed_holders(&t.keys, &whole.identifiers).await.unwrap(), [maya]);
        let never = presented("9990000026", None, "2017-02-03", "Lane", "Maya");
        assert_eq!(t.db.sealed_holders(&t.keys, &never.identifiers).await.unwrap(), []);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_senders_own_number_given_to_another_client_is_not_taken_from_the_first() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let (dana, _) =
            arrive(&t, &log, "m1", &presented("9990000034", Some("c-9"), "1992-03-11", "Lane", "Dana")).await;
        let (other, matched) =
            arrive(&t, &log, "m2", &presented("9990000042", Some("c-9"), "1988-01-15", "Briggs", "Kurt")).await;
        assert!(!matched && other != dana);
        let again = arrive(&t, &log, "m3", &presented("9990000034", Some("c-9"), "1992-03-11", "Lane", "Dana")).await;
        assert_eq!(again, (dana, true));
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn two_people_become_one_in_all_that_names_them_and_are_erased_as_one() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let known = presented("9990000018", None, "2017-02-03", "Lane", "Maya");
        let doubtful = presented("9990000019", Some("c-7"), "2017-02-03", "Lane", "Maya");
        let (maya, _) = arrive(&t, &log, "m1", &known).await;
        let (other, matched) = arrive(&t, &log, "m2", &doubtful).await;
        assert!(!matched && other != maya);
        let review = t.db.reviews("open", 10).await.unwrap().remove(0);
        for subject in [&maya, &other] {
            log.commit(Job::new(view(subject.as_str()))).await.unwrap();
        }
        t.tamper("UPDATE person SET created_at = created_at + 1 WHERE id = (SELECT person FROM review)").await;
        assert_eq!(t.db.older_first(&other, &maya).await.unwrap(), Some((maya.clone(), other.clone())));
        let records = [RecordId::new("m2-r0")];
        let before = t.db.sealed_records(&records).await.unwrap();
        let join = |gone: &PersonId, kept: &PersonId| {
            Job::new(login()).with_effect(Effect::JoinPeople { gone: gone.clone(), kept: kept.clone() })
        };
        let settle = Effect::SettleReview { id: review.id, state: "same".to_owned() };
        let job = Job::new(login()).with_effect(settle);
        log.commit(job.with_effect(Effect::JoinPeople { gone: other.clone(), kept: maya.clone() })).await.unwrap();
        // Every row that named the one names the other, and whoever remembers the record notices.
        assert!(t.db.reviews("open", 10).await.unwrap().is_empty());
        let segments = t.db.segments_about(std::slice::from_ref(&maya), None).await.unwrap();
        assert_eq!(segments.len(), 4, "two of each message");
        assert!(t.db.segments_about(std::slice::from_ref(&other), None).await.unwrap().is_empty());
        let opened = t.db.records(&t.keys, &records).await.unwrap();
        assert_eq!(opened[0].persons["p1"], maya);
        assert_ne!(t.db.sealed_records(&records).await.unwrap(), before);
        // What the one was known by, the other is known by.
        assert_eq!(arrive(&t, &log, "m3", &doubtful).await, (maya.clone(), true));
        assert_eq!(t.db.one_with(maya.as_str()).await.unwrap(), [other.as_str()]);
        // Nothing more is written about the id that went; it leads to the one who stays.
        assert_eq!(t.db.joined_into(&other).await.unwrap().as_ref(), Some(&maya));
        assert_eq!(t.db.joined_into(&maya).await.unwrap(), None);
        let about =
            |person: &PersonId| Job::new(view(person.as_str())).with_effect(Effect::IfNotJoined(person.clone()));
        let refused = log.commit(about(&other)).await;
        assert!(matches!(refused, Err(CommitError::Refused(Refusal::PersonChanged))));
        log.commit(about(&maya)).await.unwrap();
        assert_eq!(t.db.one_with(other.as_str()).await.unwrap(), [maya.as_str()]);
        // Asked by either id, the log answers with what was logged about both, in its order, page by page.
        let names = IndexKeys::new(&t.keys);
        for (asked, known_as) in [(&maya, &other), (&other, &maya)] {
            assert_eq!(t.db.known_as(asked.as_str()).await.unwrap(), [known_as.as_str()]);
            let span = Wanted { to: i64::MAX, limit: 1, ..Wanted::default() };
            let mut wanted = Wanted {
                subject: Some(asked.as_str().to_owned()),
                known_as: vec![known_as.as_str().to_owned()],
                events: vec![Event::View],
                ..span
            };
            let mut found = Vec::new();
            while let Some(row) = t.db.asked(&names, &wanted).await.unwrap().into_iter().next() {
                let (time, index) = (row.time.millis(), i64::try_from(row.index).unwrap());
                wanted.after = Some(Cursor { time, origin: row.origin, index });
                found.push(row.index);
            }
            assert_eq!(found, [2, 3, 6], "the two before they were one, and the one since");
        }
        for (gone, kept) in [(&other, &maya), (&maya, &other), (&maya, &maya)] {
            let again = log.commit(join(gone, kept)).await;
            assert!(matches!(again, Err(CommitError::Refused(Refusal::PersonChanged))));
        }
        // Who turned out to be one is erased as one.
        let origin = Origin::parse(ORIGIN).unwrap();
        assert_eq!(t.db.sealed_with(&origin, maya.as_str()).await.unwrap(), 3);
        let erase = Effect::EraseSealed { origin: origin.as_str().to_owned(), key: maya.as_str().to_owned() };
        log.commit(Job::new(login()).with_effect(erase)).await.unwrap();
        for person in [&maya, &other] {
            assert_eq!(t.db.sealed_with(&origin, person.as_str()).await.unwrap(), 0);
        }
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn people_who_stand_in_one_record_or_are_sealed_are_not_joined() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let (maya, _) = arrive(&t, &log, "m1", &presented("9990000018", None, "2017-02-03", "Lane", "Maya")).await;
        let (theo, _) = arrive(&t, &log, "m2", &presented("9990000026", None, "2012-04-20", "Lane", "Theo")).await;
        let mut both = message("m3");
        both.people.clear();
        both.records[0].persons = vec![("p1".to_owned(), maya.clone()), ("p2".to_owned(), theo.clone())];
        for segment in &mut both.records[0].segments {
            segment.about = vec![maya.clone()];
        }
        log.commit(Job::new(login()).with_effect(Effect::Accept(Box::new(both)))).await.unwrap();
        let join = || Effect::JoinPeople { gone: theo.clone(), kept: maya.clone() };
        log.commit(Job::new(login()).with_effect(Effect::IfNotJoined(theo.clone()))).await.unwrap();
        let refused = log.commit(Job::new(login()).with_effect(join())).await;
        assert!(matches!(refused, Err(CommitError::Refused(Refusal::TwoPeople))));
        assert_eq!(t.db.segments_about(std::slice::from_ref(&theo), None).await.unwrap().len(), 2);
        log.commit(Job::new(login()).with_effect(Effect::SealPerson(theo.clone()))).await.unwrap();
        let refused = log.commit(Job::new(login()).with_effect(join())).await;
        assert!(matches!(refused, Err(CommitError::Refused(Refusal::PersonChanged))));
        log.stop().await;
        t.finish().await;
    });
}
