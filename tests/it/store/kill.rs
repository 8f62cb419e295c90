//! kill -9 at random moments: whatever was acknowledged is there once, and the log proves itself.

use super::mailbox::{message, receipt_draft};
use super::support::{TestDb, keys, login, noon, on_each_engine, signer, view};
use solent::audit::{OpenEntry, Origin};
use solent::clock::Clock;
use solent::ident::{ItemId, SystemId};
use solent::store::{Committer, Db, Effect, Job, LogReader, Options};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

const ROUNDS: u32 = 20;
/// Tasks that submit, collect and acknowledge at once.
const TASKS: usize = 8;

#[test]
fn killed_at_any_moment_every_acknowledged_job_is_there_once() {
    on_each_engine(|t| async move {
        let mut acknowledged: Vec<String> = Vec::new();
        for round in 0..ROUNDS {
            let lines = kill_one(&t, round);
            assert!(!lines.is_empty() || round == 0, "round {round} did nothing");
            acknowledged.extend(lines);
            check(&t, &acknowledged).await;
        }
        assert!(acknowledged.len() > 100, "{}", acknowledged.len());
        t.finish().await;
    });
}

/// Runs the child until a number of acknowledgements that grows each round, kills it, and returns what it said was done.
fn kill_one(t: &TestDb, round: u32) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::kill::child", "--nocapture", "--test-threads=1"])
        .env("SOLENT_KILL_ADDRESS", &t.address)
        .env("SOLENT_KILL_MIRROR", t.mirror())
        .env("SOLENT_KILL_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    let mut line = String::new();
    // Each round lets a few more acknowledgements through, then kills: the child works on meanwhile, so that the kill
    // falls anywhere between two commits or into one.
    let wanted = 1 + usize::try_from(round).unwrap();
    let mut heard = 0;
    while heard < wanted && out.read_line(&mut line).unwrap() > 0 {
        heard += usize::from(line.contains("done "));
        lines.push(std::mem::take(&mut line));
    }
    // The moment itself is the fault: a few milliseconds that differ each round, while the child goes on.
    let (_held, never) = std::sync::mpsc::channel::<()>();
    let moment = std::time::Duration::from_micros(u64::from(round * 3_700 + child.id() % 3_000));
    assert!(never.recv_timeout(moment).is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    while out.read_line(&mut line).unwrap() > 0 {
        // A line cut by the kill was not heard.
        if line.ends_with('\n') {
            lines.push(std::mem::take(&mut line));
        } else {
            break;
        }
    }
    lines.iter().filter_map(|l| l.split_once("done ")).map(|(_, done)| done.trim().to_owned()).collect()
}

async fn check(t: &TestDb, acknowledged: &[String]) {
    let reader = LogReader::new(t.db.clone(), signer().vkey().name().clone());
    let mirror = std::fs::read(t.mirror()).ok();
    assert_eq!(reader.verify(signer().vkey(), mirror.as_deref()).await.unwrap(), []);
    let mut entries: BTreeMap<String, u64> = BTreeMap::new();
    let mut next = 0;
    loop {
        let page = reader.entries(next, 4_096).await.unwrap();
        if page.is_empty() {
            break;
        }
        for row in page {
            assert_eq!(row.index, next);
            next += 1;
            let id = OpenEntry::parse(&row.entry).unwrap().id.to_owned();
            assert!(entries.insert(id, row.index).is_none(), "an entry stands twice");
        }
    }
    let mut released = 0;
    for done in acknowledged {
        let [what, id, entry, index] = done.split(' ').collect::<Vec<_>>()[..] else { panic!("{done}") };
        assert_eq!(entries.get(entry), Some(&index.parse().unwrap()), "{done}");
        let item =
            t.db.mailbox_item(&SystemId::from("council"), &ItemId::new(format!("{id}-i0"))).await.unwrap().unwrap();
        if what == "release" {
            released += 1;
            assert_eq!(item.receipt.unwrap().as_str(), entry);
        }
        assert_eq!(t.db.deliveries_of(&item.message).await.unwrap().len(), 1);
    }
    assert!(released <= entries.len());
}

/// Not a test: the process that is killed, and nothing when run as a test. Says `done <what> <id> <entry> <index>` after each acknowledged job.
#[test]
fn child() {
    let Ok(address) = std::env::var("SOLENT_KILL_ADDRESS") else { return };
    let mirror = std::env::var("SOLENT_KILL_MIRROR").unwrap();
    let round = std::env::var("SOLENT_KILL_ROUND").unwrap();
    super::support::runtime().block_on(async {
        let db = Db::open(&address, None).await.unwrap();
        let options = Options { mirror: Some(mirror.into()), ..Options::default() };
        let signer = solent::audit::Signer::log(Origin::parse(super::support::ORIGIN).unwrap(), &[9; 32]).unwrap();
        let log = Committer::start(db.clone(), keys(), signer, Clock::fixed(noon()), options).await.unwrap();
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (log, round) = (log.clone(), round.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        let id = format!("m{round}-{task}-{n}");
                        let item = || ItemId::new(format!("{id}-i0"));
                        let council = || SystemId::from("council");
                        let jobs = [
                            ("accept", Job::new(login()).with_effect(Effect::Accept(Box::new(message(&id))))),
                            (
                                "release",
                                Job::new(view("dana")).with_effect(Effect::Release {
                                    item: item(),
                                    system: council(),
                                    digest: [1; 32],
                                }),
                            ),
                            (
                                "ack",
                                Job::new(receipt_draft()).with_effect(Effect::Ack { item: item(), system: council() }),
                            ),
                        ];
                        for (what, job) in jobs {
                            let receipt = log.commit(job).await.unwrap().receipt;
                            let mut out = std::io::stdout().lock();
                            writeln!(out, "done {what} {id} {} {}", receipt.id(), receipt.index()).unwrap();
                            out.flush().unwrap();
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}
