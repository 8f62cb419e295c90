//! A PostgreSQL server whose disk fails, that is killed, or that runs full, under the real committer: nothing is promised that is not
//! there, nothing is there twice, and the log goes on when the server does.
//!
//! A cluster of its own, that really flushes; `disk.c` stands between it and the kernel. Where the server's binaries are not
//! installed, the test says so on standard error and does nothing.

use super::commits::{TRIES_MAX, accept, eventually, size, sound};
use super::disk::{EIO, ENOSPC, Order, compiled};
use crate::store::support::{TestDb, keys, login, noon, postgres_binaries, runtime};
use solent::clock::Clock;
use solent::ident::{MessageId, SystemId};
use solent::store::{CommitError, Db, Job, Options, Standing};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// More writes than one commit makes.
const CALLS_MAX: usize = 60;

/// A cluster with the faulty disk, and the shell that starts and kills it. When this process ends, however it ends, the shell's
/// input closes and the shell removes the cluster.
struct Server {
    shell: Child,
    say: Option<ChildStdin>,
    hear: BufReader<ChildStdout>,
    folder: PathBuf,
    address: String,
}

impl Server {
    fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (bin, root) = match postgres_binaries() {
            Ok(found) => found,
            Err(why) => {
                let _ = writeln!(std::io::stderr(), "skipped: faults of a PostgreSQL server: {why}");
                return None;
            }
        };
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("solent-pgf-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let library = compiled(&folder);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = format!(
            "{own} && cd '{d}' && {run} {b}/initdb -D '{d}/data' -U solent -A trust -E UTF8 --locale=C >/dev/null || exit 1
             echo ready
             while read -r order number; do case $order in
               start) for n in 1 2 3 4 5 6 7 8 9 10; do
                   LD_PRELOAD='{lib}' FAULTY_DISK_ORDER='{d}/order' FAULTY_DISK_PATH=\"$number\" {run} {b}/pg_ctl -D '{d}/data' -w -t 30 -l '{d}/log' -o \"-p {port} -k '{d}' -c listen_addresses=127.0.0.1 -c autovacuum=off -c checkpoint_timeout=1h -c wal_init_zero=on\" start >/dev/null 2>&1 && break; sleep 0.3; done;;
               kill) kill -9 $(head -n 1 '{d}/data/postmaster.pid');;
               end) kill -9 $number;;
               stop) {run} {b}/pg_ctl -D '{d}/data' -m fast -w stop >/dev/null 2>&1;;
             esac; echo done; done
             {run} {b}/pg_ctl -D '{d}/data' -m immediate stop >/dev/null 2>&1; cd /; rm -rf '{d}'",
            own = if root { format!("chown -R postgres '{}'", folder.display()) } else { "true".to_owned() },
            run = if root { "runuser -u postgres --" } else { "" },
            d = folder.display(),
            b = bin.display(),
            lib = library.display(),
        );
        let mut shell =
            Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (say, hear) = (shell.stdin.take(), BufReader::new(shell.stdout.take().unwrap()));
        let address = format!("postgres://solent@127.0.0.1:{port}/postgres");
        let mut server = Self { shell, say, hear, folder, address };
        assert_eq!(server.line(), "ready");
        Some(server)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn tell(&mut self, order: &str) {
        writeln!(self.say.as_mut().unwrap(), "{order}").unwrap();
        assert_eq!(self.line(), "done");
    }

    /// Files whose path holds `part` are those that may fail.
    fn start(&mut self, part: &str) {
        self.tell(&format!("start {part}"));
    }

    fn order(&self, text: &str) -> Order {
        Order::at(self.folder.join("order"), text)
    }

    async fn database(&self) -> TestDb {
        let db = Db::open(&self.address, None).await.unwrap();
        db.migrate(noon()).await.unwrap();
        let folder = self.folder.join("gateway");
        std::fs::create_dir_all(&folder).unwrap();
        TestDb { db, keys: keys(), address: self.address.clone(), folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.say.take());
        let _ = self.shell.wait();
    }
}

/// Whether a message is there, as soon as the server answers.
async fn there(t: &TestDb, id: &str) -> bool {
    for _ in 0..TRIES_MAX {
        match t.db.message(&MessageId::new(id.to_owned())).await {
            Ok(found) => return found.is_some(),
            Err(_) => tokio::task::yield_now().await,
        }
    }
    panic!("the server did not come back");
}

#[test]
fn every_write_and_flush_of_the_servers_journal_that_fails_loses_and_doubles_nothing() {
    let Some(mut server) = Server::new() else { return };
    server.start("/pg_wal/");
    runtime().block_on(async {
        let t = server.database().await;
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        let (mut expected, mut faults) = (0, 0);
        for (call, error) in [("write", ENOSPC), ("write", EIO), ("sync", EIO)] {
            for when in ["before", "after"] {
                for n in 1..=CALLS_MAX {
                    let id = format!("{call}{error}{when}{n}");
                    let order = server.order(&format!("{call} {n} {when} {error}"));
                    let first = log.commit(accept(&id)).await;
                    let hit = order.carried_out();
                    drop(order);
                    let found = there(&t, &id).await;
                    // What is acknowledged is there. A server that takes long to come back may have more than was acknowledged.
                    assert!(found || first.is_err(), "{call} {n} {when} {error}: {first:?}");
                    assert!(first.is_ok() || matches!(first, Err(CommitError::LogUnavailable)), "{first:?}");
                    expected += 1;
                    if !found {
                        eventually(&log, || accept(&id)).await.unwrap();
                    } else if first.is_err() {
                        eventually(&log, || Job::new(login())).await.unwrap();
                        expected += 1;
                    }
                    assert_eq!(size(&t).await, expected, "{call} {n} {when} {error}");
                    faults += usize::from(hit);
                    if !hit {
                        assert!(first.is_ok(), "{first:?}");
                        break;
                    }
                }
            }
        }
        assert!(faults >= 6, "only {faults} faults were carried out");
        sound(&t).await;
        log.stop().await;
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        assert_eq!(size(&t).await, expected);
        log.stop().await;
        t.db.close().await;
    });
    // Without room for its journal a server does not even start; nothing is promised until somebody made room.
    runtime().block_on(async {
        let t = server.database().await;
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        let before = size(&t).await;
        let order = server.order(&format!("write always before {ENOSPC}"));
        for n in 0..3 {
            let refused = log.commit(accept(&format!("full{n}"))).await;
            assert!(matches!(refused, Err(CommitError::LogUnavailable)), "{refused:?}");
            assert_ne!(log.standing(), Standing::Writing);
        }
        drop(order);
        server.start("/pg_wal/");
        eventually(&log, || accept("room")).await.unwrap();
        assert_eq!(log.standing(), Standing::Writing);
        assert!(there(&t, "room").await);
        let full = usize::from(there(&t, "full0").await) + usize::from(there(&t, "full1").await);
        assert_eq!(size(&t).await, before + 1 + full as u64);
        sound(&t).await;
        log.stop().await;
        t.db.close().await;
    });
}

#[test]
fn a_full_disk_for_the_servers_tables_refuses_until_there_is_room() {
    let Some(mut server) = Server::new() else { return };
    server.start("/base/");
    runtime().block_on(async {
        let t = server.database().await;
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        log.commit(accept("first")).await.unwrap();
        let order = server.order(&format!("write always before {ENOSPC}"));
        // Until a table or an index needs another page.
        let mut kept = 1;
        let refused = loop {
            match log.commit(accept(&format!("m{kept}"))).await {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
            assert!(kept < 2_000, "no page was needed");
        };
        assert!(matches!(refused, CommitError::LogUnavailable), "{refused:?}");
        assert_eq!(log.standing(), Standing::Failing);
        assert!(order.carried_out());
        assert_eq!(size(&t).await, kept, "nothing of what was refused is there");
        assert!(matches!(log.commit(accept(&format!("m{kept}"))).await, Err(CommitError::LogUnavailable)));
        drop(order);
        eventually(&log, || accept(&format!("m{kept}"))).await.unwrap();
        assert_eq!((log.standing(), size(&t).await), (Standing::Writing, kept + 1));
        sound(&t).await;
        log.stop().await;
        t.db.close().await;
    });
}

#[test]
fn a_server_or_its_sessions_killed_under_the_committer_lose_and_double_nothing() {
    let Some(mut server) = Server::new() else { return };
    server.start("/none/");
    runtime().block_on(async {
        let t = server.database().await;
        let options = Options { lease_wait: std::time::Duration::from_secs(30), ..t.options() };
        let log = t.start_with(Clock::fixed(noon()), options).await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (log, over) = (log.clone(), Arc::clone(&over));
                tokio::spawn(async move {
                    let mut done = BTreeSet::new();
                    for n in 0.. {
                        if done.len() >= 60 || over.load(Ordering::SeqCst) {
                            break;
                        }
                        let id = format!("m{task}-{n}");
                        if log.commit(accept(&id)).await.is_ok() {
                            done.insert(id);
                        }
                    }
                    done
                })
            })
            .collect();
        for round in 0..4 {
            if round % 2 == 0 {
                // Of all sessions the one that writes: the whole server starts again when one is killed.
                server.tell(&format!("end {}", session(&server.address).await));
            } else {
                server.tell("kill 0");
                let mut refused = log.commit(Job::new(login())).await;
                // A process that is told to end may still answer what it had begun.
                for _ in 0..TRIES_MAX {
                    if refused.is_err() {
                        break;
                    }
                    refused = log.commit(Job::new(login())).await;
                }
                assert!(matches!(refused, Err(CommitError::LogUnavailable)), "{refused:?}");
                assert_ne!(log.standing(), Standing::Writing);
                server.start("/none/");
            }
            eventually(&log, || Job::new(login())).await.unwrap();
            assert_eq!(log.standing(), Standing::Writing);
        }
        over.store(true, Ordering::SeqCst);
        let mut acknowledged = BTreeSet::new();
        for task in tasks {
            acknowledged.extend(task.await.unwrap());
        }
        let items = t.db.mailbox_due(&SystemId::from("council"), noon(), 10_000).await.unwrap();
        let there: BTreeSet<String> = items.iter().map(|i| i.message.as_str().to_owned()).collect();
        assert_eq!(items.len(), there.len(), "doubled");
        assert!(acknowledged.is_subset(&there), "lost: {:?}", acknowledged.difference(&there));
        let logins = size(&t).await - there.len() as u64;
        assert!((4..=6).contains(&logins), "an entry for each message, and the sign-ins: {logins}");
        sound(&t).await;
        log.stop().await;
        t.db.close().await;
    });
}

/// The process of a session of the gateway that is writing or wrote last.
async fn session(address: &str) -> i32 {
    use sqlx::{ConnectOptions as _, Connection as _};
    let options: sqlx::postgres::PgConnectOptions = address.parse().unwrap();
    let mut admin = options.connect().await.unwrap();
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'solent' AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC, state_change DESC LIMIT 1";
    let pid = sqlx::query_scalar::<_, i32>(sql).fetch_one(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    pid
}
