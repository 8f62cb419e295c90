//! The program itself under load: `solent serve`, mutual TLS, 64 and then 256 connections kept open, load generator on the same
//! cores; then connections that come and go beside some that say nothing.
//!
//! Submissions of a referral bundle, then releases of the items they made: each decided, written in the receiver's format,
//! sealed and committed again. Printed are requests a second, latencies, the gateway's own processor time per request
//! (the generator's is not in it), its memory idle and after, and how long it took to start. SQLite, `synchronous=FULL`.
//! Every answer is looked at, no id or receipt may come twice, and afterwards the log must verify and hold them all.
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
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_solent");
const BUNDLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/demo/clearway-bundle.json");
/// Connections, each with one request at a time.
const CONNECTIONS: [usize; 2] = [64, 256];
/// Requests of each kind while measuring.
const REQUESTS: usize = 12_800;

fn main() {
    let folder = partnership();
    let (gateway, started) = Gateway::start(&folder);
    println!("start: {:.0} ms; idle memory: {:.1} MB", started.as_secs_f64() * 1e3, gateway.memory_mb());
    let bundle = std::fs::read(BUNDLE).unwrap();
    let sent = Mutex::new(BTreeSet::new());
    let submit = |client: &Client, key: &str| {
        let headers = [("content-type", "application/fhir+json"), ("idempotency-key", key)];
        let call = Call { method: Method::Post, path: "/api/v1/messages", headers: &headers, body: &bundle };
        let answer = client.call(&call).unwrap();
        assert_eq!(answer.status, 202);
        let accepted: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(sent.lock().unwrap().insert(accepted["id"].as_str().unwrap().to_owned()), "an id was given twice");
    };
    let released = Mutex::new(BTreeSet::new());
    let first = OnceLock::new();
    let release = |client: &Client, item: &str| {
        let answer = get(client, &format!("/api/v1/mailbox/{item}"));
        assert_eq!(answer.status, 200);
        // Every item is the same message, so every answer says the same under its own ids and time.
        let shape = shape(&answer.body);
        assert_eq!(&shape, first.get_or_init(|| shape.clone()));
        assert!(released.lock().unwrap().insert(answer.receipt.unwrap()), "a receipt was given twice");
    };
    for connections in CONNECTIONS {
        let each = if measuring() { REQUESTS / connections } else { 1 };
        let senders = clients(&folder, &gateway, "clearway-case", connections);
        // Opens every connection, so that no handshake is measured.
        let send = |client: &Client, at, round| submit(client, &format!("load-{connections}-{at}-{round}"));
        drive(&gateway, &senders, 1, |client, at, _| send(client, at, usize::MAX));
        drive(&gateway, &senders, each, send)
            .print(&format!("{connections} submissions at once"), "2,000 a second, 25 ms, 500 µs");
        drop(senders);
        let receivers = clients(&folder, &gateway, "southdown-rio", connections);
        let items = waiting(&receivers[0]);
        let take = |client: &Client, at: usize, round: usize| release(client, &items[(at + round) % items.len()]);
        drive(&gateway, &receivers, 1, take);
        drive(&gateway, &receivers, each, take)
            .print(&format!("{connections} releases at once"), "2,500 a second, 25 ms, 400 µs");
        println!("memory after: {:.1} MB", gateway.memory_mb());
    }
    let each = if measuring() { 20 } else { 1 };
    // Connections that come and go, beside some that say nothing at all and some that never read their answer.
    let silent = silent(&gateway);
    let comers: Vec<usize> = (0..16).collect();
    let come = |_: &usize, at: usize, round: usize| {
        let one = clients(&folder, &gateway, "clearway-case", 1);
        submit(&one[0], &format!("come-{at}-{round}"));
    };
    drive(&gateway, &comers, each, come).print("16 at once, a connection for each submission", "610 µs a handshake");
    drop(silent);
    println!("memory after: {:.1} MB", gateway.memory_mb());
    drop(gateway);
    verified(&folder, sent.lock().unwrap().len() + released.lock().unwrap().len());
    std::fs::remove_dir_all(folder).unwrap();
}

/// What an answer says, without ids and times, which differ from release to release.
fn shape(body: &[u8]) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(map) => {
                for (name, value) in map.iter_mut() {
                    match name.as_str() {
                        "id" | "fullUrl" | "reference" | "timestamp" | "lastUpdated" | "sent" | "value" => {
                            *value = Value::Null
                        }
                        _ => strip(value),
                    }
                }
            }
            _ => {}
        }
    }
    let mut value = serde_json::from_slice(body).unwrap();
    strip(&mut value);
    value
}

/// Connections that are opened and then used for nothing.
fn silent(gateway: &Gateway) -> Vec<TcpStream> {
    let address = gateway.address.replace("localhost", "127.0.0.1");
    (0..64).map(|_| TcpStream::connect(&address).unwrap()).collect()
}

/// The log is what was signed, and holds an entry for everything that was answered.
fn verified(folder: &Path, least: usize) {
    let done = Command::new(PROGRAM).args(["audit", "verify", "--config"]).arg(folder.join("solent.toml")).output();
    let done = done.unwrap();
    let words = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{words}{}", String::from_utf8_lossy(&done.stderr));
    print!("{words}");
    let entries = words.split_whitespace().skip_while(|word| *word != "all").nth(1);
    let entries: usize = entries.and_then(|count| count.replace(',', "").parse().ok()).unwrap();
    assert!(entries >= least, "{least} answers were given, {entries} entries are there");
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

fn clients(folder: &Path, gateway: &Gateway, system: &str, count: usize) -> Vec<Client> {
    let read = |name: String| std::fs::read(folder.join("certs").join(name)).unwrap();
    let port = gateway.address.rsplit(':').next().unwrap();
    let base = format!("https://localhost:{port}");
    let (chain, key, ca) = (read(format!("{system}.pem")), read(format!("{system}.key")), read("ca.pem".into()));
    (0..count).map(|_| Client::new(&base, &chain, &key, &ca).unwrap()).collect()
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
fn drive<C: Sync>(gateway: &Gateway, clients: &[C], each: usize, call: impl Fn(&C, usize, usize) + Sync) -> Load {
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
