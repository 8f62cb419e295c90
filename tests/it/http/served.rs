//! The program itself, serving: hostile messages through the whole gateway, memory, and how it stops.

use super::gateway::{EXTRA_KIB_MAX, prepare, start};
use super::harness::{get_on, raw};
use std::process::Command;

#[test]
fn hostile_messages_get_a_clear_error_within_64_mib_and_the_gateway_still_serves() {
    let served = start(prepare());
    served.still_serves();
    let before = served.peak_kib();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let wide = format!("[{}1]", "1,".repeat(3_900_000));
    let strings = format!("[{}\"a\"]", "\"a\",".repeat(2_000_000));
    for (name, body, status, code) in [
        ("cut off", "{\"record\":", 400, "SOL-DOC-SYNTAX"),
        ("twice", "{\"Zebedee\":1,\"Zebedee\":2}", 400, "SOL-DOC-FORBIDDEN"),
        ("NUL", "{\"a\":\"\\u0000\"}", 400, "SOL-DOC-FORBIDDEN"),
        ("deep", &deep, 400, "SOL-DOC-LIMIT"),
        ("wide", &wide, 400, "SOL-DOC-LIMIT"),
        ("many texts", &strings, 400, "SOL-DOC-LIMIT"),
        ("another schema", "{\"Zebedee\":\"Zebedee\"}", 422, "SOL-SCHEMA-INVALID"),
    ] {
        let answer = served.post(body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {answer}");
        assert!(answer.contains(code), "{name}: {answer}");
        assert!(answer.contains("\"position\"") || answer.contains("\"pointer\""), "{name}: {answer}");
        assert!(!answer.contains("Zebedee\\\"") || name != "another schema", "{name}: {answer}");
    }
    served.gigabyte_in_chunks("desk", "application/json");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(!served.post(&wide).starts_with("HTTP/1.1 202")));
        }
    });
    served.still_serves();
    let extra = served.peak_kib().saturating_sub(before);
    assert!(extra < EXTRA_KIB_MAX, "{extra} KiB of extra memory");
    let log = std::fs::read_to_string(&served.log).unwrap();
    assert!(!log.contains("Zebedee"), "a value of a message stands in the log");
    assert!(!served.loopback("/metrics").contains("Zebedee"));
}

#[test]
fn what_is_turned_away_stands_in_the_audit_log_which_verifies_after_a_stop() {
    let mut served = start(prepare());
    assert!(served.loopback("/health/ready").contains("\"ready\""));
    let mut ghost = raw(&served.folder, &served.folder, Some("ghost"), served.door, "http/1.1");
    assert!(get_on(&mut ghost, "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 403"));
    let mut desk = served.connect();
    assert!(
        get_on(&mut desk, "/api/v1/mailbox/0191f0c2-7c3e-7a00-8000-000000000001").unwrap().starts_with("HTTP/1.1 404")
    );
    let note = get_on(&mut desk, "/log/log1/checkpoint").unwrap();
    let size: u64 = note.split("\r\n\r\n").nth(1).unwrap().lines().nth(1).unwrap().parse().unwrap();
    assert!(size >= 2, "a refused system and an absent item: {note}");
    let tile = get_on(&mut desk, &format!("/log/log1/tile/0/000.p/{size}")).unwrap();
    assert!(tile.starts_with("HTTP/1.1 200"), "{tile}");
    assert!(get_on(&mut desk, "/log/other/checkpoint").unwrap().starts_with("HTTP/1.1 404"));
    // TERM, as a service supervisor sends it.
    let told = Command::new("kill").args(["-TERM", &served.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    drop(desk);
    drop(ghost);
    assert!(served.child.wait().unwrap().success(), "{}", std::fs::read_to_string(&served.log).unwrap());
    let verify = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["audit", "verify", "--config", "solent.toml"])
        .current_dir(&served.folder)
        .output()
        .unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}

#[test]
fn a_gateway_does_not_start_on_what_it_cannot_trust() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = prepare();
    let run = || {
        Command::new(env!("CARGO_BIN_EXE_solent"))
            .args(["serve", "--config", "solent.toml"])
            .current_dir(&folder)
            .output()
            .unwrap()
    };
    let set =
        |file: &str, mode| std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(mode)).unwrap();
    for file in ["server.key", "audit.key", "store.key"] {
        set(file, 0o644);
        let output = run();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && err.contains("SOL-TRUST-FILE"), "{file}: {err}");
        set(file, 0o600);
    }
    let text = std::fs::read_to_string(folder.join("solent.toml")).unwrap();
    std::fs::write(folder.join("solent.toml"), text.replace("\"canonical\"", "\"morse\"")).unwrap();
    let output = run();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && err.contains("SOL-"), "a format nobody can read: {err}");
    let _ = std::fs::remove_dir_all(&folder);
}
