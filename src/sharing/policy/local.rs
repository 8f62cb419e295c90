//! The partnership's own restrictions, in Cedar: `forbid` only (architecture §6).

use crate::config::Files;
use crate::diagnostic::Diagnostic;
use crate::vocabulary::Level;

/// One local rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalRule {
    /// Its `@id`.
    pub id: String,
    /// Its `@cap`: at most this level.
    pub cap: Level,
    /// Its `@reason`, for people.
    pub reason: String,
}

/// The checked local rules.
#[derive(Debug, Default)]
pub struct Local {
    rules: Vec<LocalRule>,
}

impl Local {
    /// The rules, in file order.
    #[must_use]
    pub fn rules(&self) -> &[LocalRule] {
        &self.rules
    }
}

pub(super) fn load(_files: &Files, _faults: &mut Vec<Diagnostic>) -> Option<Local> {
    Some(Local::default())
}
