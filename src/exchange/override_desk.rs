//! Overrides at the pages: what a visitor may ask to open, their own requests, and what waits for a manager.
//!
//! Owns no rule: asking, approving, renewing and telling are `break_glass`'s deeds, guarded and logged there. A visitor finds
//! their own requests and their agency's through pointers, never by searching.
//!
//! # Source
//! Sharing rules R37–R45; pages paper P5, P6.

use super::break_glass::{Answer, NewOverride, OverrideDeed, Telling};
use super::deed::{Deed, User};
use super::pointers::{Waits, Whose};
use super::whom::Whom;
use super::{Failure, Gateway, Subject, Visitor, Worn};
use crate::ident::{AccountId, PersonId};
use crate::sharing::facts::{Account, Answers, Day, Override, OverrideKind, Text, Time};
use crate::sharing::lifecycle::overrides as guard;
use crate::store::{FactSeeds, Section};
use crate::vocabulary::{Category, Purpose};

/// Never offered (R42).
const NEVER: [Category; 3] = [Category::Adp, Category::Tpi, Category::Int];

/// How far an override is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverrideState {
    /// It waits for a second person.
    Waiting,
    /// A second person refused it.
    Refused,
    /// It is open.
    Open,
    /// It is over.
    Over,
}

/// An override as its owner or an approver has it.
#[derive(Clone)]
pub struct OverrideSeen {
    /// Its id.
    pub id: String,
    /// Whether it was opened for imminent danger.
    pub emergency: bool,
    /// How far it is.
    pub state: OverrideState,
    /// Whose: the account.
    pub account: Option<AccountId>,
    /// Whose: the hat.
    pub hat: Option<Worn>,
    /// About whom.
    pub subject: PersonId,
    /// Which categories.
    pub categories: Vec<Category>,
    /// Under which purpose.
    pub purpose: Purpose,
    /// When it was asked for, in milliseconds.
    pub asked_at: i64,
    /// When it ends, in milliseconds.
    pub ends_at: Option<i64>,
    /// The five answers, in the order of R37.
    pub answers: [String; 5],
    /// Whether it is recorded that the person was told, or why not.
    pub told: bool,
    /// Whether it can be given 24 hours more.
    pub renewable: bool,
}

/// What a visitor writes.
pub struct OverrideForm {
    /// Whether somebody is in imminent danger to life or limb.
    pub emergency: bool,
    /// Which categories.
    pub categories: Vec<Category>,
    /// The five answers, in the order of R37.
    pub answers: [String; 5],
}

impl Gateway {
    /// The categories this visitor may ask to open under a purpose; empty for roles that may not.
    #[must_use]
    pub fn may_open(&self, visitor: &Visitor, purpose: Purpose, emergency: bool) -> Vec<Category> {
        let Some(hat) = &visitor.hat else { return Vec::new() };
        let content = self.content();
        let kind = if emergency { OverrideKind::Emg } else { OverrideKind::Ordinary };
        if !guard::may_ask(&content.policy, hat.role, kind, purpose) {
            return Vec::new();
        }
        let cell = |c: &Category| content.policy.cell(purpose, hat.role, *c);
        let opens = |c: &Category| {
            !NEVER.contains(c) && cell(c).is_some_and(|cell| cell.raisable || (emergency && cell.gated()))
        };
        Category::ALL.iter().copied().filter(opens).collect()
    }

    /// Asks for an override about a person, or opens at once for imminent danger.
    ///
    /// # Errors
    /// As [`Gateway::act`].
    pub async fn ask_to_open(
        &self,
        visitor: &Visitor,
        person: &PersonId,
        purpose: Purpose,
        form: OverrideForm,
    ) -> Result<(), Failure> {
        let [harm, needed, why_not_less, proportionate, telling_risk] =
            form.answers.map(|answer| Some(Text::new(answer.trim())));
        let new = NewOverride {
            purpose,
            kind: if form.emergency { OverrideKind::Emg } else { OverrideKind::Ordinary },
            subject: Whom(Subject::Person(person.clone())),
            categories: form.categories,
            answers: Answers { harm, needed, why_not_less, proportionate, telling_risk },
        };
        self.override_here(visitor, OverrideDeed::Ask(Box::new(new))).await
    }

    /// Approves or refuses, as the second person.
    ///
    /// # Errors
    /// As [`Gateway::act`].
    pub async fn answer_override_of(
        &self,
        visitor: &Visitor,
        id: &str,
        approve: bool,
        why: &str,
    ) -> Result<(), Failure> {
        self.override_to_answer(visitor, id).await?;
        let why = Some(why.trim().to_owned()).filter(|w| !w.is_empty());
        self.override_here(visitor, OverrideDeed::Answer(id.to_owned(), approve, Answer { why })).await
    }

    /// Gives 24 hours more, as the second person.
    ///
    /// # Errors
    /// As [`Gateway::act`].
    pub async fn renew_override_of(&self, visitor: &Visitor, id: &str, why: &str) -> Result<(), Failure> {
        self.override_to_answer(visitor, id).await?;
        let why = Some(why.trim().to_owned()).filter(|w| !w.is_empty());
        self.override_here(visitor, OverrideDeed::Renew(id.to_owned(), Answer { why })).await
    }

    /// Records that the person was told, or why not and when that is looked at again (R43).
    ///
    /// # Errors
    /// [`Failure::NotFound`] for another's; [`Failure::Invalid`] when something is missing.
    pub async fn told_of_override(
        &self,
        visitor: &Visitor,
        id: &str,
        told: bool,
        why: &str,
        review: &str,
    ) -> Result<(), Failure> {
        self.own_override(visitor, id).await?;
        let review = if told { None } else { Day::parse(review).ok() };
        let telling = Telling { told, why: Text::new(why.trim()), review };
        self.override_here(visitor, OverrideDeed::Tell(id.to_owned(), telling)).await
    }

    /// The overrides of the visitor's hat, newest first.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn own_overrides(&self, visitor: &Visitor) -> Result<Vec<OverrideSeen>, Failure> {
        let Some(hat) = &visitor.hat else { return Ok(Vec::new()) };
        let row = self.content().policy.role(hat.role).clone();
        if row.override_purposes.is_empty() && !row.emg {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for id in self.pointed(Waits::OwnOverride, Whose::Hat(&hat.id)).await? {
            let stored = self.stored::<Override>(Section::Overrides, &id).await?;
            found.extend(stored.map(|(_, record)| self.seen(&record)));
        }
        Ok(found)
    }

    /// One override of the visitor's hat.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for every other.
    pub async fn own_override(&self, visitor: &Visitor, id: &str) -> Result<OverrideSeen, Failure> {
        self.own_overrides(visitor).await?.into_iter().find(|seen| seen.id == id).ok_or(Failure::NotFound)
    }

    /// What waits for a manager or on-call lead of the visitor's agency, and what is open now; oldest first.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a hat that may not approve.
    pub async fn overrides_to_answer(&self, visitor: &Visitor) -> Result<Vec<OverrideSeen>, Failure> {
        let hat = visitor.worn()?;
        if !hat.supervisor || !self.content().policy.role(hat.role).may_approve {
            return Err(Failure::NotFound);
        }
        let mut found = Vec::new();
        for id in self.pointed(Waits::Approval, Whose::Agency(&hat.agency)).await? {
            let Some((_, record)) = self.stored::<Override>(Section::Overrides, &id).await? else { continue };
            let mut seen = self.seen(&record);
            if matches!(seen.state, OverrideState::Waiting | OverrideState::Open) {
                self.add_owner(&mut seen, &record).await?;
                found.push(seen);
            }
        }
        found.sort_by_key(|seen| (seen.state != OverrideState::Waiting, seen.asked_at));
        Ok(found)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn override_to_answer(&self, visitor: &Visitor, id: &str) -> Result<OverrideSeen, Failure> {
        self.overrides_to_answer(visitor).await?.into_iter().find(|seen| seen.id == id).ok_or(Failure::NotFound)
    }

    /// Account and hat of the one who asked.
    pub(super) async fn add_owner(&self, seen: &mut OverrideSeen, record: &Override) -> Result<(), Failure> {
        let seeds = FactSeeds { hats: vec![record.hat.clone()], ..FactSeeds::default() };
        for row in self.db.facts_for(&self.keys, &seeds).await? {
            if row.section != Section::Accounts {
                continue;
            }
            let Ok(account) = serde_json::from_value::<Account>(row.body) else { continue };
            let Some(hat) = account.hats.iter().find(|h| h.id == record.hat) else { continue };
            let mut worn = Worn {
                id: hat.id.clone(),
                role: hat.role,
                agency: hat.agency.clone(),
                team: hat.team.clone(),
                team_name: None,
                supervisor: hat.supervisor,
            };
            self.name_teams(std::slice::from_mut(&mut worn)).await?;
            seen.hat = Some(worn);
            seen.account = Some(account.id.clone());
        }
        Ok(())
    }

    /// An override as of now, without its owner.
    pub(super) fn seen(&self, record: &Override) -> OverrideSeen {
        let now = Time::from(self.clock().now());
        let emergency = record.kind == OverrideKind::Emg;
        let refused = record.course.as_ref().is_some_and(|c| c.rejected_at.is_some());
        let end = guard::end(record).filter(|_| !refused);
        let state = match end {
            _ if refused => OverrideState::Refused,
            None => OverrideState::Waiting,
            Some(end) if now < end => OverrideState::Open,
            Some(_) => OverrideState::Over,
        };
        let answer = |text: &Option<Text>| text.as_ref().map(|t| t.as_str().to_owned()).unwrap_or_default();
        let a = &record.answers;
        OverrideSeen {
            id: record.id.as_str().to_owned(),
            emergency,
            state,
            account: None,
            hat: None,
            subject: record.subject.clone(),
            categories: record.categories.clone(),
            purpose: record.purpose,
            asked_at: record.requested_at.0.as_millisecond(),
            ends_at: end.map(|end| end.0.as_millisecond()),
            answers: [&a.harm, &a.needed, &a.why_not_less, &a.proportionate, &a.telling_risk].map(answer),
            told: record.told.is_some(),
            renewable: state == OverrideState::Open && guard::renewal(record, now).is_empty(),
        }
    }

    pub(super) async fn override_here(&self, visitor: &Visitor, deed: OverrideDeed) -> Result<(), Failure> {
        let user = User { account: visitor.account.clone(), hat: visitor.worn()?.id.clone() };
        self.act(&visitor.caller(), &user, &Deed::Override(deed)).await.map(drop)
    }
}
