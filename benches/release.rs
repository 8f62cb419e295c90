//! The whole release, without the network: enquire, load, decide, redact, write, commit the entry, hand out the bytes.
//!
//! And the whole submission: validate, translate, match, store, log. On SQLite with `synchronous=FULL`, the demo's
//! partnership and messages, one requester and sixty-four at once. The limit is what the bytes alone cost: parsing the
//! bundle with `serde_json` and printing it again.
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
use serde_json::Value;
use solent::audit::{Origin, Signer};
use solent::cli::content;
use solent::clock::{Clock, Moment};
use solent::config;
use solent::exchange::{Caller, Enquiry, Gateway, Parts, Subject, Submission};
use solent::ident::{AccountId, HatId};
use solent::store::{Committer, Db, Keys, Options};
use solent::vocabulary::{Category, Purpose};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Requesters at once, and requests of each while measuring.
const LOADS: [(usize, usize); 2] = [(1, 300), (64, 40)];

/// Budgets: 400 µs of processor for a release and 500 µs for a submission, where the bundle's bytes took 111.
const RELEASE: f64 = 3.6;
const SUBMISSION: f64 = 4.5;

fn input(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&String::from_utf8(input(name)).unwrap()).unwrap()
}

fn main() {
    let bundle = input("southdown-bundle.json");
    let bytes_alone = least(|| serde_json::to_vec(&serde_json::from_slice::<Value>(&bundle).unwrap()).unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("release-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // Releases first: each submission adds a record about the same person, and a release decides them all.
        let gateway = Arc::new(partnership(&folder.join("asked")).await);
        submit(Arc::clone(&gateway), input("southdown-bundle.json")).await;
        for (at_once, each) in LOADS {
            let each = if measuring() { each } else { 1 };
            let released = run(at_once, each, &gateway, ask).await;
            report("release", at_once, &released, bytes_alone, RELEASE);
        }
        let gateway = Arc::new(partnership(&folder.join("sent")).await);
        for (at_once, each) in LOADS {
            let each = if measuring() { each } else { 1 };
            let sent = run(at_once, each, &gateway, |gateway| submit(gateway, input("southdown-bundle.json"))).await;
            report("submission", at_once, &sent, bytes_alone, SUBMISSION);
        }
    });
    std::fs::remove_dir_all(folder).unwrap();
}

/// The demo's partnership in a gateway of its own.
async fn partnership(folder: &Path) -> Gateway {
    std::fs::create_dir_all(folder).unwrap();
    let config = config::Gateway::parse("bench", &configuration(), folder).unwrap();
    let content = content::compile(&content::built_in()).ok().unwrap();
    let db = Db::open_sqlite(&folder.join("solent.db")).await.unwrap();
    let now = Moment::parse("2026-10-06T10:00:00+01:00").unwrap();
    db.migrate(now).await.unwrap();
    let keys = Keys::from_secret(&[7; 32]).unwrap();
    let clock = Clock::fixed(now);
    let signer = Signer::log(Origin::parse("bench.example.org/log1").unwrap(), &[9; 32]).unwrap();
    let committer =
        Committer::start(db.clone(), keys.clone(), signer, clock.clone(), Options::default()).await.unwrap();
    let gateway = Gateway::new(Parts { config, content, db, keys, committer, clock });
    let by = AccountId::new("registrar");
    for file in ["partnership.yaml", "caseloads.yaml"] {
        gateway.register(&yaml(file), &by).await.ok().unwrap();
    }
    gateway
}

fn configuration() -> String {
    let mut out = String::from(
        "origin = \"bench.example.org/log1\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"a\"\nkey = \"b\"\nclient_ca = \"c\"\n[store]\ndatabase_url = \"sqlite:d\"\nkey_file = \"e\"\n\
         [audit]\nsigning_key = \"f\"\ncheckpoint_file = \"g\"\n",
    );
    for agency in yaml("partnership.yaml")["agencies"].as_array().unwrap() {
        let [id, kind, name] = ["id", "kind", "name"].map(|key| agency[key].as_str().unwrap());
        let _ =
            write!(out, "[[agency]]\nid = \"{id}\"\nkind = \"{kind}\"\nname = \"{name}\"\ncontact = \"team desk\"\n");
    }
    out.push_str("[[system]]\nid = \"southdown-rio\"\nagency = \"southdown-mh\"\nformat = \"fhir-r4-json\"\n");
    out.push_str("[[system]]\nid = \"harbourshire-desk\"\nagency = \"harbourshire-csc\"\nformat = \"canonical\"\n");
    out
}

fn caller(system: &str, agency: &str, format: &str) -> Caller {
    Caller {
        system: system.into(),
        agency: agency.into(),
        format: format.to_owned(),
        certificate: "00".repeat(32),
        request: "bench".to_owned(),
    }
}

async fn submit(gateway: Arc<Gateway>, body: Vec<u8>) {
    let health = caller("southdown-rio", "southdown-mh", "fhir-r4-json");
    gateway.receive(&health, Submission { body, idempotency_key: None }).await.ok().unwrap();
}

/// The social worker asks about the mother under the child in need plan: every segment of the bundle that is about her
/// is decided, and a probe for each category.
async fn ask(gateway: Arc<Gateway>) {
    let enquiry = Enquiry {
        account: AccountId::new("acc-01"),
        hat: HatId::new("hat-sw"),
        purpose: Purpose::Cin,
        subject: Subject::Person("p-01".into()),
        categories: vec![Category::Idn, Category::Adr, Category::Sts, Category::Mhl, Category::Mhn, Category::Rsk],
        override_id: None,
        delegation: None,
        opening: None,
    };
    let desk = caller("harbourshire-desk", "harbourshire-csc", "canonical");
    assert!(!gateway.enquire(desk, enquiry).await.ok().unwrap().into_bytes().is_empty());
}

/// Calls a second, and processor microseconds a call.
struct Rate {
    per_second: f64,
    processor_us: f64,
}

async fn run<F, T>(at_once: usize, each: usize, gateway: &Arc<Gateway>, call: F) -> Rate
where
    F: Fn(Arc<Gateway>) -> T + Copy + Send + 'static,
    T: Future<Output = ()> + Send,
{
    let (start, busy) = (Instant::now(), processor_seconds());
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let gateway = Arc::clone(gateway);
            tokio::spawn(async move {
                for _ in 0..each {
                    call(Arc::clone(&gateway)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let calls = (at_once * each) as f64;
    let per_second = calls / start.elapsed().as_secs_f64();
    Rate { per_second, processor_us: (processor_seconds() - busy) * 1e6 / calls }
}

fn report(what: &str, at_once: usize, rate: &Rate, bytes_alone: f64, budget: f64) {
    println!("{what}, {at_once} at once: {:.0} a second", rate.per_second);
    let name = format!("{what}, {at_once} at once, processor");
    line(&name, "µs", rate.processor_us, "the bundle's bytes, parsed and printed", bytes_alone, Budget::AtMost(budget));
}
