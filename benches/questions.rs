//! A million entries, and each of the twenty questions over them, beside two seconds.
//!
//! The log is written by the real committer, entry by entry sealed, encrypted, indexed and signed, over two years of invented
//! work: 3,000 accounts, 20,000 people, twelve agencies. Then: how fast that was, the check every start makes, the check
//! with every payload opened, the memory all of it took, and the time of each question, first and least of three.
//!
//! `SOLENT_QUESTIONS_ENTRIES` sets another number. `SOLENT_QUESTIONS_DIR` names a folder to keep the SQLite log in, with a
//! configuration and keys beside it, so that `solent audit … --config DIR/solent.toml` works on it; a log that is there
//! already is used again. With `SOLENT_QUESTIONS_ONLY` the check of every payload is left out. PostgreSQL is measured when `SOLENT_TEST_POSTGRES` names an empty database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop"
)]
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its result")]

mod measure;

use measure::{measuring, processor_seconds};
use solent::audit::payload::{
    Basis, Change, Dataset, FreeText, Hat, Informed, Item, Marker, Payload, Recipient, Relationship, Told,
};
use solent::audit::verify::{Expected, verify};
use solent::audit::{Draft, Event, Origin, Outcome, Signer};
use solent::clock::{Clock, Moment};
use solent::config;
use solent::exchange::{Ask, Asker, QuestionId, Viewer};
use solent::ident::{AccountId, AgencyId, EntryId, HatId, MessageId, PersonId, SegmentId, SystemId};
use solent::store::{Committer, CommitterHandle, Db, Job, Keys, LogReader, Options, StoredLog};
use solent::vocabulary::{Category, Level, Purpose, Role};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Seconds a question may take (audit paper §10).
const LIMIT_SECONDS: f64 = 2.0;
/// Entries of one batch: what the committer takes at once.
const BATCH: usize = 256;
const ORIGIN: &str = "bench.example.org/log1";
const AGENCIES: [&str; 12] = [
    "council",
    "police",
    "trust",
    "drugs",
    "school-1",
    "school-2",
    "school-3",
    "surgery-1",
    "surgery-2",
    "refuge",
    "volunteers",
    "probation",
];
const ROLES: [Role; 8] = [Role::Sw, Role::Pol, Role::Fmh, Role::Sw, Role::Dsl, Role::Sur, Role::Vol, Role::Msh];
/// The first entry's time.
fn first() -> Moment {
    Moment::parse("2024-10-07T08:00:00Z").unwrap()
}
/// The last entry's time, about.
fn last() -> Moment {
    Moment::parse("2026-10-05T18:00:00Z").unwrap()
}

fn main() {
    let wanted = std::env::var("SOLENT_QUESTIONS_ENTRIES").ok().and_then(|n| n.parse().ok());
    let entries: usize = wanted.unwrap_or(if measuring() { 1_000_000 } else { 600 });
    let kept = std::env::var_os("SOLENT_QUESTIONS_DIR").map(PathBuf::from);
    let folder = kept
        .clone()
        .unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("questions-{}", std::process::id())));
    std::fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sqlite = format!("sqlite:{}", folder.join("solent.db").display());
    let servers = [Some(sqlite), std::env::var("SOLENT_TEST_POSTGRES").ok().filter(|a| a != "none")];
    for address in servers.into_iter().flatten() {
        let engine = if address.starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" };
        let config = configuration(&folder, &address);
        runtime.block_on(measure_one(engine, &address, &config, entries));
        println!("{engine}: most memory of this process so far {} MB", peak_megabytes());
    }
    if kept.is_none() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

async fn measure_one(engine: &str, address: &str, config: &config::Gateway, entries: usize) {
    let db = Db::open(address, None).await.unwrap();
    db.migrate(first()).await.unwrap();
    let keys = Keys::from_secret(&[7; 32]).unwrap();
    let signer = Signer::log(Origin::parse(ORIGIN).unwrap(), &[9; 32]).unwrap();
    let vkey = signer.vkey().clone();
    let origin = vkey.name().clone();
    let there = db.shards().await.unwrap().iter().find(|s| s.origin == ORIGIN).map_or(0, |s| s.size);
    if there == 0 {
        let clock = Clock::fixed(first());
        let log = Committer::start(db.clone(), keys.clone(), signer, clock.clone(), Options::default()).await.unwrap();
        let start = Instant::now();
        fill(&log, &clock, entries).await;
        let rate = entries as f64 / start.elapsed().as_secs_f64();
        println!("{engine}: {entries} entries written, {rate:.0} a second, 256 at once");
        log.stop().await;
    }
    let size = db.shards().await.unwrap().iter().find(|s| s.origin == ORIGIN).map_or(0, |s| s.size);
    let reader = LogReader::new(db.clone(), origin);
    for _ in 0..if measuring() { 3 } else { 1 } {
        let (start, busy) = (Instant::now(), processor_seconds());
        assert_eq!(reader.verify(&vkey, None).await.unwrap(), []);
        let (took, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - busy);
        let (rate, each) = (size as f64 / took, busy * 1e6 / size as f64);
        println!("{engine}: check at start {rate:.0} entries a second, {each:.2} µs of processor each");
    }
    if std::env::var_os("SOLENT_QUESTIONS_ONLY").is_some() {
        questions(engine, &db, &keys, config).await;
        return db.close().await;
    }
    let (stored, handle) = ((reader, keys.clone()), tokio::runtime::Handle::current());
    let start = Instant::now();
    let report = tokio::task::spawn_blocking(move || {
        let source = StoredLog::new(stored.0, Some(stored.1), handle);
        verify(&source, &Expected { keys: vec![vkey], held: Vec::new() }, &mut |_| {}).unwrap()
    });
    assert_eq!(report.await.unwrap().findings, []);
    println!("{engine}: check with every payload {:.0} entries a second", size as f64 / start.elapsed().as_secs_f64());
    questions(engine, &db, &keys, config).await;
    db.close().await;
}

async fn questions(engine: &str, db: &Db, keys: &Keys, config: &config::Gateway) {
    let asker = Asker::new((db, keys), config, Viewer::operator(), last());
    let views = Ask { event: Some(Event::View), limit: Some(1), ..span() };
    let (found, _) = asker.page(&views).await.unwrap();
    let one = found[0].entry.id.as_str().to_owned();
    let mut worst = 0.0_f64;
    for question in QuestionId::ALL {
        let ask = asker.prepare(ask(*question, &one)).await.unwrap();
        let (mut times, mut rows) = (Vec::new(), 0);
        for _ in 0..if measuring() { 3 } else { 1 } {
            let start = Instant::now();
            rows = asker.answer(*question, &ask).await.unwrap().rows.len();
            times.push(start.elapsed().as_secs_f64());
        }
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        worst = worst.max(times[0]);
        let verdict = if times[0] < LIMIT_SECONDS { "ok" } else { "OVER" };
        println!(
            "{engine}: {:<4} first {:>7.3} s  least {least:>7.3} s  (budget {LIMIT_SECONDS} s)  {verdict}  {rows:>4} rows  {}",
            question.code(),
            times[0],
            question.title()
        );
    }
    println!("{engine}: slowest first answer {worst:.3} s");
}

/// Two years and a little: the longest span a question usually covers.
fn span() -> Ask {
    Ask { from: first().millis(), to: last().plus_millis(86_400_000).millis(), ..Ask::default() }
}

/// A question with the filters it needs, over the whole span.
fn ask(question: QuestionId, entry: &str) -> Ask {
    let some = |text: &str| Some(text.to_owned());
    let whole = Ask { limit: Some(500), ..span() };
    match question {
        QuestionId::Q1 | QuestionId::Q9 => Ask { subject: some("person-17"), ..whole },
        QuestionId::Q2 | QuestionId::Q8 | QuestionId::Q19 => Ask { entry: some(entry), ..whole },
        QuestionId::Q3 => Ask { actor: some("account-42"), ..whole },
        QuestionId::Q10 => Ask { message: some("message-300"), ..whole },
        QuestionId::Q11 => {
            Ask { subject: some("person-17"), linked: vec!["account-42".into(), "account-43".into()], ..whole }
        }
        QuestionId::Q18 => Ask { agency: some("trust"), ..whole },
        _ => whole,
    }
}

/// Writes the log, a batch at a time, its times spread over the two years.
async fn fill(log: &CommitterHandle, clock: &Clock, entries: usize) {
    let length = last().millis() - first().millis();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut receipts: Vec<EntryId> = Vec::new();
    for from in (0..entries).step_by(BATCH) {
        let at = i64::try_from(from).unwrap() * length / i64::try_from(entries.max(1)).unwrap();
        clock.set(first().plus_millis(at));
        let count = BATCH.min(entries - from);
        // Sixteen jobs at once, each of a page's entries.
        let jobs: Vec<_> = (0..count.div_ceil(16))
            .map(|n| {
                let mut drafts = (n * 16..count.min(n * 16 + 16)).map(|m| draft(from + m, &mut dice, &receipts));
                let job = Job::new(drafts.next().unwrap());
                let job = drafts.fold(job, Job::with_entry);
                let log = log.clone();
                tokio::spawn(async move { log.commit(job).await.unwrap().receipt.id().clone() })
            })
            .collect();
        receipts.clear();
        for job in jobs {
            receipts.push(job.await.unwrap());
        }
    }
}

/// Numbers that look random and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap()).unwrap()
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// An entry of ordinary work.
fn draft(n: usize, dice: &mut Dice, before: &[EntryId]) -> Draft {
    let event = match dice.below(1_000) {
        0..560 => Event::View,
        560..660 => Event::Search,
        660..740 => Event::Collect,
        740..800 => Event::Login,
        800..840 => Event::Send,
        840..880 => Event::Refuse,
        880..910 => Event::Request,
        910..938 => Event::Response,
        938..950 => Event::ShareDecision,
        950..962 => Event::PermGrant,
        962..966 => Event::PermWithdraw,
        966..980 => Event::RelStart,
        980..984 => Event::RelSelfclaim,
        984..987 => Event::OvrRequest,
        987..989 => Event::OvrUse,
        989..991 => Event::OvrReview,
        991..993 => Event::Correction,
        993..995 => Event::RoleGrant,
        995..996 => Event::PersonLink,
        996..999 => Event::AuditQuery,
        _ => Event::Receipt,
    };
    let account = dice.below(3_000);
    let mut payload = Payload::new(event);
    payload.actor = Some(AccountId::new(format!("account-{account}")));
    payload.hat = Some(Hat {
        id: Some(HatId::new(format!("hat-{account}"))),
        role: ROLES[account % ROLES.len()],
        agency: AgencyId::new(AGENCIES[account % AGENCIES.len()]),
        team: Some(format!("team-{}", account % 60)),
    });
    payload.purpose = Some(Purpose::Cin);
    if !matches!(event, Event::Login | Event::RoleGrant | Event::AuditQuery) {
        payload.subject = Some(PersonId::new(format!("person-{}", dice.below(20_000))));
    }
    detail(&mut payload, n, dice, before);
    let outcome = match event {
        Event::Refuse => Outcome::Deny,
        Event::ShareDecision => Outcome::Partial,
        _ if payload.items.iter().any(|i| i.level == Level::N) => Outcome::Partial,
        _ => Outcome::Allow,
    };
    Draft::new(outcome, payload)
}

fn detail(payload: &mut Payload, n: usize, dice: &mut Dice, before: &[EntryId]) {
    let agency = |dice: &mut Dice| AgencyId::new(AGENCIES[dice.below(AGENCIES.len())]);
    match payload.event {
        Event::View | Event::Collect | Event::Send => {
            payload.items = (0..3 + dice.below(4)).map(|m| item(n * 8 + m, dice)).collect();
            payload.relationship = (!dice.one_in(40))
                .then(|| Relationship { id: format!("rel-{}", dice.below(40_000)), kind: "allocated".to_owned() });
            payload.permissions =
                dice.one_in(3).then(|| format!("permission-{}", dice.below(30_000))).into_iter().collect();
            payload.basis = Some(Basis { art6: Some("6(1)(e)".to_owned()), ..Basis::default() });
            if payload.event != Event::View {
                let message = MessageId::new(format!("message-{}", dice.below(30_000)));
                payload.dataset = Some(Dataset { message: Some(message), ..Dataset::default() });
                payload.recipient =
                    Some(Recipient { agency: agency(dice), system: Some(SystemId::new("case-system")) });
            }
        }
        Event::Search => payload.query = Some(FreeText::new("a name as typed")),
        Event::Refuse => {
            payload.reason = Some(["D-COI", "D-PURPOSE", "D-RELATIONSHIP", "D-SAFE"][dice.below(4)].to_owned());
        }
        Event::Request => payload.recipient = Some(Recipient { agency: agency(dice), system: None }),
        Event::Response | Event::Correction => {
            payload.refers_to =
                (!before.is_empty()).then(|| before[dice.below(before.len())].clone()).into_iter().collect();
            payload.dataset = Some(Dataset {
                message: Some(MessageId::new(format!("message-{}", dice.below(30_000)))),
                ..Dataset::default()
            });
        }
        Event::ShareDecision => {
            payload.reason = Some("NS-DETRIMENT".to_owned());
            payload.justification = Some(FreeText::new("as recorded in the case"));
            payload.told = Some(Told { informed: Informed::No, why: None, review: Some("2026-12-01".to_owned()) });
        }
        Event::OvrRequest | Event::OvrUse | Event::OvrReview => {
            payload.override_id = Some(format!("override-{}", dice.below(3_000)));
        }
        Event::RoleGrant | Event::AuditQuery => {
            payload.change = Some(Change { what: "account-1".to_owned(), before: None, after: Some("ab".repeat(32)) });
        }
        _ => {}
    }
}

fn item(n: usize, dice: &mut Dice) -> Item {
    let category = Category::ALL[dice.below(Category::ALL.len())];
    let (level, reason) = match dice.below(5) {
        0 => (Level::N, "D-MATRIX"),
        1 => (Level::S, "ALLOW-PERMISSION"),
        2 => (Level::I, "ALLOW-MATRIX"),
        _ => (Level::F, "ALLOW-MATRIX"),
    };
    Item {
        segment: SegmentId::new(format!("segment-{}", n % 60_000)),
        category: Some(category),
        level,
        reason: reason.to_owned(),
        limit: None,
        marker: Some(Marker::Silent).filter(|_| level == Level::N),
        custodian: AgencyId::new(AGENCIES[dice.below(AGENCIES.len())]),
    }
}

/// The configuration and keys a command needs for this log.
fn configuration(folder: &Path, address: &str) -> config::Gateway {
    use base64::Engine as _;
    let secret = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    secret("store.key", &format!("{}\n", "07".repeat(32)));
    // An Ed25519 private key as RFC 8410 §10.3 writes it.
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend_from_slice(&[9; 32]);
    let body = base64::prelude::BASE64_STANDARD.encode(der);
    secret("audit.key", &format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"));
    let text = format!(
        "origin = \"{ORIGIN}\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\nclient_ca = \"ca.pem\"\n\
         [store]\ndatabase_url = \"{address}\"\nkey_file = \"store.key\"\n\
         [audit]\nsigning_key = \"audit.key\"\ncheckpoint_file = \"checkpoint\"\n\
         [[agency]]\nid = \"council\"\nkind = \"council\"\nname = \"A\"\ncontact = \"01632 960000\"\n\
         [[system]]\nid = \"s\"\nagency = \"council\"\nformat = \"cin-census\"\n\
         [duty]\nduty_16LA_from = \"2026-10-01\"\nlisted_bodies = []\n"
    );
    std::fs::write(folder.join("solent.toml"), &text).unwrap();
    config::Gateway::parse("solent.toml", &text, folder).unwrap()
}

/// The most memory this process has had, in megabytes (Linux, `VmHWM`); zero where it cannot be read.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
