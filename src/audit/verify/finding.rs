//! What a verification can find, and how it is said to people.
//!
//! Owns [`Finding`] and its wording. Names entries by index and id, and never quotes an entry or payload.

use crate::audit::entry::EntryError;
use crate::audit::note::{KeyId, NoteError};
use crate::audit::tile::TileId;
use crate::diagnostic::{Code, Diagnostic, code};
use std::fmt;

/// One fault, with the entry it is at when it is at one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Index of the entry, from 0.
    pub index: Option<u64>,
    /// Id of the entry stored there, when it can still be read.
    pub id: Option<String>,
    /// What is wrong.
    pub kind: FindingKind,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FindingKind {
    /// The entry's bytes are not those that were logged.
    EntryAltered,
    /// The entry was overwritten with a copy of another.
    EntryReplaced {
        /// Index of the original.
        copy_of: u64,
    },
    /// This entry and another stand in each other's place.
    Swapped {
        /// Index of the other.
        with: u64,
    },
    /// The entry stands in another place than it was logged at.
    Moved {
        /// Where it was logged.
        from: u64,
    },
    /// An entry stands here that was never logged.
    Inserted,
    /// Logged entries are not there, from this index on.
    Missing {
        /// How many.
        count: u64,
    },
    /// The log ends before the size that was signed.
    TailTruncated {
        /// Entries there are.
        have: u64,
        /// Entries that were signed for.
        size: u64,
        /// Entries known to be as signed. When this is less than `have`, what is missing may lie anywhere after it.
        sure: u64,
    },
    /// There are entries beyond the last signed checkpoint.
    BeyondCheckpoint {
        /// Entries that were signed for.
        size: u64,
    },
    /// An entry is stored under an index that was already used or passed.
    OutOfOrder,
    /// The tree over the stored entries has another root than was signed. The first difference is in this range.
    RootMismatch {
        /// Entries known to be as signed.
        after: u64,
        /// Size at which the root differs.
        size: u64,
    },
    /// The hash stored beside the entry is wrong; the entry itself is as signed.
    LeafHashAltered,
    /// A stored tile is wrong.
    TileAltered {
        /// Which.
        tile: TileId,
        /// Position of the first wrong hash in it, from 0.
        at: u16,
    },
    /// A tile the tree must have is not stored.
    TileMissing {
        /// Which.
        tile: TileId,
    },
    /// Salt or payload are not what the entry committed to.
    CommitMismatch,
    /// The sealed part is stored but cannot be opened.
    PayloadUnreadable,
    /// The entry is not in canonical form.
    EntryMalformed(EntryError),
    /// The entry says it belongs to another log.
    WrongOrigin,
    /// The entry's time is before that of the entry before it.
    TimeWentBack,
    /// The entry has the id of an earlier one.
    DuplicateId {
        /// Index of the earlier one.
        of: u64,
    },
    /// The entry is filed under another id or time than it has.
    FiledDiffers {
        /// `id` or `time`.
        what: &'static str,
    },
    /// The index for questions says something else of the entry than its sealed part.
    IndexDiffers,
    /// The sealed part is gone although its key was never erased.
    SealedGone,
    /// There are entries but no signed checkpoint.
    NoCheckpoint,
    /// The checkpoint is not signed by the expected key, or its signature fails, or it cannot be read.
    Checkpoint(NoteError),
    /// The checkpoint has extension lines, which a Solent log never writes.
    CheckpointExtended,
    /// A stored earlier checkpoint is not signed by the expected key, or cannot be read.
    EarlierCheckpoint {
        /// Its size, when it can be read.
        size: Option<u64>,
        /// Why it is refused.
        error: NoteError,
    },
    /// A retired key lies beside the log that no trusted key vouches for.
    KeyNotVouched {
        /// Its id.
        key: KeyId,
    },
    /// A signed checkpoint states another root at its size than this log has: the history was forked or rewritten.
    Inconsistent {
        /// Size of that checkpoint.
        size: u64,
    },
    /// A signed checkpoint is larger than the latest one here: the log was set back.
    RolledBack {
        /// Size that was signed.
        signed: u64,
        /// Size of the latest checkpoint here.
        latest: u64,
    },
}

impl FindingKind {
    /// The diagnostic code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::EntryAltered | Self::EntryReplaced { .. } | Self::Inserted | Self::EntryMalformed(_) => {
                code::AUDIT_ENTRY
            }
            Self::Swapped { .. } | Self::Moved { .. } | Self::OutOfOrder => code::AUDIT_ORDER,
            Self::Missing { .. } => code::AUDIT_MISSING,
            Self::TailTruncated { .. } | Self::RolledBack { .. } => code::AUDIT_TAIL,
            Self::BeyondCheckpoint { .. } | Self::NoCheckpoint => code::AUDIT_UNSIGNED,
            Self::RootMismatch { .. } | Self::Inconsistent { .. } => code::AUDIT_ROOT,
            Self::LeafHashAltered | Self::TileAltered { .. } | Self::TileMissing { .. } => code::AUDIT_HASH,
            Self::CommitMismatch | Self::PayloadUnreadable | Self::SealedGone => code::AUDIT_PAYLOAD,
            Self::WrongOrigin => code::AUDIT_ORIGIN,
            Self::TimeWentBack => code::AUDIT_TIME,
            Self::DuplicateId { .. } | Self::FiledDiffers { .. } | Self::IndexDiffers => code::AUDIT_ID,
            Self::Checkpoint(_)
            | Self::CheckpointExtended
            | Self::EarlierCheckpoint { .. }
            | Self::KeyNotVouched { .. } => code::AUDIT_SIGNATURE,
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EntryAltered => f.write_str("the entry was altered: its bytes are not those that were signed"),
            Self::EntryReplaced { copy_of } => write!(f, "the entry was overwritten with a copy of entry {copy_of}"),
            Self::Swapped { with } => write!(f, "the entry and entry {with} were swapped"),
            Self::Moved { from } => write!(f, "the entry was moved here from index {from}"),
            Self::Inserted => f.write_str("an entry was inserted here that was never logged"),
            Self::Missing { count: 1 } => f.write_str("the entry is missing"),
            Self::Missing { count } => write!(f, "{count} entries are missing from here on"),
            Self::TailTruncated { have, size, sure } => {
                write!(f, "the tail is cut off: {size} entries were signed for and {have} are left")?;
                if sure == have {
                    return Ok(());
                }
                write!(
                    f,
                    " (only the first {sure} are known to be as signed: what is missing may lie anywhere after them)"
                )
            }
            Self::BeyondCheckpoint { size } => {
                write!(f, "this entry and those after it are not signed: the checkpoint ends at {size} entries")
            }
            Self::OutOfOrder => f.write_str("the entry is stored out of order"),
            Self::RootMismatch { after, size } => write!(
                f,
                "the entries do not lead to the signed root of size {size}; the first difference is between index {after} and {}",
                size.saturating_sub(1)
            ),
            Self::LeafHashAltered => {
                f.write_str("the hash stored beside the entry was altered; the entry is as signed")
            }
            Self::TileAltered { tile, at } => write!(f, "the stored tile {tile} was altered, first at hash {at}"),
            Self::TileMissing { tile } => write!(f, "the stored tile {tile} is missing"),
            Self::CommitMismatch => f.write_str("the salt or payload was altered: the entry committed to another"),
            Self::PayloadUnreadable => {
                f.write_str("the sealed part cannot be opened: it was altered or cut, or its key is missing")
            }
            Self::EntryMalformed(error) => fmt::Display::fmt(error, f),
            Self::WrongOrigin => f.write_str("the entry belongs to another log"),
            Self::TimeWentBack => f.write_str("the entry's time is before that of the entry before it"),
            Self::DuplicateId { of } => write!(f, "the entry has the id of entry {of}"),
            Self::FiledDiffers { what } => write!(f, "the entry is filed under another {what} than it has"),
            Self::IndexDiffers => {
                f.write_str("the index for questions says something else of the entry than its payload")
            }
            Self::SealedGone => f.write_str("the sealed part was taken away although its key was not erased"),
            Self::NoCheckpoint => f.write_str("there are entries but no signed checkpoint"),
            Self::Checkpoint(error) => write!(f, "the checkpoint is refused: {error}"),
            Self::CheckpointExtended => f.write_str("the checkpoint has extension lines"),
            Self::EarlierCheckpoint { size: Some(size), error } => {
                write!(f, "the stored checkpoint of size {size} is refused: {error}")
            }
            Self::EarlierCheckpoint { size: None, error } => write!(f, "a stored checkpoint is refused: {error}"),
            Self::KeyNotVouched { key } => {
                write!(f, "the retired key {key} is not vouched for by a key that is trusted")
            }
            Self::Inconsistent { size } => {
                write!(f, "a signed checkpoint of size {size} has another root than this log has at that size")
            }
            Self::RolledBack { signed, latest } => {
                write!(
                    f,
                    "the log was set back: {signed} entries were signed for, its latest checkpoint is of {latest}"
                )
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.index, &self.id) {
            (Some(index), Some(id)) => write!(f, "entry {index} ({id}): {}", self.kind),
            (Some(index), None) => write!(f, "entry {index}: {}", self.kind),
            _ => fmt::Display::fmt(&self.kind, f),
        }
    }
}

impl Finding {
    /// The finding as a message to people.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(self.kind.code(), self.to_string())
    }
}
