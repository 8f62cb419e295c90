//! `solent certs` and `solent check` as an operator uses them, by starting the program.

use super::harness::ORIGIN;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("solent-commands-{name}-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Exit code, standard output, standard error.
fn solent(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_solent")).args(args).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn done(folder: &Path, args: &[&str]) -> String {
    let (code, out, err) = solent(folder, args);
    assert_eq!(code, 0, "{args:?}: {err}");
    out
}

fn mode(file: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions()) & 0o777
}

#[test]
fn an_authority_is_made_used_and_listed() {
    let at = folder("authority");
    done(&at, &["certs", "init"]);
    done(&at, &["certs", "issue", "--server", "localhost", "--server", "127.0.0.1"]);
    let issued = done(&at, &["certs", "issue", "--system", "southdown-epr"]);
    assert!(issued.contains("certs/southdown-epr.pem"), "{issued}");
    for key in ["ca.key", "server.key", "southdown-epr.key"] {
        assert_eq!(mode(&at.join("certs").join(key)), 0o600, "{key}");
    }
    done(&at, &["certs", "revoke", "southdown-epr"]);
    let list = done(&at, &["certs", "list"]);
    let state = |name: &str| list.lines().find(|l| l.contains(name)).unwrap().contains("revoked");
    assert!(state("southdown-epr") && !state("server"), "{list}");
    let (code, _, err) = solent(&at, &["certs", "revoke", "southdown-epr"]);
    assert!(code == 1 && err.contains("SOL-TRUST-FILE"), "{err}");
    assert_eq!(solent(&at, &["certs", "issue"]).0, 2, "for whom is required");
    assert_eq!(solent(&at, &["certs", "init"]).0, 1, "an authority is never replaced");
}

#[test]
fn an_assertion_is_printed_and_its_key_is_not() {
    let at = folder("assertion");
    let public = done(&at, &["certs", "key", "a.key"]);
    assert_eq!(public.trim().len(), 44);
    let args = ["certs", "assert", "--key", "a.key", "--system", "epr", "--account", "grace", "--hat", "grace-cln"];
    let jws = done(&at, &[&args[..], &["--audience", ORIGIN]].concat());
    assert_eq!(jws.trim().split('.').count(), 3);
    assert_eq!(mode(&at.join("a.key")), 0o600);
}

#[test]
fn check_finds_the_built_in_set_in_order_within_a_second_or_so() {
    let at = folder("built-in");
    let (code, out, err) = solent(&at, &["check"]);
    assert_eq!((code, out.as_str()), (0, "everything is in order\n"), "{err}");
}

#[test]
fn check_draws_the_line_of_a_faulty_configuration_and_names_open_keys() {
    let at = folder("configuration");
    std::fs::write(at.join("solent.toml"), "origin = \"https://x\"\n").unwrap();
    let (code, _, err) = solent(&at, &["check", "--config", "solent.toml"]);
    assert!(code == 1 && err.contains("SOL-CONFIG-FILE") && err.contains("solent.toml"), "{err}");

    done(&at, &["certs", "init"]);
    done(&at, &["certs", "issue", "--server", "localhost"]);
    done(&at, &["certs", "key", "audit.key"]);
    std::fs::write(at.join("store.key"), format!("{}\n", "ab".repeat(32))).unwrap();
    let config = format!(
        "origin = \"{ORIGIN}\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"certs/server.pem\"\nkey = \"certs/server.key\"\nclient_ca = \"certs/ca.pem\"\n\
         [store]\ndatabase_url = \"sqlite:x.db\"\nkey_file = \"store.key\"\n\
         [audit]\nsigning_key = \"audit.key\"\ncheckpoint_file = \"checkpoint\"\n"
    );
    std::fs::write(at.join("solent.toml"), config).unwrap();
    let set = |mode| {
        let rights = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(at.join("store.key"), rights).unwrap();
    };
    set(0o644);
    let (code, _, err) = solent(&at, &["check", "--config", "solent.toml"]);
    assert!(code == 1 && err.contains("SOL-TRUST-FILE") && err.contains("store.key"), "{err}");
    set(0o600);
    done(&at, &["check", "--config", "solent.toml"]);
    assert!(!at.join("x.db").exists(), "check opens no database");
}

#[test]
fn a_format_nobody_knows_and_a_report_to_standard_output_are_wrong_usage() {
    let folder = folder("usage");
    std::fs::write(folder.join("empty.json"), "{}").unwrap();
    let usage = |args: &[&str]| {
        let (code, out, err) = solent(&folder, args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.starts_with("SOL-CLI-USAGE"), "{args:?}: {err}");
    };
    usage(&["read", "--from", "fhirr", "empty.json"]);
    usage(&["write", "--to", "fhirr", "empty.json"]);
    usage(&["translate", "--from", "fhirr", "--to", "canonical", "empty.json"]);
    usage(&["translate", "--from", "canonical", "--to", "fhirr", "empty.json"]);
    usage(&["validate", "--format", "fhirr", "empty.json"]);
    let message = format!("{}/docs/demo/southdown-bundle.json", env!("CARGO_MANIFEST_DIR"));
    usage(&["read", "--from", "fhir-r4-json", "--loss", "-", &message]);
    assert!(!folder.join("-").exists());
    let (code, _, _) = solent(&folder, &["read", "--from", "canonical", "empty.json"]);
    assert_eq!(code, 1, "a message that is none");
    std::fs::remove_dir_all(&folder).unwrap();
}
