//! `solent audit` as a program: exit codes, and that what is printed names the fault.

use super::fixture::{Memory, log, scratch, signer};
use solent::audit::bundle::Payloads;
use std::path::Path;
use std::process::{Command, Output};

pub fn solent(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_solent")).arg("audit").args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn written(memory: &Memory) -> std::path::PathBuf {
    let dir = scratch("tiles");
    memory.write_tiles(&dir);
    dir
}

#[test]
fn tiles_bundles_and_proofs_go_round() {
    let memory = log(300, 64);
    let dir = written(&memory);
    let vkey = signer().vkey().to_string();
    let verified = solent(&["verify", "--tiles", path(&dir), "--vkey", &vkey]);
    assert!(verified.status.success(), "{}", text(&verified));
    assert!(text(&verified).contains("all 300 entries are as signed"), "{}", text(&verified));

    // Tiles to bundle, bundle to tiles: the same files come out.
    let bundle = dir.with_extension("bundle");
    assert!(solent(&["export", "--from-tiles", path(&dir), "--bundle", path(&bundle)]).status.success());
    assert!(solent(&["verify", "--bundle", path(&bundle), "--vkey", &vkey]).status.success());
    let again = scratch("again");
    assert!(solent(&["export", "--from-bundle", path(&bundle), "--tiles", path(&again)]).status.success());
    let files = |root: &Path| {
        let mut out = Vec::new();
        let mut stack = vec![root.to_owned()];
        while let Some(at) = stack.pop() {
            for entry in std::fs::read_dir(at).unwrap() {
                let entry = entry.unwrap().path();
                if entry.is_dir() {
                    stack.push(entry);
                } else {
                    out.push((entry.strip_prefix(root).unwrap().to_owned(), std::fs::read(&entry).unwrap()));
                }
            }
        }
        out.sort();
        out
    };
    assert_eq!(files(&dir), files(&again));

    // A proof, by id, with payload, from a bundle that carries it; without, from tiles.
    let carried = dir.with_extension("carried");
    std::fs::write(&carried, memory.bundle(Payloads::Carried)).unwrap();
    let id = &memory.rows[270].id;
    let out = scratch("proof");
    let proved = solent(&["prove", "--bundle", path(&carried), "--id", id, "--payload", "--out", path(&out)]);
    assert!(proved.status.success(), "{}", text(&proved));
    let file = |end: &str| out.join(format!("{id}.{end}")).to_str().unwrap().to_owned();
    let (proof, entry, payload) = (file("tlog-proof"), file("entry.json"), file("payload.json"));
    let check = ["verify", "--proof", &proof, "--entry", &entry, "--payload", &payload, "--vkey", &vkey];
    let checked = solent(&check);
    assert!(checked.status.success() && text(&checked).contains("entry 270 is in"), "{}", text(&checked));
    let with_payload = std::fs::read(&proof).unwrap();
    assert!(solent(&["prove", "--tiles", path(&dir), "--index", "270", "--out", path(&out)]).status.success());
    let without: String = String::from_utf8(with_payload)
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with("extra "))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(std::fs::read_to_string(&proof).unwrap(), without, "tiles and bundle give the same proof");
    std::fs::write(&entry, &memory.rows[271].entry).unwrap();
    let refused = solent(&check);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("SOL-AUDIT-PROOF"), "{}", text(&refused));
    let erased = solent(&["prove", "--bundle", path(&carried), "--index", "9", "--payload", "--out", path(&out)]);
    assert_eq!(erased.status.code(), Some(1));
    assert!(text(&erased).contains("erased"), "{}", text(&erased));
}

#[test]
fn every_tampering_with_files_is_named_by_code_and_entry() {
    let memory = log(300, 64);
    let case = |tamper: &dyn Fn(&mut Memory), expected: &[&str]| {
        let mut bad = memory.clone();
        tamper(&mut bad);
        let dir = written(&bad);
        let found = solent(&["verify", "--tiles", path(&dir), "--vkey", &signer().vkey().to_string()]);
        assert_eq!(found.status.code(), Some(1), "{}", text(&found));
        for part in expected {
            assert!(text(&found).contains(part), "{part} in {}", text(&found));
        }
        let carried = dir.with_extension("bundle");
        std::fs::write(&carried, bad.bundle(Payloads::Carried)).unwrap();
        let found = solent(&["verify", "--bundle", path(&carried), "--vkey", &signer().vkey().to_string()]);
        assert_eq!(found.status.code(), Some(1), "{}", text(&found));
    };
    let id = memory.rows[260].id.clone();
    case(&|m| m.rows[260].entry[80] ^= 1, &["SOL-AUDIT-ENTRY", "entry 260", "altered"]);
    case(&|m| m.drop_and_renumber(100), &["SOL-AUDIT-MISSING", "entry 100", "missing"]);
    case(&|m| m.swap_rows(3, 260), &["SOL-AUDIT-ORDER", "entry 3 ", "entry 260", &id, "swapped"]);
    case(&|m| m.rows.truncate(290), &["SOL-AUDIT-TAIL", "300 entries were signed for and 290 are left"]);
    let other = solent::audit::Signer::log(signer().vkey().name().clone(), &[1; 32]).unwrap();
    let foreign = other.checkpoint(300, memory.tree().root()).to_text().into_bytes();
    case(&|m| m.note = Some(foreign.clone()), &["SOL-AUDIT-SIGNATURE", "no signature by a known key"]);
}

#[test]
fn any_changed_byte_of_a_small_bundle_is_refused() {
    let memory = log(3, 2);
    let good = memory.bundle(Payloads::Carried);
    let dir = scratch("flips");
    let file = dir.join("log.bundle");
    let vkey = signer().vkey().to_string();
    // The vkey line is there for convenience only and is not trusted; everything else is.
    let vkey_line = good.iter().position(|b| *b == b'\n').unwrap() + 6;
    let untrusted = vkey_line..vkey_line + vkey.len();
    for at in (0..good.len()).step_by(7).filter(|at| !untrusted.contains(at)) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let found = solent(&["verify", "--bundle", path(&file), "--vkey", &vkey]);
        assert_eq!(found.status.code(), Some(1), "byte {at}: {}", text(&found));
        assert!(text(&found).contains("SOL-AUDIT-"), "byte {at}: {}", text(&found));
    }
}

#[test]
fn a_damaged_log_is_not_exported_and_gives_no_proof() {
    let mut memory = log(300, 64);
    memory.rows[7].entry[80] ^= 1;
    let dir = written(&memory);
    let out = scratch("out");
    let exported = solent(&["export", "--from-tiles", path(&dir), "--tiles", path(&out.join("x"))]);
    assert_eq!(exported.status.code(), Some(1), "{}", text(&exported));
    assert!(text(&exported).contains("SOL-AUDIT-ROOT"));
    assert!(!out.join("x/checkpoint").exists());
    let bundle = solent(&["export", "--from-tiles", path(&dir), "--bundle", path(&out.join("b"))]);
    assert_eq!(bundle.status.code(), Some(1));
    assert!(!out.join("b").exists() && !out.join("b.part").exists());
    let proved = solent(&["prove", "--tiles", path(&dir), "--index", "7", "--out", path(&out)]);
    assert_eq!(proved.status.code(), Some(1), "{}", text(&proved));
    assert!(text(&proved).contains("SOL-AUDIT-PROOF"));
}

#[test]
fn what_is_missing_or_wrong_on_the_command_line_is_said() {
    let nothing = solent(&["verify"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing));
    let absent = solent(&["verify", "--tiles", "/nonexistent-solent"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent).contains("SOL-AUDIT-SOURCE"));
    let dir = written(&log(3, 2));
    let wrong = solent(&["verify", "--tiles", path(&dir), "--vkey", "audit.example.org/log1+00000000+AQ=="]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("SOL-AUDIT-SIGNATURE"));
    let witnesses = solent(&["verify", "--tiles", path(&dir), "--witnesses", "1"]);
    assert_eq!(witnesses.status.code(), Some(1));
    assert!(text(&witnesses).contains("witnesses"), "{}", text(&witnesses));
}

#[test]
fn a_kept_checkpoint_shows_a_log_that_was_set_back() {
    let dir = written(&log(32, 16));
    let kept = dir.join("kept");
    std::fs::write(&kept, log(40, 16).note.unwrap()).unwrap();
    let args = ["verify", "--tiles", path(&dir), "--vkey", &signer().vkey().to_string()];
    assert!(solent(&args).status.success());
    let found = solent(&[&args[..], &["--checkpoint", path(&kept)]].concat());
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found).contains("set back") && text(&found).contains("SOL-AUDIT-TAIL"), "{}", text(&found));
}

#[test]
fn json_says_the_same_for_programs() {
    let mut memory = log(30, 16);
    memory.rows[4].entry[80] ^= 1;
    let dir = written(&memory);
    let found = solent(&["verify", "--tiles", path(&dir), "--vkey", &signer().vkey().to_string(), "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let value: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(value["sound"], false);
    assert_eq!(value["findings"][0]["index"], 4);
    assert_eq!(value["findings"][0]["code"], "SOL-AUDIT-ENTRY");
}
