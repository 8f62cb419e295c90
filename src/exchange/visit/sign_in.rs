//! Signing in with a local account: name, password, one-time code. Every try is logged, also one for a name nobody has.
//!
//! Owns how often one may try. The answer to a wrong name, a wrong password, a wrong code and a locked account is the same,
//! in words and in work done.

use super::PAGES;
use super::account::{Means, hats_now, kept, kept_means};
use super::session::{Session, Token};
use crate::audit::payload::{Client, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::exchange::{Failure, Gateway};
use crate::ident::{AccountId, SystemId};
use crate::store::{CommitError, Effect, Job, KeptKind, Refusal};
use crate::trust::means;
use std::collections::BTreeMap;
use tokio::sync::Semaphore;

/// Wrong tries in a row after which an account waits.
const FAILURES_MAX: u32 = 5;
/// How long it waits, in milliseconds: a quarter of an hour makes guessing hopeless and a mistake bearable.
const LOCKED_MILLIS: i64 = 15 * 60_000;
/// Tries to note a failure while others change the same means.
const NOTE_TRIES: usize = 8;
/// Where the tries of names that nobody has are counted, so that it takes as long.
const NOBODY: &str = "nobody/sign-in";
/// How much is written then, in bytes: about what means of signing in take.
const NOTHING_BYTES: usize = 320;
/// Passwords hashed at once: each takes 19 MiB and a core.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// For the cookie.
    pub token: Token,
}

/// Not signed in.
#[derive(Debug)]
pub enum SignInFailure {
    /// Name, password or code is wrong, or the account waits; which of them is for the log only.
    Refused,
    /// The gateway cannot answer.
    Failed(Failure),
}

impl From<Failure> for SignInFailure {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Gateway {
    /// Signs in.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: String,
        code: &str,
        request: &str,
    ) -> Result<SignedIn, SignInFailure> {
        let now = self.clock().now();
        let id = self.means_id(name);
        let row = match &id {
            Some(id) => self.db.kept(&self.keys, KeptKind::Means, id, now).await.map_err(Failure::from)?,
            None => None,
        };
        let found: Option<Means> = row.as_ref().and_then(|row| serde_json::from_slice(&row.body).ok());
        let hash = found.as_ref().map(|m| m.password.clone());
        let right = verified(password, hash).await?;
        let (Some(mut means), Some(row), Some(id)) = (found, row, id) else {
            self.account(&AccountId::new(NOBODY)).await?;
            self.log_failure(None, "unknown", request).await?;
            self.count_nothing().await?;
            return Err(SignInFailure::Refused);
        };
        let step = means::code_step(&means.secret, code, means.step_last, now);
        let open = now.millis() >= means.locked_until;
        let hats = self.account(&means.account).await?.map(|a| hats_now(&a, now)).unwrap_or_default();
        let why = match step {
            _ if !open => "locked",
            _ if !right => "password",
            None => "code",
            Some(_) if hats.is_empty() => "inactive",
            Some(step) => {
                (means.failures, means.locked_until, means.step_last) = (0, 0, step);
                return self.begin(id, means, row.version, hats, request).await;
            }
        };
        self.log_failure(Some(&means.account), why, request).await?;
        if open && why != "inactive" {
            self.count_failure(&id).await?;
        } else {
            self.count_nothing().await?;
        }
        Err(SignInFailure::Refused)
    }

    /// A session for an account without any means: the demo's start page, where a newcomer walks the story as each person.
    /// The door offers it in a demo only.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such account or no hat of it may be worn.
    pub async fn walk_as(&self, account: &AccountId, shown: &str, request: &str) -> Result<SignedIn, Failure> {
        let now = self.clock().now();
        let hats = self.account(account).await?.map(|a| hats_now(&a, now)).unwrap_or_default();
        if hats.is_empty() {
            return Err(Failure::NotFound);
        }
        let hat = hats.first().filter(|_| hats.len() == 1).map(|h| h.id.clone());
        let session = self.fresh(account, shown, hat);
        let (token, keep) = self.new_session(&session)?;
        let job = Job::new(Draft::new(Outcome::Allow, entry(Event::Login, Some(account), None, request)));
        self.committer.commit(job.with_effect(keep)).await?;
        Ok(SignedIn { token })
    }

    pub(super) fn fresh(&self, account: &AccountId, shown: &str, hat: Option<crate::ident::HatId>) -> Session {
        let now = self.clock().now().millis();
        Session {
            account: account.clone(),
            shown: shown.to_owned(),
            hat,
            purposes: BTreeMap::new(),
            began_at: now,
            seen_at: now,
        }
    }

    async fn begin(
        &self,
        id: String,
        means: Means,
        version: i64,
        hats: Vec<super::Worn>,
        request: &str,
    ) -> Result<SignedIn, SignInFailure> {
        // With one hat there is nothing to choose.
        let hat = hats.first().filter(|_| hats.len() == 1).map(|h| h.id.clone());
        let session = self.fresh(&means.account, &means.shown, hat);
        let (token, keep) = self.new_session(&session)?;
        // The version makes a code work once, also for two who send it at the same moment.
        let used = Effect::Keep { kept: kept_means(id, &means)?, was: Some(version) };
        let job = Job::new(Draft::new(Outcome::Allow, entry(Event::Login, Some(&means.account), None, request)));
        match self.committer.commit(job.with_effect(used).with_effect(keep)).await {
            Ok(_) => Ok(SignedIn { token }),
            Err(CommitError::Refused(Refusal::KeptChanged { .. })) => Err(SignInFailure::Refused),
            Err(error) => Err(SignInFailure::Failed(error.into())),
        }
    }

    pub(super) async fn log_failure(
        &self,
        account: Option<&AccountId>,
        why: &'static str,
        request: &str,
    ) -> Result<(), Failure> {
        let payload = entry(Event::LoginFail, account, Some(why), request);
        self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
        Ok(())
    }

    /// The work of counting a wrong try, where there is nothing to count: how long an answer takes must not tell which names
    /// there are, or which of them wait.
    async fn count_nothing(&self) -> Result<(), Failure> {
        let now = self.clock().now();
        self.db.kept(&self.keys, KeptKind::Means, NOBODY, now).await?;
        let body = vec![0; NOTHING_BYTES];
        let nothing = kept(KeptKind::Draft, NOBODY.to_owned(), NOBODY, body, now.plus_millis(LOCKED_MILLIS));
        Ok(self.committer.tidy(vec![Effect::Keep { kept: nothing, was: None }]).await?)
    }

    async fn count_failure(&self, id: &str) -> Result<(), Failure> {
        for _ in 0..NOTE_TRIES {
            let now = self.clock().now();
            let Some(row) = self.db.kept(&self.keys, KeptKind::Means, id, now).await? else { return Ok(()) };
            let Ok(mut means) = serde_json::from_slice::<Means>(&row.body) else { return Ok(()) };
            means.failures = means.failures.saturating_add(1);
            if means.failures >= FAILURES_MAX {
                (means.failures, means.locked_until) = (0, now.millis().saturating_add(LOCKED_MILLIS));
            }
            let keep = Effect::Keep { kept: kept_means(id.to_owned(), &means)?, was: Some(row.version) };
            match self.committer.tidy(vec![keep]).await {
                Err(CommitError::Refused(Refusal::KeptChanged { .. })) => {}
                other => return other.map_err(Failure::from),
            }
        }
        Ok(())
    }
}

async fn verified(password: String, hash: Option<String>) -> Result<bool, Failure> {
    let _turn = HASHING.acquire().await.map_err(|_| Failure::Inconsistent("hashing has stopped"))?;
    let done = tokio::task::spawn_blocking(move || means::password_holds(&password, hash.as_deref())).await;
    done.map_err(|_| Failure::Inconsistent("hashing failed"))
}

pub(super) fn entry(event: Event, account: Option<&AccountId>, why: Option<&'static str>, request: &str) -> Payload {
    let mut payload = Payload::new(event);
    payload.actor = account.cloned();
    payload.reason = why.map(str::to_owned);
    payload.client = Some(Client {
        system: Some(SystemId::new(PAGES)),
        certificate: None,
        zone: None,
        request: Some(request.to_owned()),
    });
    payload
}
