//! Verification: one pass over a log's entries that says whether they are exactly what was signed, and if not, which
//! entry is wrong and how.
//!
//! Owns the checks and the [`Report`]; reads through a [`LogSource`]. Erased payloads are no fault: they are counted.
//! What it cannot show is written in `docs/reference/audit-log.md`. Read [`verify`], then [`FindingKind`].
//!
//! How an altered entry is named: the entries' own hashes are compared with the hashes stored beside them and in the
//! tiles, and the signed root says which of these sequences is the one that was logged.
//!
//! # Source
//! Solent audit paper §4 (start-up check), §5; RFC 6962 §2.1.

mod finding;
mod locate;
mod pass;
mod signed;
mod tiles;

pub use finding::{Finding, FindingKind};

use super::merkle::{Hash, Tree};
use super::note::{Checkpoint, Origin, Signed, TYPE_ED25519, Verified, Vkey};
use super::source::{LogSource, SourceError};
use super::tile::TileId;
use locate::{Difference, differences, swapped_pair};
use pass::Pass;
use signed::SignedStates;
use std::collections::BTreeSet;
use tiles::StoredHashes;

/// Most findings kept in a report; all are counted. A log with more is not mended by reading on.
pub const FINDINGS_MAX: usize = 1000;
/// Entries between two calls of the progress function.
const PROGRESS_STEP: u64 = 8192;
/// Most pairs tried when two swapped entries are searched from the root alone: a pair costs a path of hashes, so this is
/// under a second, and covers every pair of a log of 300 entries.
const SWAPS_TRIED_MAX: usize = 50_000;

/// What the log is checked against.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Keys to trust: the log's, and witnesses'. Obtained from somewhere else than the log.
    pub keys: Vec<Vkey>,
    /// Signed checkpoints somebody kept earlier: the log must contain the tree of each.
    pub held: Vec<Vec<u8>>,
}

/// The result of a verification.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// The log's origin, when a checkpoint could be read.
    pub origin: Option<Origin>,
    /// Size of the signed tree the entries were checked against.
    pub size: u64,
    /// Its root.
    pub root: Option<Hash>,
    /// Whose signatures on the latest checkpoint hold.
    pub verified: Vec<Verified>,
    /// Entries there are.
    pub entries: u64,
    /// Payloads there are, each checked against its entry.
    pub payloads: u64,
    /// Payloads that were erased.
    pub erased: u64,
    /// Time of the first and last entry.
    pub times: Option<(crate::clock::Moment, crate::clock::Moment)>,
    /// The faults, by index, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// All faults there were.
    pub findings_count: u64,
}

impl Report {
    /// True when nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings_count == 0
    }
}

/// How far a verification is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Entries done.
    pub done: u64,
    /// Entries that were signed for; 0 when unknown.
    pub total: u64,
}

/// Checks a whole log.
///
/// # Errors
/// [`SourceError`] when the log cannot be read. Faults of the log are findings, not errors.
pub fn verify<S: LogSource + ?Sized>(
    source: &S,
    expected: &Expected,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, SourceError> {
    let signed = SignedStates::read(source, expected)?;
    let total = signed.latest.as_ref().map_or(0, |c| c.size);
    let origin = expected.keys.iter().find(|k| k.kind() == TYPE_ED25519).map(|k| k.name().clone());
    let mut pass = Pass::new(origin.or_else(|| signed.latest.as_ref().map(|c| c.origin.clone())), &signed);
    source.entries(&mut |stored| {
        pass.take(stored);
        if pass.count().is_multiple_of(PROGRESS_STEP) {
            progress(Progress { done: pass.count(), total });
        }
    })?;
    progress(Progress { done: pass.count(), total });
    let tiles = StoredHashes::read(source, if signed.fallback { 0 } else { total })?;
    Ok(judge(signed, pass, tiles))
}

/// Puts together what the checkpoints, the entries and the tiles say.
fn judge(signed: SignedStates, mut pass: Pass, tiles: Option<StoredHashes>) -> Report {
    let mut primary = Vec::new();
    let count = pass.count();
    if signed.none && count > 0 {
        primary.push(Finding { index: None, id: None, kind: FindingKind::NoCheckpoint });
    }
    let latest = signed.latest.as_ref().map(|c| (c.size, c.root));
    let entries_are_signed =
        latest.is_some_and(|(size, root)| pass.roots.get(&size) == Some(&root) && pass.shifts.is_empty());
    if let Some((size, root)) = latest {
        if entries_are_signed {
            primary.extend(unsigned_hashes(&pass, tiles.as_ref(), size));
        } else {
            primary.extend(located(&pass, tiles.as_ref(), &signed, size, root));
        }
        if entries_are_signed && count > size && !signed.fallback {
            let (index, id) = (Some(size), pass.id_at(size));
            primary.push(Finding { index, id, kind: FindingKind::BeyondCheckpoint { size } });
        }
    } else {
        primary.extend(unproven(&pass));
    }
    primary.extend(inconsistent(&signed, &pass, entries_are_signed));
    let mut secondary = std::mem::take(&mut pass.findings);
    secondary.extend(pass.duplicate_ids());
    let findings = merge(signed.findings, primary, secondary);
    report(&pass, signed.latest, signed.verified, findings)
}

/// The entries are as signed: then whatever is stored beside them and differs is wrong.
fn unsigned_hashes(pass: &Pass, tiles: Option<&StoredHashes>, size: u64) -> Vec<Finding> {
    let mut out: Vec<Finding> = pass
        .beside
        .keys()
        .map(|at| Finding { index: Some(*at), id: pass.id_at(*at), kind: FindingKind::LeafHashAltered })
        .collect();
    if let Some(tiles) = tiles {
        out.extend(tiles.findings.iter().cloned());
        let mut leaves = pass.leaves.clone();
        leaves.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let reported: BTreeSet<TileId> = tiles.findings.iter().filter_map(tile_of).collect();
        let more = tiles.differing(&Tree::new(leaves), size);
        out.extend(more.into_iter().filter(|f| tile_of(f).is_none_or(|t| !reported.contains(&t))));
    }
    out
}

fn tile_of(finding: &Finding) -> Option<TileId> {
    match finding.kind {
        FindingKind::TileAltered { tile, .. } | FindingKind::TileMissing { tile } => Some(tile),
        _ => None,
    }
}

/// No authentic checkpoint: only what the stored hashes say, unproven.
fn unproven(pass: &Pass) -> Vec<Finding> {
    let altered = pass.beside.keys().map(|at| Finding {
        index: Some(pass.index_at(*at)),
        id: pass.id_at(*at),
        kind: FindingKind::EntryAltered,
    });
    altered.chain(gaps(pass)).collect()
}

fn gaps(pass: &Pass) -> Vec<Finding> {
    let mut next = 0;
    let mut out = Vec::new();
    let mut before = 0;
    for (position, index) in &pass.shifts {
        next += position - before;
        if *index > next {
            out.push(Finding { index: Some(next), id: None, kind: FindingKind::Missing { count: index - next } });
        }
        (next, before) = (*index, *position);
    }
    out
}

/// The entries are not as signed: find the sequence of hashes that is, or the best there is, and compare.
fn located(pass: &Pass, tiles: Option<&StoredHashes>, signed: &SignedStates, size: u64, root: Hash) -> Vec<Finding> {
    let proven = |hashes: &Vec<Hash>| Tree::new(hashes.clone()).root() == root;
    let from_tiles = tiles.filter(|t| t.complete).map(|t| t.leaves.clone()).filter(proven);
    let logged = from_tiles.or_else(|| pass.stored_beside(size).filter(proven));
    if let Some(logged) = logged {
        let mut out: Vec<Finding> =
            differences(&pass.leaves, &logged).iter().flat_map(|d| explain(*d, pass, size)).collect();
        if out.is_empty() {
            // The right entries in the right order, under wrong indexes.
            out.extend(gaps(pass));
        }
        if let Some(tiles) = tiles {
            out.extend(tiles.differing(&Tree::new(logged), size));
        }
        return out;
    }
    unlocated(pass, tiles, signed, size, root)
}

/// Nothing stored leads to the signed root. Say what can be said: which entries disagree with their stored hash, what is
/// missing, and between which signed sizes the first difference lies.
fn unlocated(pass: &Pass, tiles: Option<&StoredHashes>, signed: &SignedStates, size: u64, root: Hash) -> Vec<Finding> {
    let mut out = gaps(pass);
    let mut named: BTreeSet<u64> = BTreeSet::new();
    for at in pass.beside.keys() {
        let index = pass.index_at(*at);
        named.insert(index);
        out.push(Finding { index: Some(index), id: pass.id_at(*at), kind: FindingKind::EntryAltered });
    }
    if let Some(tiles) = tiles {
        out.extend(tiles.findings.iter().cloned());
        let blank = Hash::default();
        let by_index = pass.leaves.iter().zip(0..).map(|(leaf, at)| (pass.index_at(at), at, leaf));
        for (index, at, leaf) in by_index {
            let stored = usize::try_from(index).ok().and_then(|i| tiles.leaves.get(i));
            if stored.is_some_and(|hash| *hash != blank && hash != leaf) && named.insert(index) {
                out.push(Finding { index: Some(index), id: pass.id_at(at), kind: FindingKind::EntryAltered });
            }
        }
    }
    let after =
        signed.stated.range(..size).rev().find(|(at, roots)| agrees(pass, **at, roots)).map_or(0, |(at, _)| *at);
    if pass.count() < size && pass.shifts.is_empty() {
        let kind = FindingKind::TailTruncated { have: pass.count(), size, sure: after };
        out.push(Finding { index: Some(pass.count()), id: None, kind });
        return out;
    }
    if !out.is_empty() {
        return out;
    }
    let wrong = signed.stated.range(after..).find(|(at, roots)| **at > after && !agrees(pass, **at, roots));
    let bracket = wrong.map_or(size, |(at, _)| *at);
    if let Some((first, second)) = swap_between(pass, size, root, after..bracket) {
        out.extend(explain(Difference::Swapped { first, second }, pass, size));
    } else {
        out.push(Finding { index: None, id: None, kind: FindingKind::RootMismatch { after, size: bracket } });
    }
    out
}

fn agrees(pass: &Pass, size: u64, roots: &BTreeSet<Hash>) -> bool {
    pass.roots.get(&size).is_some_and(|root| roots.contains(root))
}

/// Two whole rows may have been exchanged together with their stored hashes: the signed root alone can tell which two.
/// Unless their times are equal, time goes back at both; and the earlier of them lies in the first range that differs.
fn swap_between(pass: &Pass, size: u64, root: Hash, first_range: std::ops::Range<u64>) -> Option<(u64, u64)> {
    if pass.count() < size || !pass.shifts.is_empty() {
        return None;
    }
    let mut leaves = pass.leaves.clone();
    leaves.truncate(usize::try_from(size).ok()?);
    let tree = Tree::new(leaves);
    let descents: BTreeSet<u64> =
        pass.descents.iter().flat_map(|at| [at.saturating_sub(1), *at]).filter(|at| *at < size).collect();
    let by_time = descents.iter().flat_map(|a| descents.range(a + 1..).map(|b| (*a, *b)));
    let by_range = first_range.flat_map(|a| (a + 1..size).map(move |b| (a, b)));
    swapped_pair(&tree, size, &root, by_time.take(SWAPS_TRIED_MAX).chain(by_range.take(SWAPS_TRIED_MAX)))
}

fn explain(difference: Difference, pass: &Pass, size: u64) -> Vec<Finding> {
    let one = |index, position: Option<u64>, kind| Finding {
        index: Some(index),
        id: position.and_then(|p| pass.id_at(p)),
        kind,
    };
    match difference {
        Difference::Altered { index, position } => vec![one(index, Some(position), FindingKind::EntryAltered)],
        Difference::Replaced { index, position, copy_of } => {
            vec![one(index, Some(position), FindingKind::EntryReplaced { copy_of })]
        }
        Difference::Swapped { first, second } => vec![
            one(first, Some(first), FindingKind::Swapped { with: second }),
            one(second, Some(second), FindingKind::Swapped { with: first }),
        ],
        Difference::Missing { index, count } => vec![one(index, None, FindingKind::Missing { count })],
        Difference::Inserted { position } if position >= size => {
            vec![one(pass.index_at(position), Some(position), FindingKind::BeyondCheckpoint { size })]
        }
        Difference::Inserted { position } => vec![one(pass.index_at(position), Some(position), FindingKind::Inserted)],
        Difference::Moved { position, from } => {
            vec![one(pass.index_at(position), Some(position), FindingKind::Moved { from })]
        }
        Difference::Tail { have } => vec![one(have, None, FindingKind::TailTruncated { have, size, sure: have })],
    }
}

/// Authentic checkpoints whose root this log does not have. When the entries were altered this is only a consequence,
/// unless two checkpoints of one size disagree, which no honest log signs.
fn inconsistent(signed: &SignedStates, pass: &Pass, entries_are_signed: bool) -> Vec<Finding> {
    let latest = signed.latest.as_ref().map_or(0, |c| c.size);
    let differs = |size: u64, roots: &BTreeSet<Hash>| {
        roots.len() > 1 || (entries_are_signed && size <= latest && !agrees(pass, size, roots))
    };
    let found = signed.stated.iter().filter(|(size, roots)| differs(**size, roots));
    found.map(|(size, _)| Finding { index: None, id: None, kind: FindingKind::Inconsistent { size: *size } }).collect()
}

/// Joins the findings in order. What is only a consequence of an entry being altered, missing or moved is left out.
fn merge(signed: Vec<Finding>, primary: Vec<Finding>, secondary: Vec<Finding>) -> Vec<Finding> {
    let is_cause = |f: &Finding| {
        !matches!(
            f.kind,
            FindingKind::LeafHashAltered | FindingKind::BeyondCheckpoint { .. } | FindingKind::RootMismatch { .. }
        )
    };
    let touched: BTreeSet<u64> = primary.iter().filter(|f| is_cause(f)).filter_map(|f| f.index).collect();
    let consequence = |f: &Finding| {
        let Some(index) = f.index else { return false };
        let here = touched.contains(&index);
        match f.kind {
            FindingKind::TimeWentBack => here || index.checked_sub(1).is_some_and(|before| touched.contains(&before)),
            FindingKind::DuplicateId { of } => here || touched.contains(&of),
            _ => here,
        }
    };
    let mut rest: Vec<Finding> = primary;
    rest.extend(secondary.into_iter().filter(|f| !consequence(f)));
    rest.sort_by_key(|f| f.index.unwrap_or(u64::MAX));
    let mut all = signed;
    all.extend(rest);
    all
}

fn report(pass: &Pass, latest: Option<Checkpoint>, verified: Vec<Verified>, mut findings: Vec<Finding>) -> Report {
    let findings_count = findings.len() as u64;
    findings.truncate(FINDINGS_MAX);
    Report {
        origin: latest.as_ref().map(|c| c.origin.clone()).or_else(|| pass.origin.clone()),
        size: latest.as_ref().map_or(0, |c| c.size),
        root: latest.as_ref().map(|c| c.root),
        verified,
        entries: pass.count(),
        payloads: pass.payloads,
        erased: pass.erased,
        times: pass.time_first.zip(pass.time_last),
        findings,
        findings_count,
    }
}

/// True when at least `k` different witnesses among the verified signatures saw the checkpoint.
#[must_use]
pub fn witnessed(verified: &[Verified], k: usize) -> bool {
    let witnesses: BTreeSet<&Origin> =
        verified.iter().filter(|v| matches!(v.signed, Signed::Witness { .. })).map(|v| &v.name).collect();
    witnesses.len() >= k
}
