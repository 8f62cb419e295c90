//! Forgeries that hold by themselves and fall when two things are laid side by side: two witnesses, two sizes, two names, two
//! entries of one person, two levels of tiles, the log and its index.

use super::command::solent;
use super::database::{config, text};
use super::fixture::{Memory, ORIGIN, Row, log, scratch, signer, tiles_of};
use crate::store::support::{TestDb, login, on_each_engine, view};
use solent::audit::merkle::consistency_proof;
use solent::audit::verify::{Expected, FindingKind, verify};
use solent::audit::witness::{AddCheckpoint, Refusal};
use solent::audit::{Checkpoint, Note, Origin, Signer, Vkey};
use solent::clock::Moment;
use solent::store::{Job, StartError, WitnessError, WitnessState};

const AT: Moment = Moment::from_millis(1_790_000_000_000);

fn witness(seed: u8) -> Signer {
    Signer::witness(Origin::parse(&format!("witness.example.net/w{seed}")).unwrap(), &[seed; 32]).unwrap()
}

fn state(name: &str, seed: u8) -> WitnessState {
    WitnessState::open(&scratch(name), witness(seed), vec![signer().vkey().clone()]).unwrap()
}

fn asked(of: &Memory, old: u64) -> AddCheckpoint {
    let proof = consistency_proof(&of.tree(), old, of.rows.len() as u64).unwrap();
    AddCheckpoint { old, proof, note: Note::parse(of.note.as_ref().unwrap()).unwrap() }
}

/// Another history of `size` entries from entry 25 on, signed with the log's own key.
fn fork(size: u64) -> Memory {
    let mut fork = log(size, 16);
    let others = log(size + 40, 16).rows;
    for at in 25..usize::try_from(size).unwrap() {
        fork.rows[at] = Row { index: at as u64, ..others[at + 40].clone() };
    }
    fork.history.clear();
    let tree = fork.tree();
    fork.tiles = Some(tiles_of(&tree));
    fork.note = Some(signer().checkpoint(size, tree.root()).to_text().into_bytes());
    fork
}

#[test]
fn two_histories_shown_to_two_witnesses_are_found_by_whoever_holds_both_cosignatures() {
    let (one, other) = (log(40, 16), fork(40));
    let (first, second) = (state("fork-1", 41), state("fork-2", 42));
    let cosigned = |state: &WitnessState, log: &Memory| {
        let asked = asked(log, 0);
        let line = state.add(&asked, AT).unwrap();
        format!("{}{line}", asked.note.to_text())
    };
    let (note_one, note_other) = (cosigned(&first, &one), cosigned(&second, &other));
    // Each by itself is a sound log with a valid cosignature.
    let with = |memory: &Memory, note: &str, seeds: &[u8], held: &[&str]| {
        let mut keys: Vec<Vkey> = vec![signer().vkey().clone()];
        keys.extend(seeds.iter().map(|seed| witness(*seed).vkey().clone()));
        let held = held.iter().map(|note| note.as_bytes().to_vec()).collect();
        let memory = Memory { note: Some(note.as_bytes().to_vec()), ..memory.clone() };
        verify(&memory, &Expected { keys, held }, &mut |_| {}).unwrap().findings
    };
    assert_eq!(with(&one, &note_one, &[41], &[]), []);
    assert_eq!(with(&other, &note_other, &[42], &[]), []);
    // Side by side neither is.
    for (memory, note, seed, held) in [(&one, &note_one, 41, &note_other), (&other, &note_other, 42, &note_one)] {
        let found = with(memory, note, &[seed], &[held]);
        assert_eq!(found[0].kind, FindingKind::Inconsistent { size: 40 }, "{found:?}");
    }
    // The cosignature of one tree does not stand under the other of the same size.
    let line = note_other.lines().last().unwrap();
    let found = with(&one, &format!("{note_one}{line}\n"), &[41, 42], &[]);
    assert!(matches!(found[0].kind, FindingKind::Checkpoint(_)), "{found:?}");
    // And neither witness follows into the other history, at the same size or a larger one.
    for (state, next) in [(&first, fork(40)), (&first, fork(50)), (&second, log(40, 16)), (&second, log(50, 16))] {
        let refused = state.add(&asked(&next, 40), AT);
        assert!(matches!(refused, Err(WitnessError::Refused(Refusal::Inconsistent))), "{refused:?}");
    }
}

#[test]
fn a_checkpoint_that_the_logs_key_signed_over_another_origin_is_nobodys() {
    let memory = log(40, 16);
    let root = memory.tree().root();
    let other = Origin::parse("audit.example.org/log2").unwrap();
    let alien = Checkpoint { origin: other, size: 40, root, extensions: Vec::new() }.to_text();
    // The key's name on the signature line is the log's: valid as a signed note, but no statement about this log.
    let note = format!("{alien}\n{}\n", signer().sign(&alien, 0));
    assert!(Note::parse(note.as_bytes()).unwrap().verify([signer().vkey()]).is_ok());
    let keys = [signer().vkey().clone()];
    assert!(Checkpoint::open(note.as_bytes(), &keys).is_err());
    let bad = Memory { note: Some(note.clone().into_bytes()), ..memory.clone() };
    let found = bad.findings();
    assert!(matches!(found[0].1, FindingKind::Checkpoint(_)), "{found:?}");
    let held = memory.report_with(&[note.clone().into_bytes()]).findings;
    assert!(matches!(held[..], [ref f] if matches!(f.kind, FindingKind::EarlierCheckpoint { .. })), "{held:?}");
    let refused = state("origin", 43)
        .add(&AddCheckpoint { note: Note::parse(note.as_bytes()).unwrap(), ..asked(&memory, 0) }, AT);
    assert!(matches!(refused, Err(WitnessError::Refused(Refusal::UnknownOrigin(_)))), "{refused:?}");
    // Nor does a key of the other log, under its own name, sign for this one.
    let stranger = Signer::log(Origin::parse("audit.example.org/log2").unwrap(), &[5; 32]).unwrap();
    let text = Note::parse(memory.note.as_ref().unwrap()).unwrap().text().to_owned();
    let note = format!("{text}\n{}\n", stranger.sign(&text, 0));
    assert!(Checkpoint::open(note.as_bytes(), &[signer().vkey().clone(), stranger.vkey().clone()]).is_err());
}

#[test]
fn a_cosignature_moved_to_a_checkpoint_of_another_size_makes_that_checkpoint_invalid() {
    let memory = log(40, 16);
    let witness = witness(44);
    let keys = vec![signer().vkey().clone(), witness.vkey().clone()];
    let earlier = Note::parse(&memory.history[1]).unwrap();
    let line = witness.sign(earlier.text(), 1_790_000_000);
    let mut moved = Note::parse(memory.note.as_ref().unwrap()).unwrap();
    moved.add(line.clone());
    let bad = Memory { note: Some(moved.to_text().into_bytes()), ..memory.clone() };
    let expected = Expected { keys: keys.clone(), held: Vec::new() };
    let report = verify(&bad, &expected, &mut |_| {}).unwrap();
    assert!(matches!(report.findings[0].kind, FindingKind::Checkpoint(_)), "{:?}", report.findings);
    assert!(!solent::audit::verify::witnessed(&report.verified, 1), "and nothing counts as witnessed by it");
    // Nor with another time: the time is signed too.
    let mut shifted = witness.sign(moved.text(), 1_790_000_000);
    shifted.blob[7] ^= 1;
    let mut note = Note::parse(memory.note.as_ref().unwrap()).unwrap();
    note.add(shifted);
    assert!(Checkpoint::open(note.to_text().as_bytes(), &keys).is_err());
}

#[test]
fn sealed_parts_exchanged_between_two_entries_of_one_person_are_named_at_both() {
    let memory = log(60, 16);
    // Every eleventh entry is about the same person.
    let (a, b) = (2_usize, 13_usize);
    let mut bad = memory.clone();
    let first = bad.rows[a].sealed.clone();
    bad.rows[a].sealed = std::mem::replace(&mut bad.rows[b].sealed, first);
    let found: Vec<_> = bad.findings();
    assert_eq!(found, [(Some(2), FindingKind::CommitMismatch), (Some(13), FindingKind::CommitMismatch)]);
}

async fn filled(t: &TestDb, entries: usize) {
    let log = t.start().await.unwrap();
    let job = (1..entries).fold(Job::new(login()), |job, n| job.with_entry(view(&format!("person-{}", n % 3))));
    log.commit(job).await.unwrap();
    log.stop().await;
}

/// Tampers, and reads what `audit verify` says of the live database; a start must refuse as well.
fn found_after(sqlite: &'static str, postgres: &'static str, expected: &'static [&'static str]) {
    on_each_engine(|t| async move {
        filled(&t, 600).await;
        let config = config(&t);
        let vkey = crate::store::support::signer().vkey().to_string();
        let judge = || solent(&["verify", "--config", config.to_str().unwrap(), "--vkey", &vkey]);
        assert!(judge().status.success(), "{}", text(&judge()));
        assert!(t.tamper(if t.db.sqlite_path().is_some() { sqlite } else { postgres }).await > 0);
        let said = judge();
        assert_eq!(said.status.code(), Some(1), "{}", text(&said));
        for part in expected {
            assert!(text(&said).contains(part), "{part} in {}", text(&said));
        }
        let lines = text(&said).lines().filter(|line| line.contains("SOL-AUDIT-")).count();
        assert!(lines <= 4, "nothing else is blamed: {}", text(&said));
        t.finish().await;
    });
}

#[test]
fn sealed_parts_exchanged_in_the_database_under_one_persons_key_are_named_at_both() {
    let swap = "CREATE TABLE aside AS SELECT idx, sealed FROM log_entry WHERE idx IN (4, 7);
        UPDATE log_entry SET sealed = (SELECT sealed FROM aside WHERE aside.idx = 11 - log_entry.idx) WHERE idx IN (4, 7)";
    found_after(swap, swap, &["SOL-AUDIT-PAYLOAD", "entry 4 (", "entry 7 ("]);
}

#[test]
fn an_index_row_that_points_to_another_entry_is_named_at_both() {
    let swap = "UPDATE log_index SET idx = 100000 WHERE idx = 4; UPDATE log_index SET idx = 4 WHERE idx = 5;
        UPDATE log_index SET idx = 5 WHERE idx = 100000";
    found_after(swap, swap, &["SOL-AUDIT-ID", "entry 4 (", "entry 5 ("]);
}

#[test]
fn a_tile_of_level_1_that_is_not_made_of_the_tiles_below_it_is_named_and_nothing_is_served() {
    let sqlite = "UPDATE log_tile SET hashes = CAST(substr(hashes, 33, 32) || substr(hashes, 1, 32) || substr(hashes, 65) AS BLOB) WHERE level = 1";
    let postgres = "UPDATE log_tile SET hashes = substr(hashes, 33, 32) || substr(hashes, 1, 32) || substr(hashes, 65) WHERE level = 1";
    found_after(sqlite, postgres, &["SOL-AUDIT-HASH", "tile/1/000"]);
    on_each_engine(|t| async move {
        filled(&t, 600).await;
        t.tamper(if t.db.sqlite_path().is_some() { sqlite } else { postgres }).await;
        let refused = t.start().await;
        let Err(StartError::Unsound { findings, .. }) = refused else { panic!("served on an altered tile") };
        assert!(findings.iter().any(|f| f.code.as_str() == "SOL-AUDIT-HASH"), "{findings:?}");
        t.finish().await;
    });
}

#[test]
fn lines_that_strangers_add_to_a_checkpoint_do_not_stop_the_witness() {
    let state = state("strangers", 45);
    let mut first = asked(&log(40, 16), 0);
    // As many signatures as a note may have, the log's own and those of keys nobody knows.
    for n in 0..63_u8 {
        let stranger = Signer::witness(Origin::parse(&format!("stranger.example.net/{n}")).unwrap(), &[n; 32]).unwrap();
        let line = stranger.sign(first.note.text(), 0);
        first.note.add(line);
    }
    state.add(&first, AT).unwrap();
    let kept = std::fs::read(state.file_of(ORIGIN)).unwrap();
    assert_eq!(Note::parse(&kept).unwrap().signatures().len(), 2, "the log's and the witness's own");
    let next = state.add(&asked(&log(50, 16), 40), AT);
    assert!(next.is_ok(), "{next:?}");
}

#[test]
fn a_log_key_that_signs_many_times_over_does_not_stop_the_witness_either() {
    let state = state("again-and-again", 46);
    let mut first = asked(&log(40, 16), 0);
    let own = first.note.signatures()[0].clone();
    (1..64).for_each(|_| first.note.add(own.clone()));
    state.add(&first, AT).unwrap();
    assert!(state.add(&asked(&log(50, 16), 40), AT).is_ok());
}
