//! Every kind of tampering is found, and named: which entry, and what was done to it.

use super::fixture::{Memory, Part, Row, log, signer, tiles_of};
use solent::audit::merkle::Tree;
use solent::audit::tile::TileId;
use solent::audit::verify::{Expected, FindingKind, verify};
use solent::audit::{Hash, Note, Origin, Salt, Signer};

/// The three ways a log is kept: with tiles, with a hash beside each entry, with nothing but entries and checkpoints.
fn ways(size: u64) -> [Memory; 3] {
    [log(size, 16), log(size, 16).without_tiles(), log(size, 16).bare()]
}

fn kinds(memory: &Memory) -> Vec<(u64, FindingKind)> {
    memory.findings().into_iter().map(|(index, kind)| (index.unwrap_or(u64::MAX), kind)).collect()
}

#[test]
fn sound_logs_of_every_small_size_are_sound_and_erased_payloads_are_counted() {
    for size in (0..=300).chain([511, 512, 513]) {
        let memory = log(size, 16);
        for memory in [memory.clone(), memory.clone().without_tiles(), memory.bare()] {
            let report = memory.report();
            assert_eq!(report.findings, [], "size {size}");
            assert_eq!((report.entries, report.size, report.erased), (size, size, size / 10));
            assert_eq!(report.payloads + report.erased, size);
        }
    }
}

#[test]
fn every_changed_byte_of_every_entry_is_found_at_that_entry() {
    for memory in &ways(40)[..2] {
        for at in [0, 1, 15, 16, 31, 38, 39] {
            for byte in 0..memory.rows[at].entry.len() {
                let mut bad = memory.clone();
                bad.rows[at].entry[byte] ^= 1 << (byte % 8);
                assert_eq!(kinds(&bad), [(at as u64, FindingKind::EntryAltered)], "entry {at} byte {byte}");
            }
        }
    }
}

#[test]
fn an_altered_entry_of_2000_is_found_at_that_entry_wherever_it_is() {
    let mut memory = log(2000, 64);
    for at in (0..2000).step_by(23).chain([1999]) {
        let byte = at * 31 % memory.rows[at].entry.len();
        memory.rows[at].entry[byte] ^= 0x10;
        assert_eq!(kinds(&memory), [(at as u64, FindingKind::EntryAltered)]);
        memory.rows[at].entry[byte] ^= 0x10;
    }
}

#[test]
fn with_entries_and_checkpoints_alone_an_altered_entry_is_found_between_two_checkpoints() {
    let mut memory = log(100, 16).bare();
    memory.rows[37].entry[5] ^= 1;
    let found = kinds(&memory);
    assert!(found.contains(&(u64::MAX, FindingKind::RootMismatch { after: 32, size: 48 })), "{found:?}");
}

#[test]
fn every_dropped_entry_is_named() {
    for way in ways(40) {
        for at in 0..40_usize {
            let index = at as u64;
            let mut gap = way.clone();
            gap.rows.remove(at);
            let sure = if way.tiles.is_some() { 39 } else { 32 };
            let tail = FindingKind::TailTruncated { have: 39, size: 40, sure };
            let expected = if at == 39 { tail } else { FindingKind::Missing { count: 1 } };
            assert_eq!(kinds(&gap), [(index, expected.clone())], "gap at {at}");
            if way.tiles.is_some() {
                let mut closed = way.clone();
                closed.drop_and_renumber(at);
                assert_eq!(kinds(&closed), [(index, expected)], "renumbered at {at}");
            }
        }
    }
}

#[test]
fn without_tiles_a_dropped_and_renumbered_entry_is_still_noticed() {
    for way in &ways(40)[1..] {
        for at in 0..40 {
            let mut closed = way.clone();
            closed.drop_and_renumber(at);
            assert!(!closed.report().is_sound());
        }
    }
}

#[test]
fn every_swap_of_two_entries_names_both() {
    let memory = log(24, 8);
    for a in 0..24_usize {
        for b in a + 1..24 {
            let (first, second) = (a as u64, b as u64);
            let both = [(first, FindingKind::Swapped { with: second }), (second, FindingKind::Swapped { with: first })];
            let mut entries = memory.clone();
            let moved = entries.rows[a].entry.clone();
            entries.rows[a].entry = std::mem::replace(&mut entries.rows[b].entry, moved);
            assert_eq!(kinds(&entries.clone().without_tiles()), both, "entries {a} {b}, hashes beside them");
            assert_eq!(kinds(&entries), both, "entries {a} {b}, tiles");
            let mut rows = memory.clone();
            rows.swap_rows(a, b);
            assert_eq!(kinds(&rows), both, "rows {a} {b}, tiles");
            // With nothing to compare but the signed root, the pair is found by trying.
            assert_eq!(kinds(&rows.without_tiles()), both, "rows {a} {b}, root alone");
        }
    }
}

#[test]
fn two_swapped_rows_of_a_long_log_are_named_from_their_times_and_the_root() {
    let mut memory = log(2000, 64).without_tiles();
    memory.swap_rows(300, 1700);
    let both = [(300, FindingKind::Swapped { with: 1700 }), (1700, FindingKind::Swapped { with: 300 })];
    assert_eq!(kinds(&memory), both);
}

#[test]
fn a_copied_moved_or_inserted_entry_is_named() {
    let memory = log(40, 16);
    let mut copied = memory.clone();
    copied.rows[7] = Row { index: 7, ..memory.rows[3].clone() };
    assert_eq!(kinds(&copied), [(7, FindingKind::EntryReplaced { copy_of: 3 })]);
    let mut moved = memory.clone();
    let row = moved.rows.remove(5);
    moved.rows.insert(20, row);
    for (index, row) in moved.rows.iter_mut().enumerate() {
        row.index = index as u64;
    }
    assert_eq!(kinds(&moved), [(20, FindingKind::Moved { from: 5 })]);
    let mut inserted = memory.clone();
    let alien = log(60, 16).rows.pop().unwrap();
    inserted.rows.insert(10, Row { time: memory.rows[10].time, ..alien });
    for (index, row) in inserted.rows.iter_mut().enumerate() {
        row.index = index as u64;
    }
    let found = kinds(&inserted);
    assert_eq!(found[0], (10, FindingKind::Inserted), "{found:?}");
}

#[test]
fn a_truncated_tail_is_named_at_every_length() {
    for way in ways(40) {
        for have in 0..40_usize {
            let mut cut = way.clone();
            cut.rows.truncate(have);
            let have = have as u64;
            let sure = if way.tiles.is_some() { have } else { have / 16 * 16 };
            let expected = FindingKind::TailTruncated { have, size: 40, sure };
            assert_eq!(kinds(&cut), [(have, expected)]);
        }
    }
}

#[test]
fn entries_beyond_the_checkpoint_are_named() {
    for mut way in ways(40) {
        let next = log(42, 16).rows;
        way.rows.extend_from_slice(&next[40..]);
        let found = kinds(&way);
        assert!(
            found.iter().all(|(at, kind)| *at >= 40 && *kind == FindingKind::BeyondCheckpoint { size: 40 }),
            "{found:?}"
        );
        assert_eq!(found[0].0, 40);
    }
}

#[test]
fn another_key_is_refused_and_its_id_named() {
    let mut memory = log(40, 16);
    let other = Signer::log(Origin::parse(super::fixture::ORIGIN).unwrap(), &[77; 32]).unwrap();
    memory.note = Some(other.checkpoint(40, memory.tree().root()).to_text().into_bytes());
    let report = memory.report();
    let text = report.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(report.findings.len(), 1, "{text}");
    assert!(text.contains("no signature by a known key") && text.contains(&other.vkey().id().to_string()), "{text}");
}

#[test]
fn every_changed_byte_of_a_checkpoint_is_found_and_the_entries_are_not_blamed() {
    let memory = log(40, 16);
    for byte in 0..memory.note.as_ref().unwrap().len() {
        let mut bad = memory.clone();
        bad.note.as_mut().unwrap()[byte] ^= 1;
        let report = bad.report();
        assert!(matches!(report.findings[0].kind, FindingKind::Checkpoint(_)), "byte {byte}: {:?}", report.findings);
        assert!(
            report.findings.iter().all(|f| f.index.is_none_or(|at| at >= 32)),
            "byte {byte}: {:?}",
            report.findings
        );
    }
    for byte in 0..memory.history[1].len() {
        let mut bad = memory.clone();
        bad.history[1][byte] ^= 1;
        let report = bad.report();
        assert!(
            matches!(report.findings[..], [ref f] if matches!(f.kind, FindingKind::EarlierCheckpoint { .. })),
            "byte {byte}: {:?}",
            report.findings
        );
    }
}

#[test]
fn a_wrong_hash_beside_a_right_entry_is_told_from_a_wrong_entry() {
    let mut memory = log(40, 16);
    memory.rows[11].leaf = Some(Hash::default());
    assert_eq!(kinds(&memory), [(11, FindingKind::LeafHashAltered)]);
    let mut both = log(40, 16);
    both.rows[11].entry[9] ^= 1;
    both.rows[11].leaf = Some(solent::audit::merkle::leaf_hash(&both.rows[11].entry));
    assert_eq!(kinds(&both), [(11, FindingKind::EntryAltered)], "entry and hash altered to fit: the tiles tell");
}

#[test]
fn every_changed_byte_of_a_tile_is_found() {
    let memory = log(600, 64);
    for tile in memory.tiles.as_ref().unwrap().keys() {
        let length = memory.tiles.as_ref().unwrap()[tile].len();
        for byte in (0..length).step_by(if length > 64 { 97 } else { 1 }) {
            let mut bad = memory.clone();
            bad.tiles.as_mut().unwrap().get_mut(tile).unwrap()[byte] ^= 1;
            let at = u16::try_from(byte / 32).unwrap();
            assert_eq!(kinds(&bad), [(u64::MAX, FindingKind::TileAltered { tile: *tile, at })]);
        }
        let mut bad = memory.clone();
        bad.tiles.as_mut().unwrap().get_mut(tile).unwrap().pop();
        assert!(matches!(kinds(&bad)[..], [(_, FindingKind::TileAltered { .. })]));
        bad.tiles.as_mut().unwrap().remove(tile);
        assert_eq!(kinds(&bad), [(u64::MAX, FindingKind::TileMissing { tile: *tile })]);
    }
    assert!(memory.tiles.as_ref().unwrap().contains_key(&TileId::hashes(1, 0, 2)));
}

#[test]
fn every_changed_byte_of_salt_and_payload_is_found_at_that_entry() {
    let memory = log(40, 16);
    let Part::Kept(salt, payload) = &memory.rows[5].sealed else { panic!() };
    for byte in 0..payload.len() {
        let mut bad = memory.clone();
        let mut payload = payload.clone();
        payload[byte] ^= 1;
        bad.rows[5].sealed = Part::Kept(salt.clone(), payload);
        assert_eq!(kinds(&bad), [(5, FindingKind::CommitMismatch)]);
    }
    for byte in 0..32 {
        let mut bad = memory.clone();
        let mut salt = *salt.as_bytes();
        salt[byte] ^= 0x80;
        bad.rows[5].sealed = Part::Kept(Salt::from_bytes(salt), payload.clone());
        assert_eq!(kinds(&bad), [(5, FindingKind::CommitMismatch)]);
    }
    let mut bad = memory;
    bad.rows[5].sealed = Part::Unreadable;
    assert_eq!(kinds(&bad), [(5, FindingKind::PayloadUnreadable)]);
}

#[test]
fn filing_under_another_id_or_time_is_found() {
    let mut memory = log(40, 16);
    memory.rows[5].time += 1;
    memory.rows[6].id = memory.rows[7].id.clone();
    assert_eq!(
        kinds(&memory),
        [(5, FindingKind::FiledDiffers { what: "time" }), (6, FindingKind::FiledDiffers { what: "id" })]
    );
}

/// What the log itself signed may still be wrong: these are faults of the writer, not of a forger.
#[test]
fn a_signed_log_with_wrong_times_ids_or_origins_is_not_sound() {
    let resigned = |change: &dyn Fn(&mut Vec<Row>)| {
        let mut memory = log(12, 4).without_tiles();
        change(&mut memory.rows);
        for row in &mut memory.rows {
            row.leaf = Some(solent::audit::merkle::leaf_hash(&row.entry));
        }
        let tree = memory.tree();
        memory.tiles = Some(tiles_of(&tree));
        memory.note = Some(signer().checkpoint(12, tree.root()).to_text().into_bytes());
        memory.history.clear();
        kinds(&memory)
    };
    assert_eq!(resigned(&|_| {}), []);
    assert_eq!(
        resigned(&|rows| {
            let (time, id) = (rows[9].time, rows[9].id.clone());
            rows[4] = Row { index: 4, time, id, ..rows[9].clone() };
        }),
        [(5, FindingKind::TimeWentBack), (9, FindingKind::DuplicateId { of: 4 })]
    );
    assert_eq!(
        resigned(&|rows| {
            let text = String::from_utf8(rows[3].entry.clone()).unwrap().replace("/log1", "/log2");
            rows[3].entry = text.into_bytes();
        }),
        [(3, FindingKind::WrongOrigin)]
    );
    let found = resigned(&|rows| rows[3].entry.push(b' '));
    assert!(matches!(found[..], [(3, FindingKind::EntryMalformed(_))]), "{found:?}");
}

#[test]
fn a_log_set_back_or_forked_is_found_by_anybody_who_kept_a_checkpoint() {
    let whole = log(40, 16);
    let kept = whole.note.clone().unwrap();
    // Set back: an older copy of everything, properly signed.
    let mut old = log(32, 16);
    assert!(old.report().is_sound());
    let report = old.report_with(std::slice::from_ref(&kept));
    assert_eq!(report.findings[0].kind, FindingKind::RolledBack { signed: 40, latest: 32 });
    // Forked: the log's own key signs another history of the same length, and a longer one.
    let Part::Kept(..) = old.rows[20].sealed else { panic!() };
    for size in [40, 50] {
        let mut fork = log(size, 16);
        let rows = log(90, 16).rows;
        for at in 25..usize::try_from(size).unwrap() {
            fork.rows[at] = Row { index: at as u64, ..rows[at + 40].clone() };
        }
        fork.history.clear();
        let tree = Tree::new(fork.rows.iter().map(|r| r.leaf.unwrap()).collect());
        fork.tiles = Some(tiles_of(&tree));
        fork.note = Some(signer().checkpoint(size, tree.root()).to_text().into_bytes());
        assert_eq!(fork.findings(), [], "on its own the fork looks sound");
        let report = fork.report_with(std::slice::from_ref(&kept));
        assert_eq!(report.findings[0].kind, FindingKind::Inconsistent { size: 40 });
    }
    // A held checkpoint that is not the log's own is refused, not believed.
    old.history.clear();
    let alien = Signer::log(Origin::parse("other.example.org/log").unwrap(), &[3; 32]).unwrap();
    let note = alien.checkpoint(90, Hash::default()).to_text().into_bytes();
    let report = old.report_with(&[note]);
    assert!(matches!(report.findings[..], [ref f] if matches!(f.kind, FindingKind::EarlierCheckpoint { .. })));
}

#[test]
fn a_log_without_any_checkpoint_is_not_sound_unless_it_is_empty() {
    let mut memory = log(5, 16);
    memory.note = None;
    assert_eq!(kinds(&memory), [(u64::MAX, FindingKind::NoCheckpoint)]);
    memory.rows.clear();
    assert_eq!(kinds(&memory), []);
}

#[test]
fn cosignatures_of_known_witnesses_are_reported() {
    let mut memory = log(5, 16);
    let witness = Signer::witness(Origin::parse("witness.example.net/w1").unwrap(), &[8; 32]).unwrap();
    let mut note = Note::parse(memory.note.as_ref().unwrap()).unwrap();
    note.add(witness.sign(note.text(), 1_790_000_000));
    memory.note = Some(note.to_text().into_bytes());
    let expected = Expected { keys: vec![signer().vkey().clone(), witness.vkey().clone()], held: Vec::new() };
    let report = verify(&memory, &expected, &mut |_| {}).unwrap();
    assert!(report.is_sound());
    assert!(solent::audit::verify::witnessed(&report.verified, 1));
    assert!(!solent::audit::verify::witnessed(&report.verified, 2));
}
