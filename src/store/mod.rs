//! Store: everything durable, on SQLite (built in) or PostgreSQL, behind one set of repository functions.
//!
//! Owns: the two native pools ([`Db`]), the migrations, encryption at rest ([`Keys`]), the repositories (facts, messages,
//! people, mailboxes, log), and the committer ([`Committer`]): the only writer of the audit log and the only maker of a
//! [`Receipt`]. Refuses to decide anything (see `sharing`), to hold content unencrypted, to write text with U+0000,
//! and to go on when it does not know whether its last commit took effect. Read [`Db`], [`Job`], [`Committer`] first.

mod apply;
mod asked;
mod audit_counts;
mod bulk;
mod check;
mod commit;
mod cosignatures;
mod counted;
mod db;
mod decided;
mod effect;
mod entry_index;
mod fact_cache;
mod fact_refs;
mod facts;
mod index_check;
mod join;
mod judged_log;
mod keys;
mod likeness;
mod log;
mod log_keys;
mod mailbox;
mod mark;
mod messages;
mod migrate;
mod page_state;
mod people;
mod permission_use;
mod quarantine;
mod replaced;
mod requests;
mod retention;
mod stored_log;
mod stretch;
mod walk;
mod witness_state;

pub use asked::{Cursor, PAGE_MAX, Wanted};
pub use check::{Finding, Wrong};
pub use commit::{
    CommitError, Committed, Committer, CommitterHandle, Draft, Fault, FaultPoint, Faults, JOB_ENTRIES_MAX, Job,
    NoFaults, Options, Receipt, Refusal, Standing, StartError, Timing,
};
pub use cosignatures::Cosignature;
pub use counted::{Counting, Refused, Shown};
pub use db::{Db, Engine};
pub use decided::decided_digest;
pub use effect::{Effect, NewIdempotency, NewItem, NewMessage, NewRecord, NewReview, NewSegment, PersonChange};
pub use entry_index::{IndexKeys, Kind as IndexKind, flag as index_flag};
pub use fact_cache::{FactCache, FactsAt};
pub use facts::{FactRow, FactSeeds, Section};
pub use judged_log::JudgedLog;
pub use keys::{Digest, Keys, KeysError};
pub use likeness::Likeness;
pub use log::{EntryRow, LogReader, PageKeys, ShardRow};
pub use log_keys::RetiredRow;
pub use mailbox::{EXPIRY_MILLIS, IDEMPOTENCY_MILLIS, Item, ItemKind, ItemState, RETENTION_MILLIS, Remembered};
pub use mark::MARK_ENTRIES_MIN;
pub use messages::{MessageRow, RecordId, RecordRow, SealedRow, SegmentRow};
pub use page_state::{Kept, KeptKind};
pub use people::{Fitting, Presented, Resolution, ReviewRow};
pub use permission_use::{PermissionMark, PermissionUse};
pub use quarantine::{HeldCount, HeldRow, NewHeld, QUARANTINE_MILLIS};
pub use replaced::{Earlier, sent_as};
pub use stored_log::StoredLog;
pub use witness_state::{WitnessError, WitnessState};

/// What a repository function can fail with. Never holds a value from the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or could not be reached: the statement's name, and the engine's error code where it gave one.
    #[error("the database failed at {at} ({kind})")]
    Database {
        /// The statement or step.
        at: &'static str,
        /// The kind of failure, with the engine's code.
        kind: String,
    },
    /// A row breaks a constraint of the database: the caller's fault, not the store's.
    #[error("{at}: a row breaks a constraint")]
    Constraint {
        /// The statement.
        at: &'static str,
    },
    /// A column held something the code does not understand.
    #[error("{at}: {what} cannot be read")]
    Corrupt {
        /// The statement or step.
        at: &'static str,
        /// Which column or thing.
        what: &'static str,
    },
    /// Sealed content could not be opened: another key file, or altered bytes.
    #[error("sealed content cannot be opened: {0}")]
    Sealed(#[from] KeysError),
    /// A migration in the database is not the one in this program.
    #[error("the database was made by another version: migration {number} differs or is unknown")]
    Migration {
        /// Its number.
        number: i64,
    },
    /// Text with U+0000, which PostgreSQL cannot store and nothing may hold.
    #[error("{at}: text holds U+0000")]
    Nul {
        /// The statement or step.
        at: &'static str,
    },
    /// More rows than the bound named.
    #[error("{at}: more than {rows_max} rows")]
    TooMany {
        /// The statement or step.
        at: &'static str,
        /// The bound.
        rows_max: usize,
    },
    /// The address of the database is not one of `sqlite:PATH` and `postgres://…`.
    #[error("the database address is not understood")]
    Address,
}

/// Every statement of the store.
fn statements() -> impl Iterator<Item = &'static db::Statement> {
    let all = [
        asked::STATEMENTS,
        audit_counts::STATEMENTS,
        check::STATEMENTS,
        commit::append::STATEMENTS,
        commit::batch::STATEMENTS,
        commit::handle::STATEMENTS,
        commit::writer::STATEMENTS,
        cosignatures::STATEMENTS,
        counted::STATEMENTS,
        decided::STATEMENTS,
        entry_index::STATEMENTS,
        facts::STATEMENTS,
        likeness::STATEMENTS,
        index_check::STATEMENTS,
        join::STATEMENTS,
        log::STATEMENTS,
        log_keys::STATEMENTS,
        mailbox::STATEMENTS,
        mark::STATEMENTS,
        messages::STATEMENTS,
        migrate::STATEMENTS,
        page_state::STATEMENTS,
        people::STATEMENTS,
        permission_use::STATEMENTS,
        quarantine::STATEMENTS,
        replaced::STATEMENTS,
        requests::STATEMENTS,
        retention::STATEMENTS,
        stretch::STATEMENTS,
    ];
    all.into_iter().flatten()
}
