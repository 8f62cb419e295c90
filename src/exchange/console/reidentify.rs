//! Learning who a reference stands for: an auditor asks with a case reference and a reason, a privacy officer of the same
//! agency decides, and the auditor looks once. Each step is an entry; the look is `audit-reidentify`.
//!
//! # Source
//! Solent audit paper §11; sharing rules R80.

use crate::audit::payload::{Change, FreeText};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::exchange::questions::Ask;
use crate::exchange::visit::account::kept;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::ident::{AccountId, PersonId};
use crate::store::{Effect, Job, Kept, KeptKind, Section};
use crate::vocabulary::Role;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a request is kept, in milliseconds: as long as alerts.
const KEPT_MILLIS: i64 = 800 * 86_400_000;
/// How long an approval holds, in milliseconds: a week.
const APPROVED_MILLIS: i64 = 7 * 86_400_000;
/// Longest case reference, in characters.
const CASE_CHARS_MAX: usize = 100;
/// Shortest and longest reason, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 5..=500;

/// How far a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Waits for an officer.
    Asked,
    /// May be looked at once.
    Approved,
    /// May not.
    Refused,
    /// Was looked at.
    Seen,
}

impl Standing {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Seen => "seen",
        }
    }
}

/// A request. Debug shows its id only.
#[derive(Clone, Serialize, Deserialize)]
pub struct Reidentify {
    /// Its id.
    pub id: String,
    /// Whom it is about: the asker's reference.
    pub reference: String,
    person: PersonId,
    /// Who asks.
    pub by: AccountId,
    /// For which case, in the asker's own words for it.
    pub case: String,
    /// Why.
    pub reason: String,
    /// When it was asked.
    pub asked_at: String,
    /// How far it is.
    pub standing: Standing,
    /// Who decided, and when.
    pub decided: Option<(AccountId, i64)>,
}

impl std::fmt::Debug for Reidentify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reidentify({}, {})", self.id, self.standing.word())
    }
}

/// Who a reference stands for, as far as the gateway knows. Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Given and family name.
    pub name: Option<String>,
    /// Date of birth.
    pub born: Option<String>,
    /// The gateway's id of the person.
    pub person: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Gateway {
    /// Requests that concern the visitor: an auditor's own, and for an officer those of the agency; newest first.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::Store`].
    pub async fn reidentifications(&self, visitor: &Visitor) -> Result<Vec<Reidentify>, Failure> {
        let hat = visitor.hat.as_ref().filter(|_| Self::may_audit(visitor)).ok_or(Failure::NotFound)?;
        let now = self.clock().now();
        let found = self.db.kept_of(&self.keys, KeptKind::Reidentify, hat.agency.as_str(), now).await?;
        let all = found.iter().filter_map(|kept| serde_json::from_slice::<Reidentify>(&kept.body).ok());
        Ok(all.filter(|r| hat.role == Role::Prv || r.by == visitor.account).collect())
    }

    /// An auditor asks.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and for a reference that stands for nobody in this view; [`Failure::Unclear`]
    /// without case reference or reason; [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn ask_reidentify(
        &self,
        visitor: &Visitor,
        reference: &str,
        case: &str,
        reason: &str,
    ) -> Result<(), Failure> {
        let viewer = self.console_view(visitor).await?;
        let hat = visitor.worn()?.clone();
        if hat.role != Role::Aud {
            return Err(Failure::NotFound);
        }
        let fits =
            (1..=CASE_CHARS_MAX).contains(&case.chars().count()) && REASON_CHARS.contains(&reason.chars().count());
        if !fits {
            return Err(Failure::Unclear("a case reference and a reason of 5 to 500 characters are required"));
        }
        if !reference.starts_with("s-") {
            return Err(Failure::NotFound);
        }
        let ask = Ask { from: 0, to: 1, subject: Some(reference.to_owned()), ..Ask::default() };
        let person = self.asker(viewer).prepare(ask).await?.subject.ok_or(Failure::NotFound)?;
        let request = Reidentify {
            id: Self::fresh_id(),
            reference: reference.to_owned(),
            person: PersonId::new(person),
            by: visitor.account.clone(),
            case: case.to_owned(),
            reason: reason.to_owned(),
            asked_at: self.clock().now().to_string(),
            standing: Standing::Asked,
            decided: None,
        };
        self.step(visitor, &request, hat.agency.as_str(), 0, Event::AuditQuery).await
    }

    /// A privacy officer of the same agency decides; never on a request of one's own.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and requests of other agencies; [`Failure::Conflict`] when it was decided.
    pub async fn decide_reidentify(&self, visitor: &Visitor, id: &str, approve: bool) -> Result<(), Failure> {
        let (kept, mut request) = self.reidentification(visitor, id).await?;
        let officer = visitor.worn()?.role == Role::Prv && request.by != visitor.account;
        if !officer {
            return Err(Failure::NotFound);
        }
        if request.standing != Standing::Asked {
            return Err(Failure::Conflict);
        }
        request.standing = if approve { Standing::Approved } else { Standing::Refused };
        request.decided = Some((visitor.account.clone(), self.clock().now().millis()));
        self.step(visitor, &request, &kept.owner, kept.version, Event::AuditQuery).await
    }

    /// The asker looks, once, within a week of the approval.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and requests of others; [`Failure::Conflict`] when it is not approved, too old, or
    /// was looked at before.
    pub async fn reidentify(&self, visitor: &Visitor, id: &str) -> Result<Identity, Failure> {
        let (kept, mut request) = self.reidentification(visitor, id).await?;
        if request.by != visitor.account {
            return Err(Failure::NotFound);
        }
        let now = self.clock().now().millis();
        let fresh = request.decided.as_ref().is_some_and(|(_, at)| now.saturating_sub(*at) < APPROVED_MILLIS);
        if request.standing != Standing::Approved || !fresh {
            return Err(Failure::Conflict);
        }
        request.standing = Standing::Seen;
        self.step(visitor, &request, &kept.owner, kept.version, Event::AuditReidentify).await?;
        let fact = self.db.fact(&self.keys, Section::People, request.person.as_str()).await?;
        let text = |name: &str| fact.as_ref().and_then(|f| f.body.get(name)).and_then(Value::as_str).map(str::to_owned);
        let parts: Vec<String> = text("given_name").into_iter().chain(text("family_name")).collect();
        Ok(Identity {
            name: (!parts.is_empty()).then(|| parts.join(" ")),
            born: text("born"),
            person: request.person.as_str().to_owned(),
        })
    }

    /// A request the visitor's agency has.
    async fn reidentification(&self, visitor: &Visitor, id: &str) -> Result<(Kept, Reidentify), Failure> {
        let hat = visitor.hat.as_ref().filter(|_| Self::may_audit(visitor)).ok_or(Failure::NotFound)?;
        let plain = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !plain {
            return Err(Failure::NotFound);
        }
        let found = self.db.kept(&self.keys, KeptKind::Reidentify, id, self.clock().now()).await?;
        let kept = found.filter(|k| k.owner == hat.agency.as_str()).ok_or(Failure::NotFound)?;
        let request =
            serde_json::from_slice(&kept.body).map_err(|_| Failure::Inconsistent("a request cannot be read"))?;
        Ok((kept, request))
    }

    /// Logs a step and keeps what it made of the request, together.
    async fn step(
        &self,
        visitor: &Visitor,
        request: &Reidentify,
        owner: &str,
        was: i64,
        event: Event,
    ) -> Result<(), Failure> {
        let body = serde_json::to_vec(request).map_err(|_| Failure::Inconsistent("a request cannot be written"))?;
        let ends: Moment = self.clock().now().plus_millis(KEPT_MILLIS);
        let keep =
            Effect::Keep { kept: kept(KeptKind::Reidentify, request.id.clone(), owner, body, ends), was: Some(was) };
        let mut payload = visitor.payload(event);
        payload.subject = Some(request.person.clone());
        payload.justification = Some(FreeText::new(format!("{}: {}", request.case, request.reason)));
        payload.reason = Some(request.standing.word().to_owned());
        payload.change = Some(Change { what: "reidentification".to_owned(), before: None, after: None });
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload)).with_effect(keep)).await?;
        Ok(())
    }
}
