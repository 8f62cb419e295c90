//! The signed states a log is checked against: its latest checkpoint, those it keeps, those somebody else kept.
//!
//! Owns which checkpoints are believed. Compares no entries.

use super::{Expected, Finding, FindingKind};
use crate::audit::merkle::Hash;
use crate::audit::note::{Checkpoint, Keyring, Note, Verified};
use crate::audit::source::{LogSource, SourceError};
use std::collections::{BTreeMap, BTreeSet};

/// Most stored checkpoints whose signatures are checked, newest first: 71 µs each. All have their roots checked.
const SIGNATURES_CHECKED_MAX: usize = 10_000;

/// The signed states of the log: the latest checkpoint, and every other one that is authentic.
pub(super) struct SignedStates {
    /// The state the entries are checked against: the latest checkpoint, or the newest authentic one.
    pub(super) latest: Option<Checkpoint>,
    pub(super) verified: Vec<Verified>,
    /// Roots stated at each size by authentic checkpoints, the latest included.
    pub(super) stated: BTreeMap<u64, BTreeSet<Hash>>,
    pub(super) findings: Vec<Finding>,
    pub(super) none: bool,
    /// The latest checkpoint is not authentic: `latest` is the newest other one that is.
    pub(super) fallback: bool,
}

impl SignedStates {
    pub(super) fn read<S: LogSource + ?Sized>(source: &S, expected: &Expected) -> Result<Self, SourceError> {
        let mut this = Self {
            latest: None,
            verified: Vec::new(),
            stated: BTreeMap::new(),
            findings: Vec::new(),
            none: false,
            fallback: false,
        };
        let ring = Keyring::new(&expected.keys, &source.retired_keys()?);
        for stranger in ring.strangers() {
            this.find(FindingKind::KeyNotVouched { key: stranger.id() });
        }
        match source.checkpoint()? {
            None => this.none = true,
            Some(note) => this.take_latest(&note, &ring),
        }
        let latest_size = this.latest.as_ref().map(|c| c.size);
        this.take_others(source.checkpoints()?, &ring);
        for note in &expected.held {
            this.take_other(note, &ring, Check::Signature);
        }
        let newest = this.stated.last_key_value().map(|(size, roots)| (*size, roots.first().copied()));
        match (latest_size, newest) {
            (Some(latest), Some((signed, _))) if signed > latest => {
                this.find(FindingKind::RolledBack { signed, latest });
            }
            // The latest checkpoint is not authentic: the entries can still be checked against the newest that is.
            (None, Some((size, Some(root)))) => {
                let origin = expected.keys.first().map(|k| k.name().clone());
                this.fallback = true;
                this.latest = origin.map(|origin| Checkpoint { origin, size, root, extensions: Vec::new() });
            }
            _ => {}
        }
        Ok(this)
    }

    fn find(&mut self, kind: FindingKind) {
        self.findings.push(Finding { index: None, id: None, kind });
    }

    fn take_latest(&mut self, note: &[u8], ring: &Keyring) {
        match ring.open(note) {
            Ok((checkpoint, verified)) => {
                if !checkpoint.extensions.is_empty() {
                    self.find(FindingKind::CheckpointExtended);
                }
                self.stated.entry(checkpoint.size).or_default().insert(checkpoint.root);
                self.latest = Some(checkpoint);
                self.verified = verified;
            }
            Err(error) => self.find(FindingKind::Checkpoint(error)),
        }
    }

    fn take_others(&mut self, notes: Vec<Vec<u8>>, ring: &Keyring) {
        let mut sized: Vec<(Option<u64>, Vec<u8>)> = notes.into_iter().map(|note| (size_of(&note), note)).collect();
        // Newest first; those that cannot be read come first of all, so that they are always looked at.
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(size.unwrap_or(u64::MAX)));
        for (n, (_, note)) in sized.iter().enumerate() {
            let check = if n < SIGNATURES_CHECKED_MAX { Check::Signature } else { Check::TextOnly };
            self.take_other(note, ring, check);
        }
    }

    fn take_other(&mut self, note: &[u8], ring: &Keyring, check: Check) {
        let opened = match check {
            Check::Signature => ring.open(note).map(|(checkpoint, _)| checkpoint),
            Check::TextOnly => Note::parse(note).and_then(|note| Checkpoint::parse(note.text())),
        };
        match opened {
            Ok(checkpoint) => {
                self.stated.entry(checkpoint.size).or_default().insert(checkpoint.root);
            }
            Err(error) => self.find(FindingKind::EarlierCheckpoint { size: size_of(note), error }),
        }
    }
}

#[derive(Clone, Copy)]
enum Check {
    Signature,
    TextOnly,
}

fn size_of(note: &[u8]) -> Option<u64> {
    Note::parse(note).and_then(|note| Checkpoint::parse(note.text())).ok().map(|c| c.size)
}
