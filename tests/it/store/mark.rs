//! A start that trusts the mark of a log found sound before: what it still notices, and what the check beside its work does.

use super::support::{ORIGIN, TestDb, login, noon, on_each_engine, signer};
use solent::audit::Origin;
use solent::clock::{Clock, Moment};
use solent::store::{CommitterHandle, Job, Keys, LogReader, Options, StartError};

/// Starts with the mark of a log of one entry or more.
async fn marked(t: &TestDb, at: Moment) -> Result<CommitterHandle, StartError> {
    t.start_with(Clock::fixed(at), Options { trust_mark: Some(1), ..t.options() }).await
}

async fn append(log: &CommitterHandle, jobs: usize) {
    for _ in 0..jobs {
        let job = (1..50).fold(Job::new(login()), |job, _| job.with_entry(login()));
        log.commit(job).await.unwrap();
    }
}

/// A log of 700 entries, marked at 600 of them.
async fn prepared(t: &TestDb) -> LogReader {
    let log = t.start().await.unwrap();
    append(&log, 12).await;
    log.stop().await;
    let log = t.start().await.unwrap();
    assert!(!log.owes_check(), "what was read whole owes nothing");
    append(&log, 2).await;
    log.stop().await;
    LogReader::new(t.db.clone(), Origin::parse(ORIGIN).unwrap())
}

async fn keep(t: &TestDb) {
    t.tamper("CREATE TABLE kept_entry AS SELECT * FROM log_entry").await;
    t.tamper("CREATE TABLE kept_shard AS SELECT * FROM log_shard").await;
    t.tamper("CREATE TABLE kept_tile AS SELECT * FROM log_tile").await;
}

async fn restore(t: &TestDb) {
    t.tamper("DELETE FROM log_entry; INSERT INTO log_entry SELECT * FROM kept_entry").await;
    t.tamper("DELETE FROM log_shard; INSERT INTO log_shard SELECT * FROM kept_shard").await;
    t.tamper("DELETE FROM log_tile; INSERT INTO log_tile SELECT * FROM kept_tile").await;
}

#[test]
fn a_start_with_a_mark_goes_on_where_the_log_ends_and_the_check_after_it_moves_the_mark() {
    on_each_engine(|t| async move {
        let reader = prepared(&t).await;
        let log = marked(&t, noon()).await.unwrap();
        assert!(log.owes_check());
        append(&log, 7).await;
        let at = (&t.keys, noon());
        assert_eq!(reader.verify_and_mark(at, signer().vkey(), None, &|_, _| {}).await.unwrap(), []);
        append(&log, 1).await;
        log.stop().await;
        // Tiles of every level and the tree went on from the right place.
        assert_eq!(reader.verify(signer().vkey(), None).await.unwrap(), []);
        // The mark is at 1,050 now: an entry after 600 and before it is not read at start any more.
        t.tamper("UPDATE log_entry SET entry = leaf WHERE idx = 900").await;
        let log = marked(&t, noon()).await.unwrap();
        let found = reader.verify_and_mark(at, signer().vkey(), None, &|_, _| {}).await.unwrap();
        assert!(log.owes_check() && found.iter().any(|f| f.index == Some(900)), "{found:?}");
        log.stop().await;
        assert!(matches!(t.start().await, Err(StartError::Unsound { .. })), "without the mark it is refused at once");
        t.finish().await;
    });
}

#[test]
fn with_a_mark_whatever_can_be_seen_without_reading_old_entries_is_refused() {
    on_each_engine(|t| async move {
        prepared(&t).await;
        keep(&t).await;
        for (what, sql) in [
            ("an entry since the mark", "UPDATE log_entry SET entry = leaf WHERE idx = 650"),
            ("an entry in the unfinished tile at the mark", "UPDATE log_entry SET entry = leaf WHERE idx = 590"),
            ("an old entry dropped", "DELETE FROM log_entry WHERE idx = 17"),
            ("the tail cut", "DELETE FROM log_entry WHERE idx >= 690"),
            (
                "an entry added",
                "INSERT INTO log_entry (origin, idx, id, time, entry, leaf) SELECT origin, 700, 'x', time, entry, leaf FROM log_entry WHERE idx = 699",
            ),
            (
                "a tile of leaves",
                "UPDATE log_tile SET hashes = (SELECT hashes FROM log_tile WHERE level = 0 AND idx = 1) WHERE level = 0 AND idx = 0",
            ),
            (
                "the root in the mark",
                "UPDATE log_shard SET frontier = verified_frontier, note = replace(note, '700', '699')",
            ),
        ] {
            t.tamper(sql).await;
            assert!(matches!(marked(&t, noon()).await, Err(StartError::Unsound { .. })), "{what}");
            restore(&t).await;
        }
        marked(&t, noon()).await.unwrap().stop().await;
        t.finish().await;
    });
}

#[test]
fn a_mark_that_was_moved_that_is_old_or_anothers_is_not_trusted() {
    on_each_engine(|t| async move {
        prepared(&t).await;
        keep(&t).await;
        for (what, sql) in [
            ("moved", "UPDATE log_shard SET verified_size = 650"),
            ("made younger", "UPDATE log_shard SET verified_at = verified_at + 1"),
            ("emptied", "UPDATE log_shard SET verified_frontier = frontier"),
        ] {
            t.tamper(sql).await;
            t.tamper("UPDATE log_entry SET entry = leaf WHERE idx = 17").await;
            assert!(matches!(marked(&t, noon()).await, Err(StartError::Unsound { .. })), "{what}");
            restore(&t).await;
        }
        // A week later, and before it was made: read whole, and marked anew.
        for at in [noon().plus_millis(7 * 86_400_000), noon().plus_millis(-1)] {
            let log = marked(&t, at).await.unwrap();
            assert!(!log.owes_check());
            log.stop().await;
            restore(&t).await;
        }
        let log = marked(&t, noon().plus_millis(7 * 86_400_000 - 1)).await.unwrap();
        assert!(log.owes_check());
        log.stop().await;
        restore(&t).await;
        let other = TestDb { keys: Keys::from_secret(&[8; 32]).unwrap(), folder: t.folder.join("other"), ..t };
        std::fs::create_dir_all(&other.folder).unwrap();
        let log = marked(&other, noon()).await.unwrap();
        assert!(!log.owes_check(), "bound with another key");
        log.stop().await;
        other.finish().await;
    });
}

#[test]
fn a_tile_of_any_level_that_is_missing_altered_or_too_many_is_found_at_start() {
    on_each_engine(|t| async move {
        prepared(&t).await;
        keep(&t).await;
        for sql in [
            "DELETE FROM log_tile WHERE level = 0 AND idx = 1",
            "DELETE FROM log_tile WHERE level = 1",
            "UPDATE log_tile SET hashes = (SELECT hashes FROM log_tile WHERE level = 0 AND idx = 0) WHERE level = 1",
            "INSERT INTO log_tile SELECT origin, 0, 2, hashes FROM kept_tile WHERE level = 0 AND idx = 0",
            "INSERT INTO log_tile SELECT origin, 1, 1, hashes FROM kept_tile WHERE level = 1",
            "INSERT INTO log_tile SELECT origin, 2, 0, hashes FROM kept_tile WHERE level = 1",
        ] {
            t.tamper(sql).await;
            let started = t.start().await;
            assert!(matches!(started, Err(StartError::Unsound { .. })), "{sql}");
            restore(&t).await;
        }
        t.start().await.unwrap().stop().await;
        t.finish().await;
    });
}
