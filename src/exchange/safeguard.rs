//! Flags of safety through the gateway: protection, strands, declared conflicts, seals (R9, R57, R62, R66, R67).
//!
//! Their entries carry the open spelling `identity`: nothing outside the sealed part says that somebody is protected or
//! sealed. A sealed identity is taken out of matching in the same moment.

use super::alerts::AlertKind;
use super::deed::{Cast, Done, Scene, User, change, done, put};
use super::notice::Notify;
use super::unflag::{EndedConflict, EndedStrand, NewOpening};
use super::whom::Whom;
use super::{Caller, Failure, Gateway};
use crate::audit::Event;
use crate::audit::payload::FreeText;
use crate::ident::HatId;
use crate::sharing::Reason;
use crate::sharing::facts::{
    Conflict, ConflictKind, Protection, ProtectionId, Seal, SealId, SealKind, Strand, Text, Time,
};
use crate::sharing::lifecycle::{Needs, Refused, safety as guard};
use crate::store::{Effect, Section};
use crate::vocabulary::{Purpose, Role};
use serde::Deserialize;
use serde_json::json;

/// What can be done about safety.
pub enum SafetyDeed {
    /// Flag somebody as protected from somebody.
    Protect(NewProtection),
    /// Lift a protection.
    Lift(String, Lifting),
    /// Mark a worker as linked to somebody.
    Mark(NewStrand),
    /// Declare a conflict of interest of one's own.
    Declare(NewConflict),
    /// Seal an identity.
    Seal(NewSeal),
    /// A worker is no longer linked to somebody.
    Unmark(EndedStrand),
    /// Somebody's declared conflict of interest has ended.
    Undeclare(EndedConflict),
    /// End a seal.
    Unseal(String, Lifting),
    /// Open what stood before an adoption, for one request.
    Open(NewOpening),
}

/// A protection as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewProtection {
    pub person: Whom,
    pub against: Whom,
    pub to: Option<Time>,
    pub why: Option<Text>,
}

/// The lifting of a protection.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Lifting {
    pub why: Text,
}

/// A worker linked to somebody.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewStrand {
    pub purpose: Purpose,
    pub hat: HatId,
    pub linked_to: Whom,
    pub to: Option<Time>,
}

/// A conflict of interest of the user's own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewConflict {
    pub person: Whom,
    pub kind: ConflictKind,
}

/// A seal as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewSeal {
    pub kind: SealKind,
    pub former: Whom,
    pub current: Whom,
}

impl Gateway {
    pub(super) async fn safety_deed(&self, caller: &Caller, user: &User, deed: &SafetyDeed) -> Result<Done, Failure> {
        match deed {
            SafetyDeed::Protect(new) => self.protect(caller, user, new).await,
            SafetyDeed::Lift(id, lifting) => self.lift(caller, user, id, lifting).await,
            SafetyDeed::Mark(new) => self.mark_worker(caller, user, new).await,
            SafetyDeed::Declare(new) => self.declare(caller, user, new).await,
            SafetyDeed::Seal(new) => self.seal_identity(caller, user, new).await,
            SafetyDeed::Unmark(ended) => self.unmark(caller, user, ended).await,
            SafetyDeed::Undeclare(ended) => self.undeclare(caller, user, ended).await,
            SafetyDeed::Unseal(id, lifting) => self.unseal(caller, user, id, lifting).await,
            SafetyDeed::Open(new) => self.open_former(caller, user, new).await,
        }
    }

    async fn protect(&self, caller: &Caller, user: &User, new: &NewProtection) -> Result<Done, Failure> {
        let person = self.whom(caller, &new.person.0).await?;
        let against = self.whom(caller, &new.against.0).await?;
        let cast = Cast { persons: vec![person.clone(), against.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        self.of_role(&scene, &guard::PROTECTS, &person).await?;
        let record = Protection {
            id: ProtectionId(Self::fresh_id()),
            person: person.clone(),
            against,
            set_by: Some(user.hat.clone()),
            from: scene.now,
            to: new.to,
        };
        let breaches = guard::protection(&scene.world, &record, &scene.actor(Purpose::Au));
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let id = record.id.as_str();
        let mut payload = scene.payload(Event::ProtectFlag, Some(&person), None);
        payload.change = change(Section::Protections, id);
        payload.justification = new.why.as_ref().map(|w| FreeText::new(w.as_str()));
        let entry = self.record(&scene, payload, vec![put(Section::Protections, id, &record, 0)?]).await?;
        Ok(done(true, entry, json!({"id": id, "from": record.from, "to": record.to})))
    }

    async fn lift(&self, caller: &Caller, user: &User, id: &str, lifting: &Lifting) -> Result<Done, Failure> {
        let Some((_, first)) = self.stored::<Protection>(Section::Protections, id).await? else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let cast = Cast { persons: vec![first.person.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        match self.of_role(&scene, &guard::PROTECTS, &first.person).await {
            // That there is a protection at all is not for others to know.
            Err(Failure::Refused { .. }) => return Err(Failure::NotFound),
            other => other?,
        }
        let found = self.stored::<Protection>(Section::Protections, id).await?;
        let (row, mut record) = found.ok_or(Failure::NotFound)?;
        if record.to.is_some_and(|to| to <= scene.now) {
            return Err(Failure::Gone);
        }
        record.to = Some(scene.now.max(record.from));
        let mut payload = scene.payload(Event::ProtectFlag, Some(&record.person), None);
        payload.change = change(Section::Protections, id);
        payload.justification = Some(FreeText::new(lifting.why.as_str()));
        let entry = self.record(&scene, payload, vec![put(Section::Protections, id, &record, row.version)?]).await?;
        Ok(done(false, entry, json!({"id": id, "from": record.from, "to": record.to})))
    }

    async fn mark_worker(&self, caller: &Caller, user: &User, new: &NewStrand) -> Result<Done, Failure> {
        let person = self.whom(caller, &new.linked_to.0).await?;
        let cast = Cast { persons: vec![person.clone()], hats: vec![new.hat.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        self.of_role(&scene, &guard::MARKS, &person).await?;
        if scene.hat.role == Role::Sw {
            let admitted = scene.admit(&scene.actor(new.purpose), &person, Needs::Relationship);
            if let Err(refused) = admitted {
                return Err(self.turn_away(&scene, (Event::Refuse, Some(&person), Some(new.purpose)), refused).await);
            }
        }
        let record = Strand {
            hat: new.hat.clone(),
            linked_to: person.clone(),
            marked_by: user.hat.clone(),
            from: scene.now,
            to: new.to,
        };
        let breaches = guard::strand(&scene.world, &record, &scene.actor(new.purpose));
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let id = format!("{}.{person}", new.hat);
        let mut payload = scene.payload(Event::ProtectFlag, Some(&person), Some(new.purpose));
        payload.change = change(Section::Strands, &id);
        let current = self.stored::<Strand>(Section::Strands, &id).await?.map_or(0, |(row, _)| row.version);
        let entry = self.record(&scene, payload, vec![put(Section::Strands, &id, &record, current)?]).await?;
        Ok(done(true, entry, json!({"from": record.from, "to": record.to})))
    }

    /// A user says that they know somebody: from now on they are refused (R9). Nobody is told whether the gateway knows the
    /// person.
    async fn declare(&self, caller: &Caller, user: &User, new: &NewConflict) -> Result<Done, Failure> {
        let person = self.whom(caller, &new.person.0).await?;
        let scene = self.scene(caller, user, Cast { persons: vec![person.clone()], ..Cast::default() }).await?;
        let known = scene.facts.people.iter().any(|p| p.id == person);
        let record = Conflict {
            account: user.account.clone(),
            person: person.clone(),
            kind: new.kind,
            from: Some(scene.now),
            to: None,
        };
        let id = format!("{}.{person}", user.account);
        let mut payload = scene.payload(Event::AccountPersonLink, Some(&person).filter(|_| known), None);
        payload.change = change(Section::Conflicts, &id).filter(|_| known);
        let mut effects = Vec::new();
        if known {
            let current = self.stored::<Conflict>(Section::Conflicts, &id).await?.map_or(0, |(row, _)| row.version);
            effects.push(put(Section::Conflicts, &id, &record, current)?);
            let alert = Notify::new(AlertKind::Conflict, user.account.as_str(), &scene.entry, scene.at);
            effects.extend(alert.to(std::slice::from_ref(&scene.hat.agency)));
        }
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, json!({"from": record.from})))
    }

    async fn seal_identity(&self, caller: &Caller, user: &User, new: &NewSeal) -> Result<Done, Failure> {
        let former = self.whom(caller, &new.former.0).await?;
        let current = self.whom(caller, &new.current.0).await?;
        let cast = Cast { persons: vec![former.clone(), current.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        self.of_role(&scene, &guard::SEALS, &former).await?;
        let record = Seal {
            id: SealId(Self::fresh_id()),
            kind: new.kind,
            former: former.clone(),
            current,
            custodian: Some(scene.hat.agency.clone()),
            from: scene.now,
            to: None,
        };
        let breaches = guard::seal(&scene.world, &record, &scene.actor(Purpose::Au));
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let id = record.id.as_str();
        let mut payload = scene.payload(Event::AdoptSeal, Some(&former), None);
        payload.change = change(Section::Seals, id);
        let effects = vec![put(Section::Seals, id, &record, 0)?, Effect::SealPerson(former)];
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, json!({"id": id, "from": record.from})))
    }

    /// One of these roles, without a tie to the person.
    pub(super) async fn of_role(
        &self,
        scene: &Scene<'_>,
        roles: &[Role],
        person: &crate::ident::PersonId,
    ) -> Result<(), Failure> {
        let mut refused = scene.admit(&scene.actor(Purpose::Au), person, Needs::Hat).err();
        if refused.is_none() && !roles.contains(&scene.hat.role) {
            refused = Some(Refused::open(Reason::DDelegate));
        }
        match refused {
            None => Ok(()),
            Some(refused) => Err(self.turn_away(scene, (Event::Refuse, Some(person), None), refused).await),
        }
    }
}
