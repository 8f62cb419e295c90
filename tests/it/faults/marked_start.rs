//! `solent serve` on a long log: the start that trusts the mark, the check that follows it, kill -9 between them, and what an intruder
//! who changes entries, mark or tiles gets.
//!
//! The log has as many entries as the mark needs, so that the real program takes this way.

use super::gateway_kill::{Gateway, PROGRAM, Place, post};
use solent::audit::{Draft, Event, Origin, Outcome, Payload, Signer};
use solent::clock::Clock;
use solent::config;
use solent::store::{Committer, Db, Job, Keys, MARK_ENTRIES_MIN, Options};
use solent::trust::SigningKey;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Entries of one job.
const JOB: u64 = 16_384;
/// An entry far before the mark.
const OLD: u64 = 1_000;

/// A gateway whose words are read as it writes them.
struct Watched {
    gateway: Gateway,
    words: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Watched {
    fn start(place: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--log-level", "info", "--config"])
            .arg(place.join("solent.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let words = BufReader::new(child.stderr.take().unwrap());
        Self { gateway: Gateway::of(child), words, said: String::new() }
    }

    /// Reads on until it says this.
    fn until(&mut self, what: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.words.read_line(&mut line).unwrap(), 0, "it ended without {what}: {}", self.said);
            self.said.push_str(&line);
            if line.contains(what) {
                return line;
            }
        }
    }

    fn kill(mut self) {
        self.gateway.kill();
        crate::gateway_logs::keep("marked", &self.said);
    }
}

/// A start that does not get as far as serving: what it said.
fn refused(place: &Path) -> String {
    let done = Command::new(PROGRAM).args(["serve", "--config"]).arg(place.join("solent.toml")).output().unwrap();
    assert!(!done.status.success() && done.stdout.is_empty(), "it served");
    String::from_utf8(done.stderr).unwrap()
}

fn sql(place: &Path, statement: &'static str) {
    super::super::store::support::runtime().block_on(async {
        let options = SqliteConnectOptions::new().filename(place.join("solent.db"));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let done = sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        assert_eq!(done.rows_affected() == 0, statement.starts_with("CREATE"), "{statement}");
        pool.close().await;
    });
}

/// Appends entries with the gateway's own keys, as long as it does not run.
fn fill(place: &Path, entries: u64) {
    let text = std::fs::read_to_string(place.join("solent.toml")).unwrap();
    let config = config::Gateway::parse("solent.toml", &text, place).unwrap();
    let seed = SigningKey::load(&config.audit.signing_key).unwrap().seed();
    let signer = Signer::log(Origin::parse(&config.origin).unwrap(), &seed).unwrap();
    let keys = Keys::load(&config.store.key_file).unwrap();
    let options = Options { mirror: Some(config.audit.checkpoint_file.clone()), ..Options::default() };
    let login = || Draft::new(Outcome::Allow, Payload::new(Event::Login));
    super::super::store::support::runtime().block_on(async {
        let db = Db::open(&config.store.database_url, None).await.unwrap();
        let log = Committer::start(db.clone(), keys, signer, Clock::system(), options).await.unwrap();
        for _ in 0..entries.div_ceil(JOB) {
            log.commit((1..JOB).fold(Job::new(login()), |job, _| job.with_entry(login()))).await.unwrap();
        }
        log.stop().await;
        db.close().await;
    });
}

#[test]
fn a_start_with_a_mark_serves_checks_the_rest_at_once_and_is_not_fooled() {
    let place = Place::new();
    fill(&place.0, MARK_ENTRIES_MIN);
    let bundle = std::fs::read(super::gateway_kill::BUNDLE).unwrap();
    let send = |gateway: &Gateway, key: &str| {
        let sender = place.client(&gateway.address, "clearway-case");
        post(&sender, "/api/v1/messages", key, &bundle).unwrap().status
    };
    // The first start reads every byte and leaves its mark; what it wrote after that is there although it was killed.
    let first = Watched::start(&place.0);
    assert_eq!(send(&first.gateway, "one"), 202);
    first.kill();
    // The second trusts the mark, and checks beside its work what it did not read.
    let mut second = Watched::start(&place.0);
    assert_eq!(send(&second.gateway, "two"), 202);
    second.until("every entry is as signed");
    second.kill();
    // An old entry is altered: served until the check beside the work has read it, then never again.
    sql(&place.0, "CREATE TABLE kept_entry AS SELECT idx, entry FROM log_entry WHERE idx = 1000");
    sql(&place.0, "UPDATE log_entry SET entry = leaf WHERE idx = 1000");
    let mut third = Watched::start(&place.0);
    assert!(third.until("not what was signed").contains(&format!("entry {OLD} ")), "{}", third.said);
    assert_eq!(send(&third.gateway, "three"), 503);
    third.kill();
    // A mark that was moved is no mark: nothing is served at all.
    sql(&place.0, "UPDATE log_shard SET verified_size = verified_size + 1");
    assert!(refused(&place.0).contains(&format!("entry {OLD} ")));
    sql(&place.0, "UPDATE log_shard SET verified_size = verified_size - 1");
    sql(
        &place.0,
        "UPDATE log_entry SET entry = (SELECT k.entry FROM kept_entry k WHERE k.idx = 1000) WHERE idx = 1000",
    );
    // With its hash altered too, in the tile behind the mark, the tree is another one: noticed before anything is served.
    sql(&place.0, "CREATE TABLE kept_tile AS SELECT * FROM log_tile WHERE level = 0 AND idx = 3");
    sql(
        &place.0,
        "UPDATE log_tile SET hashes = (SELECT t.hashes FROM log_tile t WHERE t.level = 0 AND t.idx = 4) WHERE level = 0 AND idx = 3",
    );
    assert!(refused(&place.0).contains("SOL-AUDIT"));
    sql(&place.0, "UPDATE log_tile SET hashes = (SELECT k.hashes FROM kept_tile k) WHERE level = 0 AND idx = 3");
    let mut last = Watched::start(&place.0);
    assert_eq!(send(&last.gateway, "four"), 202);
    last.until("every entry is as signed");
    last.kill();
}
