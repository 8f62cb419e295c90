//! `solent audit erase` and `hold` on a live database, and what lies beside the entries: the index, the sealed parts.

use super::command::solent;
use super::database::{config, text};
use crate::store::support::{TestDb, noon, on_each_engine, signer, view};
use solent::clock::Clock;
use solent::store::Job;
use std::path::Path;

/// Thirty entries about three people, a second apart.
async fn filled(t: &TestDb) {
    let clock = Clock::fixed(noon());
    let log = t.start_with(clock.clone(), t.options()).await.unwrap();
    for n in 0..30_i64 {
        clock.set(noon().plus_millis(n * 1_000));
        log.commit(Job::new(view(&format!("person-{}", n % 3)))).await.unwrap();
    }
    log.stop().await;
}

fn run(args: &[&str], config: &Path) -> (Option<i32>, String) {
    let done = solent(&[args, &["--config", config.to_str().unwrap()]].concat());
    (done.status.code(), text(&done))
}

fn verified(config: &Path) -> (Option<i32>, String) {
    run(&["verify", "--vkey", &signer().vkey().to_string()], config)
}

/// The events of the log, oldest first, as an auditor's export lists them.
fn events(config: &Path) -> Vec<String> {
    let args = ["ask", "entries", "--from", "2026-01-01", "--to", "2027-12-31", "--form", "jsonl", "--all"];
    let (code, lines) = run(&args, config);
    assert_eq!(code, Some(0), "{lines}");
    let event =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
    lines.lines().map(event).filter(|event| event != "view" && event != "audit-export").collect()
}

#[test]
fn a_hold_keeps_what_an_erasure_would_take_and_each_step_is_an_entry() {
    on_each_engine(|t| async move {
        filled(&t).await;
        let config = config(&t);
        let about = ["--subject", "person-1"];
        let step = |words: &[&str]| run(&[words, about.as_slice()].concat(), &config);
        assert_eq!(step(&["hold"]).0, Some(0));
        for (words, why) in [(&["erase"][..], "a legal hold keeps"), (&["hold"][..], "is there already")] {
            let (code, said) = step(words);
            assert!(code == Some(1) && said.contains(why), "{words:?}: {said}");
        }
        assert!(verified(&config).1.contains("0 erased"), "nothing was taken");
        assert_eq!(step(&["hold", "--release"]).0, Some(0));
        assert!(step(&["hold", "--release"]).1.contains("there is no such hold"));
        let (code, said) = step(&["erase"]);
        assert!(code == Some(0) && said.contains("sealed parts of 10 entries"), "{said}");
        assert!(step(&["erase"]).1.contains("holds no sealed part"), "a second time there is nothing");
        let (code, said) = verified(&config);
        assert!(code == Some(0) && said.contains("10 erased"), "{said}");
        assert_eq!(events(&config), ["legal-hold", "legal-hold", "retention-run"]);
        // Questions over the span say what is gone, and the others are still found.
        let span = ["--from", "2026-10-01", "--to", "2026-10-31"];
        let (_, gone) = run(&[&["ask", "Q1", "--subject", "person-1"], span.as_slice()].concat(), &config);
        assert!(gone.contains("10 entries of this span have lost their sealed part"), "{gone}");
        let (_, there) = run(&[&["ask", "Q1", "--subject", "person-2"], span.as_slice()].concat(), &config);
        assert_eq!(there.matches("\"event\": \"view\"").count(), 10, "{there}");
        // A later entry about the same person has a key of its own; what was erased stays erased.
        let later = Clock::fixed(noon().plus_millis(86_400_000));
        let log = t.start_with(later, t.options()).await.unwrap();
        log.commit(Job::new(view("person-1"))).await.unwrap();
        log.stop().await;
        let (code, said) = verified(&config);
        assert!(code == Some(0) && said.contains("10 erased"), "{said}");
        t.finish().await;
    });
}

#[test]
fn what_lies_beside_an_entry_is_compared_with_its_payload() {
    on_each_engine(|t| async move {
        filled(&t).await;
        let config = config(&t);
        assert_eq!(verified(&config).0, Some(0));
        let index = "SOL-AUDIT-ID";
        let cases: [(&'static str, &'static str, &str); 7] = [
            (
                "UPDATE log_index SET subject = subject + 2 WHERE idx = 17",
                "UPDATE log_index SET subject = subject - 2 WHERE idx = 17",
                index,
            ),
            (
                "UPDATE log_index SET flags = flags + 16 WHERE idx = 17",
                "UPDATE log_index SET flags = flags - 16 WHERE idx = 17",
                index,
            ),
            (
                "UPDATE log_index SET time = time + 1 WHERE idx = 17",
                "UPDATE log_index SET time = time - 1 WHERE idx = 17",
                index,
            ),
            ("UPDATE log_index SET idx = 1000 WHERE idx = 17", "UPDATE log_index SET idx = 17 WHERE idx = 1000", index),
            (
                "INSERT INTO log_index_ref (ref, origin, idx) VALUES (5, 'audit.example.org/log1', 17)",
                "DELETE FROM log_index_ref WHERE ref = 5",
                index,
            ),
            (
                "UPDATE log_entry SET key_ref = 'person-0' WHERE idx = 17",
                "UPDATE log_entry SET key_ref = 'person-2' WHERE idx = 17",
                "SOL-AUDIT-PAYLOAD",
            ),
            // Taken away, but no key was erased: last, because it cannot be put back.
            ("UPDATE log_entry SET sealed = NULL WHERE idx = 17", "SELECT 1", "SOL-AUDIT-PAYLOAD"),
        ];
        for (bend, mend, code) in cases {
            t.tamper(bend).await;
            let (exit, said) = verified(&config);
            assert_eq!(exit, Some(1), "{bend}: {said}");
            assert!(
                said.contains(code) && said.contains("entry 17 (") && said.matches("SOL-AUDIT").count() == 1,
                "{bend}: {said}"
            );
            t.tamper(mend).await;
        }
        t.finish().await;
    });
}
