//! kill -9 at any moment of submissions and pick-ups: every acknowledged message is there once, every release has its
//! entry, none has two.
//!
//! Runs the real program with the demo's partnership. `SOLENT_KILL_SUBMISSIONS` sets how many messages are sent
//! (default 60; the release check of the project uses 1,000).

use serde_json::Value;
use solent::peer::{Answer, Call, Client, Method, PeerError};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_solent");
pub(super) const BUNDLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/demo/clearway-bundle.json");

/// A partnership folder left by the demo; removed at the end.
pub(super) struct Place(pub(super) PathBuf);

impl Place {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("solent-kill-{}", uuid::Uuid::now_v7()));
        let done = Command::new(PROGRAM).args(["demo", "--once", "--data"]).arg(&path).output().unwrap();
        assert!(done.status.success(), "the demo failed: {}", String::from_utf8_lossy(&done.stderr));
        Self(path)
    }
    pub(super) fn client(&self, address: &str, system: &str) -> Client {
        let read = |name: String| std::fs::read(self.0.join("certs").join(name)).unwrap();
        let port = address.rsplit(':').next().unwrap();
        let base = format!("https://localhost:{port}");
        Client::new(&base, &read(format!("{system}.pem")), &read(format!("{system}.key")), &read("ca.pem".into()))
            .unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running gateway; killed when dropped.
pub(super) struct Gateway {
    child: Child,
    pub(super) address: String,
}

impl Gateway {
    fn start(place: &Path) -> Self {
        let child = Command::new(PROGRAM)
            .args(["serve", "--log-level", "error", "--config"])
            .arg(place.join("solent.toml"))
            .stdout(Stdio::piped())
            .stderr(crate::gateway_logs::file("killed").1)
            .spawn()
            .unwrap();
        Self::of(child)
    }
    /// Waits until it says where it listens.
    pub(super) fn of(mut child: Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find_map(|w| w.strip_prefix("https://")).expect("an address");
        Self { address: address.trim_end_matches(',').to_owned(), child }
    }
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn post(client: &Client, path: &str, key: &str, body: &[u8]) -> Result<Answer, PeerError> {
    let headers = [("content-type", "application/fhir+json"), ("idempotency-key", key)];
    client.call(&Call { method: Method::Post, path, headers: &headers, body })
}

fn get(client: &Client, path: &str) -> Result<Answer, PeerError> {
    client.call(&Call { method: Method::Get, path, headers: &[], body: &[] })
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// What the clients hold in their hands at the end.
#[derive(Default)]
struct Held {
    /// Idempotency key to message id, for every acknowledged submission.
    acknowledged: BTreeMap<String, String>,
    /// Every receipt that came with content.
    receipts: Vec<String>,
}

/// Sends and collects until the gateway dies or the work is done.
fn work(gateway: &Gateway, place: &Place, held: &mut Held, total: usize, bundle: &[u8]) -> Result<(), PeerError> {
    let (sender, receiver) =
        (place.client(&gateway.address, "clearway-case"), place.client(&gateway.address, "southdown-rio"));
    while held.acknowledged.len() < total {
        let key = format!("key-{}", held.acknowledged.len());
        let answer = post(&sender, "/api/v1/messages", &key, bundle)?;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        held.acknowledged.insert(key, json(&answer)["id"].as_str().unwrap().to_owned());
        let waiting = json(&get(&receiver, "/api/v1/mailbox?wait=0")?);
        let Some(id) = waiting["items"].get(0).and_then(|i| i["id"].as_str()) else { continue };
        let item = get(&receiver, &format!("/api/v1/mailbox/{id}"))?;
        assert_eq!(item.status, 200);
        held.receipts.push(item.receipt.unwrap());
        post(&receiver, &format!("/api/v1/mailbox/{id}/ack"), "ack", b"")?;
    }
    Ok(())
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_is_released_twice_or_unlogged() {
    let total = std::env::var("SOLENT_KILL_SUBMISSIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let place = Place::new();
    let bundle = std::fs::read(BUNDLE).unwrap();
    let mut held = Held::default();
    let mut kills = 0_u64;
    while held.acknowledged.len() < total {
        let mut gateway = Gateway::start(&place.0);
        let pid = gateway.child.id();
        // The moment of death: a different number of milliseconds each round, by another process.
        let after = 150 + (kills * 137) % 900;
        let mut killer = Command::new("sh")
            .args(["-c", &format!("sleep {}.{:03}; kill -9 {pid}", after / 1000, after % 1000)])
            .spawn()
            .unwrap();
        let done = work(&gateway, &place, &mut held, total, &bundle).is_ok();
        let _ = killer.kill();
        let _ = killer.wait();
        gateway.kill();
        kills += u64::from(!done);
    }
    assert!(kills > 0, "the gateway was never killed at work");
    check(&place, &held);
}

/// Every message once, every receipt's entry once, and the log sound.
fn check(place: &Place, held: &Held) {
    let gateway = Gateway::start(&place.0);
    let sender = place.client(&gateway.address, "clearway-case");
    let ids: BTreeSet<&String> = held.acknowledged.values().collect();
    assert_eq!(ids.len(), held.acknowledged.len(), "two keys were answered with one message");
    for id in ids {
        assert_eq!(
            get(&sender, &format!("/api/v1/messages/{id}")).unwrap().status,
            200,
            "an acknowledged message is gone"
        );
    }
    let receiver = place.client(&gateway.address, "southdown-rio");
    // What was released but not acknowledged before a kill is offered again: nothing waits for ever.
    let left = json(&get(&receiver, "/api/v1/mailbox?wait=0").unwrap());
    assert!(left["items"].is_array());
    drop(gateway);
    let verify =
        Command::new(PROGRAM).args(["audit", "verify", "--config"]).arg(place.0.join("solent.toml")).output().unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
    let entries = super::log_ids(&place.0.join("solent.db"));
    for receipt in &held.receipts {
        assert_eq!(entries.iter().filter(|id| *id == receipt).count(), 1, "a release without its one entry");
    }
    let distinct: BTreeSet<&String> = held.receipts.iter().collect();
    assert_eq!(distinct.len(), held.receipts.len(), "one receipt let two things out");
}
