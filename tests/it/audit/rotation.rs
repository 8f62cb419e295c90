//! Replacing the signing key: the old key's checkpoints stay verifiable, the new one is announced by an entry and cosigned by
//! the old, and a power cut at any step is made good by running the command again.

use super::command::solent;
use super::database::{config, text};
use super::fixture::scratch;
use super::independent::{accepts, refuses};
use crate::store::support::{ORIGIN, TestDb, on_each_engine, signer, view};
use solent::audit::note::Checkpoint;
use solent::audit::{Origin, Signer};
use solent::store::{Committer, Job, StartError};
use solent::trust::SigningKey;
use std::path::Path;

async fn grow(t: &TestDb, signer: Signer, entries: usize) {
    let clock = solent::clock::Clock::system();
    let log = Committer::start(t.db.clone(), t.keys.clone(), signer, clock, t.options()).await.unwrap();
    for n in 0..entries {
        log.commit(Job::new(view(&format!("person-{}", n % 3)))).await.unwrap();
    }
    log.stop().await;
}

fn current(t: &TestDb) -> Signer {
    let seed = SigningKey::load(&t.folder.join("audit.key")).unwrap().seed();
    Signer::log(Origin::parse(ORIGIN).unwrap(), &seed).unwrap()
}

fn run(args: &[&str], config: &Path) -> String {
    let done = solent(&[args, &["--config", config.to_str().unwrap()]].concat());
    assert!(done.status.success(), "{args:?}: {}", text(&done));
    text(&done)
}

#[test]
fn a_rotated_log_verifies_with_the_new_key_and_what_the_old_one_signed_stays_good() {
    on_each_engine(|t| async move {
        grow(&t, signer(), 300).await;
        let config = config(&t);
        let old = signer().vkey().to_string();
        let kept = t.folder.join("kept");
        std::fs::write(&kept, t.db.shards().await.unwrap()[0].note.as_bytes()).unwrap();
        let proof = scratch("rotation");
        run(&["prove", "--index", "7", "--out", proof.to_str().unwrap()], &config);
        let said = run(&["rotate-key"], &config);
        let new = current(&t).vkey().to_string();
        assert_ne!(old, new);
        // 300, the entry of the proof, the rotation itself.
        assert!(said.contains(&format!("{old}\t0\t302\n{new}\t302\t-\n")), "{said}");
        assert_eq!(run(&["keys"], &config), format!("{old}\t0\t302\n{new}\t302\t-\n"));
        // The overlap is good for whoever holds either key.
        let overlap = t.db.shards().await.unwrap()[0].note.clone();
        for key in [&old, &new] {
            let key = solent::audit::Vkey::parse(key).unwrap();
            assert_eq!(Checkpoint::open(overlap.as_bytes(), &[key]).unwrap().0.size, 302);
        }
        grow(&t, current(&t), 300).await;
        run(&["verify"], &config);
        run(&["verify", "--vkey", &new], &config);
        run(&["verify", "--vkey", &new, "--checkpoint", kept.to_str().unwrap()], &config);
        let refused = solent(&["verify", "--config", config.to_str().unwrap(), "--vkey", &old]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused).contains("SOL-AUDIT-SIGNATURE"), "{}", text(&refused));
        // A proof given out before verifies with the key of its time.
        let file = |end: &str| {
            let found = std::fs::read_dir(&proof).unwrap().flatten().map(|e| e.path());
            found.into_iter().find(|p| p.to_str().unwrap().ends_with(end)).unwrap().to_str().unwrap().to_owned()
        };
        let (p, e) = (file(".tlog-proof"), file(".entry.json"));
        assert!(solent(&["verify", "--proof", &p, "--entry", &e, "--vkey", &old]).status.success());
        assert_eq!(solent(&["verify", "--proof", &p, "--entry", &e, "--vkey", &new]).status.code(), Some(1));
        // The old key signs no more.
        let clock = solent::clock::Clock::system();
        let started = Committer::start(t.db.clone(), t.keys.clone(), signer(), clock, t.options()).await;
        assert!(matches!(started, Err(StartError::Retired { .. })));
        // The announcement is an entry with both keys.
        let rows = run(&["ask", "Q17", "--from", "2020-01-01", "--to", "2022-01-01"], &config);
        assert!(!rows.contains("key-rotate"));
        let day = solent::clock::Moment::from_millis(t.db.shards().await.unwrap()[0].time_last.millis());
        let (from, to) = (day.plus_millis(-86_400_000).to_string(), day.plus_millis(86_400_000).to_string());
        let rows: serde_json::Value =
            serde_json::from_str(&run(&["ask", "Q17", "--from", &from, "--to", &to], &config)).unwrap();
        let row = rows["rows"].as_array().unwrap().iter().find(|r| r["event"] == "key-rotate").unwrap();
        assert_eq!((&row["before"], &row["after"]), (&serde_json::json!(old), &serde_json::json!(new)));
        exported(&config, &old, &new);
        tampered(&t, &config, &new).await;
        t.finish().await;
    });
}

/// The export carries the retired key, and the verifier that shares no code with us follows it.
fn exported(config: &Path, old: &str, new: &str) {
    let tiles = scratch("rotated");
    run(&["export", "--tiles", tiles.to_str().unwrap()], config);
    let dir = tiles.to_str().unwrap();
    assert!(solent(&["verify", "--tiles", dir, "--vkey", new]).status.success());
    accepts(&["tiles", "--vkey", new, dir]);
    refuses(&["tiles", "--vkey", old, dir], "no signature by a known log key");
    let retired = std::fs::read_dir(tiles.join("retired")).unwrap().flatten().next().unwrap().path();
    let whole = std::fs::read_to_string(&retired).unwrap();
    // Without the new key's line nobody vouches for the old key.
    let lines: Vec<&str> = whole.lines().collect();
    let new_line = lines.iter().position(|l| l.starts_with('\u{2014}')).unwrap();
    let cut: String = lines.iter().enumerate().filter(|(n, _)| *n != new_line).map(|(_, l)| format!("{l}\n")).collect();
    std::fs::write(&retired, cut).unwrap();
    let refused = solent(&["verify", "--tiles", dir, "--vkey", new]);
    assert!(text(&refused).contains("is not vouched for"), "{}", text(&refused));
    refuses(&["tiles", "--vkey", new, dir], "nobody known vouches for the retired key");
}

async fn tampered(t: &TestDb, config: &Path, new: &str) {
    t.tamper("UPDATE log_key SET note = REPLACE(note, '302', '303')").await;
    let refused = solent(&["verify", "--config", config.to_str().unwrap(), "--vkey", new]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("is not vouched for"), "{}", text(&refused));
}

#[test]
fn a_rotation_cut_short_at_any_step_is_finished_by_running_it_again() {
    on_each_engine(|t| async move {
        grow(&t, signer(), 5).await;
        let config = config(&t);
        let (key, next) = (t.folder.join("audit.key"), t.folder.join("audit.key.next"));
        let first = std::fs::read(&key).unwrap();
        // Cut after the new key was made: it is the one that is taken.
        SigningKey::create(&next).unwrap();
        let made = std::fs::read(&next).unwrap();
        run(&["rotate-key"], &config);
        assert_eq!(std::fs::read(&key).unwrap(), made);
        assert!(!next.exists());
        let size = t.db.shards().await.unwrap()[0].size;
        // Cut before the new key took the old one's place: the log is rotated, the files are not.
        std::fs::rename(&key, &next).unwrap();
        std::fs::write(&key, &first).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let stopped = solent(&["export", "--config", config.to_str().unwrap(), "--bundle", "/dev/null"]);
        assert!(text(&stopped).contains("was retired"), "{}", text(&stopped));
        run(&["rotate-key"], &config);
        assert_eq!(std::fs::read(&key).unwrap(), made);
        assert_eq!(t.db.shards().await.unwrap()[0].size, size, "no second entry");
        run(&["verify"], &config);
        // A second rotation: the newest key vouches for both before it.
        run(&["rotate-key"], &config);
        grow(&t, current(&t), 300).await;
        run(&["verify", "--vkey", &current(&t).vkey().to_string()], &config);
        assert_eq!(run(&["keys"], &config).lines().count(), 3);
        t.finish().await;
    });
}

#[test]
fn a_running_gateway_is_not_robbed_of_its_key() {
    on_each_engine(|t| async move {
        grow(&t, signer(), 2).await;
        let config = config(&t);
        let log = t.start().await.unwrap();
        let refused = solent(&["rotate-key", "--config", config.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused).contains("stop it first"), "{}", text(&refused));
        log.commit(Job::new(view("person-1"))).await.unwrap();
        log.stop().await;
        t.finish().await;
    });
}
