//! The write-ahead log of a busy SQLite database is folded beside the committer: it stays short, and what stands in the files at any
//! moment is the whole log.

use super::support::{ORIGIN, TestDb, login, runtime, signer, view};
use solent::audit::Origin;
use solent::store::{Db, Engine, Job, LogReader};

/// Jobs of this many entries.
const JOBS: usize = 64;
const ENTRIES: usize = 200;
/// The most the write-ahead log may come to: twice what it has when it is started again. Without folding it would grow past it.
const WAL_BYTES_MAX: u64 = 64 << 20;

#[test]
fn a_busy_log_is_folded_beside_the_committer_and_the_files_always_hold_all_of_it() {
    runtime().block_on(async {
        let t = TestDb::new(Engine::Sqlite).await.unwrap();
        let log = t.start().await.unwrap();
        let before = std::fs::metadata(t.folder.join("solent.db")).unwrap().len();
        let mut written: u64 = 0;
        for job in 0..JOBS {
            let drafts = (1..ENTRIES).map(|n| view(&format!("child-{}", (job * 7_919 + n * 104_729) % 3_000)));
            log.commit(drafts.fold(Job::new(login()), Job::with_entry)).await.unwrap();
            written += ENTRIES as u64;
            if job % 21 == 20 {
                // What a crash would leave at this moment.
                let copy = t.folder.join(format!("copy-{job}"));
                std::fs::create_dir_all(&copy).unwrap();
                for file in ["solent.db", "solent.db-wal"] {
                    std::fs::copy(t.folder.join(file), copy.join(file)).unwrap();
                }
                let db = Db::open_sqlite(&copy.join("solent.db")).await.unwrap();
                let reader = LogReader::new(db.clone(), Origin::parse(ORIGIN).unwrap());
                assert_eq!(reader.verify(signer().vkey(), None).await.unwrap(), []);
                assert_eq!(reader.shard().await.unwrap().unwrap().size, written);
                db.close().await;
            }
        }
        let now = std::fs::metadata(t.folder.join("solent.db")).unwrap().len();
        assert!(now > before, "nothing was folded");
        let wal = std::fs::metadata(t.folder.join("solent.db-wal")).unwrap().len();
        assert!(wal <= WAL_BYTES_MAX, "the write-ahead log has {wal} bytes");
        log.stop().await;
        t.finish().await;
    });
}
