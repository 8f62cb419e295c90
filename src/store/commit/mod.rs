//! The committer: one writer per log, many jobs per transaction, receipts only for what is durable.
//!
//! Owns the order of things: a job's effects and its audit entries commit together or not at all, and only after the
//! commit returned is a [`Receipt`] made, here and nowhere else. No durable entry, no release (R79). When the outcome of a
//! commit is not known it stops, answers everybody [`CommitError::LogUnavailable`], re-reads the log, and goes on only when
//! it has found out. Read [`Job`], [`CommitterHandle::commit`], `batch.rs` in this order.

pub(super) mod append;
pub(super) mod batch;
mod faults;
mod fold;
mod gather;
mod group;
pub(super) mod handle;
mod lease;
mod mirror;
mod standing;
pub(super) mod writer;

pub use crate::audit::Draft;
pub use faults::{Fault, FaultPoint, Faults, NoFaults, Timing};
pub use handle::{Committer, CommitterHandle, StartError};
pub(super) use mirror::write as replace_file;
pub use standing::Standing;

use super::effect::Effect;
use super::mailbox::ItemState;
use crate::audit::Signer;
use crate::clock::Moment;
use crate::ident::EntryId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most jobs in one transaction: enough that 64 writers fill one, few enough that none waits long.
const BATCH_JOBS_MAX: usize = 256;
/// Most audit entries of one job: an entry for each child of the largest census return a message may hold
/// (`x-repeats-max` in `schemas/cin-census/message.schema.json`), and one more for what is held in quarantine.
pub const JOB_ENTRIES_MAX: usize = 50_001;
/// Jobs waiting for the committer before callers are held back.
const QUEUE_JOBS_MAX: usize = 1_024;

/// What is to be made durable together: at least one audit entry, and any number of effects.
#[derive(Debug)]
pub struct Job {
    drafts: Vec<Draft>,
    effects: Vec<Effect>,
}

impl Job {
    /// A job with its first entry.
    #[must_use]
    pub fn new(first: Draft) -> Self {
        Self { drafts: vec![first], effects: Vec::new() }
    }
    /// Adds an entry.
    #[must_use]
    pub fn with_entry(mut self, draft: Draft) -> Self {
        self.drafts.push(draft);
        self
    }
    /// Adds an effect; effects are written in this order.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

/// Proof that an audit entry is durable. Made only by the committer, after its commit; cannot be cloned, so that one
/// receipt lets one thing out.
#[derive(PartialEq, Eq, Debug)]
pub struct Receipt {
    id: EntryId,
    index: u64,
    time: Moment,
    origin: Arc<str>,
}

impl Receipt {
    /// The entry's id.
    #[must_use]
    pub fn id(&self) -> &EntryId {
        &self.id
    }
    /// Its place in the log, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }
    /// The time written in it.
    #[must_use]
    pub fn time(&self) -> Moment {
        self.time
    }
    /// The log it is in.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// What a job got: the receipts of its entries, in order.
#[derive(Debug)]
pub struct Committed {
    /// Of its first entry.
    pub receipt: Receipt,
    /// Of its further entries.
    pub more: Vec<Receipt>,
}

/// Why a job was not done although the store works: its precondition does not hold. Nothing of it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such item, message, fact, person or review (or the item is in another mailbox).
    #[error("there is no such thing")]
    Absent,
    /// The item is in a state that this step cannot start from.
    #[error("the item is {}", state.name())]
    ItemState {
        /// Its state.
        state: ItemState,
    },
    /// The idempotency key was used meanwhile: read its answer.
    #[error("the idempotency key is taken")]
    IdempotencyTaken,
    /// The people index moved meanwhile: match again, then retry.
    #[error("a person changed meanwhile")]
    PersonChanged,
    /// Two people stand side by side in one record: they are not one.
    #[error("one record names both people")]
    TwoPeople,
    /// The record was replaced meanwhile: look again what stands in its place, then retry.
    #[error("the record was replaced meanwhile")]
    Replaced,
    /// A message with this id exists.
    #[error("the message exists")]
    Duplicate,
    /// What the pages keep has another version than expected.
    #[error("what is kept has version {version}")]
    KeptChanged {
        /// Its version; 0 when there is none.
        version: i64,
    },
    /// The fact has another version than expected.
    #[error("the fact has version {version}")]
    FactChanged {
        /// Its version; 0 when there is none.
        version: i64,
    },
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition does not hold; nothing was written.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The log cannot be written, or it is not known what was written last. Nothing may be released (R79).
    #[error("the audit log is not available")]
    LogUnavailable,
    /// The job itself cannot be written (too large, or it breaks a constraint); nothing of it was.
    #[error("the job cannot be written: {0}")]
    Invalid(&'static str),
}

/// How a committer runs.
#[derive(Clone)]
pub struct Options {
    /// Where the newest checkpoint is mirrored: a file outside the database, so that a database which lost its newest
    /// entries, or was replaced by an older copy, is noticed at start.
    pub mirror: Option<PathBuf>,
    /// Least time between two writings of the mirror; the newest checkpoint always follows.
    pub mirror_every: Duration,
    /// How long to wait for another process to give the log back. A killed process's PostgreSQL session ends within 5 s.
    pub lease_wait: Duration,
    /// The key that signed so far and ends now: it signs the first checkpoint too, together with its successor, and is
    /// noted as retired in that same transaction.
    pub retires: Option<Arc<Signer>>,
    /// Told how far the check at start is: entries done, entries there are.
    pub progress: Arc<dyn Fn(u64, u64) + Send + Sync>,
    /// A log with at least so many entries that was marked as sound a week ago at most is not read whole at start; then the
    /// handle says that the whole check is owed. `None`: it is always read whole.
    pub trust_mark: Option<u64>,
    /// Faults to inject; [`NoFaults`] outside tests.
    pub faults: Arc<dyn Faults>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mirror: None,
            mirror_every: Duration::from_millis(250),
            lease_wait: lease::WAIT,
            retires: None,
            progress: Arc::new(|_, _| {}),
            trust_mark: None,
            faults: Arc::new(NoFaults),
        }
    }
}
