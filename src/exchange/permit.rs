//! Permissions: recording, reading, withdrawing, disputing, resolving and correcting them; assessments of competence.
//!
//! Owns the story of each; what may be recorded is `sharing::lifecycle`'s to say. A withdrawal works from the moment its
//! entry is durable: what waits in mailboxes is decided at collection anyway (R72), and whoever received something because of
//! the permission gets a notice (R35).

use super::alerts::AlertKind;
use super::deed::{Cast, Done, Scene, User, change, done, put};
use super::notice::Notify;
use super::whom::{Party as WhoDecides, Whom};
use super::{Caller, Failure, Gateway};
use crate::audit::Event;
use crate::audit::payload::FreeText;
use crate::diagnostic::Diagnostic;
use crate::ident::{AgencyId, PersonId};
use crate::sharing::facts::{
    Assessment, AssessmentId, AssessmentKind, AssessmentOutcome, Capacity, CaseId, Choice, Exception, Outcome, Party,
    Period, Permission, PermissionChannel, PermissionEvent, PermissionForm, PermissionId, PermissionKind,
    ResponsibilityEvidence, Scope, Text, Time, YoungPersonAsked,
};
use crate::sharing::lifecycle::{self, Needs, Refused, assessment, events, permission, status, working_days};
use crate::sharing::{Reason, World};
use crate::store::{FactRow, Section};
use crate::vocabulary::{Category, Purpose, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Working days within which a manager decides a dispute (R29).
const DISPUTE_DAYS: u32 = 2;

/// What can be done about permissions.
pub enum PermissionDeed {
    /// Record one.
    Record(Box<NewPermission>),
    /// Read one.
    Read(String),
    /// Something happened to one.
    Happened(String, Happening),
    /// Record an assessment of competence or capacity.
    Assess(NewAssessment),
    /// Record a foreign FHIR Consent, under the user's purpose.
    Import(Value, Purpose),
    /// Write one out as a FHIR Consent.
    Export(String),
}

/// What happened to a permission.
pub enum Happening {
    /// Withdrawn.
    Withdrawn(Withdrawal),
    /// Another holder of parental responsibility objects.
    Disputed(Objection),
    /// A manager decided the dispute.
    Resolved(Resolution),
    /// It was recorded in error.
    Erred(Correction),
}

/// A permission or refusal as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the members are those of the record: see sharing::facts::Permission")]
pub struct NewPermission {
    pub purpose: Purpose,
    pub subject: Whom,
    /// Absent: the subject.
    pub decider: Option<WhoDecides>,
    pub capacity: Capacity,
    #[serde(default)]
    pub kind: PermissionKind,
    pub decision: Choice,
    pub categories: Option<Vec<Category>>,
    pub labels: Option<Vec<String>>,
    pub from: Option<Vec<Party>>,
    pub to: Option<Vec<Party>>,
    pub purposes: Option<Vec<Purpose>>,
    pub data_period: Option<Period>,
    #[serde(default)]
    pub exceptions: Vec<NewException>,
    pub valid_from: Option<Time>,
    pub valid_to: Option<Time>,
    pub plan: Option<CaseId>,
    pub told_limits: bool,
    pub young_person_asked: Option<YoungPersonAsked>,
    pub competence: Option<AssessmentId>,
    pub pr_evidence: Option<ResponsibilityEvidence>,
    pub supersedes: Option<PermissionId>,
    pub form: PermissionForm,
    /// Set by the import of a foreign record only.
    #[serde(skip)]
    pub imported: bool,
}

/// An exception inside a permission as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as NewPermission")]
pub struct NewException {
    pub decision: Choice,
    pub categories: Option<Vec<Category>>,
    pub labels: Option<Vec<String>>,
    pub from: Option<Vec<Party>>,
    pub to: Option<Vec<Party>>,
    pub purposes: Option<Vec<Purpose>>,
    pub data_period: Option<Period>,
}

/// A withdrawal: no reason is asked.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Withdrawal {
    pub purpose: Purpose,
    pub by: WhoDecides,
    pub how: Option<PermissionChannel>,
    pub told_at: Option<Time>,
}

/// An objection.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Objection {
    pub purpose: Purpose,
    pub by: WhoDecides,
}

/// A manager's decision about a dispute.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Resolution {
    pub purpose: Purpose,
    pub outcome: Outcome,
    pub why: String,
}

/// A correction.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Correction {
    pub purpose: Purpose,
    pub why: String,
}

/// An assessment as a system sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each word says it")]
pub struct NewAssessment {
    pub purpose: Purpose,
    pub person: Whom,
    pub kind: AssessmentKind,
    pub categories: Vec<Category>,
    pub outcome: AssessmentOutcome,
    pub decision: String,
    #[serde(default)]
    pub prompts: Prompts,
}

/// The answers to the five prompts of a competence assessment (consent paper §3).
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "each word says it")]
pub struct Prompts {
    pub what: String,
    pub why: String,
    pub what_follows: String,
    pub if_no: String,
    pub pressure: String,
}

impl Gateway {
    pub(super) async fn permission_deed(
        &self,
        caller: &Caller,
        user: &User,
        deed: &PermissionDeed,
    ) -> Result<Done, Failure> {
        match deed {
            PermissionDeed::Record(new) => self.record_permission(caller, user, new).await,
            PermissionDeed::Read(id) => self.read_permission(caller, user, id).await,
            PermissionDeed::Happened(id, what) => self.permission_event(caller, user, id, what).await,
            PermissionDeed::Assess(new) => self.assess(caller, user, new).await,
            PermissionDeed::Import(resource, purpose) => {
                Box::pin(self.import_consent(caller, user, resource, *purpose)).await
            }
            PermissionDeed::Export(id) => Box::pin(self.export_consent(caller, user, id)).await,
        }
    }

    async fn record_permission(&self, caller: &Caller, user: &User, new: &NewPermission) -> Result<Done, Failure> {
        let subject = self.whom(caller, &new.subject.0).await?;
        let (decider, mut cast) = match &new.decider {
            Some(decider) => self.party(caller, decider).await?,
            None => (subject.as_str().to_owned(), Cast::default()),
        };
        cast.persons.push(subject.clone());
        named(new, &mut cast);
        let scene = self.scene(caller, user, cast).await?;
        let actor = scene.actor(new.purpose);
        let about = (Event::Refuse, Some(&subject), Some(new.purpose));
        if !scene.content.policy.role(scene.hat.role).records_permission || scene.hat.role == Role::Prv {
            return Err(self.turn_away(&scene, about, Refused::open(Reason::DDelegate)).await);
        }
        if let Err(refused) = scene.admit(&actor, &subject, Needs::Relationship) {
            return Err(self.turn_away(&scene, about, refused).await);
        }
        let record = permission_of(new, &subject, decider, &scene);
        let mut breaches = permission::breaches(&scene.world, &scene.facts, &record, &actor);
        if breaches.is_empty() {
            breaches = dangling(&scene, &record);
        }
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let event = if record.decision == Choice::Permit { Event::PermGrant } else { Event::PermRefuse };
        let mut payload = scene.payload(event, Some(&subject), Some(new.purpose));
        payload.permissions = vec![record.id.as_str().to_owned()];
        payload.change = change(Section::Permissions, record.id.as_str());
        let effects = vec![put(Section::Permissions, record.id.as_str(), &record, 0)?];
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, shown(&scene, &record, 1)))
    }

    /// The records of the reader's own agency about people the reader works with, and those the reader recorded; all of their
    /// agency's for its privacy officer.
    async fn read_permission(&self, caller: &Caller, user: &User, id: &str) -> Result<Done, Failure> {
        let (row, record, scene) = self.permission_scene(caller, user, id, None).await?;
        let own = recorder_agency(&scene, &record).as_ref() == Some(&scene.hat.agency);
        let recorder = record.recorded_by.as_ref() == Some(&user.hat);
        let officer = own && scene.hat.role == Role::Prv;
        let needs = if recorder || officer { Needs::Hat } else { Needs::Relationship };
        let subject = record.subject.clone();
        let mut admitted = Err(Refused::open(Reason::DRel));
        for purpose in Purpose::ALL {
            admitted = scene.admit(&scene.actor(*purpose), &subject, needs);
            if admitted.is_ok() {
                break;
            }
        }
        match admitted {
            Ok(_) if own || recorder => {}
            Ok(_) => return Err(self.not_theirs(&scene, &subject, Refused::open(Reason::DRel)).await),
            Err(refused) => return Err(self.not_theirs(&scene, &subject, refused).await),
        }
        let mut payload = scene.payload(Event::View, Some(&subject), None);
        payload.permissions = vec![id.to_owned()];
        let entry = self.record(&scene, payload, Vec::new()).await?;
        let mut body = shown(&scene, &record, row.version);
        if let (Value::Object(body), Ok(Value::Object(all))) = (&mut body, serde_json::to_value(&record)) {
            body.insert("record".to_owned(), Value::Object(all));
        }
        Ok(done(false, entry, body))
    }

    async fn permission_event(
        &self,
        caller: &Caller,
        user: &User,
        id: &str,
        what: &Happening,
    ) -> Result<Done, Failure> {
        let (by, purpose) = match what {
            Happening::Withdrawn(w) => (Some(&w.by), w.purpose),
            Happening::Disputed(o) => (Some(&o.by), o.purpose),
            Happening::Resolved(r) => (None, r.purpose),
            Happening::Erred(c) => (None, c.purpose),
        };
        let (row, mut record, scene) = self.permission_scene(caller, user, id, by).await?;
        let by = match by {
            Some(by) => self.party(caller, by).await?.0,
            None => String::new(),
        };
        if let Err(refused) = may_change(&scene, &record, what, purpose) {
            return Err(self.not_theirs(&scene, &record.subject.clone(), refused).await);
        }
        let actor = scene.actor(purpose);
        let breaches = match what {
            Happening::Withdrawn(w) => events::withdrawal(&scene.world, &scene.facts, &record, &by, w.told_at, &actor),
            Happening::Disputed(_) => events::objection(&scene.world, &scene.facts, &record, &by, &actor),
            Happening::Resolved(r) => events::resolution(&scene.world, &scene.facts, &record, &r.why, &actor),
            Happening::Erred(c) => events::error(&scene.world, &scene.facts, &record, &c.why, &actor),
        };
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        record.events.push(event_of(what, by, &scene, user));
        let version = row.version.saturating_add(1);
        record.version = Some(version.into());
        self.write_event(&scene, &record, row.version, what, purpose).await
    }

    async fn write_event(
        &self,
        scene: &Scene<'_>,
        record: &Permission,
        was: i64,
        what: &Happening,
        purpose: Purpose,
    ) -> Result<Done, Failure> {
        let id = record.id.as_str();
        let (event, notice) = match what {
            Happening::Withdrawn(_) => (Event::PermWithdraw, Some("permission-withdrawn")),
            Happening::Resolved(r) if r.outcome == Outcome::Withdrawn => {
                (Event::PermWithdraw, Some("permission-withdrawn"))
            }
            Happening::Erred(_) => (Event::Correction, Some("permission-in-error")),
            Happening::Disputed(_) | Happening::Resolved(_) => (Event::PermDispute, None),
        };
        let uses = if notice.is_some() { self.db.permission_uses(id).await? } else { Vec::new() };
        let mut payload = scene.payload(event, Some(&record.subject), Some(purpose));
        payload.permissions = vec![id.to_owned()];
        payload.change = change(Section::Permissions, id);
        payload.justification = match what {
            Happening::Resolved(r) => Some(FreeText::new(r.why.clone())),
            Happening::Erred(c) => Some(FreeText::new(c.why.clone())),
            Happening::Withdrawn(_) | Happening::Disputed(_) => None,
        };
        payload.refers_to = uses.iter().map(|u| u.entry.clone()).collect();
        let mut effects = vec![put(Section::Permissions, id, record, was)?];
        if let Some(kind) = notice {
            effects.extend(self.tell_recipients(id, kind, &uses, scene));
        }
        let officers: Vec<AgencyId> = recorder_agency(scene, record).into_iter().collect();
        match what {
            Happening::Disputed(_) => {
                let alert = Notify::new(AlertKind::PermissionDisputed, id, &scene.entry, scene.at)
                    .due(working_days(scene.now, DISPUTE_DAYS));
                effects.extend(alert.to(&officers));
            }
            Happening::Erred(_) => {
                effects.extend(Notify::new(AlertKind::PermissionInError, id, &scene.entry, scene.at).to(&officers))
            }
            Happening::Withdrawn(_) | Happening::Resolved(_) => {}
        }
        let entry = self.record(scene, payload, effects).await?;
        self.wake(&uses);
        let mut body = shown(scene, record, was.saturating_add(1));
        if let (Value::Object(map), true) = (&mut body, notice.is_some()) {
            let each = |u: &crate::store::PermissionUse| json!({"receipt": u.entry, "agency": u.agency, "at": u.at.to_string()});
            map.insert("shared_before".to_owned(), Value::Array(uses.iter().map(each).collect()));
        }
        Ok(done(false, entry, body))
    }

    /// A stored permission with the facts about its subject; an unknown id is not here.
    async fn permission_scene<'a>(
        &self,
        caller: &'a Caller,
        user: &'a User,
        id: &str,
        by: Option<&WhoDecides>,
    ) -> Result<(Arc<FactRow>, Permission, Scene<'a>), Failure> {
        let Some((_, first)) = self.stored::<Permission>(Section::Permissions, id).await? else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let mut cast = match by {
            Some(by) => self.party(caller, by).await?.1,
            None => Cast::default(),
        };
        cast.persons.push(first.subject.clone());
        cast.hats.extend(first.recorded_by.clone());
        let scene = self.scene(caller, user, cast).await?;
        // Read again beside the facts, so that both are of one state.
        let found = self.stored::<Permission>(Section::Permissions, id).await?;
        let (row, record) = found.ok_or(Failure::NotFound)?;
        Ok((row, record, scene))
    }

    async fn assess(&self, caller: &Caller, user: &User, new: &NewAssessment) -> Result<Done, Failure> {
        let person = self.whom(caller, &new.person.0).await?;
        let scene = self.scene(caller, user, Cast { persons: vec![person.clone()], ..Cast::default() }).await?;
        let actor = scene.actor(new.purpose);
        if let Err(refused) = scene.admit(&actor, &person, Needs::Relationship) {
            return Err(self.turn_away(&scene, (Event::Refuse, Some(&person), Some(new.purpose)), refused).await);
        }
        let record = Assessment {
            id: AssessmentId(Self::fresh_id()),
            person: person.clone(),
            kind: new.kind,
            categories: new.categories.clone(),
            outcome: new.outcome,
            at: scene.now,
            assessor: Some(user.hat.clone()),
            decision: Some(Text::new(new.decision.clone())),
        };
        let p = &new.prompts;
        let prompts = [&p.what, &p.why, &p.what_follows, &p.if_no, &p.pressure].map(String::as_str);
        let breaches = assessment::breaches(&scene.world, &record, scene.hat.role, &prompts);
        if !breaches.is_empty() {
            return Err(Failure::Invalid(breaches));
        }
        let mut payload = scene.payload(Event::CompetenceAssess, Some(&person), Some(new.purpose));
        payload.change = change(Section::Assessments, record.id.as_str());
        // The answers are the assessor's reasons: kept sealed in the entry, not among the facts that decide.
        let reasons = serde_json::to_string(p).map_err(|_| Failure::Inconsistent("an assessment"))?;
        payload.justification = Some(FreeText::new(reasons));
        let effects = vec![put(Section::Assessments, record.id.as_str(), &record, 0)?];
        let entry = self.record(&scene, payload, effects).await?;
        Ok(done(true, entry, json!({"id": record.id, "at": record.at})))
    }
}

/// Everybody and everything the scope names, so that what does not exist is found.
fn named(new: &NewPermission, cast: &mut Cast) {
    let exceptions = new.exceptions.iter().flat_map(|e| [&e.from, &e.to]);
    for party in [&new.from, &new.to].into_iter().chain(exceptions).flatten().flatten() {
        cast.agencies.extend(party.agency.clone());
        cast.teams.extend(party.team.as_ref().map(|t| t.as_str().to_owned()));
        cast.accounts.extend(party.account.clone());
    }
    cast.cases.extend(new.plan.as_ref().map(|c| c.as_str().to_owned()));
}

fn permission_of(new: &NewPermission, subject: &PersonId, decider: String, scene: &Scene<'_>) -> Permission {
    let exception = |e: &NewException| Exception {
        decision: e.decision,
        scope: Scope {
            categories: e.categories.clone(),
            labels: e.labels.clone(),
            from: e.from.clone(),
            to: e.to.clone(),
            purposes: e.purposes.clone(),
            data_period: e.data_period,
            segments: None,
        },
    };
    Permission {
        id: PermissionId(Gateway::fresh_id()),
        version: Some(1.into()),
        kind: new.kind,
        subject: subject.clone(),
        decider,
        capacity: new.capacity,
        competence: new.competence.clone(),
        pr_evidence: new.pr_evidence.clone(),
        decision: new.decision,
        scope: Scope {
            categories: new.categories.clone(),
            labels: new.labels.clone(),
            from: new.from.clone(),
            to: new.to.clone(),
            purposes: new.purposes.clone(),
            data_period: new.data_period,
            segments: None,
        },
        exceptions: new.exceptions.iter().map(exception).collect(),
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        plan: new.plan.clone(),
        told_limits: new.told_limits,
        young_person_asked: new.young_person_asked,
        imported: new.imported,
        recorded_at: scene.now,
        recorded_by: Some(scene.user.hat.clone()),
        supersedes: new.supersedes.clone(),
        events: Vec::new(),
        form: Some(new.form.clone()),
    }
}

/// Ids in the record that name nothing.
fn dangling(scene: &Scene<'_>, record: &Permission) -> Vec<Diagnostic> {
    let mut facts = scene.facts.clone();
    let prefix = format!("/permissions/{}", facts.permissions.len());
    facts.permissions.push(record.clone());
    let faults = World::new(facts).err().unwrap_or_default();
    faults
        .into_iter()
        .map(|fault| {
            let pointer = fault.pointer.strip_prefix(&prefix).unwrap_or_default().to_owned();
            Diagnostic::error(crate::diagnostic::code::SHARING_GUARD, "the id names nothing that is registered (R33)")
                .with_pointer(pointer)
        })
        .collect()
}

/// Who may record what happened: as for recording one; a privacy officer of an agency concerned may withdraw and correct
/// without a relationship; a dispute is a manager's to decide (R29).
pub(super) fn may_change(
    scene: &Scene<'_>,
    record: &Permission,
    what: &Happening,
    purpose: Purpose,
) -> Result<(), Refused> {
    let role = scene.hat.role;
    let resolves = matches!(what, Happening::Resolved(_));
    let policy = &scene.content.policy;
    if !policy.role(role).records_permission {
        return Err(Refused::open(Reason::DDelegate));
    }
    let actor = scene.actor(purpose);
    if role == Role::Prv {
        let corrects = matches!(what, Happening::Withdrawn(_) | Happening::Erred(_));
        if !corrects || !concerned(scene, record) {
            return Err(Refused::open(Reason::DRel));
        }
        return scene.admit(&actor, &record.subject, Needs::Hat).map(drop);
    }
    if resolves && !lifecycle::supervises(&scene.world, policy, &actor.hat, actor.at) {
        return Err(Refused::open(Reason::DDelegate));
    }
    if matches!(what, Happening::Erred(_)) && recorder_agency(scene, record).as_ref() != Some(&scene.hat.agency) {
        return Err(Refused::open(Reason::DRel));
    }
    scene.admit(&actor, &record.subject, Needs::Relationship).map(drop)
}

/// Whether the acting agency recorded the permission or is named in it.
pub(super) fn concerned(scene: &Scene<'_>, record: &Permission) -> bool {
    let own = &scene.hat.agency;
    let parties = [&record.scope.from, &record.scope.to].into_iter().flatten().flatten();
    recorder_agency(scene, record).as_ref() == Some(own) || parties.into_iter().any(|p| p.agency.as_ref() == Some(own))
}

pub(super) fn recorder_agency(scene: &Scene<'_>, record: &Permission) -> Option<AgencyId> {
    let hat = record.recorded_by.as_ref()?;
    scene.facts.accounts.iter().flat_map(|a| &a.hats).find(|h| &h.id == hat).map(|h| h.agency.clone())
}

fn event_of(what: &Happening, by: String, scene: &Scene<'_>, user: &User) -> PermissionEvent {
    let at = scene.now;
    let hat = Some(user.hat.as_str().to_owned());
    match what {
        Happening::Withdrawn(w) => {
            let how = w.how.and_then(|h| serde_json::to_value(h).ok()).and_then(|h| h.as_str().map(Text::new));
            PermissionEvent::Withdraw { at, by, how, told_at: w.told_at }
        }
        Happening::Disputed(_) => PermissionEvent::Object { at, by },
        Happening::Resolved(r) => {
            PermissionEvent::Resolve { at, outcome: r.outcome, by: hat, why: Some(Text::new(r.why.clone())) }
        }
        Happening::Erred(c) => PermissionEvent::EnteredInError { at, by: hat, why: Some(Text::new(c.why.clone())) },
    }
}

/// What is said of a record: its id, where it is in its life, when it ends.
pub(super) fn shown(scene: &Scene<'_>, record: &Permission, version: i64) -> Value {
    let status = status::status(&scene.world, &scene.facts, record, scene.now);
    let ends = status::end(&scene.world, record).map(|t| t.to_string());
    json!({"id": record.id, "version": version, "status": status.word(), "ends_at": ends})
}
