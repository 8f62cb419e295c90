//! A worker's families: the cases and people the hat has a live relationship with, as references only.
//!
//! Owns the list, not the right: whether anything of a person is shown is decided for each request (R5). A case is listed by
//! its id; whom it is about is told by what is released of its members.

use super::Visitor;
use super::account::moment_time;
use crate::exchange::{Failure, Gateway};
use crate::ident::{HatId, PersonId};
use crate::sharing::facts::{Case, Member, Relationship, RelationshipKind, Span, Time};
use crate::store::{FactsAt, Section};
use crate::vocabulary::Purpose;
use std::collections::BTreeMap;

/// Families in one list. A worker with more has a caseload no page can help with; the rest is found by search.
const FAMILIES_MAX: usize = 100;
/// Members of one family shown.
const MEMBERS_MAX: usize = 40;

/// A family as a worker has it: a case, or one person without a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Family {
    /// The case's or person's id: opaque.
    pub id: String,
    /// Who it is about now, in the order of the case.
    pub members: Vec<FamilyMember>,
    /// Purposes in force on the case; empty without a case.
    pub purposes: Vec<Purpose>,
    /// How the worker is related: kinds, each once, in order.
    pub kinds: Vec<String>,
    /// The delegation under which an assistant has it.
    pub delegation: Option<String>,
}

/// A member of a family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FamilyMember {
    /// Who.
    pub person: PersonId,
}

impl Gateway {
    /// The families of the visitor's hat, by id.
    ///
    /// # Errors
    /// [`Failure::Refused`] without a hat; [`Failure::Store`].
    pub async fn families(&self, visitor: &Visitor) -> Result<Vec<Family>, Failure> {
        let hat = visitor.worn()?;
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let at = self.facts.now(&self.db).await?;
        let mut found: BTreeMap<String, Family> = BTreeMap::new();
        for tie in self.ties_of(&hat.id, now).await? {
            if tie.kind == RelationshipKind::Delegation {
                self.delegated(&tie, at, now, &mut found).await?;
            } else if let Some(family) = self.family_of(&tie, at, now).await? {
                add(&mut found, family, tie.kind);
            }
        }
        Ok(found.into_values().collect())
    }

    /// The relationships of a hat that are live.
    async fn ties_of(&self, hat: &HatId, now: Time) -> Result<Vec<Relationship>, Failure> {
        let rows = self.db.facts_of_worker(&self.keys, hat).await?;
        let ties = rows.into_iter().filter_map(|row| serde_json::from_value::<Relationship>(row.body).ok());
        Ok(ties.filter(|tie| Span { from: Some(tie.from), to: tie.to }.holds(now)).collect())
    }

    /// What a social worker delegated: their families, as far as the delegation names cases only those (R47).
    async fn delegated(
        &self,
        tie: &Relationship,
        at: FactsAt,
        now: Time,
        found: &mut BTreeMap<String, Family>,
    ) -> Result<(), Failure> {
        let Some(grantor) = &tie.grantor else { return Ok(()) };
        for own in self.ties_of(grantor, now).await? {
            let named = tie.cases.is_empty() || own.case.as_ref().is_some_and(|case| tie.cases.contains(case));
            if !named || own.kind == RelationshipKind::Delegation {
                continue;
            }
            let Some(family) = self.family_of(&own, at, now).await? else { continue };
            add(found, Family { delegation: Some(tie.id.as_str().to_owned()), ..family }, tie.kind);
        }
        Ok(())
    }

    /// One family of the visitor's hat.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not in the hat's list, whether or not it exists.
    pub async fn family(&self, visitor: &Visitor, id: &str) -> Result<Family, Failure> {
        self.families(visitor).await?.into_iter().find(|f| f.id == id).ok_or(Failure::NotFound)
    }

    /// The families of the workers whom the visitor's hat supervises (R5).
    ///
    /// # Errors
    /// As [`Gateway::families`].
    pub(in crate::exchange) async fn families_overseen(&self, visitor: &Visitor) -> Result<Vec<Family>, Failure> {
        let hat = visitor.worn()?;
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let at = self.facts.now(&self.db).await?;
        let mut found: BTreeMap<String, Family> = BTreeMap::new();
        let ties = self.ties_of(&hat.id, now).await?.into_iter();
        for of in ties.filter(|tie| tie.kind == RelationshipKind::Supervisor).filter_map(|tie| tie.of) {
            for tie in self.ties_of(&of, now).await? {
                if tie.kind == RelationshipKind::Allocated
                    && let Some(family) = self.family_of(&tie, at, now).await?
                {
                    add(&mut found, family, tie.kind);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    async fn family_of(&self, tie: &Relationship, at: FactsAt, now: Time) -> Result<Option<Family>, Failure> {
        let alone = |person: &PersonId| Family {
            id: person.as_str().to_owned(),
            members: vec![FamilyMember { person: person.clone() }],
            purposes: Vec::new(),
            kinds: Vec::new(),
            delegation: None,
        };
        let Some(case) = &tie.case else { return Ok(tie.subject.as_ref().map(alone)) };
        let fact = self.facts.fact(at, (&self.db, &self.keys), Section::Cases, case.as_str()).await?;
        let Some(case) = fact.and_then(|f| serde_json::from_value::<Case>(f.body.clone()).ok()) else {
            return Ok(None);
        };
        let purposes = case.purposes.iter().filter(|p| Span { from: Some(p.from), to: p.to }.holds(now));
        let members = case.members.iter().filter_map(|m| member_now(m, now)).take(MEMBERS_MAX);
        Ok(Some(Family {
            id: case.id.as_str().to_owned(),
            members: members.map(|person| FamilyMember { person }).collect(),
            purposes: purposes.map(|p| p.purpose).collect(),
            kinds: Vec::new(),
            delegation: None,
        }))
    }
}

/// Adds a family once, with each kind of relationship once; no more than a page can hold.
fn add(found: &mut BTreeMap<String, Family>, family: Family, kind: RelationshipKind) {
    if found.len() >= FAMILIES_MAX && !found.contains_key(&family.id) {
        return;
    }
    let kind = serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned));
    let entry = found.entry(family.id.clone()).or_insert(family);
    entry.kinds.extend(kind.filter(|k| !entry.kinds.contains(k)));
}

fn member_now(member: &Member, now: Time) -> Option<PersonId> {
    match member {
        Member::Always(person) => Some(person.clone()),
        Member::During(m) => Span { from: m.from, to: m.to }.holds(now).then(|| m.person.clone()),
    }
}
