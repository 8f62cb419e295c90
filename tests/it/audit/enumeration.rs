//! Every single byte of a log of 2,000 entries: changed, it is found, at its entry, and nothing else is blamed.
//!
//! One byte in each of a thousand entries is changed at once, and the thousand findings must be exactly those: a change that
//! hid another, or was found elsewhere, would show. So all bytes are gone through in about a thousand verifications. The
//! last test makes each change alone, one verification each (a million), when asked to: `SOLENT_ENUMERATE=whole cargo test --release
//! --test it audit::enumeration`.

use super::fixture::{Memory, Part, log};
use solent::audit::Salt;
use solent::audit::verify::FindingKind;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE: usize = 2_000;
/// Entries changed at once: as many as a report lists.
const HALF: usize = 1_000;

/// Runs numbered tasks on as many threads as there are processors.
fn each(count: usize, task: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    task(n);
                }
            });
        }
    });
}

/// The change of a byte: another bit for each place.
fn bit(at: usize) -> u8 {
    1 << (at % 8)
}

fn whole() -> Memory {
    log(SIZE as u64, 64)
}

/// Sealed parts take most of the time and have tests of their own.
fn without_payloads(mut memory: Memory) -> Memory {
    memory.rows.iter_mut().for_each(|row| row.sealed = Part::Erased);
    memory
}

/// Exactly these entries are found, each with this fault.
fn exactly(memory: &Memory, at: impl Iterator<Item = usize>, kind: &FindingKind, what: &str) {
    let report = memory.report();
    let found: Vec<(Option<u64>, &FindingKind)> = report.findings.iter().map(|f| (f.index, &f.kind)).collect();
    let expected: Vec<(Option<u64>, &FindingKind)> = at.map(|at| (Some(at as u64), kind)).collect();
    assert!(found == expected, "{what}: {} found, {} expected", found.len(), expected.len());
}

fn halves() -> [std::ops::Range<usize>; 2] {
    [0..HALF, HALF..SIZE]
}

#[test]
fn each_byte_of_each_entry() {
    let memory = without_payloads(whole());
    let longest = memory.rows.iter().map(|row| row.entry.len()).max().unwrap();
    each(longest * 2, |n| {
        let (byte, half) = (n / 2, halves()[n % 2].clone());
        let mut bad = memory.clone();
        let mut changed = Vec::new();
        for at in half {
            if let Some(found) = bad.rows[at].entry.get_mut(byte) {
                *found ^= bit(byte + at);
                changed.push(at);
            }
        }
        exactly(&bad, changed.into_iter(), &FindingKind::EntryAltered, &format!("byte {byte}"));
    });
}

#[test]
fn each_byte_of_each_salt_and_payload() {
    let memory = whole();
    let length = |part: &Part| if let Part::Kept(_, payload) = part { payload.len() } else { 0 };
    let longest = memory.rows.iter().map(|row| length(&row.sealed)).max().unwrap();
    each((32 + longest) * 2, |n| {
        let (byte, half) = (n / 2, halves()[n % 2].clone());
        let mut bad = memory.clone();
        let mut changed = Vec::new();
        for at in half {
            let Part::Kept(salt, payload) = &mut bad.rows[at].sealed else { continue };
            if byte < 32 {
                let mut bytes = *salt.as_bytes();
                bytes[byte] ^= bit(byte + at);
                *salt = Salt::from_bytes(bytes);
            } else if let Some(found) = payload.get_mut(byte - 32) {
                *found ^= bit(byte + at);
            } else {
                continue;
            }
            changed.push(at);
        }
        exactly(&bad, changed.into_iter(), &FindingKind::CommitMismatch, &format!("byte {byte}"));
    });
}

#[test]
fn each_byte_of_each_hash_beside_an_entry_and_each_filing() {
    let memory = without_payloads(whole());
    each(34 * 2, |n| {
        let (byte, half) = (n / 2, halves()[n % 2].clone());
        let mut bad = memory.clone();
        for row in &mut bad.rows[half.clone()] {
            match byte {
                32 => row.time ^= 1,
                33 => row.id = row.id.replace('7', "8"),
                _ => row.leaf.as_mut().unwrap().0[byte] ^= bit(byte),
            }
        }
        let kind = match byte {
            32 => FindingKind::FiledDiffers { what: "time" },
            33 => FindingKind::FiledDiffers { what: "id" },
            _ => FindingKind::LeafHashAltered,
        };
        exactly(&bad, half, &kind, &format!("byte {byte}"));
    });
}

#[test]
fn each_hash_of_each_tile() {
    let memory = without_payloads(whole());
    each(256, |place| {
        let mut bad = memory.clone();
        let mut expected = Vec::new();
        for (tile, bytes) in bad.tiles.as_mut().unwrap() {
            if let Some(byte) = bytes.get_mut(place * 32 + place % 32) {
                *byte ^= bit(place);
                expected.push(FindingKind::TileAltered { tile: *tile, at: u16::try_from(place).unwrap() });
            }
        }
        let found: Vec<FindingKind> = bad.report().findings.into_iter().map(|f| f.kind).collect();
        assert_eq!(found.len(), expected.len(), "hash {place}");
        assert!(expected.iter().all(|kind| found.contains(kind)), "hash {place}: {found:?}");
    });
}

#[test]
fn each_byte_of_each_checkpoint() {
    let memory = without_payloads(whole());
    let longest = memory.history.iter().map(Vec::len).max().unwrap();
    each(longest, |byte| {
        let mut bad = memory.clone();
        let mut changed = 0;
        for note in &mut bad.history {
            if let Some(found) = note.get_mut(byte) {
                *found ^= 1;
                changed += 1;
            }
        }
        let report = bad.report();
        let refused = |kind: &FindingKind| matches!(kind, FindingKind::EarlierCheckpoint { .. });
        assert_eq!(report.findings.iter().filter(|f| refused(&f.kind)).count(), changed, "byte {byte}");
    });
}

/// Dropped, doubled, swapped with the next, or the tail cut there: at a stride here, all of them in the last test.
fn moved(memory: &Memory, at: usize) {
    let index = at as u64;
    let kinds = |bad: &Memory| -> Vec<(u64, FindingKind)> {
        bad.findings().into_iter().map(|(index, kind)| (index.unwrap_or(u64::MAX), kind)).collect()
    };
    let mut gap = memory.clone();
    gap.rows.remove(at);
    let mut closed = memory.clone();
    closed.drop_and_renumber(at);
    let tail = |have: u64| FindingKind::TailTruncated { have, size: SIZE as u64, sure: have };
    let missing = if at + 1 == SIZE { tail(index) } else { FindingKind::Missing { count: 1 } };
    assert_eq!(kinds(&gap), [(index, missing.clone())], "dropped {at}");
    assert_eq!(kinds(&closed), [(index, missing)], "dropped and renumbered {at}");
    let mut doubled = memory.clone();
    doubled.rows.insert(at, memory.rows[at].clone());
    doubled.rows.iter_mut().zip(0..).for_each(|(row, index)| row.index = index);
    let found = kinds(&doubled);
    assert!(!found.is_empty() && found.iter().any(|(n, _)| n.abs_diff(index) <= 1), "doubled {at}: {found:?}");
    if at + 1 < SIZE {
        let mut swapped = memory.clone();
        swapped.swap_rows(at, at + 1);
        let both =
            [(index, FindingKind::Swapped { with: index + 1 }), (index + 1, FindingKind::Swapped { with: index })];
        assert_eq!(kinds(&swapped), both, "swapped {at}");
    }
    let mut cut = memory.clone();
    cut.rows.truncate(at);
    assert_eq!(kinds(&cut), [(index, tail(index))], "cut at {at}");
}

#[test]
fn entries_dropped_doubled_swapped_and_the_tail_cut() {
    let memory = without_payloads(whole());
    let places: Vec<usize> = (0..SIZE).step_by(97).chain([255, 256, 1_023, 1_024, 1_998, 1_999]).collect();
    each(places.len(), |n| moved(&memory, places[n]));
}

#[test]
fn each_change_alone() {
    if std::env::var("SOLENT_ENUMERATE").as_deref() != Ok("whole") {
        let why = "a million verifications; SOLENT_ENUMERATE=whole makes them";
        let _ = writeln!(std::io::stdout(), "skipped: each change alone: {why}");
        return;
    }
    let memory = whole();
    each(SIZE, |at| {
        moved(&memory, at);
        let mut bad = memory.clone();
        for byte in 0..bad.rows[at].entry.len() {
            bad.rows[at].entry[byte] ^= bit(byte);
            exactly(&bad, std::iter::once(at), &FindingKind::EntryAltered, &format!("entry {at} byte {byte}"));
            bad.rows[at].entry[byte] ^= bit(byte);
        }
        if let Part::Kept(salt, payload) = memory.rows[at].sealed.clone() {
            for byte in 0..32 + payload.len() {
                let (mut bytes, mut payload) = (*salt.as_bytes(), payload.clone());
                if byte < 32 {
                    bytes[byte] ^= bit(byte)
                } else {
                    payload[byte - 32] ^= bit(byte)
                }
                bad.rows[at].sealed = Part::Kept(Salt::from_bytes(bytes), payload);
                exactly(&bad, std::iter::once(at), &FindingKind::CommitMismatch, &format!("sealed {at} byte {byte}"));
            }
            bad.rows[at].sealed = memory.rows[at].sealed.clone();
        }
        for byte in 0..32 {
            bad.rows[at].leaf.as_mut().unwrap().0[byte] ^= bit(byte);
            exactly(&bad, std::iter::once(at), &FindingKind::LeafHashAltered, &format!("hash {at} byte {byte}"));
            bad.rows[at].leaf.as_mut().unwrap().0[byte] ^= bit(byte);
        }
    });
    let tiles: Vec<_> = memory.tiles.as_ref().unwrap().iter().map(|(tile, bytes)| (*tile, bytes.len())).collect();
    for (tile, length) in tiles {
        each(length, |byte| {
            let mut bad = memory.clone();
            bad.tiles.as_mut().unwrap().get_mut(&tile).unwrap()[byte] ^= bit(byte);
            let at = u16::try_from(byte / 32).unwrap();
            assert_eq!(bad.findings(), [(None, FindingKind::TileAltered { tile, at })], "{tile} byte {byte}");
        });
    }
}
