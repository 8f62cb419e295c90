//! A log frozen as files, and copies somebody tampered with: `tests/cases/audit/`.
//!
//! Each case is a bundle `<case>.bundle` and `<case>.expect`: the lines `audit verify` must print, codes and entries, or
//! `sound`. The frozen log is never written again by a later version: what was signed must verify for ever.

use super::fixture::{Memory, Part, Row, log, signer};
use solent::audit::bundle::Payloads;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/audit")
}

#[test]
fn every_frozen_case_is_judged_as_expected() {
    let mut count = 0;
    let vkey = std::fs::read_to_string(folder().join("frozen/vkey")).unwrap();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "bundle") {
            continue;
        }
        count += 1;
        let expected = std::fs::read_to_string(path.with_extension("expect")).expect("a case without an expectation");
        let found = super::command::solent(&["verify", "--bundle", path.to_str().unwrap(), "--vkey", vkey.trim()]);
        let errors = String::from_utf8(found.stderr).unwrap().replace(path.to_str().unwrap(), "BUNDLE");
        if expected.trim() == "sound" {
            assert!(found.status.success(), "{}: {errors}", path.display());
        } else {
            assert_eq!(found.status.code(), Some(1), "{}", path.display());
            assert_eq!(errors, expected, "{}", path.display());
        }
    }
    assert!(count >= 10, "only {count} cases");
}

#[test]
fn the_frozen_tiles_verify() {
    let dir = folder().join("frozen");
    let vkey = std::fs::read_to_string(dir.join("vkey")).unwrap();
    let found = super::command::solent(&["verify", "--tiles", dir.to_str().unwrap(), "--vkey", vkey.trim()]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert!(String::from_utf8_lossy(&found.stdout).contains("all 20 entries are as signed"));
}

#[test]
fn todays_program_would_write_the_frozen_log_again() {
    let memory = log(20, 8);
    assert_eq!(std::fs::read(folder().join("frozen/checkpoint")).unwrap(), memory.note.clone().unwrap());
    assert_eq!(std::fs::read(folder().join("sound.bundle")).unwrap(), memory.bundle(Payloads::Carried));
}

/// What was done to a case's log.
type Tamper<'a> = &'a dyn Fn(&mut Memory);

/// Writes cases that are not there yet, for an expectation written by hand. When a case is added: `SOLENT_BLESS=1 cargo test --test it audit::frozen`.
#[test]
fn cases_are_written_only_on_demand() {
    if std::env::var_os("SOLENT_BLESS").is_none() {
        return;
    }
    if !folder().join("frozen/checkpoint").exists() {
        log(20, 8).write_tiles(&folder().join("frozen"));
    }
    let cases: [(&str, Tamper<'_>); 14] = [
        ("sound", &|_| {}),
        ("entry-altered", &|m| m.rows[6].entry[80] ^= 1),
        ("entry-and-hash-altered", &|m| {
            m.rows[6].entry[80] ^= 1;
            m.rows[6].leaf = Some(solent::audit::merkle::leaf_hash(&m.rows[6].entry));
        }),
        ("hash-altered", &|m| m.rows[6].leaf.as_mut().unwrap().0[0] ^= 1),
        ("entry-dropped", &|m| {
            m.rows.remove(6);
        }),
        ("entry-dropped-and-renumbered", &|m| m.drop_and_renumber(6)),
        ("entries-swapped", &|m| m.swap_rows(3, 14)),
        ("entry-copied", &|m| m.rows[9] = Row { index: 9, leaf: m.rows[9].leaf, ..m.rows[2].clone() }),
        ("tail-truncated", &|m| m.rows.truncate(15)),
        ("payload-altered", &|m| {
            let Part::Kept(_, payload) = &mut m.rows[5].sealed else { panic!() };
            payload[20] ^= 1;
        }),
        ("other-key", &|m| {
            let other = solent::audit::Signer::log(signer().vkey().name().clone(), &[1; 32]).unwrap();
            m.note = Some(other.checkpoint(20, m.tree().root()).to_text().into_bytes());
        }),
        // Properly signed, but not what an honest gateway writes: SOL-AUDIT-UNSIGNED, -TIME with -ID, -ORIGIN.
        ("unsigned-entries", &|m| m.note = log(16, 8).note),
        ("signed-time-back", &|m| {
            m.rows[4] = Row { index: 4, ..m.rows[9].clone() };
            resign(m);
        }),
        ("signed-other-log", &|m| {
            m.rows[3].entry =
                String::from_utf8(m.rows[3].entry.clone()).unwrap().replace("/log1", "/log2").into_bytes();
            resign(m);
        }),
    ];
    for (name, tamper) in cases {
        if folder().join(format!("{name}.bundle")).exists() {
            continue;
        }
        let mut memory = log(20, 8);
        tamper(&mut memory);
        std::fs::write(folder().join(format!("{name}.bundle")), memory.bundle(Payloads::Carried)).unwrap();
    }
}

/// Signs what there is, as a holder of the key can.
fn resign(memory: &mut Memory) {
    for row in &mut memory.rows {
        row.leaf = Some(solent::audit::merkle::leaf_hash(&row.entry));
    }
    memory.note = Some(signer().checkpoint(20, memory.tree().root()).to_text().into_bytes());
}
