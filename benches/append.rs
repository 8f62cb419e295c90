//! Audit append, durable: our committer beside raw group commit on the same database engine, 1, 16 and 64 writers.
//!
//! The limit is the least that could be right: one task that takes what waits, inserts the bytes in one transaction with
//! `synchronous=FULL`, and answers. Ours also seals, encrypts the payload, hashes, grows the tree and signs a checkpoint.
//! PostgreSQL is measured when `SOLENT_TEST_POSTGRES` names a server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop"
)]
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its result")]

mod measure;

use measure::{Budget, least, line, measuring, processor_seconds};
use solent::audit::{Draft, Event, Frontier, Hash, Outcome, Payload, Signer, Vkey, merkle};
use solent::clock::{Clock, Moment};
use solent::ident::{AccountId, PersonId};
use solent::store::{Committer, CommitterHandle, Db, Job, Keys, LogReader, Options};
use solent::vocabulary::Purpose;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Writers, and entries of each while measuring.
const LOADS: [(usize, usize); 3] = [(1, 400), (16, 250), (64, 250)];
/// The size of an entry's logged bytes.
const ENTRY_BYTES: usize = 335;
/// Entries in one transaction at most: what the committer takes.
const BATCH: usize = 256;

fn main() {
    pure_parts();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = scratch();
    runtime.block_on(async {
        for (writers, each) in LOADS {
            let each = if measuring() { each } else { 2 };
            let raw = raw_sqlite(&folder.join(format!("raw-{writers}.db")), writers, each).await;
            let db = Db::open_sqlite(&folder.join(format!("ours-{writers}.db"))).await.unwrap();
            report("SQLite", writers, ours(db, writers, each).await, raw);
        }
        if let Ok(address) = std::env::var("SOLENT_TEST_POSTGRES") {
            for (writers, each) in LOADS {
                let each = if measuring() { each } else { 2 };
                let raw = raw_postgres(&address, writers, each).await;
                let db = Db::open(&address, None).await.unwrap();
                report("PostgreSQL", writers, ours(db, writers, each).await, raw);
            }
        }
    });
    std::fs::remove_dir_all(folder).unwrap();
}

/// Entries a second, and processor microseconds an entry.
struct Rate {
    per_second: f64,
    processor_us: f64,
}

fn report(engine: &str, writers: usize, ours: Rate, raw: Rate) {
    let what = format!("append, {engine}, {writers} writers");
    line(&what, "entries/s", ours.per_second, "raw group commit", raw.per_second, Budget::AtLeast(0.7));
    if writers == 64 {
        let what = format!("append, {engine}, {writers} writers, processor");
        // Budget: 60 µs an entry where raw group commit took 24.
        line(&what, "µs/entry", ours.processor_us, "raw group commit", raw.processor_us, Budget::AtMost(2.5));
    }
}

/// Hashing a leaf and growing the tree beside hashing alone; a proof in a tree of a million leaves.
fn pure_parts() {
    let entry = vec![b'e'; ENTRY_BYTES];
    let mut tree = Frontier::new();
    let grow = least(|| tree.append(merkle::leaf_hash(&entry)));
    let hash = least(|| ring::digest::digest(&ring::digest::SHA256, &entry));
    line("hash a leaf and grow the tree", "µs", grow, "SHA-256 of the entry alone", hash, Budget::AtMost(3.0));
    let count: u64 = if measuring() { 1_000_000 } else { 100 };
    let leaves = (0..count).map(|i| merkle::leaf_hash(&i.to_be_bytes())).collect();
    let full = merkle::Tree::new(leaves);
    let mut at = 0u64;
    let prove = least(|| {
        at = (at + 7_919) % count;
        merkle::inclusion_proof(&full, at, count).unwrap()
    });
    let pair = Hash([7; 32]);
    // A proof in a million leaves has twenty hashes: the limit is computing twenty.
    let twenty = least(|| (0..20).fold(pair, |h, _| merkle::node_hash(&h, &pair)));
    line("inclusion proof, a million leaves, warm", "µs", prove, "twenty node hashes", twenty, Budget::AtMost(1.0));
}

fn scratch() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("append-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn draft() -> Draft {
    let mut payload = Payload::new(Event::View);
    payload.actor = Some(AccountId::new("0192f0c1-0000-7000-8000-00000000000a"));
    payload.subject = Some(PersonId::new("0192f0c1-0000-7000-8000-00000000000b"));
    payload.purpose = Some(Purpose::Cin);
    Draft::new(Outcome::Allow, payload)
}

async fn ours(db: Db, writers: usize, each: usize) -> Rate {
    db.migrate(Moment::from_millis(0)).await.unwrap();
    let keys = Keys::from_secret(&[7; 32]).unwrap();
    let origin =
        solent::audit::Origin::parse(&format!("bench.example.org/log{writers}-{}", std::process::id())).unwrap();
    let signer = Signer::log(origin.clone(), &[9; 32]).unwrap();
    let vkey = signer.vkey().clone();
    let handle = Committer::start(db.clone(), keys, signer, Clock::system(), Options::default()).await.unwrap();
    let rate = drive(writers, each, {
        let handle = handle.clone();
        move || {
            let handle: CommitterHandle = handle.clone();
            async move {
                handle.commit(Job::new(draft())).await.unwrap();
            }
        }
    })
    .await;
    handle.stop().await;
    if writers == 64 {
        verify(&LogReader::new(db.clone(), origin), &vkey, writers * each).await;
    }
    db.close().await;
    rate
}

/// The check that every start makes: every leaf from its stored bytes, the tree, the checkpoint. Budget: 500,000 entries a
/// second where hashing alone does two and a half million.
async fn verify(log: &LogReader, vkey: &Vkey, entries: usize) {
    let mut best = f64::INFINITY;
    for _ in 0..if measuring() { 5 } else { 1 } {
        let start = Instant::now();
        assert!(log.verify(vkey, None).await.unwrap().is_empty());
        best = best.min(start.elapsed().as_secs_f64());
    }
    let entry = vec![b'e'; ENTRY_BYTES];
    let hash = 1e6 / least(|| merkle::leaf_hash(&entry));
    line(
        "verify at start",
        "entries/s",
        entries as f64 / best,
        "hashing the entries alone",
        hash,
        Budget::AtLeast(0.2),
    );
}

/// Runs `writers` tasks that each call `append` `each` times, one after the other.
async fn drive<F, T>(writers: usize, each: usize, append: F) -> Rate
where
    F: Fn() -> T + Clone + Send + 'static,
    T: Future<Output = ()> + Send,
{
    let (start, busy) = (Instant::now(), processor_seconds());
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let append = append.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    append().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let entries = (writers * each) as f64;
    let took = start.elapsed().as_secs_f64();
    Rate { per_second: entries / took, processor_us: (processor_seconds() - busy).max(1e-6) * 1e6 / entries }
}

type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// Takes what waits, at most a batch; `None` when nobody will come again.
async fn batch(queue: &mut mpsc::Receiver<Waiting>) -> Option<Vec<Waiting>> {
    let mut jobs = Vec::with_capacity(BATCH);
    (queue.recv_many(&mut jobs, BATCH).await > 0).then_some(jobs)
}

/// Sends raw entries to a queue and waits for the answer.
async fn drive_raw(queue: mpsc::Sender<Waiting>, writers: usize, each: usize) -> Rate {
    let queue = Arc::new(queue);
    drive(writers, each, move || {
        let queue = Arc::clone(&queue);
        async move {
            let (done, told) = oneshot::channel();
            queue.send((vec![b'e'; ENTRY_BYTES], done)).await.unwrap();
            told.await.unwrap();
        }
    })
    .await
}

async fn raw_sqlite(path: &Path, writers: usize, each: usize) -> Rate {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let pool: SqlitePool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE raw (idx INTEGER PRIMARY KEY, body BLOB NOT NULL)").execute(&pool).await.unwrap();
    let (queue, mut jobs) = mpsc::channel::<Waiting>(1024);
    let writer = tokio::spawn(async move {
        while let Some(waiting) = batch(&mut jobs).await {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            for (body, _) in &waiting {
                sqlx::query("INSERT INTO raw (body) VALUES ($1)").bind(body).execute(&mut *tx).await.unwrap();
            }
            tx.commit().await.unwrap();
            waiting.into_iter().for_each(|(_, done)| done.send(()).unwrap());
        }
        pool.close().await;
    });
    let rate = drive_raw(queue, writers, each).await;
    writer.await.unwrap();
    rate
}

async fn raw_postgres(address: &str, writers: usize, each: usize) -> Rate {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect(address).await.unwrap();
    sqlx::query("DROP TABLE IF EXISTS bench_raw").execute(&pool).await.unwrap();
    sqlx::query("CREATE TABLE bench_raw (idx BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)")
        .execute(&pool)
        .await
        .unwrap();
    let (queue, mut jobs) = mpsc::channel::<Waiting>(1024);
    let writer = tokio::spawn(async move {
        while let Some(waiting) = batch(&mut jobs).await {
            let mut tx = pool.begin().await.unwrap();
            let bodies: Vec<&[u8]> = waiting.iter().map(|(body, _)| body.as_slice()).collect();
            let insert = "INSERT INTO bench_raw (body) SELECT unnest($1::bytea[])";
            sqlx::query(insert).bind(&bodies).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            waiting.into_iter().for_each(|(_, done)| done.send(()).unwrap());
        }
        pool.close().await;
    });
    let rate = drive_raw(queue, writers, each).await;
    writer.await.unwrap();
    rate
}
