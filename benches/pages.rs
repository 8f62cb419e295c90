//! Server time of each page, with a county in the store: 20,000 people in 5,000 cases and a long log.
//!
//! The gateway serves in this process; a visitor asks over TLS on the loopback, one request at a time on one connection, so
//! that what is printed is what one page costs, the network's part being a fraction of a millisecond. SQLite,
//! `synchronous=FULL`. `SOLENT_BENCH_ENTRIES=1000000` fills the log further.
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
use serde_json::{Value, json};
use solent::audit::payload::{Hat, Item, Payload};
use solent::audit::{Draft, Event, Origin, Outcome, Signer};
use solent::cli::content;
use solent::clock::{Clock, Moment};
use solent::config;
use solent::exchange::{Caller, Gateway, Parts, Submission};
use solent::http::{DemoPerson, Door, Running};
use solent::ident::{AccountId, AgencyId, HatId, PersonId, SegmentId};
use solent::store::{Committer, CommitterHandle, Db, Effect, Job, Keys, Options, Section};
use solent::trust::ca::{Authority, Holder, Validity};
use solent::trust::{Tls, install_provider};
use solent::vocabulary::{Category, Level, Purpose, Role};
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// People beside the family of the story.
const PEOPLE: usize = 20_000;
/// People of one case.
const IN_CASE: usize = 4;
/// Entries of the log unless asked for more.
const ENTRIES: usize = 100_000;
/// The budget of a page, 99 of 100 times, in milliseconds.
const BUDGET_MS: f64 = 100.0;
/// Entries or facts in one job.
const BATCH: usize = 500;

fn main() {
    install_provider();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (people, entries, each) = if measuring() { (PEOPLE, wanted(), 200) } else { (40, 200, 1) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (base, running) = runtime.block_on(serve(&folder, people, entries));
    println!("{people} people, {} cases, {entries} entries", people / IN_CASE);
    let mut slow = Vec::new();
    let mut count = 0;
    for (account, pages) in PAGES {
        let mut visitor = Visitor::walk(&base, &folder, account);
        visitor.state("case-01", "CIN");
        for page in reached(&visitor, pages) {
            count += 1;
            if !holds(&mut visitor, account, &page, each) {
                slow.push(format!("{account} {page}"));
            }
        }
    }
    println!("{count} pages timed, {each} times each");
    println!("pages over the budget: {}", if slow.is_empty() { "none".to_owned() } else { slow.join(", ") });
    runtime.block_on(running.stop());
    std::fs::remove_dir_all(folder).unwrap();
}

/// Times one page and says whether it stays within the budget.
fn holds(visitor: &mut Visitor, account: &str, page: &str, each: usize) -> bool {
    let mut times: Vec<f64> = (0..each + 1)
        .map(|_| {
            let began = Instant::now();
            let status = visitor.get(page);
            assert_eq!(status, 200, "{page}");
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() as f64 - 1.0) * share) as usize];
    let holds = at(0.99) <= BUDGET_MS;
    println!(
        "{account} {page}: first {first:.1} ms, p50 {:.1} ms, p99 {:.1} ms, budget {BUDGET_MS} ms: {}",
        at(0.5),
        at(0.99),
        if holds { "holds" } else { "DOES NOT HOLD" }
    );
    holds
}

/// The pages named, and one of each further kind that links and redirections lead to.
fn reached(visitor: &Visitor, named: &[&str]) -> Vec<String> {
    let mut pages: Vec<String> = Vec::new();
    let mut kinds = BTreeSet::new();
    let mut queue: VecDeque<String> = named.iter().chain(&["/"]).map(|page| (*page).to_owned()).collect();
    while let Some(path) = queue.pop_front() {
        let named = named.contains(&path.as_str()) && !pages.contains(&path);
        if !kinds.insert(kind(&path)) && !named {
            continue;
        }
        let (status, body) = visitor.body(&path);
        if status == 303 {
            queue.push_back(body);
            continue;
        }
        if status != 200 {
            continue;
        }
        pages.push(path);
        let links = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let own =
            links.filter(|link| link.starts_with('/') && !link.starts_with("/style/") && !link.ends_with("/proof"));
        queue.extend(
            own.map(|link| link.replace("&amp;", "&").replace("&#38;", "&").split('#').next().unwrap().to_owned()),
        );
    }
    pages
}

/// A path without its ids and without what its filters are set to.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts = path.split('/').map(|part| if part.contains(|c: char| c.is_ascii_digit()) { "*" } else { part });
    let names: BTreeSet<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    format!("{}?{names:?}", parts.collect::<Vec<_>>().join("/"))
}

/// Who opens what, beside what links lead to.
const PAGES: &[(&str, &[&str])] = &[
    ("acc-01", &["/families", "/families/case-01/purpose", "/families/case-01", "/families/case-01/chronology"]),
    ("acc-02", &["/families"]),
    ("acc-04", &["/families"]),
    ("acc-08", &["/concerns", "/concerns/new/danger"]),
    ("acc-10", &["/surgery"]),
    ("acc-11", &["/"]),
    ("acc-12", &["/families"]),
    ("acc-13", &["/"]),
    ("acc-16", &["/"]),
    ("acc-17", &["/"]),
    ("acc-30", &["/"]),
    (
        "acc-20",
        &[
            "/audit",
            "/audit?from=2026-10-01&to=2026-10-31",
            "/audit?from=2026-10-01&to=2026-10-31&event=view&actor=acc-many",
            "/audit?from=2026-10-01&to=2026-10-31&event=view&outcome=deny&purpose=CP",
            "/audit/questions",
            "/audit/questions/Q6?from=2026-10-01&to=2026-10-31",
            "/audit/questions/Q20?from=2026-10-01&to=2026-10-31",
            "/audit/charts?from=2026-10-01&to=2026-10-31",
            "/audit/integrity",
            "/audit/export",
        ],
    ),
    ("acc-14", &["/audit", "/review", "/audit?from=2026-10-01&to=2026-10-31&event=view"]),
];

fn wanted() -> usize {
    std::env::var("SOLENT_BENCH_ENTRIES").ok().and_then(|n| n.parse().ok()).unwrap_or(ENTRIES)
}

fn input(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&String::from_utf8(input(name)).unwrap()).unwrap()
}

async fn serve(folder: &Path, people: usize, entries: usize) -> (String, Running) {
    let now = Moment::parse("2026-10-06T10:00:00+01:00").unwrap();
    let before = now.plus_millis(-86_400_000);
    let validity = Validity::days(before, 3_650);
    let authority = Authority::create(&folder.join("certs"), "bench", validity, before).unwrap();
    authority.issue(&Holder::Server(vec!["localhost".to_owned()]), validity, before).unwrap();
    let config = config::Gateway::parse("bench", &configuration(), folder).unwrap();
    let content = content::compile(&content::built_in()).ok().unwrap();
    let db = Db::open_sqlite(&folder.join("solent.db")).await.unwrap();
    db.migrate(now).await.unwrap();
    let keys = Keys::from_secret(&[7; 32]).unwrap();
    let clock = Clock::shifted(now);
    let signer = Signer::log(Origin::parse("bench.example.org/log1").unwrap(), &[9; 32]).unwrap();
    let committer =
        Committer::start(db.clone(), keys.clone(), signer, clock.clone(), Options::default()).await.unwrap();
    let parts = Parts { config: config.clone(), content, db, keys, committer: committer.clone(), clock: clock.clone() };
    let gateway = Arc::new(Gateway::new(parts));
    let by = AccountId::new("registrar");
    for file in ["partnership.yaml", "caseloads.yaml"] {
        gateway.register(&yaml(file), &by).await.ok().unwrap();
    }
    let caller = Caller {
        system: "southdown-rio".into(),
        agency: "southdown-mh".into(),
        format: "fhir-r4-json".to_owned(),
        certificate: "00".repeat(32),
        request: "bench".to_owned(),
    };
    let body = input("southdown-bundle.json");
    gateway.receive(&caller, Submission { body, idempotency_key: None }).await.ok().unwrap();
    county(&committer, people).await;
    log(&committer, people, entries).await;
    let tls = Tls::load(&config.tls, clock.clone()).unwrap();
    let person = |id: &str| DemoPerson { account: AccountId::new(id), words: id.to_owned(), shown: id.to_owned() };
    let door =
        Door::with_pages(config, tls, clock, &gateway, PAGES.iter().map(|(account, _)| person(account)).collect());
    let running = Running::start(&door).unwrap();
    (format!("https://localhost:{}", running.address.port()), running)
}

fn configuration() -> String {
    let mut out = String::from(
        "origin = \"bench.example.org/log1\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"certs/server.pem\"\nkey = \"certs/server.key\"\nclient_ca = \"certs/ca.pem\"\n\
         [store]\ndatabase_url = \"sqlite:solent.db\"\nkey_file = \"e\"\n\
         [audit]\nsigning_key = \"f\"\ncheckpoint_file = \"g\"\npartnership_auditor = \"harbourshire-csc\"\n\
         [limits]\nrequests_per_minute = 100000000\n[pages]\n",
    );
    for agency in yaml("partnership.yaml")["agencies"].as_array().unwrap() {
        let [id, kind, name] = ["id", "kind", "name"].map(|key| agency[key].as_str().unwrap());
        let _ =
            write!(out, "[[agency]]\nid = \"{id}\"\nkind = \"{kind}\"\nname = \"{name}\"\ncontact = \"team desk\"\n");
    }
    out.push_str("[[system]]\nid = \"southdown-rio\"\nagency = \"southdown-mh\"\nformat = \"fhir-r4-json\"\n");
    out
}

/// People and their cases, some hundred to a job.
async fn county(committer: &CommitterHandle, people: usize) {
    let fact =
        |section: Section, id: String, body: Value| Effect::PutFact { section, id, body, expected_version: None };
    let mut effects = Vec::new();
    for number in 0..people {
        let id = format!("bench-p{number}");
        effects.push(fact(Section::People, id.clone(), json!({"id": id, "born": "2015-05-05"})));
        if number % IN_CASE == IN_CASE - 1 {
            let members: Vec<String> = (number + 1 - IN_CASE..=number).map(|n| format!("bench-p{n}")).collect();
            let id = format!("bench-c{}", number / IN_CASE);
            let body = json!({"id": id, "agency": "harbourshire-csc", "team": "cin-2", "members": members,
                "purposes": [{"purpose": "CIN", "from": "2026-01-01"}]});
            effects.push(fact(Section::Cases, id, body));
        }
        if effects.len() >= BATCH || number + 1 == people {
            let first = Job::new(Draft::new(Outcome::Allow, Payload::new(Event::PersonLink)));
            committer.commit(effects.drain(..).fold(first, Job::with_effect)).await.unwrap();
        }
    }
}

/// Entries as workers make them: looks at people of the county, of every outcome.
async fn log(committer: &CommitterHandle, people: usize, entries: usize) {
    let agencies = ["harbourshire-csc", "southdown-mh", "clearway-sm", "haven-da", "harbour-primary"];
    let mut job: Option<Job> = None;
    for number in 0..entries {
        let mut payload = Payload::new(if number % 11 == 0 { Event::Refuse } else { Event::View });
        payload.actor = Some(AccountId::new(if number % 97 == 0 { "acc-many" } else { "acc-other" }));
        payload.hat = Some(Hat {
            id: Some(HatId::new(format!("hat-{}", number % 200))),
            role: Role::Sw,
            agency: AgencyId::new(agencies[number % agencies.len()]),
            team: None,
        });
        payload.subject = Some(PersonId::new(format!("bench-p{}", number % people)));
        payload.purpose = Some(if number % 13 == 0 { Purpose::Cp } else { Purpose::Cin });
        payload.reason = (number % 11 == 0).then(|| "D-REL".to_owned());
        for (category, level) in [(Category::Idn, Level::F), (Category::Mhl, Level::N)] {
            payload.items.push(Item {
                segment: SegmentId::new(format!("seg-{number}-{}", category.code())),
                category: Some(category),
                level,
                reason: if level == Level::N { "D-PERMISSION" } else { "ALLOW-MATRIX" }.to_owned(),
                limit: None,
                marker: None,
                custodian: AgencyId::new(agencies[(number / 7) % agencies.len()]),
            });
        }
        let outcome = if number % 11 == 0 { Outcome::Deny } else { Outcome::Partial };
        let draft = Draft::new(outcome, payload);
        let filled = match job.take() {
            Some(job) => job.with_entry(draft),
            None => Job::new(draft),
        };
        if number % BATCH == BATCH - 1 || number + 1 == entries {
            committer.commit(filled).await.unwrap();
        } else {
            job = Some(filled);
        }
    }
}

/// A browser of one connection.
struct Visitor {
    agent: ureq::Agent,
    base: String,
    cookie: String,
}

impl Visitor {
    fn walk(base: &str, folder: &Path, account: &str) -> Self {
        let root = ureq::tls::Certificate::from_pem(&std::fs::read(folder.join("certs/ca.pem")).unwrap()).unwrap();
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::Specific(Arc::new(vec![root])))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false).max_redirects(0);
        let agent = config.build().new_agent();
        let answer = agent.post(format!("{base}/demo")).send_form([("account", account)]).unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { agent, base: base.to_owned(), cookie }
    }

    /// A page's status and text; of a redirection where it leads.
    fn body(&self, path: &str) -> (u16, String) {
        let request = self.agent.get(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let mut answer = request.call().unwrap();
        if let Some(on) = answer.headers().get("location") {
            return (answer.status().as_u16(), on.to_str().unwrap().to_owned());
        }
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn get(&mut self, path: &str) -> u16 {
        self.body(path).0
    }

    /// States why a family is looked at, where that is asked of this visitor.
    fn state(&mut self, family: &str, purpose: &str) {
        let path = format!("/families/{family}/purpose");
        let (status, body) = self.body(&path);
        if status != 200 || !body.contains(&format!("value=\"{purpose}\"")) {
            return;
        }
        let word = body.split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let request = self.agent.post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let answer = request.send_form([("purpose", purpose), ("word", word.as_str())]).unwrap();
        assert_eq!(answer.status().as_u16(), 303);
    }
}
