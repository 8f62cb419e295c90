//! Overrides and imminent danger: asking, the second person, renewing, what the person was told, review (R37–R45).
//!
//! Owns the story of each; who may is `sharing::lifecycle::overrides`' to say. Every request tells the privacy officers of the
//! requester's agency and of the custodians at once, with a reference only (R41).

use super::alerts::AlertKind;
use super::deed::{Cast, Done, Scene, User, change, done, put};
use super::notice::Notify;
use super::pointers::{Waits, Whose, point};
use super::whom::Whom;
use super::{Caller, Failure, Gateway};
use crate::audit::payload::{FreeText, Informed, Payload, Told as ToldEntry};
use crate::audit::{Draft, Event, Outcome};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{AgencyId, EntryId};
use crate::sharing::Reason;
use crate::sharing::facts::{
    Answers, Day, Override, OverrideCourse, OverrideId, OverrideKind, OverrideReview, Renewal, ReviewOutcome, Text,
    Time, Told,
};
use crate::sharing::lifecycle::overrides as guard;
use crate::sharing::lifecycle::{Needs, Refused, working_days};
use crate::store::{Effect, FactRow, Job, Section};
use crate::vocabulary::{Category, Purpose, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Working days within which a custodian reviews an override (R44), and an emergency (R45).
const REVIEW_DAYS: u32 = 2;
const REVIEW_DAYS_EMG: u32 = 1;

/// How long an override stands in its owner's and its agency's list, in milliseconds: 72 hours, and weeks in which what the
/// person was told may be recorded.
const POINTED_MILLIS: i64 = 60 * 86_400_000;

/// What can be done about overrides.
pub enum OverrideDeed {
    /// Ask for one, or invoke imminent danger.
    Ask(Box<NewOverride>),
    /// Approve (`true`) or reject one.
    Answer(String, bool, Answer),
    /// Approve 24 hours more.
    Renew(String, Answer),
    /// Record whether the person was told.
    Tell(String, Telling),
    /// Review one for a custodian.
    Review(String, Review),
}

/// An override as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the fact: see sharing::facts::Override")]
pub struct NewOverride {
    pub purpose: Purpose,
    pub kind: OverrideKind,
    pub subject: Whom,
    pub categories: Vec<Category>,
    pub answers: Answers,
}

/// The second person's answer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Answer {
    pub why: Option<String>,
}

/// What the person was told (R43).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Telling {
    pub told: bool,
    pub why: Text,
    pub review: Option<Day>,
}

/// A review (R44).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Review {
    pub outcome: ReviewOutcome,
    pub why: Option<Text>,
}

impl Gateway {
    pub(super) async fn override_deed(
        &self,
        caller: &Caller,
        user: &User,
        deed: &OverrideDeed,
    ) -> Result<Done, Failure> {
        match deed {
            OverrideDeed::Ask(new) => self.ask_override(caller, user, new).await,
            OverrideDeed::Answer(id, approve, answer) => self.answer_override(caller, user, id, *approve, answer).await,
            OverrideDeed::Renew(id, answer) => self.renew_override(caller, user, id, answer).await,
            OverrideDeed::Tell(id, telling) => self.tell_of_override(caller, user, id, telling).await,
            OverrideDeed::Review(id, review) => self.review_override(caller, user, id, review).await,
        }
    }

    async fn ask_override(&self, caller: &Caller, user: &User, new: &NewOverride) -> Result<Done, Failure> {
        let subject = self.whom(caller, &new.subject.0).await?;
        let scene = self.scene(caller, user, Cast { persons: vec![subject.clone()], ..Cast::default() }).await?;
        let actor = scene.actor(new.purpose);
        let emergency = new.kind == OverrideKind::Emg;
        let about = (Event::OvrReject, Some(&subject), Some(new.purpose));
        if !guard::may_ask(&scene.content.policy, scene.hat.role, new.kind, new.purpose) {
            return Err(self.turn_away(&scene, about, Refused::open(Reason::DDelegate)).await);
        }
        // Imminent danger stands in for a missing relationship, never for a conflict of interest (R45).
        let needs = if emergency { Needs::Purpose } else { Needs::Relationship };
        if let Err(refused) = scene.admit(&actor, &subject, needs) {
            return Err(self.turn_away(&scene, about, refused).await);
        }
        let custodians = self.custodians(Some(&subject), Some(&new.categories)).await?;
        let record = Override {
            id: OverrideId(Self::fresh_id()),
            kind: new.kind,
            hat: user.hat.clone(),
            subject: subject.clone(),
            categories: new.categories.clone(),
            purpose: new.purpose,
            requested_at: scene.now,
            answers: new.answers.clone(),
            approved_by: None,
            approved_at: None,
            renewals: Vec::new(),
            told: None,
            course: Some(OverrideCourse { custodians: custodians.clone(), ..OverrideCourse::default() }),
        };
        let breaches = guard::breaches(&scene.world, &scene.content.policy, &record, scene.hat.role);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let id = record.id.as_str();
        let event = if emergency { Event::EmgUse } else { Event::OvrRequest };
        let mut payload = scene.payload(event, Some(&subject), Some(new.purpose));
        payload.override_id = Some(id.to_owned());
        let reasons = serde_json::to_string(&new.answers).map_err(|_| Failure::Inconsistent("an override"))?;
        payload.justification = Some(FreeText::new(reasons));
        payload.change = change(Section::Overrides, id);
        let mut told = custodians;
        told.push(scene.hat.agency.clone());
        let days = if emergency { REVIEW_DAYS_EMG } else { REVIEW_DAYS };
        let alert = Notify::new(AlertKind::Override, id, &scene.entry, scene.at).due(working_days(scene.now, days));
        let mut effects = vec![put(Section::Overrides, id, &record, 0)?];
        effects.extend(alert.to(&told));
        let ends = scene.at.plus_millis(POINTED_MILLIS);
        effects.push(point(Waits::OwnOverride, Whose::Hat(&user.hat), id, ends));
        effects.push(point(Waits::Approval, Whose::Agency(&scene.hat.agency), id, ends));
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, shown(&record)))
    }

    async fn answer_override(
        &self,
        caller: &Caller,
        user: &User,
        id: &str,
        approve: bool,
        answer: &Answer,
    ) -> Result<Done, Failure> {
        let (row, mut record, scene) = self.override_scene(caller, user, id).await?;
        self.second_person(&scene, &record, Event::OvrReject).await?;
        let waits = record.kind == OverrideKind::Ordinary
            && record.approved_at.is_none()
            && record.course.as_ref().is_none_or(|c| c.rejected_at.is_none());
        if !waits {
            return Err(invalid("", "it does not wait for an answer (R39)"));
        }
        let event = if approve {
            (record.approved_by, record.approved_at) = (Some(user.hat.clone()), Some(scene.now));
            Event::OvrApprove
        } else {
            let course = record.course.get_or_insert_default();
            (course.rejected_by, course.rejected_at) = (Some(user.hat.clone()), Some(scene.now));
            Event::OvrReject
        };
        self.write_override(&scene, &record, &row, event, answer.why.as_deref(), Vec::new()).await
    }

    async fn renew_override(&self, caller: &Caller, user: &User, id: &str, answer: &Answer) -> Result<Done, Failure> {
        let (row, mut record, scene) = self.override_scene(caller, user, id).await?;
        self.second_person(&scene, &record, Event::OvrReject).await?;
        let breaches = guard::renewal(&record, scene.now);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        record.renewals.push(Renewal { at: scene.now, approved_by: user.hat.clone() });
        self.write_override(&scene, &record, &row, Event::OvrApprove, answer.why.as_deref(), Vec::new()).await
    }

    async fn tell_of_override(&self, caller: &Caller, user: &User, id: &str, new: &Telling) -> Result<Done, Failure> {
        let (row, mut record, scene) = self.override_scene(caller, user, id).await?;
        let actor = scene.actor(record.purpose);
        let mut refused = scene.admit(&actor, &record.subject, Needs::Hat).err();
        if !guard::answerable(&scene.world, &scene.content.policy, &record, &actor) {
            refused = Some(Refused::open(Reason::DDelegate));
        }
        if let Some(refused) = refused {
            return Err(self.not_theirs(&scene, &record.subject.clone(), refused).await);
        }
        let told = Told { told: new.told, why: Some(new.why.clone()), review: new.review };
        let breaches = guard::told(&told);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        record.told = Some(told);
        self.write_override(&scene, &record, &row, Event::OvrReview, None, Vec::new()).await
    }

    async fn review_override(&self, caller: &Caller, user: &User, id: &str, new: &Review) -> Result<Done, Failure> {
        let (row, mut record, scene) = self.override_scene(caller, user, id).await?;
        let agency: AgencyId = scene.hat.agency.clone();
        let mut course = record.course.clone().unwrap_or_default();
        // With nothing held by anybody, the requester's own officer reviews.
        let custodian = course.custodians.contains(&agency)
            || (course.custodians.is_empty() && owner_agency(&scene, &record).as_ref() == Some(&agency));
        let mut refused = scene.admit(&scene.actor(Purpose::Au), &record.subject, Needs::Hat).err();
        if scene.hat.role != Role::Prv || !custodian || record.hat == user.hat {
            refused = Some(Refused::open(Reason::DDelegate));
        }
        if let Some(refused) = refused {
            return Err(self.not_theirs(&scene, &record.subject.clone(), refused).await);
        }
        if same_team(&scene, &record) {
            let about = (Event::Refuse, Some(&record.subject), Some(record.purpose));
            return Err(self.turn_away(&scene, about, Refused::open(Reason::DDelegate)).await);
        }
        let unwritten = new.why.as_ref().is_none_or(|why| why.as_str().trim().is_empty());
        if new.outcome != ReviewOutcome::Justified && unwritten {
            return Err(invalid("/why", "what was found must be written (R44)"));
        }
        if new.outcome == ReviewOutcome::Justified && record.told.is_none() {
            return Err(invalid("/outcome", "it cannot close before told, or not told because, is recorded (R43)"));
        }
        course.reviews.push(OverrideReview {
            by: user.hat.clone(),
            agency: agency.clone(),
            at: scene.now,
            outcome: new.outcome,
            why: new.why.clone(),
        });
        record.course = Some(course);
        let officers: Vec<AgencyId> = owner_agency(&scene, &record).into_iter().chain([agency]).collect();
        let effects = match new.outcome {
            ReviewOutcome::NotJustified => Notify::new(AlertKind::Incident, id, &scene.entry, scene.at).to(&officers),
            ReviewOutcome::NeedsMore => Notify::new(AlertKind::NeedsMore, id, &scene.entry, scene.at).to(&officers),
            ReviewOutcome::Justified => Vec::new(),
        };
        let why = new.why.as_ref().map(|w| w.as_str().to_owned());
        self.write_override(&scene, &record, &row, Event::OvrReview, why.as_deref(), effects).await
    }

    async fn write_override(
        &self,
        scene: &Scene<'_>,
        record: &Override,
        row: &FactRow,
        event: Event,
        why: Option<&str>,
        more: Vec<Effect>,
    ) -> Result<Done, Failure> {
        let id = record.id.as_str();
        let mut payload: Payload = scene.payload(event, Some(&record.subject), Some(record.purpose));
        payload.override_id = Some(id.to_owned());
        payload.justification = why.map(FreeText::new);
        payload.told = record.told.as_ref().filter(|_| event == Event::OvrReview).map(told_entry);
        payload.change = change(Section::Overrides, id);
        let mut effects = vec![put(Section::Overrides, id, record, row.version)?];
        effects.extend(more);
        let entry = self.record(scene, payload, effects).await?;
        Ok(done(false, entry, shown(record)))
    }

    /// R39: another account, a manager of the requester's agency, without a conflict of interest. A refusal is logged.
    async fn second_person(&self, scene: &Scene<'_>, record: &Override, event: Event) -> Result<(), Failure> {
        let actor = scene.actor(record.purpose);
        let mut refused = scene.admit(&actor, &record.subject, Needs::Hat).err();
        if !guard::second_person(&scene.world, &scene.content.policy, record, &actor) {
            refused = Some(Refused::open(Reason::DDelegate));
        }
        let Some(refused) = refused else { return Ok(()) };
        // Those of the requester's agency may know that there is such a request; for others there is none.
        if owner_agency(scene, record).as_ref() == Some(&scene.hat.agency) {
            let about = (event, Some(&record.subject), Some(record.purpose));
            return Err(self.turn_away(scene, about, refused).await);
        }
        Err(self.not_theirs(scene, &record.subject, refused).await)
    }

    async fn override_scene<'a>(
        &self,
        caller: &'a Caller,
        user: &'a User,
        id: &str,
    ) -> Result<(Arc<FactRow>, Override, Scene<'a>), Failure> {
        let Some((_, first)) = self.stored::<Override>(Section::Overrides, id).await? else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let cast = Cast { persons: vec![first.subject.clone()], hats: vec![first.hat.clone()], ..Cast::default() };
        let scene = self.scene(caller, user, cast).await?;
        let found = self.stored::<Override>(Section::Overrides, id).await?;
        let (row, record) = found.ok_or(Failure::NotFound)?;
        Ok((row, record, scene))
    }

    /// Tells the officers again of overrides whose review is overdue (R44), once for each; returns how many.
    pub(super) async fn escalate_reviews(&self, rows: &[FactRow], now: Time) -> Result<usize, Failure> {
        let mut count = 0;
        for row in rows {
            let Ok(record) = serde_json::from_value::<Override>(row.body.clone()) else { continue };
            let days = if record.kind == OverrideKind::Emg { REVIEW_DAYS_EMG } else { REVIEW_DAYS };
            let used = record.kind == OverrideKind::Emg || record.approved_at.is_some();
            let course = record.course.unwrap_or_default();
            let overdue = working_days(record.approved_at.unwrap_or(record.requested_at), days) <= now;
            let reviewed = |agency: &AgencyId| course.reviews.iter().any(|r| &r.agency == agency);
            let late: Vec<AgencyId> = course.custodians.iter().filter(|a| !reviewed(a)).cloned().collect();
            if !used || !overdue {
                continue;
            }
            for agency in late {
                let entry = EntryId::new(Self::fresh_id());
                let alert = Notify::new(AlertKind::Unreviewed, record.id.as_str(), &entry, self.clock().now()).once();
                let mut payload = Payload::new(Event::OvrReview);
                payload.actor = Some(crate::ident::AccountId::new("system:gateway"));
                payload.subject = Some(record.subject.clone());
                payload.override_id = Some(record.id.as_str().to_owned());
                payload.reason = Some("overdue".to_owned());
                let job = Job::new(Draft::new(Outcome::Error, payload).with_id(entry));
                let job = alert.to(std::slice::from_ref(&agency)).into_iter().fold(job, Job::with_effect);
                match self.committer.commit(job).await.map_err(Failure::from) {
                    Ok(_) => count += 1,
                    Err(Failure::Changed) => {} // Said before.
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(count)
    }
}

fn owner_agency(scene: &Scene<'_>, record: &Override) -> Option<AgencyId> {
    scene.facts.accounts.iter().flat_map(|a| &a.hats).find(|h| h.id == record.hat).map(|h| h.agency.clone())
}

/// Whether the reviewer sits in the requester's team: then another has to decide (pages paper A3).
fn same_team(scene: &Scene<'_>, record: &Override) -> bool {
    let mut hats = scene.facts.accounts.iter().flat_map(|a| &a.hats);
    let team = hats.find(|h| h.id == record.hat).and_then(|h| h.team.as_ref());
    team.is_some() && team == scene.hat.team.as_ref()
}

fn told_entry(told: &Told) -> ToldEntry {
    ToldEntry {
        informed: if told.told { Informed::Yes } else { Informed::No },
        why: told.why.as_ref().map(|w| FreeText::new(w.as_str())),
        review: told.review.map(|day| day.to_string()),
    }
}

fn invalid(pointer: &str, text: &str) -> Failure {
    Failure::Invalid(vec![Diagnostic::error(code::SHARING_GUARD, text).with_pointer(pointer)])
}

fn shown(record: &Override) -> Value {
    let rejected = record.course.as_ref().is_some_and(|c| c.rejected_at.is_some());
    let state = match (record.kind, record.approved_at) {
        _ if rejected => "rejected",
        (OverrideKind::Emg, _) => "emergency",
        (OverrideKind::Ordinary, Some(_)) => "approved",
        (OverrideKind::Ordinary, None) => "waiting",
    };
    json!({"id": record.id, "state": state, "ends_at": guard::end(record).filter(|_| !rejected).map(|t| t.to_string())})
}
