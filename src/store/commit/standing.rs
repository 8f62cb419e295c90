//! Whether the log is being written, for whoever asks about the gateway's health.
//!
//! Owns one word, set by the committer after every batch. It releases nothing and holds nothing back by itself: each job gets
//! its own answer. Only [`Standing::Condemned`] does, which is for ever: a log that is not what was signed takes no entry.

use std::sync::atomic::{AtomicU8, Ordering};

/// How writing stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The last batch became durable, or there was none yet.
    Writing,
    /// The last batch failed, or nobody knows; the next may work.
    Failing,
    /// Another process owns the log, or the database file is gone: nothing until a restart.
    Lost,
    /// The log was found not to be what was signed: nothing until somebody has looked.
    Condemned,
}

/// A standing that is shared.
#[derive(Default, Debug)]
pub(super) struct StandingCell(AtomicU8);

const fn number(standing: Standing) -> u8 {
    match standing {
        Standing::Writing => 0,
        Standing::Failing => 1,
        Standing::Lost => 2,
        Standing::Condemned => 3,
    }
}

const fn word(number: u8) -> Standing {
    match number {
        0 => Standing::Writing,
        1 => Standing::Failing,
        2 => Standing::Lost,
        _ => Standing::Condemned,
    }
}

impl StandingCell {
    pub(super) fn get(&self) -> Standing {
        word(self.0.load(Ordering::SeqCst))
    }

    /// Sets it, unless it is condemned; what it was.
    pub(super) fn set(&self, standing: Standing) -> Standing {
        let condemned = number(Standing::Condemned);
        let change = |was: u8| (was != condemned).then_some(number(standing));
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change) {
            Ok(was) | Err(was) => word(was),
        }
    }
}
