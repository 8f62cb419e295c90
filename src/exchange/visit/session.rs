//! Sessions: one account, one hat at a time (R3), one purpose for each family, for a bounded time.
//!
//! Owns what a session holds and when it ends. A session is kept under a keyed hash of its token; the token itself is only
//! with the browser. Choosing a hat makes a new token, so that one seen before it is worth nothing after it.

use super::account::{Worn, hats_now, hex, kept};
use super::{PAGES, caller};
use crate::audit::payload::{Client, Payload};
use crate::audit::{Draft, Event, Outcome, payload};
use crate::clock::Moment;
use crate::exchange::{Caller, Failure, Gateway};
use crate::ident::{AccountId, AgencyId, HatId, SystemId};
use crate::store::{CommitError, Effect, Job, Kept, KeptKind, Refusal};
use crate::vocabulary::Purpose;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How much later than the last note a request must be before the session is noted as used again: a page view in between
/// costs no write.
const NOTED_EVERY_MILLIS: i64 = 60_000;
/// Families whose purpose one session keeps; more than anybody opens in a day.
const PURPOSES_MAX: usize = 200;
/// How often a purpose is stated anew when another window of the session was quicker.
const STATED_TRIES: usize = 8;
/// Limits without a `[pages]` section, where nobody can sign in: sessions that are over at once.
const NO_PAGES: crate::config::Pages = crate::config::Pages { idle: Duration::ZERO, session: Duration::ZERO };

/// A session's secret, for the browser's cookie. Not shown by Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// From a cookie. Anything may stand there; what is no token finds no session.
    #[must_use]
    pub fn from_cookie(text: &str) -> Self {
        Self(text.to_owned())
    }
    /// For the cookie.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// What is kept of a session.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Session {
    pub account: AccountId,
    pub shown: String,
    pub hat: Option<HatId>,
    pub purposes: BTreeMap<String, Purpose>,
    pub began_at: i64,
    pub seen_at: i64,
}

/// Somebody signed in, as of this request: the account is active, the hat may be worn now, the session is not over.
#[derive(Clone)]
pub struct Visitor {
    /// The account.
    pub account: AccountId,
    /// How the person is greeted.
    pub shown: String,
    /// The hats there are to choose from.
    pub hats: Vec<Worn>,
    /// The hat worn; none before one was chosen.
    pub hat: Option<Worn>,
    /// When the session ends if nothing is asked meanwhile.
    pub ends_at: Moment,
    /// The request, for the log.
    pub request: String,
    id: String,
    version: i64,
    session: Session,
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Visitor({})", self.account)
    }
}

impl Visitor {
    /// The purpose stated for a family in this session.
    #[must_use]
    pub fn purpose(&self, family: &str) -> Option<Purpose> {
        self.session.purposes.get(family).copied()
    }
    /// The hat worn.
    ///
    /// # Errors
    /// [`Failure::Refused`] with `D-AUTH` when none was chosen.
    pub fn worn(&self) -> Result<&Worn, Failure> {
        self.hat.as_ref().ok_or(Failure::Refused { reason: "D-AUTH" })
    }
    /// The caller that asks for this visitor.
    pub(in crate::exchange) fn caller(&self) -> Caller {
        let nobody = AgencyId::new("none");
        caller(self.hat.as_ref().map_or(&nobody, |h| &h.agency), &self.request)
    }
    /// An entry of this visitor, with hat and client.
    pub(in crate::exchange) fn payload(&self, event: Event) -> Payload {
        let mut payload = Payload::new(event);
        payload.actor = Some(self.account.clone());
        payload.hat = self.hat.as_ref().map(|h| payload::Hat {
            id: Some(h.id.clone()),
            role: h.role,
            agency: h.agency.clone(),
            team: h.team.as_ref().map(|t| t.as_str().to_owned()),
        });
        payload.client = Some(Client {
            system: Some(SystemId::new(PAGES)),
            certificate: None,
            zone: None,
            request: Some(self.request.clone()),
        });
        payload
    }
}

impl Gateway {
    /// Who holds this token now; `None` for everything that is not a live session.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn visitor(&self, token: &Token, request: &str) -> Result<Option<Visitor>, Failure> {
        let now = self.clock().now();
        let id = self.session_id(token);
        let Some(row) = self.db.kept(&self.keys, KeptKind::Session, &id, now).await? else { return Ok(None) };
        let session: Session =
            serde_json::from_slice(&row.body).map_err(|_| Failure::Inconsistent("a session cannot be read"))?;
        let Some(ends_at) = self.session_end(&session, now) else { return Ok(None) };
        let Some(account) = self.account(&session.account).await? else { return Ok(None) };
        let mut hats = hats_now(&account, now);
        if hats.is_empty() {
            return Ok(None);
        }
        self.name_teams(&mut hats).await?;
        let hat = session.hat.as_ref().and_then(|id| hats.iter().find(|h| h.id == *id)).cloned();
        let mut visitor = Visitor {
            account: session.account.clone(),
            shown: session.shown.clone(),
            hats,
            hat,
            ends_at,
            request: request.to_owned(),
            id,
            version: row.version,
            session,
        };
        if now.millis().saturating_sub(visitor.session.seen_at) >= NOTED_EVERY_MILLIS {
            self.note_use(&mut visitor, now).await?;
        }
        Ok(Some(visitor))
    }

    /// Puts a hat on. The old token ends; the answer is the new one.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the hat is not one of this account's, now.
    pub async fn choose_hat(&self, visitor: &Visitor, hat: &HatId) -> Result<Token, Failure> {
        let chosen = visitor.hats.iter().find(|h| h.id == *hat).cloned().ok_or(Failure::NotFound)?;
        let now = self.clock().now();
        let session = Session {
            hat: Some(chosen.id.clone()),
            // Another hat, another reason to look: nothing is carried over (R3).
            purposes: BTreeMap::new(),
            seen_at: now.millis(),
            ..visitor.session.clone()
        };
        let worn = Visitor { hat: Some(chosen), ..visitor.clone() };
        let (token, keep) = self.new_session(&session)?;
        let job = Job::new(Draft::new(Outcome::Allow, worn.payload(Event::HatChoose)));
        let end = Effect::EndKept { kind: KeptKind::Session, id: visitor.id.clone() };
        self.committer.commit(job.with_effect(keep).with_effect(end)).await?;
        Ok(token)
    }

    /// States why a family is opened in this session. The statement stands in each entry that follows from it.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the role may not declare it.
    pub async fn state_purpose(&self, visitor: &Visitor, family: &str, purpose: Purpose) -> Result<(), Failure> {
        let role = visitor.worn()?.role;
        if self.content().policy.column(purpose, role).is_none() {
            return Err(Failure::Refused { reason: "D-PURPOSE" });
        }
        let mut visitor = visitor.clone();
        for _ in 0..STATED_TRIES {
            let mut session = visitor.session.clone();
            if session.purposes.len() >= PURPOSES_MAX && !session.purposes.contains_key(family) {
                session.purposes.pop_first();
            }
            session.purposes.insert(family.to_owned(), purpose);
            match self.change(&visitor, session).await {
                // Another window of the same session was quicker.
                Err(Failure::Changed) => {
                    let row = self.db.kept(&self.keys, KeptKind::Session, &visitor.id, self.clock().now()).await?;
                    let Some(row) = row else { break };
                    visitor.version = row.version;
                    visitor.session = serde_json::from_slice(&row.body)
                        .map_err(|_| Failure::Inconsistent("a session cannot be read"))?;
                }
                done => return done,
            }
        }
        Err(Failure::Changed)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`Failure::LogUnavailable`].
    pub async fn sign_out(&self, visitor: &Visitor) -> Result<(), Failure> {
        let end = Effect::EndKept { kind: KeptKind::Session, id: visitor.id.clone() };
        match self.committer.tidy(vec![end]).await {
            // Ended meanwhile, from another window.
            Ok(()) | Err(CommitError::Refused(Refusal::Absent)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The word that must come back with every form of this session: nobody who does not hold the token knows it.
    #[must_use]
    pub fn form_word(&self, token: &Token) -> String {
        hex(&self.keys.hash("form word", token.0.as_bytes()))
    }

    async fn note_use(&self, visitor: &mut Visitor, now: Moment) -> Result<(), Failure> {
        let mut session = visitor.session.clone();
        session.seen_at = now.millis();
        match self.change(visitor, session.clone()).await {
            Ok(()) => {
                visitor.version = visitor.version.saturating_add(1);
                visitor.session = session;
                Ok(())
            }
            // Another page of the same session was quicker.
            Err(Failure::Changed) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    async fn change(&self, visitor: &Visitor, session: Session) -> Result<(), Failure> {
        let kept = self.kept_session(visitor.id.clone(), &session)?;
        self.committer.tidy(vec![Effect::Keep { kept, was: Some(visitor.version) }]).await?;
        Ok(())
    }

    /// A session under a fresh token.
    pub(super) fn new_session(&self, session: &Session) -> Result<(Token, Effect), Failure> {
        let secret: [u8; 32] = self.keys.secret().map_err(crate::store::Error::from)?;
        let token = Token::new(hex(&secret));
        let kept = self.kept_session(self.session_id(&token), session)?;
        Ok((token, Effect::Keep { kept, was: Some(0) }))
    }

    fn kept_session(&self, id: String, session: &Session) -> Result<Kept, Failure> {
        let body = serde_json::to_vec(session).map_err(|_| Failure::Inconsistent("a session cannot be written"))?;
        let now = Moment::from_millis(session.seen_at);
        let expires = self.session_end(session, now).unwrap_or(now);
        Ok(kept(KeptKind::Session, id, session.account.as_str(), body, expires))
    }

    fn session_id(&self, token: &Token) -> String {
        hex(&self.keys.hash("session", token.0.as_bytes()))
    }

    /// When the session ends: after the idle time, at the latest when its day is over; `None` when that has passed.
    fn session_end(&self, session: &Session, now: Moment) -> Option<Moment> {
        let pages = self.config().pages.unwrap_or(NO_PAGES);
        let millis = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        let idle = session.seen_at.saturating_add(millis(pages.idle));
        let whole = session.began_at.saturating_add(millis(pages.session));
        let end = Moment::from_millis(idle.min(whole));
        (now < end).then_some(end)
    }
}
