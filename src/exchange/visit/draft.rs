//! Drafts: an unfinished form of one account, sealed, gone after a while or when the form is sent.

use super::Visitor;
use super::account::kept;
use crate::exchange::{Failure, Gateway};
use crate::store::{CommitError, Effect, KeptKind, Refusal};
use std::collections::BTreeMap;

/// How long a draft is kept without a change, in milliseconds: a fortnight, so that a holiday does not lose it.
pub(in crate::exchange) const KEPT_MILLIS: i64 = 14 * 86_400_000;
/// Largest draft, in bytes.
const DRAFT_BYTES_MAX: usize = 256 * 1024;

impl Gateway {
    /// The draft of a form, by the form's name; empty when there is none.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn draft(&self, visitor: &Visitor, form: &str) -> Result<BTreeMap<String, String>, Failure> {
        let id = draft_id(visitor, form);
        let row = self.db.kept(&self.keys, KeptKind::Draft, &id, self.clock().now()).await?;
        Ok(row.and_then(|row| serde_json::from_slice(&row.body).ok()).unwrap_or_default())
    }

    /// Keeps the draft of a form.
    ///
    /// # Errors
    /// [`Failure::Unclear`] when it is too large; [`Failure::LogUnavailable`].
    pub async fn keep_draft(
        &self,
        visitor: &Visitor,
        form: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let body = serde_json::to_vec(fields).map_err(|_| Failure::Inconsistent("a draft cannot be written"))?;
        if body.len() > DRAFT_BYTES_MAX {
            return Err(Failure::Unclear("a draft is too large"));
        }
        let ends = self.clock().now().plus_millis(KEPT_MILLIS);
        let kept = kept(KeptKind::Draft, draft_id(visitor, form), visitor.account.as_str(), body, ends);
        Ok(self.committer.tidy(vec![Effect::Keep { kept, was: None }]).await?)
    }

    /// Ends the draft of a form for good, before what it says is done: of two sendings of one form, only one gets it.
    ///
    /// # Errors
    /// [`Failure::LogUnavailable`].
    pub async fn take_draft(&self, visitor: &Visitor, form: &str) -> Result<bool, Failure> {
        let end = Effect::EndKept { kind: KeptKind::Draft, id: draft_id(visitor, form) };
        match self.committer.tidy(vec![end]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(Refusal::Absent)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets the draft of a form.
    ///
    /// # Errors
    /// [`Failure::LogUnavailable`].
    pub async fn drop_draft(&self, visitor: &Visitor, form: &str) -> Result<(), Failure> {
        self.take_draft(visitor, form).await.map(drop)
    }
}

/// One draft for each account, hat and form.
pub(in crate::exchange) fn draft_id(visitor: &Visitor, form: &str) -> String {
    let hat = visitor.hat.as_ref().map_or("none", |h| h.id.as_str());
    format!("{}/{hat}/{form}", visitor.account)
}
