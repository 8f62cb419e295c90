//! The log: receipts, tiles, restarts, and every way to bend it.

use super::support::{ORIGIN, TestDb, login, noon, on_each_engine, signer, view};
use solent::audit::{Checkpoint, Event, OpenEntry, Origin, Outcome, Payload, Signer, merkle};
use solent::clock::Clock;
use solent::ident::PersonId;
use solent::store::{
    Committer, CommitterHandle, Cursor, Draft, Finding, Job, LogReader, StartError, StoredLog, Wanted,
};

fn reader(t: &TestDb) -> LogReader {
    LogReader::new(t.db.clone(), Origin::parse(ORIGIN).unwrap())
}

async fn filled(t: &TestDb, entries: usize) -> CommitterHandle {
    let log = t.start().await.unwrap();
    for n in 0..entries {
        log.commit(Job::new(view(&format!("person-{}", n % 3)))).await.unwrap();
    }
    log
}

async fn findings(t: &TestDb) -> Vec<String> {
    let mirror = std::fs::read(t.mirror()).ok();
    let found = reader(t).verify(signer().vkey(), mirror.as_deref()).await.unwrap();
    found.iter().map(Finding::to_string).collect()
}

#[test]
fn receipts_name_contiguous_entries_that_commit_to_their_payloads() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let one = log.commit(Job::new(login())).await.unwrap().receipt;
        let three = log.commit(Job::new(view("dana")).with_entry(view("maya")).with_entry(view("theo"))).await.unwrap();
        assert_eq!((one.index(), three.receipt.index(), one.origin(), one.time()), (0, 1, ORIGIN, noon()));
        assert_eq!(three.more.iter().map(|r| r.index()).collect::<Vec<_>>(), [2, 3]);
        let rows = reader(&t).entries(0, 10).await.unwrap();
        assert_eq!(rows.len(), 4);
        for row in &rows {
            let open = OpenEntry::parse(&row.entry).unwrap();
            let (salt, payload) = t.db.payload(&t.keys, row).await.unwrap().unwrap();
            assert!(open.commits_to(&salt, &payload));
            assert!(!String::from_utf8_lossy(&row.entry).contains("dana"));
        }
        let about = t.db.entries_about(&PersonId::from("maya"), 10).await.unwrap();
        assert_eq!(about.iter().map(|r| r.index).collect::<Vec<_>>(), [2]);
        // Erasing a subject's key makes the entry unreadable for ever; the tree stays valid.
        t.tamper("DELETE FROM audit_key WHERE subject = 'maya'").await;
        assert!(t.db.payload(&t.keys, &about[0]).await.unwrap().is_none());
        log.stop().await;
        assert_eq!(findings(&t).await, [""; 0]);
        t.finish().await;
    });
}

#[test]
fn the_checkpoint_and_its_mirror_have_the_root_of_all_entries_and_the_next_start_goes_on() {
    on_each_engine(|t| async move {
        let log = filled(&t, 300).await;
        log.stop().await;
        let shard = reader(&t).shard().await.unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(t.mirror()).unwrap(), shard.note);
        let (checkpoint, _) = Checkpoint::open(shard.note.as_bytes(), &[signer().vkey().clone()]).unwrap();
        let leaves = reader(&t).leaves(0, 1000).await.unwrap();
        let tree = merkle::Tree::new(leaves.clone());
        assert_eq!((checkpoint.size, checkpoint.root), (300, tree.root()));
        assert_eq!(reader(&t).tile(0, 0).await.unwrap().unwrap(), &leaves[..256]);
        assert_eq!(reader(&t).tile(0, 1).await.unwrap().unwrap(), &leaves[256..]);
        assert_eq!(reader(&t).tile(1, 0).await.unwrap().unwrap(), [merkle::Tree::new(leaves[..256].to_vec()).root()]);
        assert!(reader(&t).tile(0, 2).await.unwrap().is_none());
        let log = t.start().await.unwrap();
        assert_eq!(log.commit(Job::new(login())).await.unwrap().receipt.index(), 300);
        log.stop().await;
        assert_eq!(findings(&t).await, [""; 0]);
        t.finish().await;
    });
}

#[test]
fn time_in_the_log_never_goes_back_when_the_clock_does() {
    on_each_engine(|t| async move {
        let clock = Clock::fixed(noon());
        let log = t.start_with(clock.clone(), t.options()).await.unwrap();
        let first = log.commit(Job::new(login())).await.unwrap().receipt;
        clock.set(noon().plus_millis(-3_600_000));
        let second = log.commit(Job::new(login())).await.unwrap().receipt;
        assert_eq!((first.time(), second.time()), (noon(), noon()));
        log.stop().await;
        let log = t.start_with(clock, t.options()).await.unwrap();
        assert_eq!(log.commit(Job::new(login())).await.unwrap().receipt.time(), noon());
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_second_process_cannot_write_the_same_log() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        assert!(matches!(t.start().await, Err(StartError::InUse { .. })));
        log.stop().await;
        t.start().await.unwrap().stop().await;
        t.finish().await;
    });
}

#[test]
fn a_writer_that_lost_its_log_to_another_writes_nothing_more() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(Job::new(login())).await.unwrap();
        t.tamper("UPDATE log_shard SET owner = 'somebody else'").await;
        for _ in 0..3 {
            assert!(log.commit(Job::new(login())).await.is_err());
        }
        assert_eq!(reader(&t).shard().await.unwrap().unwrap().size, 1);
        log.stop().await;
        t.finish().await;
    });
}

/// Every way to bend a log of 300 entries, and what the check must say about it.
const BENT: &[(&str, &str, &str)] = &[
    (
        "one byte of an entry",
        "UPDATE log_entry SET entry = (SELECT entry FROM log_entry WHERE idx = 18) WHERE idx = 17",
        "entry 17 ",
    ),
    (
        "entry and stored hash, both replaced",
        "UPDATE log_entry SET entry = (SELECT entry FROM log_entry WHERE idx = 18), leaf = (SELECT leaf FROM log_entry WHERE idx = 18) WHERE idx = 17",
        "entry 17 ",
    ),
    ("one entry dropped", "DELETE FROM log_entry WHERE idx = 42", "entry 42 is missing"),
    (
        "two entries swapped",
        "UPDATE log_entry SET idx = CASE idx WHEN 10 THEN -11 WHEN 11 THEN -10 END WHERE idx IN (10, 11); UPDATE log_entry SET idx = -idx WHERE idx < 0",
        "entry 10 ",
    ),
    ("the tail cut", "DELETE FROM log_entry WHERE idx >= 290", "entry 290 is missing"),
    ("the first entry dropped", "DELETE FROM log_entry WHERE idx = 0", "entry 0 is missing"),
    (
        "an entry added after the end",
        "INSERT INTO log_entry (origin, idx, id, time, entry, leaf) SELECT origin, 300, 'x', time, entry, leaf FROM log_entry WHERE idx = 299",
        "entry 300 (x) stands after the signed end",
    ),
    ("time beside the entry", "UPDATE log_entry SET time = time + 1 WHERE idx = 5", "entry 5 "),
    ("the checkpoint's size", "UPDATE log_shard SET size = 299", "entry 299 "),
    (
        "the checkpoint's text",
        "UPDATE log_shard SET note = replace(note, '300', '299')",
        "not signed with this log's key",
    ),
    ("the checkpoint emptied", "UPDATE log_shard SET note = ''", "not signed with this log's key"),
    (
        "the shard's row set back with the entries",
        "DELETE FROM log_entry WHERE idx >= 256; UPDATE log_shard SET size = 256, note = (SELECT note FROM checkpoint WHERE size = 256)",
        "the database lost entries",
    ),
];

#[test]
fn whatever_is_bent_is_named_and_the_gateway_does_not_start() {
    on_each_engine(|t| async move {
        let log = filled(&t, 300).await;
        log.stop().await;
        t.tamper("CREATE TABLE kept_entry AS SELECT * FROM log_entry").await;
        t.tamper("CREATE TABLE kept_shard AS SELECT * FROM log_shard").await;
        for (what, sql, expected) in BENT {
            t.tamper(sql).await;
            let found = findings(&t).await;
            assert!(found.iter().any(|f| f.contains(expected)), "{what}: {found:?}");
            assert!(matches!(t.start().await, Err(StartError::Unsound { .. })), "{what}");
            t.tamper("DELETE FROM log_entry; INSERT INTO log_entry SELECT * FROM kept_entry").await;
            t.tamper("DELETE FROM log_shard; INSERT INTO log_shard SELECT * FROM kept_shard").await;
            assert_eq!(findings(&t).await, [""; 0], "restored after: {what}");
        }
        // Another key, a bent mirror, and a mirror of another log.
        let other = Signer::log(Origin::parse(ORIGIN).unwrap(), &[10; 32]).unwrap();
        let started = Committer::start(t.db.clone(), t.keys.clone(), other, Clock::fixed(noon()), t.options()).await;
        assert!(matches!(started, Err(StartError::Unsound { .. })));
        std::fs::write(t.mirror(), "nonsense").unwrap();
        assert!(matches!(t.start().await, Err(StartError::Unsound { .. })));
        t.finish().await;
    });
}

#[test]
fn an_older_copy_of_the_whole_database_is_noticed_by_the_mirror() {
    on_each_engine(|t| async move {
        filled(&t, 5).await.stop().await;
        t.tamper(
            "CREATE TABLE old_entry AS SELECT * FROM log_entry; CREATE TABLE old_shard AS SELECT * FROM log_shard",
        )
        .await;
        filled(&t, 5).await.stop().await;
        t.tamper("DELETE FROM log_entry; INSERT INTO log_entry SELECT * FROM old_entry; DELETE FROM log_shard; INSERT INTO log_shard SELECT * FROM old_shard").await;
        let Err(StartError::Unsound { findings, .. }) = t.start().await else { panic!("started on an older copy") };
        assert_eq!(findings[0].code.as_str(), "SOL-AUDIT-TAIL", "{findings:?}");
        t.finish().await;
    });
}

#[test]
fn two_logs_of_one_database_are_written_side_by_side() {
    on_each_engine(|t| async move {
        if t.db.sqlite_path().is_some() {
            return t.finish().await;
        }
        let second = Signer::log(Origin::parse("audit.example.org/log2").unwrap(), &[9; 32]).unwrap();
        let options = solent::store::Options::default();
        let other =
            Committer::start(t.db.clone(), t.keys.clone(), second, Clock::fixed(noon()), options).await.unwrap();
        let log = t.start().await.unwrap();
        for _ in 0..20 {
            let (a, b) = tokio::join!(log.commit(Job::new(view("dana"))), other.commit(Job::new(view("dana"))));
            a.unwrap();
            b.unwrap();
        }
        assert_eq!(t.db.shards().await.unwrap().iter().map(|s| s.size).collect::<Vec<_>>(), [20, 20]);
        assert_eq!(t.db.entries_about(&PersonId::from("dana"), 100).await.unwrap().len(), 40);
        log.stop().await;
        other.stop().await;
        t.finish().await;
    });
}

#[test]
fn what_refers_to_an_agency_is_found_in_the_order_of_time_page_by_page() {
    use solent::audit::payload::Recipient;
    use solent::ident::AgencyId;
    fn sent(to: &str) -> Draft {
        let mut payload = Payload::new(Event::Collect);
        payload.recipient = Some(Recipient { agency: AgencyId::new(to), system: None });
        Draft::new(Outcome::Allow, payload)
    }
    on_each_engine(|t| async move {
        let clock = Clock::fixed(noon());
        let log = t.start_with(clock.clone(), t.options()).await.unwrap();
        // A second log of the same database, where the engine has room for one; its name comes first.
        let second = Signer::log(Origin::parse("audit.example.org/a").unwrap(), &[9; 32]).unwrap();
        let options = solent::store::Options::default();
        let other = match t.db.sqlite_path() {
            Some(_) => None,
            None => Some(Committer::start(t.db.clone(), t.keys.clone(), second, clock.clone(), options).await.unwrap()),
        };
        let mut expected = Vec::new();
        for n in 0..40_i64 {
            // Three entries in each moment, so that pages end within one.
            let at = noon().plus_millis(n / 3 * 1_000);
            clock.set(at);
            let to = if n % 4 == 0 { "school" } else { "trust" };
            let to_log = other.as_ref().filter(|_| n % 2 == 0).unwrap_or(&log);
            let receipt = to_log.commit(Job::new(sent(to))).await.unwrap().receipt;
            let within = (1..12).contains(&(n / 3));
            expected.extend((to == "trust" && within).then(|| (at, receipt.origin().to_owned(), receipt.index())));
        }
        expected.sort();
        assert!(expected.len() > 20);
        let names = solent::store::IndexKeys::new(&t.keys);
        for limit in [1, 4, 7, 500] {
            let mut wanted = Wanted {
                from: noon().plus_millis(1_000).millis(),
                to: noon().plus_millis(12_000).millis(),
                reference: Some("agency/trust".to_owned()),
                limit,
                ..Wanted::default()
            };
            let mut found = Vec::new();
            loop {
                let page = t.db.asked(&names, &wanted).await.unwrap();
                let Some(last) = page.last() else { break };
                let index = i64::try_from(last.index).unwrap();
                wanted.after = Some(Cursor { time: last.time.millis(), origin: last.origin.clone(), index });
                found.extend(page.iter().map(|row| (row.time, row.origin.clone(), row.index)));
            }
            assert_eq!(found, expected, "{limit} at a time");
        }
        log.stop().await;
        if let Some(other) = other {
            other.stop().await;
        }
        t.finish().await;
    });
}

#[test]
fn a_log_longer_than_one_stretch_is_checked_whole_and_what_is_bent_in_it_is_named() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        for _ in 0..90 {
            let job = (1..100).fold(Job::new(login()), |job, _| job.with_entry(login()));
            log.commit(job).await.unwrap();
        }
        log.stop().await;
        assert_eq!(findings(&t).await, [""; 0]);
        t.tamper("CREATE TABLE kept_entry AS SELECT * FROM log_entry").await;
        for (what, sql, expected) in [
            ("before the first boundary", "DELETE FROM log_entry WHERE idx = 4095", "entry 4095 is missing"),
            ("after it", "UPDATE log_entry SET time = time + 1 WHERE idx = 4096", "entry 4096 "),
            (
                "in the last, short stretch",
                "UPDATE log_entry SET leaf = (SELECT leaf FROM log_entry WHERE idx = 1) WHERE idx = 8999",
                "entry 8999 ",
            ),
            (
                "two at once",
                "DELETE FROM log_entry WHERE idx = 17; UPDATE log_entry SET id = 'x' WHERE idx = 8000",
                "entry 8000 ",
            ),
            (
                "a tile",
                "UPDATE log_tile SET hashes = (SELECT hashes FROM log_tile WHERE level = 0 AND idx = 3) WHERE level = 0 AND idx = 20",
                "entry 5120 ",
            ),
        ] {
            t.tamper(sql).await;
            let found = findings(&t).await;
            assert!(found.iter().any(|f| f.contains(expected)), "{what}: {found:?}");
            assert!(matches!(t.start().await, Err(StartError::Unsound { .. })), "{what}");
            t.tamper("DELETE FROM log_entry; INSERT INTO log_entry SELECT * FROM kept_entry").await;
        }
        t.finish().await;
    });
}

#[test]
fn the_verifier_of_the_audit_module_reads_the_same_log_and_opens_every_payload() {
    use solent::audit::verify::{Expected, Report, verify};
    async fn verified(t: &TestDb) -> Report {
        let source = StoredLog::new(reader(t), Some(t.keys.clone()), tokio::runtime::Handle::current());
        let expected = Expected { keys: vec![signer().vkey().clone()], held: vec![] };
        tokio::task::spawn_blocking(move || verify(&source, &expected, &mut |_| {})).await.unwrap().unwrap()
    }
    on_each_engine(|t| async move {
        let chosen = solent::ident::EntryId::from("018f0000-0000-7000-8000-000000000001");
        let log = filled(&t, 600).await;
        let receipt = log.commit(Job::new(login().with_id(chosen.clone()))).await.unwrap().receipt;
        assert_eq!(*receipt.id(), chosen);
        log.stop().await;
        let report = verified(&t).await;
        assert!(report.is_sound(), "{:?}", report.findings);
        assert_eq!((report.entries, report.payloads, report.erased), (601, 601, 0));
        t.tamper("DELETE FROM audit_key WHERE subject = 'person-1'").await;
        let report = verified(&t).await;
        assert!(report.is_sound(), "{:?}", report.findings);
        assert_eq!((report.payloads, report.erased), (401, 200));
        t.tamper("UPDATE log_entry SET sealed = (SELECT sealed FROM log_entry WHERE idx = 2) WHERE idx = 5").await;
        assert_eq!(verified(&t).await.findings_count, 1);
        t.finish().await;
    });
}
