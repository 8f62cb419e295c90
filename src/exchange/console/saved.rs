//! Searches an auditor keeps: a name and the filters, for one account.

use crate::exchange::visit::account::kept;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::store::{CommitError, Effect, KeptKind, Refusal};
use serde::{Deserialize, Serialize};

/// How long a saved search is kept after it was saved, in milliseconds: two years, as alerts are.
const KEPT_MILLIS: i64 = 800 * 86_400_000;
/// Searches one account keeps.
const SAVED_MAX: usize = 50;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Longest set of filters, in bytes.
const QUERY_BYTES_MAX: usize = 4_096;

/// A saved search.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedSearch {
    /// Its id: opaque.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The filters, as the page writes them in its address.
    pub query: String,
}

impl Gateway {
    /// The searches of this account, newest first.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::Store`].
    pub async fn saved_searches(&self, visitor: &Visitor) -> Result<Vec<SavedSearch>, Failure> {
        if !Self::may_audit(visitor) {
            return Err(Failure::NotFound);
        }
        let now = self.clock().now();
        let found = self.db.kept_of(&self.keys, KeptKind::LogSearch, visitor.account.as_str(), now).await?;
        Ok(found.iter().filter_map(|kept| serde_json::from_slice(&kept.body).ok()).collect())
    }

    /// Keeps a search; one of the same name is replaced.
    ///
    /// # Errors
    /// [`Failure::Unclear`] for a name or filters that cannot be kept, or one search too many; [`Failure::NotFound`] for
    /// other hats.
    pub async fn save_search(&self, visitor: &Visitor, name: &str, query: &str) -> Result<(), Failure> {
        let all = self.saved_searches(visitor).await?;
        let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && query.len() <= QUERY_BYTES_MAX;
        let old = all.iter().find(|s| s.name == name);
        if !fits || (old.is_none() && all.len() >= SAVED_MAX) {
            return Err(Failure::Unclear("a search is kept under a name of at most 100 characters, 50 at most"));
        }
        let id = old.map_or_else(Self::fresh_id, |s| s.id.clone());
        let saved = SavedSearch { id: id.clone(), name: name.to_owned(), query: query.to_owned() };
        let body = serde_json::to_vec(&saved).map_err(|_| Failure::Inconsistent("a search cannot be written"))?;
        let ends = self.clock().now().plus_millis(KEPT_MILLIS);
        let kept = kept(KeptKind::LogSearch, id, visitor.account.as_str(), body, ends);
        Ok(self.committer.tidy(vec![Effect::Keep { kept, was: None }]).await?)
    }

    /// Forgets a search of this account.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not this account's, whether or not it exists.
    pub async fn forget_search(&self, visitor: &Visitor, id: &str) -> Result<(), Failure> {
        let own = self.saved_searches(visitor).await?.iter().any(|s| s.id == id);
        if !own {
            return Err(Failure::NotFound);
        }
        match self.committer.tidy(vec![Effect::EndKept { kind: KeptKind::LogSearch, id: id.to_owned() }]).await {
            Ok(()) | Err(CommitError::Refused(Refusal::Absent)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
