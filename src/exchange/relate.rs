//! Relationships: beginning and ending them, opening one item, changing the purpose of a case.
//!
//! Owns the story of each; who may is `sharing::lifecycle::relationship`'s to say. A claim tells the privacy officers of the
//! claimant's agency and of every agency that holds something about the person (R6).

use super::alerts::AlertKind;
use super::deed::{Cast, Done, Scene, User, change, done, put};
use super::notice::Notify;
use super::whom::Whom;
use super::{Caller, Failure, Gateway};
use crate::audit::Event;
use crate::audit::payload::{self, FreeText};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{AgencyId, HatId, PersonId, SegmentId};
use crate::sharing::Reason;
use crate::sharing::facts::{
    Act, Ask, AskId, Case, CaseId, CasePurpose, ItemGrant, ItemGrantId, MatchRole, Relationship, RelationshipId,
    RelationshipKind, Text, Time,
};
use crate::sharing::lifecycle::relationship::{self as guard, SELF_CLAIM_HOURS};
use crate::sharing::lifecycle::{self, Needs, Refused};
use crate::store::Section;
use crate::vocabulary::{Category, Level, Purpose};
use serde::Deserialize;
use serde_json::json;

/// What can be done about relationships.
pub enum RelationshipDeed {
    /// Begin one.
    Begin(Box<NewRelationship>),
    /// End one.
    End(String, Ending),
    /// Open one item.
    Open(NewItemGrant),
    /// Change the purposes of a case.
    Purpose(String, PurposeChange),
}

/// A relationship as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the fact: see sharing::facts::Relationship")]
pub struct NewRelationship {
    pub purpose: Purpose,
    pub kind: RelationshipKind,
    /// Absent: the acting hat (claims, and an officer's handling of a request).
    pub hat: Option<HatId>,
    pub subject: Option<Whom>,
    pub case: Option<CaseId>,
    pub of: Option<HatId>,
    pub grantor: Option<HatId>,
    #[serde(default)]
    pub cases: Vec<CaseId>,
    pub role: Option<MatchRole>,
    pub reason: Option<Text>,
    pub requester: Option<Whom>,
    pub purposes: Option<Vec<Purpose>>,
    pub evidence: Option<Text>,
    pub from: Option<Time>,
    pub to: Option<Time>,
}

/// The end of a relationship.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Ending {
    pub purpose: Purpose,
    pub at: Option<Time>,
}

/// An item grant as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewItemGrant {
    pub purpose: Purpose,
    pub subject: Whom,
    /// The id under which the calling system saw the segment.
    pub segment: String,
    pub to: HatId,
    pub task: Text,
    pub from: Option<Time>,
    pub until: Time,
}

/// A change of purpose (R17).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct PurposeChange {
    pub purpose: Purpose,
    pub start: Option<Purpose>,
    pub end: Option<Purpose>,
    pub manager: HatId,
    pub reason: Text,
}

impl Gateway {
    pub(super) async fn relationship_deed(
        &self,
        caller: &Caller,
        user: &User,
        deed: &RelationshipDeed,
    ) -> Result<Done, Failure> {
        match deed {
            RelationshipDeed::Begin(new) => self.begin_relationship(caller, user, new).await,
            RelationshipDeed::End(id, ending) => self.end_relationship(caller, user, id, ending).await,
            RelationshipDeed::Open(new) => self.open_item(caller, user, new).await,
            RelationshipDeed::Purpose(case, change) => self.change_purpose(caller, user, case, change).await,
        }
    }

    async fn begin_relationship(&self, caller: &Caller, user: &User, new: &NewRelationship) -> Result<Done, Failure> {
        let subject = self.optional(caller, new.subject.as_ref()).await?;
        let requester = self.optional(caller, new.requester.as_ref()).await?;
        let mut cast = Cast { persons: subject.iter().chain(&requester).cloned().collect(), ..Cast::default() };
        cast.hats.extend([&new.hat, &new.of, &new.grantor].into_iter().flatten().cloned());
        cast.cases.extend(new.case.iter().chain(&new.cases).map(|c| c.as_str().to_owned()));
        let scene = self.scene(caller, user, cast).await?;
        let record = relationship_of(new, subject, requester, &scene);
        let about = self.admitted_to_begin(&scene, &record, new.purpose).await?;
        let mut breaches = guard::breaches(&scene.world, &scene.content.policy, &record, &scene.actor(new.purpose));
        if breaches.is_empty() {
            breaches = dangling(&scene, &record);
        }
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let id = record.id.as_str();
        let mut payload = scene.payload(began(record.kind), about.as_ref(), Some(new.purpose));
        payload.relationship = Some(payload::Relationship { id: id.to_owned(), kind: word(record.kind) });
        payload.case = record.case.as_ref().map(|c| c.as_str().to_owned());
        payload.justification = record.reason.as_ref().map(|r| FreeText::new(r.as_str()));
        payload.change = change(Section::Relationships, id);
        let mut effects = vec![put(Section::Relationships, id, &record, 0)?];
        if record.kind == RelationshipKind::SelfClaim {
            let mut told = self.custodians(about.as_ref(), None).await?;
            told.push(scene.hat.agency.clone());
            effects.extend(Notify::new(AlertKind::SelfClaim, id, &scene.entry, scene.at).to(&told));
        }
        let entry = self.record(&scene, payload, effects).await?;
        let body = json!({"id": id, "from": record.from, "to": record.to});
        Ok(done(true, entry, body))
    }

    /// Steps 1 to 4 as far as the kind needs them, the role's right to begin it, and one lead only. Returns whom it is about.
    async fn admitted_to_begin(
        &self,
        scene: &Scene<'_>,
        record: &Relationship,
        purpose: Purpose,
    ) -> Result<Option<PersonId>, Failure> {
        let case = record.case.as_ref().and_then(|id| scene.facts.cases.iter().find(|c| &c.id == id));
        let member = case.and_then(|c| c.members.first()).map(|m| m.person().clone());
        let about = record.subject.clone().or(member);
        let nobody = PersonId::new("-");
        let actor = scene.actor(purpose);
        let person = about.as_ref().unwrap_or(&nobody);
        let mut refused = scene.admit(&actor, person, guard::needs(record.kind)).err();
        if refused.is_none() && !guard::may_begin(&scene.world, &scene.content.policy, record, &actor) {
            refused = Some(Refused::open(Reason::DDelegate));
        }
        // Somebody protected or sealed cannot be claimed, and looks like nobody.
        let hidden = || guard::is_hidden(&scene.world, person.as_str(), scene.now);
        let known = scene.facts.people.iter().any(|p| &p.id == person);
        if refused.is_none() && record.kind == RelationshipKind::SelfClaim && (!known || hidden()) {
            refused = Some(Refused::open(Reason::DRel));
        }
        if refused.is_none() && record.kind == RelationshipKind::Lead && has_lead(scene, record) {
            refused = Some(Refused::open(Reason::DLeadExists));
        }
        match refused {
            None => Ok(about),
            Some(refused) => Err(self.turn_away(scene, (Event::Refuse, about.as_ref(), Some(purpose)), refused).await),
        }
    }

    async fn end_relationship(&self, caller: &Caller, user: &User, id: &str, end: &Ending) -> Result<Done, Failure> {
        let Some((_, first)) = self.stored::<Relationship>(Section::Relationships, id).await? else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let hats = [Some(first.hat.clone()), first.created_by.clone(), first.grantor.clone()];
        let cast = Cast {
            persons: first.subject.iter().cloned().collect(),
            hats: hats.into_iter().flatten().collect(),
            cases: first.case.iter().map(|c| c.as_str().to_owned()).collect(),
            ..Cast::default()
        };
        let scene = self.scene(caller, user, cast).await?;
        let found = self.stored::<Relationship>(Section::Relationships, id).await?;
        let (row, mut record) = found.ok_or(Failure::NotFound)?;
        let actor = scene.actor(end.purpose);
        let nobody = PersonId::new("-");
        let subject = record.subject.clone().unwrap_or(nobody);
        let mut refused = scene.admit(&actor, &subject, Needs::Hat).err();
        if refused.is_none() && !guard::may_end(&scene.world, &scene.content.policy, &record, &actor) {
            refused = Some(Refused::open(Reason::DRel));
        }
        if let Some(refused) = refused {
            return Err(self.not_theirs(&scene, &subject, refused).await);
        }
        let at = end.at.unwrap_or(scene.now);
        let breaches = guard::ending(&record, at, &actor);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        record.to = Some(at);
        let mut payload = scene.payload(ended(record.kind), record.subject.as_ref(), Some(end.purpose));
        payload.relationship = Some(payload::Relationship { id: id.to_owned(), kind: word(record.kind) });
        payload.change = change(Section::Relationships, id);
        let effects = vec![put(Section::Relationships, id, &record, row.version)?];
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(false, entry, json!({"id": id, "from": record.from, "to": record.to})))
    }

    async fn open_item(&self, caller: &Caller, user: &User, new: &NewItemGrant) -> Result<Done, Failure> {
        let subject = self.whom(caller, &new.subject.0).await?;
        let cast = Cast { persons: vec![subject.clone()], hats: vec![new.to.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        let actor = scene.actor(new.purpose);
        if let Err(refused) = scene.admit(&actor, &subject, Needs::Relationship) {
            return Err(self.turn_away(&scene, (Event::Refuse, Some(&subject), Some(new.purpose)), refused).await);
        }
        let rows = self.db.segments_beside(&subject).await?;
        let alias = |r: &crate::store::SegmentRow| self.alias_for(&caller.system, &format!("{}/{}", r.record, r.local));
        let row = rows.iter().find(|r| r.about.contains(&subject) && alias(r) == new.segment);
        let grant = ItemGrant {
            id: ItemGrantId(Self::fresh_id()),
            segment: row.map_or_else(|| SegmentId::new("-"), |r| r.id.clone()),
            by: user.hat.clone(),
            to: new.to.clone(),
            task: Some(new.task.clone()),
            from: new.from.unwrap_or(scene.now),
            until: new.until,
        };
        let category: Option<Category> = row.and_then(|r| r.category);
        let breaches = guard::item_grant(&scene.world, &scene.facts, &grant, category, &actor);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let id = grant.id.as_str();
        let mut payload = scene.payload(Event::ItemGrant, Some(&subject), Some(new.purpose));
        payload.item_grant = Some(id.to_owned());
        payload.justification = Some(FreeText::new(new.task.as_str()));
        payload.change = change(Section::ItemGrants, id);
        let effects = vec![put(Section::ItemGrants, id, &grant, 0)?];
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, json!({"id": id, "from": grant.from, "until": grant.until})))
    }

    /// R17: author, time, reason and manager; from that moment another column of the matrix counts.
    async fn change_purpose(
        &self,
        caller: &Caller,
        user: &User,
        id: &str,
        new: &PurposeChange,
    ) -> Result<Done, Failure> {
        let cast = Cast { hats: vec![new.manager.clone()], cases: vec![id.to_owned()], ..Cast::default() };
        let Some((_, first)) = self.stored::<Case>(Section::Cases, id).await? else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let persons: Vec<PersonId> = first.members.iter().map(|m| m.person().clone()).collect();
        let scene = self.scene(caller, user, Cast { persons, ..cast }).await?;
        let (row, mut case) = self.stored::<Case>(Section::Cases, id).await?.ok_or(Failure::NotFound)?;
        let actor = scene.actor(new.purpose);
        let person = case.members.first().map_or_else(|| PersonId::new("-"), |m| m.person().clone());
        let mut refused = scene.admit(&actor, &person, Needs::Relationship).err();
        if refused.is_none() && !scene.content.policy.role(scene.hat.role).may_approve {
            refused = Some(Refused::open(Reason::DDelegate));
        }
        if let Some(refused) = refused {
            return Err(self.not_theirs(&scene, &person, refused).await);
        }
        let breaches = purpose_breaches(&scene, &case, new);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        for open in
            case.purposes.iter_mut().filter(|p| Some(p.purpose) == new.end && p.to.is_none_or(|to| scene.now < to))
        {
            open.to = Some(scene.now.max(open.from));
        }
        case.purposes.extend(new.start.map(|purpose| CasePurpose {
            purpose,
            by: Some(user.hat.clone()),
            manager: Some(new.manager.clone()),
            reason: Some(new.reason.clone()),
            from: scene.now,
            to: None,
        }));
        let mut payload = scene.payload(Event::PurposeChange, Some(&person), new.start.or(Some(new.purpose)));
        payload.case = Some(id.to_owned());
        payload.justification = Some(FreeText::new(new.reason.as_str()));
        payload.change = change(Section::Cases, id);
        let effects = vec![put(Section::Cases, id, &case, row.version)?];
        let entry = self.record(&scene, payload, effects).await?;
        let live = case.purposes.iter().filter(|p| p.from <= scene.now && p.to.is_none_or(|to| scene.now < to));
        let live: Vec<Purpose> = live.map(|p| p.purpose).collect();
        Ok(done(false, entry, json!({"id": id, "purposes": live})))
    }

    /// The agencies that hold something about a person, in these categories or in any.
    pub(super) async fn custodians(
        &self,
        person: Option<&PersonId>,
        categories: Option<&[Category]>,
    ) -> Result<Vec<AgencyId>, Failure> {
        let Some(person) = person else { return Ok(Vec::new()) };
        let rows = self.db.segments_beside(person).await?;
        let fits = |c: Option<Category>| categories.is_none_or(|list| c.is_some_and(|c| list.contains(&c)));
        let about = rows.into_iter().filter(|r| r.about.contains(person) && fits(r.category));
        let mut found: Vec<AgencyId> = about.map(|r| r.custodian).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn optional(&self, caller: &Caller, whom: Option<&Whom>) -> Result<Option<PersonId>, Failure> {
        match whom {
            Some(whom) => Ok(Some(self.whom(caller, &whom.0).await?)),
            None => Ok(None),
        }
    }
}

fn relationship_of(
    new: &NewRelationship,
    subject: Option<PersonId>,
    requester: Option<PersonId>,
    scene: &Scene<'_>,
) -> Relationship {
    let claim = new.kind == RelationshipKind::SelfClaim;
    let from = if claim { scene.now } else { new.from.unwrap_or(scene.now) };
    Relationship {
        id: RelationshipId(Gateway::fresh_id()),
        kind: new.kind,
        hat: new.hat.clone().unwrap_or_else(|| scene.user.hat.clone()),
        subject,
        case: new.case.clone(),
        of: new.of.clone(),
        grantor: new.grantor.clone(),
        cases: new.cases.clone(),
        absences: Vec::new(),
        role: new.role,
        reason: new.reason.clone(),
        requester,
        purposes: new.purposes.clone(),
        evidence: new.evidence.clone(),
        created_by: Some(scene.user.hat.clone()),
        from,
        to: if claim { Some(from.plus_hours(SELF_CLAIM_HOURS)) } else { new.to },
    }
}

/// Whether the case has a lead professional already, by the decision procedure's own rule.
fn has_lead(scene: &Scene<'_>, record: &Relationship) -> bool {
    let Some(case) = record.case.clone() else { return false };
    let lead = scene.facts.relationships.iter().any(|r| {
        let holds = r.from <= scene.now && r.to.is_none_or(|to| scene.now < to);
        r.kind == RelationshipKind::Lead && holds && r.case.as_ref().is_none_or(|other| *other == case)
    });
    let ask = Ask {
        id: AskId::from("lead"),
        account: scene.user.account.clone(),
        hat: scene.user.hat.clone(),
        purpose: Purpose::Cin,
        at: Some(scene.now),
        strong_auth: true,
        segment: None,
        act: Some(Act::AssignLead { case, hat: record.hat.clone() }),
        analytics: None,
        r#override: None,
        delegation: None,
        opening: None,
        requester: None,
        expect: None,
    };
    let decided = crate::sharing::decide(&scene.world, &scene.content.policy, &ask);
    lead || (decided.level == Level::N && decided.reason == Reason::DLeadExists)
}

fn purpose_breaches(scene: &Scene<'_>, case: &Case, new: &PurposeChange) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut breach = |pointer: &str, text: &str| {
        found.push(Diagnostic::error(code::SHARING_GUARD, format!("{text} (R17)")).with_pointer(pointer));
    };
    let tied = |p: Purpose| matches!(p, Purpose::Cp | Purpose::Cin | Purpose::Eh | Purpose::Met);
    let live = |p: Purpose| {
        let holds = |c: &&CasePurpose| c.purpose == p && c.from <= scene.now && c.to.is_none_or(|to| scene.now < to);
        case.purposes.iter().any(|c| holds(&c))
    };
    if new.start.is_none() && new.end.is_none() {
        breach("", "a change starts a purpose, ends one, or both");
    }
    if new.start.is_some_and(|p| !tied(p) || live(p)) {
        breach("/start", "it must be CP, CIN, EH or MET, and not be in force already");
    }
    if new.end.is_some_and(|p| !live(p)) {
        breach("/end", "this purpose is not in force on the case");
    }
    if new.reason.as_str().trim().is_empty() {
        breach("/reason", "the reason must be written");
    }
    let manager = scene.facts.accounts.iter().flat_map(|a| &a.hats).find(|h| h.id == new.manager);
    let agency = case.agency.as_ref().unwrap_or(&scene.hat.agency);
    let leads = lifecycle::supervises(&scene.world, &scene.content.policy, &new.manager, scene.now);
    if manager.is_none_or(|h| &h.agency != agency) || !leads {
        breach("/manager", "the manager of the agency that runs the case must be named");
    }
    found
}

/// Ids in the record that name nothing.
fn dangling(scene: &Scene<'_>, record: &Relationship) -> Vec<Diagnostic> {
    let mut facts = scene.facts.clone();
    let prefix = format!("/relationships/{}", facts.relationships.len());
    facts.relationships.push(record.clone());
    let faults = crate::sharing::World::new(facts).err().unwrap_or_default();
    let text = "the id names nothing that is registered (R5)";
    let breach = |fault: crate::sharing::FactsError| {
        let pointer = fault.pointer.strip_prefix(&prefix).unwrap_or_default().to_owned();
        Diagnostic::error(code::SHARING_GUARD, text).with_pointer(pointer)
    };
    faults.into_iter().map(breach).collect()
}

const fn began(kind: RelationshipKind) -> Event {
    match kind {
        RelationshipKind::Delegation => Event::Delegate,
        RelationshipKind::Match => Event::MatchStart,
        RelationshipKind::SelfClaim => Event::RelSelfclaim,
        RelationshipKind::Lead => Event::LeadChange,
        _ => Event::RelStart,
    }
}

const fn ended(kind: RelationshipKind) -> Event {
    match kind {
        RelationshipKind::Delegation => Event::DelegateEnd,
        RelationshipKind::Match => Event::MatchEnd,
        RelationshipKind::Lead => Event::LeadChange,
        _ => Event::RelEnd,
    }
}

/// A kind as a facts file spells it.
fn word(kind: RelationshipKind) -> String {
    let word = serde_json::to_value(kind).ok();
    word.and_then(|w| w.as_str().map(str::to_owned)).unwrap_or_default()
}
