//! One pass over the entries: everything that can be seen entry by entry, and the tree over what was found.
//!
//! Owns [`Pass`]. Keeps 48 bytes an entry (its hash and id), so that a fault can be named without reading again.

use super::signed::SignedStates;
use super::{Finding, FindingKind};
use crate::audit::entry::OpenEntry;
use crate::audit::merkle::{Frontier, Hash, leaf_hash};
use crate::audit::note::Origin;
use crate::audit::source::{SealedPart, Stored};
use crate::clock::Moment;
use std::collections::BTreeMap;

/// What one pass over the entries collects: 48 bytes an entry.
pub(super) struct Pass {
    pub(super) origin: Option<Origin>,
    pub(super) leaves: Vec<Hash>,
    ids: Vec<u128>,
    /// Positions at which the stored index is not the position: (position, index), each until the next.
    pub(super) shifts: Vec<(u64, u64)>,
    next_index: u64,
    pub(super) beside: BTreeMap<u64, Hash>,
    beside_count: u64,
    frontier: Frontier,
    sizes: Vec<u64>,
    pub(super) roots: BTreeMap<u64, Hash>,
    pub(super) time_first: Option<Moment>,
    pub(super) time_last: Option<Moment>,
    pub(super) descents: Vec<u64>,
    pub(super) payloads: u64,
    pub(super) erased: u64,
    pub(super) findings: Vec<Finding>,
}

impl Pass {
    pub(super) fn new(origin: Option<Origin>, signed: &SignedStates) -> Self {
        let mut sizes: Vec<u64> = signed.stated.keys().rev().copied().collect();
        let mut roots = BTreeMap::new();
        let frontier = Frontier::new();
        if sizes.last() == Some(&0) {
            sizes.pop();
            roots.insert(0, frontier.root());
        }
        Self {
            origin,
            leaves: Vec::new(),
            ids: Vec::new(),
            shifts: Vec::new(),
            next_index: 0,
            beside: BTreeMap::new(),
            beside_count: 0,
            frontier,
            sizes,
            roots,
            time_first: None,
            time_last: None,
            descents: Vec::new(),
            payloads: 0,
            erased: 0,
            findings: Vec::new(),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.frontier.size()
    }

    pub(super) fn take(&mut self, stored: Stored<'_>) {
        let position = self.count();
        let leaf = leaf_hash(stored.entry);
        self.leaves.push(leaf);
        self.frontier.append(leaf);
        while self.sizes.last() == Some(&self.frontier.size()) {
            self.sizes.pop();
            self.roots.insert(self.frontier.size(), self.frontier.root());
        }
        if let Some(beside) = stored.leaf {
            self.beside_count += 1;
            if beside != leaf {
                self.beside.insert(position, beside);
            }
        }
        if stored.index != self.next_index {
            if stored.index < self.next_index {
                self.find(stored.index, None, FindingKind::OutOfOrder);
            }
            self.shifts.push((position, stored.index));
        }
        self.next_index = stored.index.saturating_add(1);
        match OpenEntry::parse(stored.entry) {
            Ok(open) => {
                self.ids.push(open.id_number());
                self.check_open(&stored, &open);
            }
            Err(error) => {
                let id = OpenEntry::legible_id(stored.entry).or(stored.filed_id);
                let number = id.and_then(|id| uuid::Uuid::try_parse(id).ok()).map_or(0, |id| id.as_u128());
                self.ids.push(number);
                self.find(stored.index, self.id_at(position), FindingKind::EntryMalformed(error));
            }
        }
    }

    fn check_open(&mut self, stored: &Stored<'_>, open: &OpenEntry<'_>) {
        let mut wrong =
            |kind| self.findings.push(Finding { index: Some(stored.index), id: Some(open.id.to_owned()), kind });
        if self.origin.as_ref().is_some_and(|origin| origin.as_str() != open.log) {
            wrong(FindingKind::WrongOrigin);
        }
        if stored.filed_id.is_some_and(|id| id != open.id) {
            wrong(FindingKind::FiledDiffers { what: "id" });
        }
        if stored.filed_time.is_some_and(|time| time != open.time.millis()) {
            wrong(FindingKind::FiledDiffers { what: "time" });
        }
        if stored.index_agrees == Some(false) {
            wrong(FindingKind::IndexDiffers);
        }
        match stored.sealed {
            SealedPart::Kept { salt, payload } => {
                self.payloads += 1;
                if !open.commits_to(salt, payload) {
                    wrong(FindingKind::CommitMismatch);
                }
            }
            SealedPart::Erased => self.erased += 1,
            SealedPart::Unreadable => wrong(FindingKind::PayloadUnreadable),
            SealedPart::Gone => wrong(FindingKind::SealedGone),
            SealedPart::NotCarried => {}
        }
        if self.time_last.is_some_and(|last| open.time < last) {
            wrong(FindingKind::TimeWentBack);
            self.descents.push(self.frontier.size() - 1);
        }
        self.time_first = self.time_first.or(Some(open.time));
        self.time_last = Some(open.time);
    }

    fn find(&mut self, index: u64, id: Option<String>, kind: FindingKind) {
        self.findings.push(Finding { index: Some(index), id, kind });
    }

    /// The index the entry at `position` is stored under.
    pub(super) fn index_at(&self, position: u64) -> u64 {
        let n = self.shifts.partition_point(|(at, _)| *at <= position);
        match n.checked_sub(1).and_then(|n| self.shifts.get(n)) {
            Some((at, index)) => index.saturating_add(position - at),
            None => position,
        }
    }

    /// The id of the entry at `position`, when it could be read.
    pub(super) fn id_at(&self, position: u64) -> Option<String> {
        let number = usize::try_from(position).ok().and_then(|p| self.ids.get(p)).filter(|n| **n != 0)?;
        Some(uuid::Uuid::from_u128(*number).hyphenated().to_string())
    }

    /// Entries with the id of an earlier one.
    pub(super) fn duplicate_ids(&self) -> Vec<Finding> {
        if self.ids.is_sorted_by(|a, b| a < b) {
            return Vec::new();
        }
        let mut order: Vec<(u128, u64)> =
            self.ids.iter().zip(0..).map(|(id, at)| (*id, at)).filter(|(id, _)| *id != 0).collect();
        order.sort_unstable();
        let pairs = order.iter().zip(order.iter().skip(1)).filter(|(a, b)| a.0 == b.0);
        pairs
            .map(|(earlier, later)| Finding {
                index: Some(self.index_at(later.1)),
                id: self.id_at(later.1),
                kind: FindingKind::DuplicateId { of: self.index_at(earlier.1) },
            })
            .collect()
    }

    /// The hashes stored beside the entries, as a sequence by index; `None` unless every entry up to `size` has one.
    pub(super) fn stored_beside(&self, size: u64) -> Option<Vec<Hash>> {
        if self.beside_count != self.count() || !self.shifts.is_empty() || self.count() < size {
            return None;
        }
        let mut hashes = self.leaves.clone();
        for (position, hash) in &self.beside {
            *hashes.get_mut(usize::try_from(*position).ok()?)? = *hash;
        }
        hashes.truncate(usize::try_from(size).ok()?);
        Some(hashes)
    }
}
