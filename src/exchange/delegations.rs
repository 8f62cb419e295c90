//! Delegating to a personal assistant, opening one item to them, and who leads: as a social worker does it at the pages.
//!
//! Owns the lists; beginning and ending are `relate`'s deeds, guarded and logged there.
//!
//! # Source
//! Sharing rules R47–R50; pages paper P7.

use super::deed::{Deed, User};
use super::relate::{Ending, NewItemGrant, NewRelationship, PurposeChange, RelationshipDeed};
use super::visit::account::moment_time;
use super::whom::Whom;
use super::{Failure, Family, Gateway, Subject, Visitor, Worn};
use crate::ident::{AccountId, HatId, PersonId};
use crate::sharing::facts::{Case, CaseId, Relationship, RelationshipKind, Span, Text, Time};
use crate::store::{FactSeeds, Section};
use crate::vocabulary::{Purpose, Role};

/// A live delegation.
#[derive(Clone)]
pub struct Delegation {
    /// Its id.
    pub id: String,
    /// Who acts.
    pub account: AccountId,
    /// Under which hat.
    pub hat: HatId,
    /// Until when.
    pub until: Option<String>,
}

/// A case and who leads it.
#[derive(Clone)]
pub struct Lead {
    /// The case.
    pub case: String,
    /// The purpose that is in force and that this hat may declare.
    pub purpose: Purpose,
    /// The relationship and the hat that leads, if any does.
    pub lead: Option<(String, HatId)>,
    /// The hats that work on the case.
    pub workers: Vec<HatId>,
}

impl Gateway {
    /// The assistants of the visitor's agency, and the visitor's delegations that are live or to come.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but a social worker.
    pub async fn delegations(&self, visitor: &Visitor) -> Result<(Vec<(AccountId, Worn)>, Vec<Delegation>), Failure> {
        let hat = visitor.worn()?;
        if hat.role != Role::Sw {
            return Err(Failure::NotFound);
        }
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let assistants = self.hats_of_role(&hat.agency, Role::Pa).await?;
        let mut found = Vec::new();
        for (account, worn) in &assistants {
            for row in self.db.facts_of_worker(&self.keys, &worn.id).await? {
                let Ok(tie) = serde_json::from_value::<Relationship>(row.body) else { continue };
                let own = tie.kind == RelationshipKind::Delegation && tie.grantor.as_ref() == Some(&hat.id);
                if own && tie.to.is_none_or(|to| now < to) {
                    found.push(Delegation {
                        id: tie.id.as_str().to_owned(),
                        account: account.clone(),
                        hat: worn.id.clone(),
                        until: tie.to.map(|to| to.to_string()),
                    });
                }
            }
        }
        Ok((assistants, found))
    }

    /// Delegates to an assistant until a day.
    ///
    /// # Errors
    /// As [`Gateway::act`].
    pub async fn delegate(&self, visitor: &Visitor, to: &HatId, until: &str, why: &str) -> Result<(), Failure> {
        let grantor = visitor.worn()?.id.clone();
        let until = Time::parse(until).map_err(|_| Failure::Inconsistent("a delegation needs an end"))?;
        let new = NewRelationship {
            hat: Some(to.clone()),
            grantor: Some(grantor),
            evidence: Some(Text::new(why.trim())),
            to: Some(until),
            ..relationship(RelationshipKind::Delegation, Purpose::Cin)
        };
        self.relate_here(visitor, RelationshipDeed::Begin(Box::new(new))).await
    }

    /// Ends a delegation of the visitor's.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for another's.
    pub async fn end_delegation(&self, visitor: &Visitor, id: &str) -> Result<(), Failure> {
        let (_, own) = self.delegations(visitor).await?;
        own.iter().find(|d| d.id == id).ok_or(Failure::NotFound)?;
        let ending = Ending { purpose: Purpose::Cin, at: None };
        self.relate_here(visitor, RelationshipDeed::End(id.to_owned(), ending)).await
    }

    /// Opens one item to an assistant for some hours (R50).
    ///
    /// # Errors
    /// As [`Gateway::act`].
    pub async fn open_item_to(
        &self,
        visitor: &Visitor,
        (person, purpose): (&PersonId, Purpose),
        segment: &str,
        to: &HatId,
        (task, hours): (&str, i64),
    ) -> Result<(), Failure> {
        let now = Time::from(self.clock().now());
        let new = NewItemGrant {
            purpose,
            subject: Whom(Subject::Person(person.clone())),
            segment: segment.to_owned(),
            to: to.clone(),
            task: Text::new(task.trim()),
            from: None,
            until: now.plus_hours(hours),
        };
        self.relate_here(visitor, RelationshipDeed::Open(new)).await
    }

    /// The delegation under which an assistant sees a person's family now; `None` for every other hat.
    pub(super) async fn delegation_of(&self, visitor: &Visitor, person: &PersonId) -> Result<Option<String>, Failure> {
        if visitor.worn()?.role != Role::Pa {
            return Ok(None);
        }
        let of_person = |f: &Family| f.members.iter().any(|m| &m.person == person);
        Ok(self.families(visitor).await?.into_iter().find(of_person).and_then(|f| f.delegation))
    }

    /// The cases of the visitor's families and who leads them.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn leads(&self, visitor: &Visitor) -> Result<Vec<Lead>, Failure> {
        let hat = visitor.worn()?;
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let content = self.content();
        let mut found = Vec::new();
        for family in self.families(visitor).await? {
            let declares = |p: &&Purpose| content.policy.column(**p, hat.role).is_some();
            let Some(purpose) = family.purposes.iter().find(declares).copied() else { continue };
            let seeds = FactSeeds { cases: vec![family.id.clone()], ..FactSeeds::default() };
            let (mut lead, mut workers) = (None, Vec::new());
            for row in self.db.facts_for(&self.keys, &seeds).await? {
                if row.section != Section::Relationships {
                    continue;
                }
                let Ok(tie) = serde_json::from_value::<Relationship>(row.body) else { continue };
                let on = tie.case.as_ref().is_some_and(|case| case.as_str() == family.id);
                if !on || !(Span { from: Some(tie.from), to: tie.to }).holds(now) {
                    continue;
                }
                if tie.kind == RelationshipKind::Lead {
                    lead = Some((tie.id.as_str().to_owned(), tie.hat.clone()));
                } else if !workers.contains(&tie.hat) {
                    workers.push(tie.hat);
                }
            }
            found.push(Lead { case: family.id, purpose, lead, workers });
        }
        Ok(found)
    }

    /// Makes somebody who works on the case its lead professional; a lead there is ends in the same moment.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the case is not the visitor's or the hat does not work on it; as [`Gateway::act`].
    pub async fn hand_lead(&self, visitor: &Visitor, case: &str, to: &HatId, why: &str) -> Result<(), Failure> {
        let lead = self.leads(visitor).await?.into_iter().find(|l| l.case == case).ok_or(Failure::NotFound)?;
        // Not to oneself: it would end the lead there is and begin none.
        if !lead.workers.contains(to) || *to == visitor.worn()?.id {
            return Err(Failure::NotFound);
        }
        if lead.lead.as_ref().is_some_and(|(_, has)| has == to) {
            return Ok(());
        }
        if let Some((id, _)) = lead.lead {
            let ending = Ending { purpose: lead.purpose, at: None };
            self.relate_here(visitor, RelationshipDeed::End(id, ending)).await?;
        }
        let new = NewRelationship {
            hat: Some(to.clone()),
            case: Some(CaseId(case.to_owned())),
            evidence: Some(Text::new(why.trim())),
            ..relationship(RelationshipKind::Lead, lead.purpose)
        };
        self.relate_here(visitor, RelationshipDeed::Begin(Box::new(new))).await
    }

    /// The purpose from which the visitor may change a family's case to child protection (R17); `None` where there is none.
    /// At the pages that is social workers' and the front door's, who open child protection; over the API the guard alone says.
    #[must_use]
    pub fn may_protect(&self, visitor: &Visitor, family: &Family) -> Option<Purpose> {
        let (content, role) = (self.content(), visitor.hat.as_ref()?.role);
        let declares = |p: Purpose| content.policy.column(p, role).is_some();
        let new = matches!(role, Role::Sw | Role::Msh) && declares(Purpose::Cp);
        let from = [Purpose::Cin, Purpose::Eh].into_iter().find(|p| family.purposes.contains(p) && declares(*p));
        from.filter(|_| new && !family.purposes.contains(&Purpose::Cp))
    }

    /// The managers who may be named for a change of purpose: those of the agency that runs the case.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn managers_of(&self, visitor: &Visitor, case: &str) -> Result<Vec<(AccountId, Worn)>, Failure> {
        let (content, hat) = (self.content(), visitor.worn()?);
        let case = self.stored::<Case>(Section::Cases, case).await?;
        let agency = case.and_then(|(_, case)| case.agency).unwrap_or_else(|| hat.agency.clone());
        self.hats_of(&agency, |h| h.supervisor && content.policy.role(h.role).may_approve).await
    }

    /// Changes a family's case to child protection; the purpose it was open for ends in the same moment.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where the visitor may not; as [`Gateway::act`].
    pub async fn open_for_protection(
        &self,
        visitor: &Visitor,
        family: &Family,
        manager: &HatId,
        why: &str,
    ) -> Result<(), Failure> {
        let from = self.may_protect(visitor, family).ok_or(Failure::NotFound)?;
        let change = PurposeChange {
            purpose: from,
            start: Some(Purpose::Cp),
            end: Some(from),
            manager: manager.clone(),
            reason: Text::new(why.trim()),
        };
        self.relate_here(visitor, RelationshipDeed::Purpose(family.id.clone(), change)).await
    }

    async fn relate_here(&self, visitor: &Visitor, deed: RelationshipDeed) -> Result<(), Failure> {
        let user = User { account: visitor.account.clone(), hat: visitor.worn()?.id.clone() };
        self.act(&visitor.caller(), &user, &Deed::Relationship(deed)).await.map(drop)
    }
}

pub(super) fn relationship(kind: RelationshipKind, purpose: Purpose) -> NewRelationship {
    NewRelationship {
        purpose,
        kind,
        hat: None,
        subject: None,
        case: None,
        of: None,
        grantor: None,
        cases: Vec::new(),
        role: None,
        reason: None,
        requester: None,
        purposes: None,
        evidence: None,
        from: None,
        to: None,
    }
}
