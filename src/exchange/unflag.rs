//! What ends a strand, a conflict or a seal, and the adoption team's opening for one request (R57, R62, R66).
//!
//! Owns the endings that `safeguard` does not: each names why, and nothing that ended is deleted. Whoever may not end a
//! thing does not learn whether it is there.

use super::deed::{Cast, Done, User, change, done, put};
use super::safeguard::Lifting;
use super::whom::Whom;
use super::{Caller, Failure, Gateway};
use crate::audit::Event;
use crate::audit::payload::FreeText;
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{AccountId, HatId};
use crate::sharing::facts::{Conflict, Opening, OpeningId, Seal, Strand, Text, Time};
use crate::sharing::lifecycle::{Needs, safety as guard};
use crate::store::Section;
use crate::vocabulary::{Category, Purpose, Role};
use serde::Deserialize;
use serde_json::json;

/// The longest opening for one request, in milliseconds: a working day.
const OPENING_MILLIS_MAX: i64 = 8 * 3_600_000;

/// The end of a worker's link to somebody.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct EndedStrand {
    pub purpose: Purpose,
    pub hat: HatId,
    pub linked_to: Whom,
    pub why: Text,
}

/// The end of somebody's declared conflict of interest.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct EndedConflict {
    pub account: AccountId,
    pub person: Whom,
    pub why: Text,
}

/// What the adoption team opens for one request.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewOpening {
    pub person: Whom,
    pub reason: Text,
    pub to: Option<Time>,
}

impl Gateway {
    /// A worker is no longer linked to somebody: whoever may mark may unmark.
    pub(super) async fn unmark(&self, caller: &Caller, user: &User, ended: &EndedStrand) -> Result<Done, Failure> {
        let person = self.whom(caller, &ended.linked_to.0).await?;
        let cast = Cast { persons: vec![person.clone()], hats: vec![ended.hat.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        self.of_role(&scene, &guard::MARKS, &person).await?;
        if scene.hat.role == Role::Sw {
            let admitted = scene.admit(&scene.actor(ended.purpose), &person, Needs::Relationship);
            if let Err(refused) = admitted {
                let about = (Event::Refuse, Some(&person), Some(ended.purpose));
                return Err(self.turn_away(&scene, about, refused).await);
            }
        }
        said(&ended.why)?;
        let id = format!("{}.{person}", ended.hat);
        let (row, mut record) = self.stored::<Strand>(Section::Strands, &id).await?.ok_or(Failure::NotFound)?;
        record.to = Some(ends(record.to, record.from, scene.now)?);
        let mut payload = scene.payload(Event::ProtectFlag, Some(&person), Some(ended.purpose));
        payload.change = change(Section::Strands, &id);
        payload.justification = Some(FreeText::new(ended.why.as_str()));
        let entry = self.record(&scene, payload, vec![put(Section::Strands, &id, &record, row.version)?]).await?;
        Ok(done(false, entry, json!({"from": record.from, "to": record.to})))
    }

    /// A declared conflict has ended: a privacy officer of the account's own agency says so, never the account.
    pub(super) async fn undeclare(&self, caller: &Caller, user: &User, ended: &EndedConflict) -> Result<Done, Failure> {
        let person = self.whom(caller, &ended.person.0).await?;
        let cast = Cast { persons: vec![person.clone()], accounts: vec![ended.account.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        self.of_role(&scene, &guard::PROTECTS, &person).await?;
        said(&ended.why)?;
        let account = scene.facts.accounts.iter().find(|a| a.id == ended.account && a.id != user.account);
        let own = account.is_some_and(|a| a.hats.iter().any(|h| h.agency == scene.hat.agency));
        let id = format!("{}.{person}", ended.account);
        let found = self.stored::<Conflict>(Section::Conflicts, &id).await?.filter(|_| own);
        let (row, mut record) = found.ok_or(Failure::NotFound)?;
        record.to = Some(ends(record.to, record.from.unwrap_or(scene.now), scene.now)?);
        let mut payload = scene.payload(Event::AccountPersonLink, Some(&person), None);
        payload.change = change(Section::Conflicts, &id);
        payload.justification = Some(FreeText::new(ended.why.as_str()));
        let entry = self.record(&scene, payload, vec![put(Section::Conflicts, &id, &record, row.version)?]).await?;
        Ok(done(false, entry, json!({"from": record.from, "to": record.to})))
    }

    /// A seal ends: the adoption team of the agency that keeps it. The identity stays out of matching.
    pub(super) async fn unseal(
        &self,
        caller: &Caller,
        user: &User,
        id: &str,
        lifting: &Lifting,
    ) -> Result<Done, Failure> {
        let Some((_, first)) = self.stored::<Seal>(Section::Seals, id).await? else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let cast = Cast { persons: vec![first.former.clone(), first.current.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        match self.of_role(&scene, &guard::SEALS, &first.former).await {
            // That there is a seal at all is not for others to know.
            Err(Failure::Refused { .. }) => return Err(Failure::NotFound),
            other => other?,
        }
        said(&lifting.why)?;
        let found = self.stored::<Seal>(Section::Seals, id).await?;
        let keeps = |seal: &Seal| seal.custodian.as_ref() == Some(&scene.hat.agency);
        let (row, mut record) = found.filter(|(_, seal)| keeps(seal)).ok_or(Failure::NotFound)?;
        record.to = Some(ends(record.to, record.from, scene.now)?);
        let mut payload = scene.payload(Event::AdoptSeal, Some(&record.former), None);
        payload.change = change(Section::Seals, id);
        payload.justification = Some(FreeText::new(lifting.why.as_str()));
        let entry = self.record(&scene, payload, vec![put(Section::Seals, id, &record, row.version)?]).await?;
        Ok(done(false, entry, json!({"id": id, "from": record.from, "to": record.to})))
    }

    /// Opens, for one request, each pre-adoption segment about a person to the hat that asks (R66). An enquiry names one of
    /// the openings.
    pub(super) async fn open_former(&self, caller: &Caller, user: &User, new: &NewOpening) -> Result<Done, Failure> {
        let person = self.whom(caller, &new.person.0).await?;
        let scene = self.scene(caller, user, Cast { persons: vec![person.clone()], ..Cast::default() }).await?;
        self.of_role(&scene, &guard::SEALS, &person).await?;
        said(&new.reason)?;
        let latest = Time::from(scene.at.plus_millis(OPENING_MILLIS_MAX));
        let to = new.to.unwrap_or(latest);
        if to <= scene.now || latest < to {
            return Err(breach("/to", "an opening ends within eight hours"));
        }
        let segments = self.db.segments_about(std::slice::from_ref(&person), Some(&[Category::Adp])).await?;
        if segments.is_empty() {
            return Err(Failure::NotFound);
        }
        let mut payload = scene.payload(Event::AdoptOpen, Some(&person), None);
        payload.justification = Some(FreeText::new(new.reason.as_str()));
        let (mut effects, mut opened) = (Vec::new(), Vec::new());
        for segment in segments {
            let id = OpeningId(Self::fresh_id());
            payload.change = payload.change.take().or_else(|| change(Section::Openings, id.as_str()));
            opened.push(json!({"id": id, "segment": self.alias_for(&caller.system, segment.id.as_str())}));
            let opening = Opening {
                id: id.clone(),
                hat: user.hat.clone(),
                segment: segment.id,
                reason: new.reason.clone(),
                from: scene.now,
                to,
            };
            effects.push(put(Section::Openings, id.as_str(), &opening, 0)?);
        }
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, json!({"openings": opened, "from": scene.now, "to": to})))
    }
}

/// A reason is written.
fn said(why: &Text) -> Result<(), Failure> {
    if why.as_str().trim().is_empty() { Err(breach("/why", "it is said why")) } else { Ok(()) }
}

fn breach(pointer: &str, message: &'static str) -> Failure {
    let found = Diagnostic::error(code::SHARING_GUARD, message);
    Failure::Invalid(vec![found.with_pointer(pointer)])
}

/// When something ends that is ended now; what has ended already is gone.
fn ends(to: Option<Time>, from: Time, now: Time) -> Result<Time, Failure> {
    if to.is_some_and(|to| to <= now) { Err(Failure::Gone) } else { Ok(now.max(from)) }
}
