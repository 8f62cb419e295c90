//! The gateway checks its own log while it works: every entry, the tree, the newest checkpoint, as at every start.
//!
//! Owns what follows when the log is not what was signed: nothing more is written, so nothing more is released, and the
//! gateway is not ready. It shows nothing of the log but places and ids.
//!
//! # Source
//! Solent audit paper §4 ("a full pass at least weekly").

use super::{Failure, Gateway};
use crate::audit::Origin;
use crate::store::LogReader;

/// Entries between two lines about how far it is.
const TOLD_EVERY: u64 = 250_000;

impl Gateway {
    /// Whether the start left entries unread that were found sound before: then the whole log is to be checked at once.
    #[must_use]
    pub const fn owes_log_check(&self) -> bool {
        self.committer.owes_check()
    }

    /// Checks the whole log up to the end it has now, and marks it. True when it is what was signed.
    ///
    /// # Errors
    /// [`Failure::Store`] when it cannot be read; that condemns nothing.
    pub async fn check_own_log(&self) -> Result<bool, Failure> {
        let origin = Origin::parse(&self.config().origin).map_err(|_| Failure::Inconsistent("the log's origin"))?;
        // Read before the database: the log may grow between the two, but never shrink.
        let mirror = std::fs::read(&self.config().audit.checkpoint_file).ok();
        let reader = LogReader::new(self.db.clone(), origin);
        let told = |done: u64, of: u64| {
            if done.checked_rem(TOLD_EVERY).is_some_and(|rest| rest < 1_024) && of > TOLD_EVERY {
                tracing::info!(done, of, "checking the audit log");
            }
        };
        let at = (&self.keys, self.clock.now());
        let findings = reader.verify_and_mark(at, self.committer.vkey(), mirror.as_deref(), &told).await?;
        for finding in &findings {
            tracing::error!(%finding, "the audit log is not what was signed; nothing more is released");
        }
        if !findings.is_empty() {
            self.committer.condemn();
        }
        Ok(findings.is_empty())
    }
}
