//! Entries that commands beside the gateway ask it to write: the reading of the log is itself logged (audit paper §1, the
//! group "audit of audit").
//!
//! Owns what may be asked for: only that group, and an operator's erasures and holds. Anything else, and whatever was not sealed with the store's key, is thrown
//! away with a loud word and never reaches the log.

use super::{Failure, Gateway, sealing_effect};
use crate::audit::event::Group;
use crate::store::{CommitError, Effect, Job, Refusal};

impl Gateway {
    /// Writes what waits; returns how many entries that were.
    ///
    /// # Errors
    /// [`Failure::Store`], [`Failure::LogUnavailable`]; what was written before stays written.
    pub async fn write_requests(&self) -> Result<usize, Failure> {
        let mut written = 0;
        for (id, draft) in self.db.asked_entries(&self.keys, self.committer.origin()).await? {
            let now = self.clock().now();
            let effect = draft.as_ref().and_then(|d| sealing_effect(d, self.committer.origin(), now));
            let allowed = draft.filter(|d| d.payload().event.group() == Group::AuditOfAudit || effect.is_some());
            let Some(draft) = allowed else {
                tracing::error!("an entry was asked for that is not of the audit of the audit; thrown away");
                self.db.withdraw_entry(&id).await?;
                continue;
            };
            let job = Job::new(draft).with_effect(Effect::TakeRequest { id });
            match self.committer.commit(effect.into_iter().fold(job, Job::with_effect)).await {
                Ok(_) => written += 1,
                // Taken back meanwhile.
                Err(CommitError::Refused(Refusal::Absent)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(written)
    }
}
