//! Asking a custodian for something that is withheld: the request, its queue, the answer.
//!
//! Owns what is asked, of whom, and what came of it. A request opens nothing: whether anything is shown stays with the sharing
//! rules. It can be made only about a category whose marker or indicator this visitor is shown now, so that asking tells
//! nobody anything. Where the marker names no custodian the request goes to whoever holds something, or to the agency of the
//! case when nobody does; the visitor cannot tell which.
//!
//! # Source
//! Sharing rules R46 and §10; pages paper P4.

use super::pointers::{Waits, Whose, point};
use super::visit::account::kept;
use super::{Failure, Family, Gateway, Visitor};
use crate::audit::payload::{FreeText, Recipient};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AccountId, AgencyId, HatId, PersonId};
use crate::sharing::facts::{Account, Case};
use crate::store::{CommitError, Effect, Job, KeptKind, Refusal, Section};
use crate::vocabulary::{Category, Purpose, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Within how long the same words are the same request, in milliseconds: a button pressed twice, not another day's worry.
const TWICE_MILLIS: i64 = 10 * 60_000;
/// How long a request is kept, in milliseconds: a year, so that a review can look back at it.
const KEPT_MILLIS: i64 = 366 * 86_400_000;
/// Longest text of a request or answer, in characters.
const TEXT_CHARS_MAX: usize = 5_000;
/// Accounts read at a time when an agency's officers are looked for.
const PAGE: i64 = 1_000;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }
        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
            /// The one with this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> { match word { $($word => Some(Self::$variant),)+ _ => None } }
        }
    };
}

words! {
    /// How soon an answer is needed.
    HowSoon {
        /// Today.
        Today = "today",
        /// Within two working days.
        Days = "days",
        /// Within two weeks.
        Weeks = "weeks",
    }
}

words! {
    /// What a custodian answered.
    AccessOutcome {
        /// Somebody will ring.
        Ring = "will-ring",
        /// The person is asked for permission.
        Permission = "asking-permission",
        /// It was sent in another way.
        Sent = "sent",
        /// It cannot be shared.
        No = "cannot-share",
    }
}

/// What a visitor writes.
#[derive(Clone)]
pub struct AccessForm {
    /// What is needed.
    pub what: String,
    /// Why.
    pub why: String,
    /// How soon.
    pub how_soon: HowSoon,
}

/// A request as one custodian has it. Its Debug output shows no text.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessRequest {
    /// Its id.
    pub id: String,
    /// Who asks.
    pub account: AccountId,
    /// Under which hat.
    pub hat: HatId,
    /// In which role.
    pub role: Role,
    /// For which agency.
    pub agency: AgencyId,
    /// In which team.
    pub team: Option<String>,
    /// Which family.
    pub family: String,
    /// About whom.
    pub subject: PersonId,
    /// For which purpose.
    pub purpose: Purpose,
    /// Which category.
    pub category: Category,
    /// The agency asked.
    pub asked: AgencyId,
    /// The custodian's own references to what it holds of this person.
    pub references: Vec<String>,
    /// What is needed.
    pub what: String,
    /// Why.
    pub why: String,
    /// How soon.
    pub how_soon: HowSoon,
    /// When it was asked, in milliseconds.
    pub at: i64,
    /// What came of it.
    pub answered: Option<AccessAnswer>,
}

impl std::fmt::Debug for AccessRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessRequest({})", self.id)
    }
}

/// A custodian's answer.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessAnswer {
    /// What.
    pub outcome: AccessOutcome,
    /// In the custodian's words.
    pub words: String,
    /// When, in milliseconds.
    pub at: i64,
    /// By whom.
    pub by: AccountId,
}

/// A request as the one who made it sees it: one, however many agencies it went to.
#[derive(Clone)]
pub struct OwnRequest {
    /// Which family.
    pub family: String,
    /// Which category.
    pub category: Category,
    /// When, in milliseconds.
    pub at: i64,
    /// The answers so far.
    pub answers: Vec<AccessAnswer>,
    /// Whether somebody has still to answer.
    pub waits: bool,
}

/// A marker or indicator that a visitor is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShownMarker {
    /// The custodian, where it is named.
    pub custodian: Option<AgencyId>,
    /// Whom to ring.
    pub contact: Option<String>,
    /// Whether it needs a permission.
    pub gated: bool,
}

/// As whom somebody looks at an agency's queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Desk {
    /// Its privacy officer.
    Officer,
    /// A manager of an agency without one: requests for access only.
    Manager,
    /// An auditor: reads, decides nothing.
    Reader,
}

impl Gateway {
    /// The markers and indicators of a category that this visitor is shown of a person now: decided and logged like any look.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none, whether or not anything exists.
    pub async fn shown_markers(
        &self,
        visitor: &Visitor,
        person: &PersonId,
        purpose: Purpose,
        category: Category,
    ) -> Result<Vec<ShownMarker>, Failure> {
        let released = match self.look_at(visitor, person, purpose, &[category]).await {
            Err(Failure::Refused { .. }) => return Err(Failure::NotFound),
            other => other?,
        };
        let all: Value =
            serde_json::from_slice(&released.into_bytes()).map_err(|_| Failure::Inconsistent("a disclosure"))?;
        let list = |name: &str| all.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let of_category = |v: &Value| v.get("category").and_then(Value::as_str) == Some(category.code());
        let read = |v: &Value, gated: bool| {
            let text = |name: &str| v.get(name).and_then(Value::as_str).map(str::to_owned);
            ShownMarker { custodian: text("custodian").map(AgencyId::new), contact: text("contact"), gated }
        };
        let indicators = list("indicators").into_iter().filter(of_category).map(|v| read(&v, true));
        let markers = list("markers").into_iter().filter(of_category);
        let markers = markers.map(|v| read(&v, v.get("custodian").is_some()));
        let mut found: Vec<ShownMarker> = indicators.chain(markers).collect();
        found.dedup();
        if found.is_empty() { Err(Failure::NotFound) } else { Ok(found) }
    }

    /// Asks for it.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when no marker of the category is shown; [`Failure::Unclear`] for texts that are empty or too
    /// long.
    pub async fn ask_access(
        &self,
        visitor: &Visitor,
        (family, person): (&Family, &PersonId),
        purpose: Purpose,
        category: Category,
        form: AccessForm,
    ) -> Result<(), Failure> {
        let markers = self.shown_markers(visitor, person, purpose, category).await?;
        let written = |text: &str| !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX;
        if !written(&form.what) || !written(&form.why) {
            return Err(Failure::Unclear("a request without what or why"));
        }
        let hat = visitor.worn()?.clone();
        let now = self.clock().now();
        let ends = now.plus_millis(KEPT_MILLIS);
        for asked in self.whom_to_ask(&markers, family, person, category, &hat.agency).await? {
            let references = self.references(person, category, &asked).await?;
            // Sent twice by one button it is one request; the same words another day are another.
            let same =
                format!("{} {} {asked} {person} {} {}", visitor.account, hat.id, category.code(), form.how_soon.word());
            let same = format!("{same} {}\0{}\0{}", form.what, form.why, now.millis().div_euclid(TWICE_MILLIS));
            let request = AccessRequest {
                id: super::disclose::hex(&self.keys.hash("access request", same.as_bytes())),
                account: visitor.account.clone(),
                hat: hat.id.clone(),
                role: hat.role,
                agency: hat.agency.clone(),
                team: hat.team.as_ref().map(|t| t.as_str().to_owned()),
                family: family.id.clone(),
                subject: person.clone(),
                purpose,
                category,
                asked: asked.clone(),
                references,
                what: form.what.clone(),
                why: form.why.clone(),
                how_soon: form.how_soon,
                at: now.millis(),
                answered: None,
            };
            let mut payload = visitor.payload(Event::Request);
            payload.subject = Some(person.clone());
            payload.purpose = Some(purpose);
            payload.reason = Some(format!("access {}", category.code()));
            payload.justification = Some(FreeText::new(form.why.clone()));
            payload.recipient = Some(Recipient { agency: asked, system: None });
            let pointer = point(Waits::OwnRequest, Whose::Hat(&hat.id), &request.id, ends);
            let job = Job::new(Draft::new(Outcome::Allow, payload));
            match self.committer.commit(job.with_effect(keep(&request, 0)?).with_effect(pointer)).await {
                Ok(_) | Err(CommitError::Refused(Refusal::KeptChanged { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The agencies a request goes to: those that the markers name; else those that hold something; else the agency of the
    /// case, so that every request is somebody's.
    async fn whom_to_ask(
        &self,
        markers: &[ShownMarker],
        family: &Family,
        person: &PersonId,
        category: Category,
        own: &AgencyId,
    ) -> Result<BTreeSet<AgencyId>, Failure> {
        let named: BTreeSet<AgencyId> = markers.iter().filter_map(|m| m.custodian.clone()).collect();
        if !named.is_empty() {
            return Ok(named);
        }
        let held: BTreeSet<AgencyId> = self.custodians(Some(person), Some(&[category])).await?.into_iter().collect();
        if !held.is_empty() {
            return Ok(held);
        }
        let case = self.stored::<Case>(Section::Cases, &family.id).await?;
        let agency = case.and_then(|(_, case)| case.agency).unwrap_or_else(|| own.clone());
        Ok([agency].into())
    }

    /// What a custodian calls its own segments about a person.
    async fn references(
        &self,
        person: &PersonId,
        category: Category,
        custodian: &AgencyId,
    ) -> Result<Vec<String>, Failure> {
        let rows = self.db.segments_beside(person).await?;
        let own = |r: &&crate::store::SegmentRow| {
            &r.custodian == custodian && r.category == Some(category) && r.about.contains(person)
        };
        let mut found: Vec<String> = rows.iter().filter(own).map(|r| r.local.as_str().to_owned()).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// What the visitor's hat asked for, newest first.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn own_requests(&self, visitor: &Visitor) -> Result<Vec<OwnRequest>, Failure> {
        let hat = visitor.worn()?;
        let mut found: Vec<OwnRequest> = Vec::new();
        for id in self.pointed(Waits::OwnRequest, Whose::Hat(&hat.id)).await? {
            let Some((request, _)) = self.access_request(&id).await? else { continue };
            let same = |o: &&mut OwnRequest| {
                o.at == request.at && o.category == request.category && o.family == request.family
            };
            let waits = request.answered.is_none();
            match found.iter_mut().find(same) {
                Some(own) => {
                    own.waits |= waits;
                    own.answers.extend(request.answered);
                }
                None => found.push(OwnRequest {
                    family: request.family,
                    category: request.category,
                    at: request.at,
                    answers: request.answered.into_iter().collect(),
                    waits,
                }),
            }
        }
        found.sort_by_key(|own| std::cmp::Reverse(own.at));
        Ok(found)
    }

    /// As whom the visitor looks at the queue of the agency.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody else.
    pub async fn desk(&self, visitor: &Visitor) -> Result<Desk, Failure> {
        let hat = visitor.worn()?;
        match hat.role {
            Role::Prv => Ok(Desk::Officer),
            Role::Aud => Ok(Desk::Reader),
            role if hat.supervisor && self.content().policy.role(role).may_approve => {
                if self.has_officer(&hat.agency).await? { Err(Failure::NotFound) } else { Ok(Desk::Manager) }
            }
            _ => Err(Failure::NotFound),
        }
    }

    /// Whether somebody of the agency is its privacy officer now.
    async fn has_officer(&self, agency: &AgencyId) -> Result<bool, Failure> {
        Ok(self.officers_of(agency, 1).await? > 0)
    }

    /// How many people are privacy officers of an agency now, counted up to `enough`.
    pub(super) async fn officers_of(&self, agency: &AgencyId, enough: usize) -> Result<usize, Failure> {
        let (now, mut after, mut found) = (self.clock().now(), String::new(), 0_usize);
        while found < enough {
            let rows = self.db.facts_in(&self.keys, Section::Accounts, &after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            let accounts = rows.iter().filter_map(|row| serde_json::from_value::<Account>(row.body.clone()).ok());
            let officer = |account: &Account| {
                let mut hats = super::visit::account::hats_now(account, now).into_iter();
                hats.any(|hat| hat.role == Role::Prv && &hat.agency == agency)
            };
            found = found.saturating_add(accounts.filter(officer).count());
        }
        Ok(found.min(enough))
    }

    /// The requests to the visitor's agency: those that wait first, oldest first.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for who has no desk.
    pub async fn access_requests(&self, visitor: &Visitor) -> Result<Vec<AccessRequest>, Failure> {
        self.desk(visitor).await?;
        let agency = &visitor.worn()?.agency;
        let rows = self.db.kept_of(&self.keys, KeptKind::AccessRequest, agency.as_str(), self.clock().now()).await?;
        let mut found: Vec<AccessRequest> =
            rows.iter().filter_map(|row| serde_json::from_slice(&row.body).ok()).collect();
        found.sort_by_key(|r| (r.answered.is_some(), r.at));
        Ok(found)
    }

    /// One request to the visitor's agency.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn request_to_agency(&self, visitor: &Visitor, id: &str) -> Result<AccessRequest, Failure> {
        Ok(self.request_here(visitor, id).await?.0)
    }

    async fn request_here(&self, visitor: &Visitor, id: &str) -> Result<(AccessRequest, i64), Failure> {
        self.desk(visitor).await?;
        let found = self.access_request(id).await?;
        found
            .filter(|(request, _)| {
                request.asked == visitor.hat.as_ref().map_or(request.agency.clone(), |h| h.agency.clone())
            })
            .ok_or(Failure::NotFound)
    }

    /// Answers a request. That something is not shared is an entry too (R46).
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Refused`] for a reader; [`Failure::Gone`] when it was answered;
    /// [`Failure::Conflict`] when somebody else was faster.
    pub async fn answer_access(
        &self,
        visitor: &Visitor,
        id: &str,
        outcome: AccessOutcome,
        words: String,
    ) -> Result<(), Failure> {
        let (mut request, version) = self.request_here(visitor, id).await?;
        if self.desk(visitor).await? == Desk::Reader || request.account == visitor.account {
            return Err(Failure::Refused { reason: "D-DELEGATE" });
        }
        if request.answered.is_some() {
            return Err(Failure::Gone);
        }
        if words.trim().is_empty() || words.chars().count() > TEXT_CHARS_MAX {
            return Err(Failure::Unclear("an answer without words"));
        }
        let shared = outcome != AccessOutcome::No;
        let mut payload = visitor.payload(if shared { Event::Response } else { Event::ShareDecision });
        payload.subject = Some(request.subject.clone());
        payload.reason = Some(format!("access {} {}", request.category.code(), outcome.word()));
        payload.justification = Some(FreeText::new(words.clone()));
        payload.recipient = Some(Recipient { agency: request.agency.clone(), system: None });
        let at = self.clock().now().millis();
        request.answered = Some(AccessAnswer { outcome, words, at, by: visitor.account.clone() });
        let logged = if shared { Outcome::Allow } else { Outcome::Deny };
        let job = Job::new(Draft::new(logged, payload)).with_effect(keep(&request, version)?);
        match self.committer.commit(job).await {
            Ok(_) => Ok(()),
            Err(CommitError::Refused(Refusal::KeptChanged { .. })) => Err(Failure::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn access_request(&self, id: &str) -> Result<Option<(AccessRequest, i64)>, Failure> {
        let row = self.db.kept(&self.keys, KeptKind::AccessRequest, id, self.clock().now()).await?;
        let Some(row) = row else { return Ok(None) };
        let request =
            serde_json::from_slice(&row.body).map_err(|_| Failure::Inconsistent("a request cannot be read"))?;
        Ok(Some((request, row.version)))
    }
}

fn keep(request: &AccessRequest, was: i64) -> Result<Effect, Failure> {
    let body = serde_json::to_vec(request).map_err(|_| Failure::Inconsistent("a request cannot be written"))?;
    let ends = Moment::from_millis(request.at.saturating_add(KEPT_MILLIS));
    let kept = kept(KeptKind::AccessRequest, request.id.clone(), request.asked.as_str(), body, ends);
    Ok(Effect::Keep { kept, was: Some(was) })
}
