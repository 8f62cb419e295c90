//! What is in force: sharing rules and mappings become an entry before they decide or translate anything.
//!
//! Owns knowing which versions took effect last, for each log. A set that took effect before, at the last start for example, is
//! not named again. No entry, no new rules: the old ones stay.
//!
//! # Source
//! Solent audit paper §1 (`policy-publish`, `mapping-publish`) and §10 (Q17: digests before and after).

use super::visit::account::kept;
use super::{ContentSet, Failure, Gateway};
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::AccountId;
use crate::store::{Effect, Job, KeptKind};

/// Who is named as actor: whoever may change the files of the gateway's machine.
const ACTOR: &str = "system:operator";

impl Gateway {
    /// Logs the rules and mappings of a set, each when it is not what took effect last.
    ///
    /// # Errors
    /// [`Failure::Store`], [`Failure::LogUnavailable`].
    pub async fn publish(&self, content: &ContentSet) -> Result<(), Failure> {
        self.publish_one(Event::PolicyPublish, "sharing-rules", content.policy.version()).await?;
        self.publish_one(Event::MappingPublish, "mappings", content.mappings.version()).await
    }

    /// Puts a new, already checked content set in force for every request that starts after this, once it is logged.
    ///
    /// # Errors
    /// As [`Gateway::publish`]; the one in force stays then.
    pub async fn put_in_force(&self, content: ContentSet) -> Result<(), Failure> {
        self.publish(&content).await?;
        self.replace_content(content);
        Ok(())
    }

    async fn publish_one(&self, event: Event, what: &str, version: &str) -> Result<(), Failure> {
        let origin = self.config().origin.as_str();
        let id = format!("{what} {origin}");
        let last = self.db.kept(&self.keys, KeptKind::InForce, &id, self.clock().now()).await?;
        let before = last.as_ref().map(|last| String::from_utf8_lossy(&last.body).into_owned());
        let digest = version.rsplit(':').next().unwrap_or(version).to_owned();
        if before.as_ref() == Some(&digest) {
            return Ok(());
        }
        let body = digest.as_bytes().to_vec();
        let keep = kept(KeptKind::InForce, id, origin, body, Moment::from_millis(i64::MAX));
        let mut payload = Payload::new(event);
        payload.actor = Some(AccountId::new(ACTOR));
        payload.change = Some(Change { what: what.to_owned(), before, after: Some(digest) });
        let was = Some(last.map_or(0, |last| last.version));
        let job = Job::new(Draft::new(Outcome::Allow, payload)).with_effect(Effect::Keep { kept: keep, was });
        self.committer.commit(job).await?;
        Ok(())
    }
}
