//! An enquiry: a user of a connected system asks for segments about one person, under a hat and a purpose.
//!
//! The calling system vouches for its user with a signed assertion, which the door has verified; that the hat may be
//! worn through this system is checked here.

use super::alerts::Bulk;
use super::disclose::{Question, Standing};
use super::receive::scheme_of;
use super::{Caller, Failure, Gateway, Released};
use crate::audit::payload::Hat;
use crate::audit::{Draft, Event, Outcome};
use crate::exchange::entries;
use crate::ident::{AccountId, AgencyId, HatId, PersonId};
use crate::matching::Identifier;
use crate::store::{FactsAt, Job, Section};
use crate::vocabulary::{Category, Purpose, Role};

/// Whom an enquiry is about: an identifier with a birth date, or the hub's own id from an earlier answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Subject {
    /// The gateway's id.
    Person(PersonId),
    /// An identifier (scheme of the canonical record) and, beside it, the birth date (R15: never the only key).
    Identifier {
        /// `nhs-number`, `upn`, `la-child-id`, …
        scheme: String,
        /// Its value.
        value: String,
        /// `YYYY-MM-DD`.
        birth_date: String,
    },
}

/// A question as the door hands it in.
pub struct Enquiry {
    /// The verified user.
    pub account: AccountId,
    /// The hat worn.
    pub hat: HatId,
    /// Declared purpose.
    pub purpose: Purpose,
    /// Whom it is about.
    pub subject: Subject,
    /// What is asked for; never empty, never "everything" (R22).
    pub categories: Vec<Category>,
    /// An override the user relies on.
    pub override_id: Option<String>,
    /// The delegation a personal assistant acts under.
    pub delegation: Option<String>,
    /// The opening an adoption officer relies on.
    pub opening: Option<String>,
}

impl Gateway {
    /// Answers an enquiry.
    ///
    /// # Errors
    /// See [`Failure`]; a refusal that the requester may not know of is an empty answer, not an error.
    pub async fn enquire(&self, caller: Caller, enquiry: Enquiry) -> Result<Released, Failure> {
        let facts = self.facts.now(&self.db).await?;
        let worn = self.hat_through_system(&caller, (&enquiry.account, &enquiry.hat), facts).await?;
        let found = self.find_subject(&enquiry.subject, &caller, facts).await?;
        let keepers = match &enquiry.subject {
            Subject::Identifier { scheme, value, .. } if found.is_none() => {
                let number = scheme_of(scheme).and_then(|s| Identifier::new(s, value, &caller.agency));
                match number {
                    Some(number) => self.keepers_of(&number, facts).await?,
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
        let standing = if found.is_some() { Standing::Known } else { Standing::Unknown };
        let subject = found.unwrap_or_else(|| PersonId::new(Self::fresh_id()));
        let bulk = self.one_more_person(&enquiry.account, &enquiry.hat, subject.as_str()).await?;
        if bulk == Bulk::Blocked {
            let mut payload = entries::by_caller(Event::Refuse, &caller);
            payload.actor = Some(enquiry.account.clone());
            payload.purpose = Some(enquiry.purpose);
            return Err(self.refuse_bulk(payload, worn).await?);
        }
        let held = match standing {
            Standing::Known => self.held_about(&subject, &enquiry.categories).await?,
            Standing::Unknown => Vec::new(),
        };
        let question = Question {
            caller,
            event: Event::View,
            account: enquiry.account,
            hat: enquiry.hat,
            purpose: enquiry.purpose,
            subject,
            standing,
            categories: enquiry.categories,
            // A clock that went back could make an override live again that is over.
            override_id: enquiry.override_id.filter(|_| self.clock_behind() == 0),
            delegation: enquiry.delegation,
            opening: enquiry.opening,
            item: None,
            at: self.clock().now(),
            bulk,
            keepers,
            facts,
        };
        let weighed = self.weigh(&question, &held).await?;
        self.answer(question, weighed, |_| None).await
    }

    pub(super) async fn find_subject(
        &self,
        subject: &Subject,
        caller: &Caller,
        at: FactsAt,
    ) -> Result<Option<PersonId>, Failure> {
        match subject {
            Subject::Person(id) => {
                let known = self.facts.fact(at, (&self.db, &self.keys), Section::People, id.as_str()).await?;
                Ok(known.map(|_| id.clone()))
            }
            Subject::Identifier { scheme, value, birth_date } => {
                let known = scheme_of(scheme);
                let Some(identifier) = known.and_then(|s| Identifier::new(s, value, &caller.agency)) else {
                    return Ok(None);
                };
                Ok(self.db.find_exact(&self.keys, identifier, birth_date).await?)
            }
        }
    }

    /// A system may vouch for hats of its own agency, and for hats of the teams it is configured for.
    pub(super) async fn hat_through_system(
        &self,
        caller: &Caller,
        (account_id, hat_id): (&AccountId, &HatId),
        at: FactsAt,
    ) -> Result<Hat, Failure> {
        let place = (&self.db, &self.keys);
        let account = self.facts.fact(at, place, Section::Accounts, account_id.as_str()).await?;
        let hats = account.as_ref().and_then(|a| a.body.get("hats")).and_then(|h| h.as_array());
        let text = |hat: &serde_json::Value, name: &str| hat.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        let hat = hats.into_iter().flatten().find(|h| text(h, "id").as_deref() == Some(hat_id.as_str()));
        let teams = self.config().systems.iter().find(|s| s.id == caller.system).map(|s| s.teams.as_slice());
        let allowed = hat.filter(|hat| {
            text(hat, "agency").as_deref() == Some(caller.agency.as_str())
                || text(hat, "team").is_some_and(|team| teams.unwrap_or_default().contains(&team))
        });
        let role = allowed.and_then(|hat| Role::parse(&text(hat, "role")?));
        if let (Some(hat), Some(role)) = (allowed, role) {
            return Ok(Hat {
                id: Some(hat_id.clone()),
                role,
                agency: text(hat, "agency").map_or_else(|| caller.agency.clone(), AgencyId::new),
                team: text(hat, "team"),
            });
        }
        let mut payload = entries::by_caller(Event::Refuse, caller);
        payload.actor = Some(account_id.clone());
        payload.reason = Some("D-AUTH".to_owned());
        self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
        Err(Failure::Refused { reason: "D-AUTH" })
    }
}
