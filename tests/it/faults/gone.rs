//! The database goes away under a running committer: nothing is promised meanwhile, what was promised is there, once.

use super::commits::{accept, eventually, size, sound};
use crate::audit::command::solent;
use crate::audit::database::{config, text};
use crate::store::support::{TestDb, login, noon, on_each_engine, postgres, runtime};
use solent::clock::Clock;
use solent::ident::SystemId;
use solent::store::{CommitError, Engine, Job, Standing};
use sqlx::{ConnectOptions as _, Connection as _};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn there(t: &TestDb) -> BTreeSet<String> {
    let items = t.db.mailbox_due(&SystemId::from("council"), noon(), 1_000).await.unwrap();
    assert_eq!(items.len(), items.iter().map(|i| i.message.as_str()).collect::<BTreeSet<_>>().len(), "doubled");
    items.iter().map(|i| i.message.as_str().to_owned()).collect()
}

#[test]
fn a_database_file_that_was_removed_or_replaced_takes_no_promise() {
    runtime().block_on(async {
        for replaced in [false, true] {
            let t = TestDb::new(Engine::Sqlite).await.unwrap();
            let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
            log.commit(accept("m1")).await.unwrap();
            let (file, away) = (t.folder.join("solent.db"), t.folder.join("away.db"));
            std::fs::rename(&file, &away).unwrap();
            if replaced {
                std::fs::copy(&away, &file).unwrap();
            }
            // SQLite itself goes on writing into the file that has no name any more.
            for n in 2..5 {
                let refused = log.commit(accept(&format!("m{n}"))).await;
                assert!(matches!(refused, Err(CommitError::LogUnavailable)), "replaced {replaced}: {refused:?}");
            }
            assert_eq!(log.standing(), Standing::Lost);
            log.stop().await;
            t.db.close().await;
            std::fs::rename(&away, &file).unwrap();
            let t = TestDb { db: solent::store::Db::open(&t.address, None).await.unwrap(), ..t };
            let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
            assert!(there(&t).await.contains("m1"));
            log.commit(accept("m9")).await.unwrap();
            assert_eq!(size(&t).await, there(&t).await.len() as u64);
            sound(&t).await;
            log.stop().await;
            t.finish().await;
        }
    });
}

/// Opens or closes a database to everybody, and ends whoever is in it.
async fn allow(t: &TestDb, on: bool) {
    let name = t.address.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let options: sqlx::postgres::PgConnectOptions = postgres().unwrap().parse().unwrap();
    let mut admin = options.connect().await.unwrap();
    let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {on}");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    sqlx::query(end).bind(name).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
}

#[test]
fn a_server_that_goes_away_and_comes_back_loses_and_doubles_nothing() {
    runtime().block_on(async {
        let Some(t) = TestDb::new(Engine::Postgres).await else { return };
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (log, over) = (log.clone(), Arc::clone(&over));
                tokio::spawn(async move {
                    let mut done = BTreeSet::new();
                    for n in 0.. {
                        let id = format!("m{task}-{n}");
                        if done.len() >= 100 || over.load(Ordering::SeqCst) {
                            break;
                        }
                        if log.commit(accept(&id)).await.is_ok() {
                            done.insert(id);
                        }
                    }
                    done
                })
            })
            .collect();
        for _ in 0..3 {
            allow(&t, false).await;
            let refused = log.commit(Job::new(login())).await;
            assert!(matches!(refused, Err(CommitError::LogUnavailable)), "{refused:?}");
            assert_ne!(log.standing(), Standing::Writing);
            allow(&t, true).await;
            eventually(&log, || Job::new(login())).await.unwrap();
            assert_eq!(log.standing(), Standing::Writing);
        }
        over.store(true, Ordering::SeqCst);
        let mut acknowledged = BTreeSet::new();
        for task in tasks {
            acknowledged.extend(task.await.unwrap());
        }
        let there = there(&t).await;
        assert!(acknowledged.is_subset(&there), "lost: {:?}", acknowledged.difference(&there));
        assert_eq!(size(&t).await, there.len() as u64 + 3, "an entry for each message, and the three sign-ins");
        sound(&t).await;
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn without_its_keys_nothing_is_handed_out_and_nothing_is_written() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(Job::new(login())).await.unwrap();
        log.stop().await;
        let (file, out) = (config(&t), t.folder.join("out"));
        let export = || {
            let args = ["export", "--config", file.to_str().unwrap(), "--bundle", out.to_str().unwrap()];
            solent(&args)
        };
        for key in ["audit.key", "store.key"] {
            let (at, aside) = (t.folder.join(key), t.folder.join("aside"));
            std::fs::rename(&at, &aside).unwrap();
            let refused = export();
            assert_eq!(refused.status.code(), Some(1), "{key}: {}", text(&refused));
            assert!(text(&refused).contains(key), "the missing file is named: {}", text(&refused));
            assert!(!out.exists() && size(&t).await == 1, "{key}");
            std::fs::rename(&aside, &at).unwrap();
        }
        assert!(export().status.success());
        assert_eq!(size(&t).await, 2);
        t.finish().await;
    });
}

#[test]
fn a_condemned_log_takes_nothing_more() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        log.commit(Job::new(login())).await.unwrap();
        log.condemn();
        assert!(matches!(log.commit(Job::new(login())).await, Err(CommitError::LogUnavailable)));
        assert_eq!((log.standing(), size(&t).await), (Standing::Condemned, 1));
        log.stop().await;
        t.finish().await;
    });
}
