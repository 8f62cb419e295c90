//! Deeds: what a user of a connected system records through the gateway, beside asking. Permissions, relationships,
//! overrides, flags.
//!
//! Owns the order common to all: the hat through its system, the facts as they are now, steps 1 to 4 of the decision
//! procedure, the guard of the deed, one entry with its changes, and once more from the start when somebody changed a fact
//! meanwhile. Each deed's own story is in `permit`, `relate`, `break_glass` and `safeguard`. Read [`Gateway::act`] first.

use super::admitted::Admission;
use super::alerts::AlertKind;
use super::whom::Party;
use super::{Caller, ContentSet, Failure, Gateway, Subject, entries, notice};
use super::{break_glass, disclose, permit, relate, safeguard};
use crate::audit::payload::{self, Payload, Policy};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AccountId, AgencyId, EntryId, HatId, PersonId};
use crate::sharing::facts::{Facts, Hat, Time};
use crate::sharing::lifecycle::{self, Actor, Needs, Refused};
use crate::sharing::{Reason, World};
use crate::store::{Effect, FactRow, FactSeeds, FactsAt, Job, Section, decided_digest};
use crate::vocabulary::Purpose;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// How often a deed starts again because facts changed while it was weighed; after that the caller is told.
const TRIES: usize = 8;

/// The user who acts, as the door has verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The account.
    pub account: AccountId,
    /// The hat worn.
    pub hat: HatId,
}

/// What a user wants to record or read.
pub enum Deed {
    /// About permissions.
    Permission(permit::PermissionDeed),
    /// About relationships, item grants and the purposes of a case.
    Relationship(relate::RelationshipDeed),
    /// About overrides.
    Override(break_glass::OverrideDeed),
    /// About protection, strands, conflicts and seals.
    Safety(safeguard::SafetyDeed),
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// Whether something new has an id now.
    pub created: bool,
    /// The answer: ids, words and times of what was recorded.
    pub body: Value,
    /// The audit entry.
    pub receipt: EntryId,
}

/// Who else has a part in a deed: what must be known beside the acting hat.
#[derive(Default)]
pub(super) struct Cast {
    pub persons: Vec<PersonId>,
    pub hats: Vec<HatId>,
    pub accounts: Vec<AccountId>,
    pub agencies: Vec<AgencyId>,
    pub teams: Vec<String>,
    pub cases: Vec<String>,
}

/// The facts of one deed, ready to be judged.
pub(super) struct Scene<'a> {
    pub caller: &'a Caller,
    pub user: &'a User,
    pub at: Moment,
    pub now: Time,
    pub state: FactsAt,
    pub facts: Facts,
    pub world: World,
    pub content: Arc<ContentSet>,
    pub hat: Hat,
    /// The id its entry will have.
    pub entry: EntryId,
    seeds: FactSeeds,
    /// The first admission asked for: what its entry, or that of its refusal, keeps.
    admitted: OnceLock<Admission>,
}

impl Scene<'_> {
    /// The acting user under a purpose.
    pub fn actor(&self, purpose: Purpose) -> Actor {
        Actor { account: self.user.account.clone(), hat: self.user.hat.clone(), purpose, at: self.now }
    }
    /// Steps 1 to 4.
    pub fn admit(&self, actor: &Actor, person: &PersonId, needs: Needs) -> Result<Option<String>, Refused> {
        let found = lifecycle::admit(&self.world, &self.content.policy, actor, person, needs);
        let from = (self.at, &self.state, &self.seeds);
        self.admitted.get_or_init(|| Admission::new(from, actor, (person, needs), &found));
        found
    }
    /// An entry of this user: event, hat, purpose, whom it is about, the rules in force.
    pub fn payload(&self, event: Event, subject: Option<&PersonId>, purpose: Option<Purpose>) -> Payload {
        let mut payload = entries::by_caller(event, self.caller);
        payload.actor = Some(self.user.account.clone());
        payload.hat = Some(payload::Hat {
            id: Some(self.user.hat.clone()),
            role: self.hat.role,
            agency: self.hat.agency.clone(),
            team: self.hat.team.as_ref().map(|t| t.as_str().to_owned()),
        });
        payload.subject = subject.cloned();
        payload.purpose = purpose;
        payload.policy = Some(Policy { version: self.content.policy.version().to_owned(), row: None, inputs: None });
        payload
    }
}

impl Gateway {
    /// Does what a user wants to do, or says why not.
    ///
    /// # Errors
    /// [`Failure::Refused`] and [`Failure::NotFound`], both logged; [`Failure::Invalid`] with every breach of a rule;
    /// [`Failure::Changed`] when others kept changing the same facts; the rest as [`Failure`] says.
    pub async fn act(&self, caller: &Caller, user: &User, deed: &Deed) -> Result<Done, Failure> {
        let mut tries = 0;
        loop {
            let done = match deed {
                Deed::Permission(deed) => Box::pin(self.permission_deed(caller, user, deed)).await,
                Deed::Relationship(deed) => Box::pin(self.relationship_deed(caller, user, deed)).await,
                Deed::Override(deed) => Box::pin(self.override_deed(caller, user, deed)).await,
                Deed::Safety(deed) => Box::pin(self.safety_deed(caller, user, deed)).await,
            };
            tries += 1;
            match done {
                Err(Failure::Changed) if tries < TRIES => {}
                other => return other,
            }
        }
    }

    /// The facts everything about this deed depends on, as they are now.
    pub(super) async fn scene<'a>(&self, caller: &'a Caller, user: &'a User, cast: Cast) -> Result<Scene<'a>, Failure> {
        let state = self.facts.now(&self.db).await?;
        self.hat_through_system(caller, (&user.account, &user.hat), state).await?;
        let mut agencies = cast.agencies;
        agencies.push(caller.agency.clone());
        let mut hats = cast.hats;
        hats.push(user.hat.clone());
        let seeds = FactSeeds {
            persons: cast.persons,
            hats,
            account: Some(user.account.clone()),
            agencies,
            accounts: cast.accounts,
            teams: cast.teams,
            cases: cast.cases,
            ..FactSeeds::default()
        };
        let at = self.clock().now();
        let facts = self.known(state, &seeds).await?.without_segments(at);
        let account = facts.accounts.iter().find(|a| a.id == user.account);
        let hat = account.and_then(|a| a.hats.iter().find(|h| h.id == user.hat)).cloned();
        let hat = hat.ok_or(Failure::Refused { reason: Reason::DAuth.code() })?;
        let world =
            World::new(facts.clone()).map_err(|_| Failure::Inconsistent("stored facts contradict each other"))?;
        Ok(Scene {
            caller,
            user,
            at,
            now: Time::from(at),
            state,
            facts,
            world,
            content: self.content(),
            hat,
            entry: EntryId::new(Self::fresh_id()),
            seeds,
            admitted: OnceLock::new(),
        })
    }

    /// The person a request names, when the gateway knows them.
    pub(super) async fn whom(&self, caller: &Caller, subject: &Subject) -> Result<PersonId, Failure> {
        let at = self.facts.now(&self.db).await?;
        let found = self.find_subject(subject, caller, at).await?;
        // Nobody: a fresh id, so that the same way ends in the same refusal.
        Ok(found.unwrap_or_else(|| PersonId::new(Self::fresh_id())))
    }

    /// The id of a person or agency, for a fact.
    pub(super) async fn party(&self, caller: &Caller, party: &Party) -> Result<(String, Cast), Failure> {
        match party {
            Party::Person(subject) => {
                let person = self.whom(caller, subject).await?;
                Ok((person.as_str().to_owned(), Cast { persons: vec![person], ..Cast::default() }))
            }
            Party::Agency(agency) => {
                Ok((agency.as_str().to_owned(), Cast { agencies: vec![agency.clone()], ..Cast::default() }))
            }
        }
    }

    /// One stored fact, read; `None` when there is none.
    pub(super) async fn stored<T: DeserializeOwned>(
        &self,
        section: Section,
        id: &str,
    ) -> Result<Option<(Arc<FactRow>, T)>, Failure> {
        let at = self.facts.now(&self.db).await?;
        let Some(row) = self.facts.fact(at, (&self.db, &self.keys), section, id).await? else { return Ok(None) };
        let read = serde_json::from_value(row.body.clone());
        let fact = read.map_err(|_| Failure::Inconsistent("a stored fact cannot be read"))?;
        Ok(Some((row, fact)))
    }

    /// Logs a refusal and says what the user may know of it.
    pub(super) async fn turn_away(
        &self,
        scene: &Scene<'_>,
        about: (Event, Option<&PersonId>, Option<Purpose>),
        refused: Refused,
    ) -> Failure {
        let (event, subject, purpose) = about;
        let mut payload = scene.payload(event, subject, purpose);
        payload.reason = Some(refused.reason.code().to_owned());
        let entry = EntryId::new(Self::fresh_id());
        let kept = match self.keep_admission(scene, &mut payload) {
            Ok(kept) => kept,
            Err(failure) => return failure,
        };
        let mut job = Job::new(Draft::new(Outcome::Deny, payload).with_id(entry.clone()));
        job = kept.into_iter().fold(job, Job::with_effect);
        if refused.alert {
            let alert = notice::Notify::new(AlertKind::Conflict, entry.as_str(), &entry, scene.at);
            job = alert.to(std::slice::from_ref(&scene.hat.agency)).into_iter().fold(job, Job::with_effect);
        }
        if let Err(error) = self.committer.commit(job).await {
            return error.into();
        }
        self.rules_kept(scene.content.policy.version());
        let reason = if refused.silent { Reason::DRel } else { refused.reason };
        Failure::Refused { reason: reason.code() }
    }

    /// As [`Gateway::turn_away`], where the user may not learn that there is such a thing.
    pub(super) async fn not_theirs(&self, scene: &Scene<'_>, subject: &PersonId, refused: Refused) -> Failure {
        match self.turn_away(scene, (Event::Refuse, Some(subject), None), refused).await {
            Failure::Refused { .. } => Failure::NotFound,
            other => other,
        }
    }

    /// Writes the entry with its changes, unless a fact changed since the scene was set.
    pub(super) async fn record(
        &self,
        scene: &Scene<'_>,
        mut payload: Payload,
        effects: Vec<Effect>,
    ) -> Result<EntryId, Failure> {
        let kept = self.keep_admission(scene, &mut payload)?;
        self.with_digests(&mut payload, &effects, scene.state).await?;
        let entry = scene.entry.clone();
        let draft = Draft::new(Outcome::Allow, payload).with_id(entry.clone());
        let job = Job::new(draft).with_effect(Effect::IfFacts { at: scene.state });
        self.committer.commit(effects.into_iter().chain(kept).fold(job, Job::with_effect)).await?;
        self.rules_kept(scene.content.policy.version());
        Ok(entry)
    }

    /// Says in an entry what the fact it names was before its changes and is after them.
    async fn with_digests(&self, payload: &mut Payload, effects: &[Effect], at: FactsAt) -> Result<(), Failure> {
        let Some(change) = &mut payload.change else { return Ok(()) };
        for effect in effects {
            let (section, id, after) = match effect {
                Effect::PutFact { section, id, body, .. } => (*section, id, Some(body)),
                Effect::EndFact { section, id } => (*section, id, None),
                _ => continue,
            };
            if change.what == format!("{}/{id}", section.name()) {
                let before = self.facts.fact(at, (&self.db, &self.keys), section, id).await?;
                change.before = before.map(|fact| self.fact_digest(&fact.body));
                change.after = after.map(|body| self.fact_digest(body));
            }
        }
        Ok(())
    }

    /// The keyed digest of a fact, for the entry of its change.
    pub(super) fn fact_digest(&self, body: &Value) -> String {
        disclose::hex(&self.keys.hash("fact", body.to_string().as_bytes()))
    }

    /// What the admission to an act was decided from, with the entry that names its digest, and the rules (R78).
    fn keep_admission(&self, scene: &Scene<'_>, payload: &mut Payload) -> Result<Vec<Effect>, Failure> {
        let (Some(admission), Some(policy)) = (scene.admitted.get(), &mut payload.policy) else {
            return Ok(Vec::new());
        };
        let body = admission.to_bytes()?;
        policy.inputs = Some(disclose::hex(&decided_digest(&self.keys, &body)));
        let rules = self.keep_rules(&policy.version);
        Ok(std::iter::once(Effect::KeepDecided { body }).chain(rules).collect())
    }
}

/// A new fact.
pub(super) fn put(section: Section, id: &str, body: &impl serde::Serialize, version: i64) -> Result<Effect, Failure> {
    let body = serde_json::to_value(body).map_err(|_| Failure::Inconsistent("a fact cannot be written"))?;
    Ok(Effect::PutFact { section, id: id.to_owned(), body, expected_version: Some(version) })
}

/// The change an entry names: the fact's section and id.
pub(super) fn change(section: Section, id: &str) -> Option<payload::Change> {
    Some(payload::Change { what: format!("{}/{id}", section.name()), before: None, after: None })
}

/// An answer about something with an id.
pub(super) fn done(created: bool, receipt: EntryId, body: Value) -> Done {
    let mut body = body;
    if let Value::Object(map) = &mut body {
        map.insert("receipt".to_owned(), serde_json::json!(receipt));
    }
    Done { created, body, receipt }
}
