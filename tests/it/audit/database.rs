//! `solent audit --config` on a live database, on both engines: verify, export, prove, and every tampering of the issue.

use super::command::solent;
use super::fixture::scratch;
use crate::store::support::{ORIGIN, TestDb, login, on_each_engine, signer, view};
use solent::store::Job;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

/// What `openssl genpkey -algorithm ed25519` writes, for the seed of the store's tests (RFC 8410 §10.3).
fn key_file() -> String {
    use base64::Engine as _;
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend_from_slice(&[9; 32]);
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A configuration file for a test's database. The PostgreSQL of the tests asks for no password.
pub fn config(t: &TestDb) -> PathBuf {
    secret(&t.folder.join("store.key"), &format!("{}\n", "07".repeat(32)));
    secret(&t.folder.join("audit.key"), &key_file());
    let file = t.folder.join("solent.toml");
    let text = format!(
        "origin = \"{ORIGIN}\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\nclient_ca = \"ca.pem\"\n\
         [store]\ndatabase_url = \"{}\"\nkey_file = \"store.key\"\n\
         [audit]\nsigning_key = \"audit.key\"\ncheckpoint_file = \"checkpoint\"\n\
         [[agency]]\nid = \"a\"\nkind = \"council\"\nname = \"A\"\ncontact = \"01632 960000\"\n\
         [[system]]\nid = \"s\"\nagency = \"a\"\nformat = \"cin-census\"\n\
         [duty]\nduty_16LA_from = \"2026-10-01\"\nlisted_bodies = []\n",
        t.address
    );
    std::fs::write(&file, text).unwrap();
    file
}

async fn filled(t: &TestDb, entries: usize) {
    let log = t.start().await.unwrap();
    log.commit(Job::new(login())).await.unwrap();
    for n in 1..entries {
        log.commit(Job::new(view(&format!("person-{}", n % 3)))).await.unwrap();
    }
    log.stop().await;
}

fn verify(config: &Path) -> Output {
    solent(&["verify", "--config", config.to_str().unwrap(), "--vkey", &signer().vkey().to_string()])
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The events of a log, by way of an export, which is one of them.
fn audit_events(t: &TestDb, config: &Path, out: &Path) -> Vec<String> {
    let bundle = out.join(format!("events-{}", t.folder.file_name().unwrap().to_str().unwrap()));
    let args = ["export", "--config", config.to_str().unwrap(), "--bundle", bundle.to_str().unwrap()];
    let done = solent(&args);
    assert!(done.status.success(), "{}", text(&done));
    let lines = std::fs::read_to_string(&bundle).unwrap();
    lines.lines().filter_map(|l| Some(l.split_once("\"event\":\"")?.1.split('"').next()?.to_owned())).collect()
}

#[test]
fn a_live_log_verifies_is_exported_and_proved() {
    on_each_engine(|t| async move {
        filled(&t, 270).await;
        let config = config(&t);
        let sound = verify(&config);
        assert!(sound.status.success(), "{}", text(&sound));
        assert!(text(&sound).contains("all 270 entries are as signed"), "{}", text(&sound));
        assert!(text(&sound).contains("270 checked, 0 erased"), "{}", text(&sound));
        t.tamper("DELETE FROM audit_key WHERE subject = 'person-1'").await;
        let erased = verify(&config);
        assert!(erased.status.success() && text(&erased).contains("180 checked, 90 erased"), "{}", text(&erased));

        let out = scratch("live");
        let path = |name: &str| out.join(name).to_str().unwrap().to_owned();
        let from = config.to_str().unwrap();
        let vkey = signer().vkey().to_string();
        for args in [
            &["export", "--config", from, "--tiles", &path("tiles")][..],
            &["export", "--config", from, "--bundle", &path("bundle"), "--payloads"],
            &["verify", "--tiles", &path("tiles"), "--vkey", &vkey],
            &["verify", "--bundle", &path("bundle"), "--vkey", &vkey],
            &["prove", "--config", from, "--index", "257", "--payload", "--out", out.to_str().unwrap()],
        ] {
            let done = solent(args);
            assert!(done.status.success(), "{args:?}: {}", text(&done));
        }
        // Each reading out of the live log is itself an entry of it, and the log still verifies.
        let events = audit_events(&t, &config, &out);
        assert_eq!(events.iter().filter(|e| *e == "audit-export").count(), 4, "{events:?}");
        assert!(text(&verify(&config)).contains("all 274 entries are as signed"));
        let names: Vec<String> = std::fs::read_dir(&out)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_str().unwrap().to_owned())
            .filter(|n| n.contains(".entry.json") || n.contains("proof") || n.contains("payload"))
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
        let find = |end: &str| path(names.iter().find(|n| n.ends_with(end)).unwrap());
        let (proof, entry, payload) = (find("tlog-proof"), find("entry.json"), find("payload.json"));
        let args = ["verify", "--proof", &proof, "--entry", &entry, "--payload", &payload, "--vkey", &vkey];
        let proved = solent(&args);
        assert!(proved.status.success(), "{}", text(&proved));
        t.finish().await;
    });
}

#[test]
fn every_tampering_with_the_database_is_named() {
    let flip_sqlite = "UPDATE log_entry SET entry = CAST(replace(CAST(entry AS TEXT), '\"allow\"', '\"error\"') AS BLOB) WHERE idx = 17";
    let flip_postgres = "UPDATE log_entry SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '\"allow\"', '\"error\"'), 'UTF8') WHERE idx = 17";
    let swap = "UPDATE log_entry SET idx = 100000 WHERE idx = 17; UPDATE log_entry SET idx = 17 WHERE idx = 25; UPDATE log_entry SET idx = 25 WHERE idx = 100000";
    let cases: [(&'static str, &'static str, &[&str]); 8] = [
        (flip_sqlite, flip_postgres, &["SOL-AUDIT-ENTRY", "entry 17 (", "altered"]),
        (
            "DELETE FROM log_entry WHERE idx = 17",
            "DELETE FROM log_entry WHERE idx = 17",
            &["SOL-AUDIT-MISSING", "entry 17"],
        ),
        (swap, swap, &["SOL-AUDIT-ORDER", "entry 17 (", "entry 25 ("]),
        (
            "DELETE FROM log_entry WHERE idx >= 25",
            "DELETE FROM log_entry WHERE idx >= 25",
            &["SOL-AUDIT-TAIL", "25 are left"],
        ),
        (
            "UPDATE log_entry SET time = time + 1 WHERE idx = 17",
            "UPDATE log_entry SET time = time + 1 WHERE idx = 17",
            &["SOL-AUDIT-ID", "entry 17 ("],
        ),
        (
            "UPDATE log_entry SET leaf = zeroblob(32) WHERE idx = 17",
            "UPDATE log_entry SET leaf = decode(repeat('00', 32), 'hex') WHERE idx = 17",
            &["SOL-AUDIT-HASH", "entry 17 ("],
        ),
        (
            "UPDATE log_entry SET sealed = zeroblob(64) WHERE idx = 17",
            "UPDATE log_entry SET sealed = decode(repeat('00', 64), 'hex') WHERE idx = 17",
            &["SOL-AUDIT-PAYLOAD", "entry 17 ("],
        ),
        (
            "UPDATE log_shard SET note = replace(note, 'log1', 'log2')",
            "UPDATE log_shard SET note = replace(note, 'log1', 'log2')",
            &["SOL-AUDIT-SIGNATURE"],
        ),
    ];
    for (sqlite, postgres, expected) in cases {
        on_each_engine(|t| async move {
            filled(&t, 30).await;
            let config = config(&t);
            let is_sqlite = t.db.sqlite_path().is_some();
            t.tamper(if is_sqlite { sqlite } else { postgres }).await;
            let found = verify(&config);
            assert_eq!(found.status.code(), Some(1), "{sqlite}: {}", text(&found));
            for part in expected {
                assert!(text(&found).contains(part), "{sqlite}: {part} in {}", text(&found));
            }
            t.finish().await;
        });
    }
}

#[test]
fn a_database_set_back_is_noticed_by_the_checkpoint_outside_it() {
    on_each_engine(|t| async move {
        filled(&t, 20).await;
        let config = config(&t);
        let older = std::fs::read(t.folder.join("checkpoint")).unwrap();
        let log = t.start().await.unwrap();
        log.commit(Job::new(login())).await.unwrap();
        log.stop().await;
        let note = String::from_utf8(older).unwrap();
        // The intruder restores everything inside the database, with the log's own older checkpoint.
        t.tamper("DELETE FROM log_entry WHERE idx = 20").await;
        t.tamper("DELETE FROM checkpoint WHERE size > 20").await;
        let sql = format!("UPDATE log_shard SET size = 20, note = '{note}'");
        t.tamper(Box::leak(sql.into_boxed_str())).await;
        let found = verify(&config);
        assert_eq!(found.status.code(), Some(1), "{}", text(&found));
        assert!(text(&found).contains("set back: 21 entries were signed for"), "{}", text(&found));
        t.finish().await;
    });
}
