//! Signing in at a provider: an agency's own directory, or a national one. Every try that comes back is logged.
//!
//! Owns the way from the issuer's name for somebody to an account: a link that an administrator made, kept under a keyed hash.
//! Names and addresses in a token open nothing. What a sign-in under way must remember is sealed and goes with the browser, so
//! that people who begin and never come back leave nothing here. Second factors are the provider's: ask for them with `acr`.

use super::account::{hats_now, hex, kept};
use super::sign_in::{SignInFailure, SignedIn, entry};
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::exchange::{Failure, Gateway};
use crate::ident::AccountId;
use crate::peer::{Begun, Provider, ProviderError};
use crate::store::{Effect, Job, KeptKind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How long somebody may take at the provider, in milliseconds.
const TAKES_MILLIS_MAX: i64 = 10 * 60_000;
/// Longest name an issuer may have for somebody, in bytes.
///
/// # Source
/// OpenID Connect Core 1.0 §2: `sub` has at most 255 characters.
const SUBJECT_BYTES_MAX: usize = 255;
/// What a sign-in under way is sealed for.
const SEALED_FOR: &str = "sign-in under way";
/// Longest sealed text taken from a browser, in bytes.
const SEALED_BYTES_MAX: usize = 2048;
/// Calls to the provider at once: each holds a thread for up to some seconds.
static ASKING: Semaphore = Semaphore::const_new(8);

/// A sign-in under way, sealed for the browser's cookie, and where the browser goes. Debug shows neither.
pub struct Pending {
    /// For the cookie.
    pub sealed: String,
    /// The provider's page.
    pub url: String,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending")
    }
}

/// What an administrator says of an account at the provider. Debug shows the account only.
pub struct NewLink {
    /// The account.
    pub account: AccountId,
    /// The issuer's name for the person (`sub`).
    pub subject: String,
    /// How the person is greeted on their own pages.
    pub shown: String,
}

impl std::fmt::Debug for NewLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewLink({})", self.account)
    }
}

/// The kept link.
#[derive(Serialize, Deserialize)]
struct Link {
    account: AccountId,
    shown: String,
}

/// What the browser brings back.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    begun: Begun,
    at: i64,
}

impl Gateway {
    /// The provider's name for the sign-in page; none when there is none.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        let named = self.config().provider.as_ref().map(|p| p.name.as_str());
        named.filter(|_| self.provider.is_some())
    }

    /// Links an account to the issuer's name for a person; logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without such an account or without a provider; [`Failure::Inconsistent`] for a name that can be
    /// none.
    pub async fn link_provider(&self, new: NewLink, by: &AccountId) -> Result<(), Failure> {
        self.account(&new.account).await?.ok_or(Failure::NotFound)?;
        let provider = self.provider.as_ref().ok_or(Failure::NotFound)?;
        let id = self.link_id(provider.issuer(), &new.subject);
        let id = id.ok_or(Failure::Inconsistent("the issuer's name for a person is empty or too long"))?;
        let link = Link { account: new.account.clone(), shown: new.shown };
        let body = serde_json::to_vec(&link).map_err(|_| Failure::Inconsistent("a link cannot be written"))?;
        let mut payload = Payload::new(Event::RoleGrant);
        payload.actor = Some(by.clone());
        payload.change = Some(Change { what: format!("means/{}", new.account), before: None, after: None });
        let keep = kept(KeptKind::Means, id, new.account.as_str(), body, Moment::from_millis(i64::MAX));
        let job = Job::new(Draft::new(Outcome::Allow, payload)).with_effect(Effect::Keep { kept: keep, was: None });
        self.committer.commit(job).await?;
        Ok(())
    }

    /// Begins a sign-in at the provider.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without a provider; [`Failure::LogUnavailable`] when it does not answer.
    pub async fn begin_at_provider(&self) -> Result<Pending, Failure> {
        let begun = self.with_the_provider(|provider| provider.begin()).await?;
        let begun = begun.map_err(|error| {
            tracing::warn!(%error, "a sign-in at the provider could not begin");
            Failure::LogUnavailable
        })?;
        let url = begun.url.clone();
        let under_way = UnderWay { begun, at: self.clock().now().millis() };
        let body = serde_json::to_vec(&under_way).map_err(|_| Failure::Inconsistent("a sign-in cannot be written"))?;
        let sealed = self.keys.seal_whole(SEALED_FOR, &body).map_err(crate::store::Error::from)?;
        Ok(Pending { sealed: BASE64.encode(sealed), url })
    }

    /// Ends it: `sealed` from the browser's cookie, `state` and `code` as the provider sent them along.
    ///
    /// # Errors
    /// [`SignInFailure`].
    pub async fn end_at_provider(
        &self,
        sealed: &str,
        state: &str,
        code: &str,
        request: &str,
    ) -> Result<SignedIn, SignInFailure> {
        let Some(begun) = self.under_way(sealed).filter(|b| same(b.state.as_bytes(), state.as_bytes())) else {
            return self.refuse(None, "provider-state", request).await;
        };
        let code = code.to_owned();
        let said = self.with_the_provider(move |provider| provider.finish(&code, &begun)).await?;
        let subject = match said {
            Ok(subject) => subject,
            Err(error) => {
                tracing::warn!(%error, "a sign-in at the provider failed");
                let why = if error == ProviderError::Unreachable { "provider-silent" } else { "provider-refused" };
                return self.refuse(None, why, request).await;
            }
        };
        let now = self.clock().now();
        let row = match self.link_id(&subject.issuer, &subject.subject) {
            Some(id) => self.db.kept(&self.keys, KeptKind::Means, &id, now).await.map_err(Failure::from)?,
            None => None,
        };
        let Some(link) = row.and_then(|row| serde_json::from_slice::<Link>(&row.body).ok()) else {
            return self.refuse(None, "unknown", request).await;
        };
        let hats = self.account(&link.account).await?.map(|a| hats_now(&a, now)).unwrap_or_default();
        if hats.is_empty() {
            return self.refuse(Some(&link.account), "inactive", request).await;
        }
        let hat = hats.first().filter(|_| hats.len() == 1).map(|h| h.id.clone());
        let (token, keep) = self.new_session(&self.fresh(&link.account, &link.shown, hat))?;
        let job = Job::new(Draft::new(Outcome::Allow, entry(Event::Login, Some(&link.account), None, request)));
        self.committer.commit(job.with_effect(keep)).await.map_err(Failure::from)?;
        Ok(SignedIn { token })
    }

    async fn refuse(
        &self,
        account: Option<&AccountId>,
        why: &'static str,
        request: &str,
    ) -> Result<SignedIn, SignInFailure> {
        self.log_failure(account, why, request).await?;
        Err(SignInFailure::Refused)
    }

    /// What the browser kept of a sign-in under way; none when it is not ours or took too long.
    fn under_way(&self, sealed: &str) -> Option<Begun> {
        if sealed.len() > SEALED_BYTES_MAX {
            return None;
        }
        let body = self.keys.open_whole(SEALED_FOR, &BASE64.decode(sealed).ok()?).ok()?;
        let under_way: UnderWay = serde_json::from_slice(&body).ok()?;
        let took = self.clock().now().millis().checked_sub(under_way.at)?;
        (0..=TAKES_MILLIS_MAX).contains(&took).then_some(under_way.begun)
    }

    /// The id of a link: a keyed hash of issuer and name.
    fn link_id(&self, issuer: &str, subject: &str) -> Option<String> {
        let fits = !subject.trim().is_empty() && subject.len() <= SUBJECT_BYTES_MAX;
        fits.then(|| hex(&self.keys.hash("provider's name", format!("{issuer}\0{subject}").as_bytes())))
    }

    async fn with_the_provider<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Provider) -> Result<T, ProviderError> + Send + 'static,
    ) -> Result<Result<T, ProviderError>, Failure> {
        let provider = Arc::clone(self.provider.as_ref().ok_or(Failure::NotFound)?);
        let _turn = ASKING.acquire().await.map_err(|_| Failure::Inconsistent("asking the provider has stopped"))?;
        let done = tokio::task::spawn_blocking(move || call(&provider)).await;
        done.map_err(|_| Failure::Inconsistent("asking the provider failed"))
    }
}

/// Whether two texts are the same, without a way out early.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differ == 0
}
