//! The demo's partnership after its story, served in this process with a clock that the test moves.

use crate::visitor::Visitor;
use solent::cli::serve::{Running, start_with};
use solent::clock::{Clock, Moment};
use solent::exchange::{Caller, Submission};
use solent::http::DemoPerson;
use solent::ident::{AccountId, AgencyId, SystemId};
use solent::store::{KeptKind, Section};
use std::path::PathBuf;
use std::process::Command;

/// The morning after the story ends: a Thursday, 09:00 in London.
const MORNING: &str = "2026-10-22T08:00:00Z";

pub struct Clocked {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    folder: PathBuf,
    clock: Clock,
    pub base: String,
}

impl Clocked {
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("solent-web-{}", uuid::Uuid::now_v7()));
        let played =
            Command::new(env!("CARGO_BIN_EXE_solent")).args(["demo", "--once", "--data"]).arg(&folder).output();
        assert!(played.unwrap().status.success());
        let clock = Clock::shifted(Moment::parse(MORNING).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let person = |number: u32| {
            let account = format!("acc-{number:02}");
            DemoPerson { account: AccountId::new(account.as_str()), words: account.clone(), shown: account }
        };
        let people = (1..=20).map(person).collect();
        let config = folder.join("solent.toml");
        let running = runtime.block_on(start_with(&config, clock.clone(), people)).map_err(|_| "started").unwrap();
        let base = format!("https://localhost:{}", running.address().port());
        Self { runtime, running: Some(running), folder, clock, base }
    }
    /// Moves the clock; sessions that are idle for so long end.
    pub fn at(&self, time: &str) {
        self.clock.set(Moment::parse(time).unwrap());
    }
    /// Changes facts, as the partnership's register does.
    pub fn register(&self, facts: &serde_json::Value) {
        let gateway = self.running.as_ref().unwrap().gateway();
        self.runtime.block_on(gateway.register(facts, &AccountId::new("operator"))).unwrap();
    }
    /// Sends a record, as a system of this agency does; returns the acknowledgement.
    pub fn message(&self, agency: &str, record: &serde_json::Value) -> solent::exchange::Accepted {
        let gateway = self.running.as_ref().unwrap().gateway();
        let caller = Caller {
            system: SystemId::new(format!("{agency}-test")),
            agency: AgencyId::new(agency),
            format: "canonical".to_owned(),
            certificate: "00".to_owned(),
            request: "r".to_owned(),
        };
        let submission = Submission { body: serde_json::to_vec(record).unwrap(), idempotency_key: None };
        self.runtime.block_on(gateway.receive(&caller, submission)).unwrap_or_else(|f| panic!("{f:?}"))
    }
    /// The people made for the time being who may be somebody known.
    pub fn doubtful(&self) -> Vec<String> {
        let gateway = self.running.as_ref().unwrap().gateway();
        let open = self.runtime.block_on(gateway.db().reviews("open", 100)).unwrap();
        open.into_iter().map(|row| row.person.as_str().to_owned()).collect()
    }
    /// A fact as it stands now.
    pub fn fact(&self, section: Section, id: &str) -> Option<serde_json::Value> {
        let gateway = self.running.as_ref().unwrap().gateway();
        let row = self.runtime.block_on(gateway.db().fact(gateway.keys(), section, id)).unwrap();
        row.map(|row| row.body)
    }
    /// Whether the pages keep this.
    pub fn keeps(&self, kind: KeptKind, id: &str) -> bool {
        let gateway = self.running.as_ref().unwrap().gateway();
        let now = gateway.clock().now();
        self.runtime.block_on(gateway.db().kept(gateway.keys(), kind, id, now)).unwrap().is_some()
    }
    /// The events of the log since the story, in order; the log is whole and sound.
    fn happened(&self) -> Vec<String> {
        let running = self.running.as_ref().unwrap();
        self.runtime.block_on(async {
            let gateway = running.gateway();
            let end = Moment::parse("2027-01-01T00:00:00Z").unwrap();
            let rows = gateway.db().entries_between(Moment::parse(MORNING).unwrap(), end, 10_000).await.unwrap();
            let mut seen = Vec::new();
            for row in rows {
                let (_, bytes) = gateway.db().payload(gateway.keys(), &row).await.unwrap().unwrap();
                let payload: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                seen.push(payload["event"].as_str().unwrap().to_owned());
            }
            running.verify_log().await.map_err(|_| "a sound log").unwrap();
            seen
        })
    }
    /// Holds that these events stand in the log, whole and sound.
    pub fn events(&self, wanted: &[&str]) {
        let seen = self.happened();
        for event in wanted {
            assert!(seen.iter().any(|e| e == event), "no entry {event}");
        }
    }
    /// How often this happened.
    pub fn count(&self, event: &str) -> usize {
        self.happened().iter().filter(|e| *e == event).count()
    }
    /// Somebody of the cast.
    pub fn walking(&self, account: &str) -> Visitor {
        let mut visitor = Visitor::to(&self.base, &self.folder.join("certs/ca.pem"));
        assert_eq!(visitor.post("/demo", &[("account", account)]).status, 303, "{account}");
        visitor
    }
}

impl Drop for Clocked {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
