//! The program itself under load: `solent serve`, mutual TLS, 64 connections kept open, load generator on the same cores.
//!
//! Submissions of a referral bundle, then releases of the items they made: each decided, written in the receiver's format,
//! sealed and committed again. Printed are requests a second, latencies, the gateway's own processor time per request
//! (the generator's is not in it), its memory idle and after, and how long it took to start. SQLite, `synchronous=FULL`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop"
)]
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its result")]

mod measure;

use measure::measuring;
use serde_json::Value;
use solent::peer::{Answer, Call, Client, Method};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_solent");
const BUNDLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/demo/clearway-bundle.json");
/// Connections, each with one request at a time.
const CONNECTIONS: usize = 64;

fn main() {
    let folder = partnership();
    let each = if measuring() { 100 } else { 1 };
    let (gateway, started) = Gateway::start(&folder);
    println!("start: {:.0} ms; idle memory: {:.1} MB", started.as_secs_f64() * 1e3, gateway.memory_mb());
    let bundle = std::fs::read(BUNDLE).unwrap();
    let senders = clients(&folder, &gateway, "clearway-case");
    let receivers = clients(&folder, &gateway, "southdown-rio");
    let submit = |client: &Client, at: usize, round: usize| {
        let key = format!("load-{at}-{round}");
        let headers = [("content-type", "application/fhir+json"), ("idempotency-key", key.as_str())];
        let answer =
            client.call(&Call { method: Method::Post, path: "/api/v1/messages", headers: &headers, body: &bundle });
        assert_eq!(answer.unwrap().status, 202);
    };
    // Opens every connection, so that no handshake is measured.
    drive(&gateway, &senders, 1, |client, at, _| submit(client, at, usize::MAX));
    let sent = drive(&gateway, &senders, each, submit);
    sent.print("submissions", "2,000 a second, 25 ms, 500 µs");
    let items = waiting(&receivers[0]);
    let release = |client: &Client, at: usize, round: usize| {
        let path = format!("/api/v1/mailbox/{}", items[(at + round) % items.len()]);
        let answer = get(client, &path);
        assert_eq!(answer.status, 200);
        assert!(answer.receipt.is_some());
    };
    drive(&gateway, &receivers, 1, release);
    let released = drive(&gateway, &receivers, each, release);
    released.print("releases", "2,500 a second, 25 ms, 400 µs");
    println!("memory after: {:.1} MB", gateway.memory_mb());
    drop(gateway);
    std::fs::remove_dir_all(folder).unwrap();
}

/// The demo's partnership, without the limit on requests per minute.
fn partnership() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
    let done = Command::new(PROGRAM).args(["demo", "--once", "--data"]).arg(&folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let config = folder.join("solent.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("[limits]\n"));
    std::fs::write(config, text.replace("[limits]\n", "[limits]\nrequests_per_minute = 100000000\n")).unwrap();
    folder
}

struct Gateway {
    child: Child,
    address: String,
}

impl Gateway {
    fn start(folder: &Path) -> (Self, Duration) {
        let at = Instant::now();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--log-level", "error", "--config"])
            .arg(folder.join("solent.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find_map(|w| w.strip_prefix("https://")).expect("an address");
        (Self { address: address.trim_end_matches(',').to_owned(), child }, at.elapsed())
    }

    /// Processor time so far, user and system; fields 14 and 15 of proc(5) stat, in hundredths of a second.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    fn memory_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
        line.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn clients(folder: &Path, gateway: &Gateway, system: &str) -> Vec<Client> {
    let read = |name: String| std::fs::read(folder.join("certs").join(name)).unwrap();
    let port = gateway.address.rsplit(':').next().unwrap();
    let base = format!("https://localhost:{port}");
    let (chain, key, ca) = (read(format!("{system}.pem")), read(format!("{system}.key")), read("ca.pem".into()));
    (0..CONNECTIONS).map(|_| Client::new(&base, &chain, &key, &ca).unwrap()).collect()
}

fn get(client: &Client, path: &str) -> Answer {
    client.call(&Call { method: Method::Get, path, headers: &[], body: &[] }).unwrap()
}

/// The ids of what waits for a system.
fn waiting(client: &Client) -> Vec<String> {
    let list: Value = serde_json::from_slice(&get(client, "/api/v1/mailbox?wait=0").body).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

struct Load {
    per_second: f64,
    processor_us: f64,
    /// Microseconds of every request, sorted.
    took: Vec<f64>,
}

impl Load {
    fn print(&self, what: &str, budget: &str) {
        let at = |part: f64| self.took[((self.took.len() - 1) as f64 * part) as usize] / 1e3;
        println!(
            "{what}: {:.0} a second; p50 {:.1} ms, p99 {:.1} ms; gateway's processor {:.0} µs each (budget {budget})",
            self.per_second,
            at(0.5),
            at(0.99),
            self.processor_us
        );
    }
}

/// Every client makes its calls one after the other, all clients at once.
fn drive(gateway: &Gateway, clients: &[Client], each: usize, call: impl Fn(&Client, usize, usize) + Sync) -> Load {
    let (start, busy) = (Instant::now(), gateway.processor());
    let mut took: Vec<f64> = std::thread::scope(|scope| {
        let one = |at: usize, client| {
            let call = &call;
            scope.spawn(move || {
                let timed = |round| {
                    let start = Instant::now();
                    call(client, at, round);
                    start.elapsed().as_secs_f64() * 1e6
                };
                (0..each).map(timed).collect::<Vec<f64>>()
            })
        };
        let threads: Vec<_> = clients.iter().enumerate().map(|(at, client)| one(at, client)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    let count = took.len() as f64;
    Load { per_second: count / seconds, processor_us: (gateway.processor() - busy) * 1e6 / count, took }
}
