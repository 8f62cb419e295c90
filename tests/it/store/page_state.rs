//! What the pages keep: found by id and by owner, changed by version, gone when its time is over, sealed at rest.

use super::support::{TestDb, noon, on_each_engine};
use solent::clock::Moment;
use solent::store::{CommitError, CommitterHandle, Effect, Kept, KeptKind, Refusal};

const HOUR: i64 = 3_600_000;

fn draft(id: &str, owner: &str, body: &str, hours: i64) -> Kept {
    Kept {
        kind: KeptKind::Draft,
        id: id.to_owned(),
        owner: owner.to_owned(),
        version: 0,
        body: body.as_bytes().to_vec(),
        changed_at: noon(),
        expires_at: noon().plus_millis(hours * HOUR),
    }
}

async fn keep(log: &CommitterHandle, kept: Kept, was: Option<i64>) -> Result<(), CommitError> {
    log.tidy(vec![Effect::Keep { kept, was }]).await
}

async fn body(t: &TestDb, id: &str, at: Moment) -> Option<(i64, String)> {
    let kept = t.db.kept(&t.keys, KeptKind::Draft, id, at).await.unwrap();
    kept.map(|k| (k.version, String::from_utf8(k.body).unwrap()))
}

#[test]
fn what_pages_keep_is_changed_by_version_and_gone_when_its_time_is_over() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        keep(&log, draft("a", "acc-1", "first words", 1), Some(0)).await.unwrap();
        keep(&log, draft("a", "acc-1", "second words", 2), Some(1)).await.unwrap();
        keep(&log, draft("b", "acc-2", "another's", 9), None).await.unwrap();
        // Whoever did not see the second version changes nothing.
        let late = keep(&log, draft("a", "acc-1", "lost words", 9), Some(1)).await;
        assert!(matches!(late, Err(CommitError::Refused(Refusal::KeptChanged { version: 2 }))));
        assert_eq!(body(&t, "a", noon()).await, Some((2, "second words".to_owned())));
        let own = t.db.kept_of(&t.keys, KeptKind::Draft, "acc-1", noon()).await.unwrap();
        assert_eq!(own.iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(t.db.kept_all(&t.keys, KeptKind::Draft, noon()).await.unwrap().len(), 2);
        for (owners, found) in [(vec![], 0), (vec!["acc-2", "acc-3"], 1), (vec!["acc-1", "acc-2"], 2)] {
            let owners: Vec<String> = owners.into_iter().map(str::to_owned).collect();
            let kept = t.db.kept_of_any(&t.keys, KeptKind::Draft, &owners, noon()).await.unwrap();
            assert_eq!(kept.len(), found, "{owners:?}");
        }
        assert!(t.db.kept_all(&t.keys, KeptKind::Session, noon()).await.unwrap().is_empty());
        // Its time is over at its end, whether or not it was swept.
        assert_eq!(body(&t, "a", noon().plus_millis(2 * HOUR)).await, None);
        let gone = log.tidy(vec![Effect::EndKept { kind: KeptKind::Draft, id: "c".to_owned() }]).await;
        assert!(matches!(gone, Err(CommitError::Refused(Refusal::Absent))));
        log.tidy(vec![Effect::EndKept { kind: KeptKind::Draft, id: "b".to_owned() }]).await.unwrap();
        keep(&log, draft("d", "acc-1", "over already", -1), None).await.unwrap();
        log.tidy(vec![Effect::ForgetKept]).await.unwrap();
        let long_ago = noon().plus_millis(-9 * HOUR);
        assert_eq!(t.db.kept_all(&t.keys, KeptKind::Draft, long_ago).await.unwrap().len(), 1);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn what_one_owner_keeps_is_handed_on_or_ended_as_a_whole() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        for (id, owner) in [("a", "acc-1"), ("b", "acc-1"), ("c", "acc-2")] {
            keep(&log, draft(id, owner, "words", 1), None).await.unwrap();
        }
        let kind = KeptKind::Draft;
        let hand = |from: &str, to: &str, hours: i64| Effect::HandOn {
            kind,
            from: from.to_owned(),
            to: to.to_owned(),
            expires_at: noon().plus_millis(hours * HOUR),
        };
        log.tidy(vec![hand("acc-1", "acc-3", 9)]).await.unwrap();
        let later = noon().plus_millis(5 * HOUR);
        assert!(t.db.kept_of(&t.keys, kind, "acc-1", noon()).await.unwrap().is_empty());
        // The bodies open in their new place, for as long as was said; another owner's are as they were.
        assert_eq!(t.db.kept_of(&t.keys, kind, "acc-3", later).await.unwrap().len(), 2);
        assert!(t.db.kept_of(&t.keys, kind, "acc-2", later).await.unwrap().is_empty());
        let end = |owner: &str| Effect::EndKeptOf { kind, owner: owner.to_owned() };
        log.tidy(vec![end("acc-3"), end("nobody")]).await.unwrap();
        assert!(t.db.kept_of(&t.keys, kind, "acc-3", noon()).await.unwrap().is_empty());
        assert_eq!(t.db.kept_of(&t.keys, kind, "acc-2", noon()).await.unwrap().len(), 1);
        log.stop().await;
        t.finish().await;
    });
}
