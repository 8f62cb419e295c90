//! The promise of the gateway as one readable story: load, decide, redact, write, commit, release.
//!
//! Owns the order. Nothing here can skip a step: [`Released`] needs a `Rendered` (from a `Disclosable`, from
//! decisions) and a `Receipt` (from a committed entry). Refusals are logged too. Read [`Gateway::answer`] first.

use super::alerts::{AlertKind, Bulk};
use super::judged::{Asked, Inputs, hat_of};
use super::notice::Notify;
use super::released::Rendered;
use super::render::CANONICAL;
use super::world::{self, HeldRecord, Known};
use super::{Caller, Failure, Gateway, Released, entries, render};
use crate::audit::Event;
use crate::clock::Moment;
use crate::ident::{AccountId, AgencyId, EntryId, HatId, ItemId, PersonId, SystemId};
use crate::record::{Form, Segment, State};
use crate::sharing::decision::{Decision, Marker, Reason};
use crate::sharing::disclosure::Disclosable;
use crate::sharing::facts::{self, Time};
use crate::sharing::redact::{Held, Identities, Request, Ruled, redact};
use crate::store::{Committed, Digest, Effect, FactRow, FactSeeds, FactsAt, Job, decided_digest};
use crate::vocabulary::{Category, Level, Purpose};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One question: who asks for what about whom, under which hat.
pub(super) struct Question {
    pub caller: Caller,
    pub event: Event,
    pub account: AccountId,
    pub hat: HatId,
    pub purpose: Purpose,
    pub subject: PersonId,
    pub standing: Standing,
    pub categories: Vec<Category>,
    pub override_id: Option<String>,
    pub delegation: Option<String>,
    pub opening: Option<String>,
    pub item: Option<ItemId>,
    pub at: Moment,
    /// Whether the hat has seen unusually many people.
    pub bulk: Bulk,
    /// Who keeps the seal on the identity whose number was asked by (R66).
    pub keepers: Vec<AgencyId>,
    /// The state of the facts it is answered from.
    pub facts: FactsAt,
}

/// Whether the gateway knows the person asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// In the index.
    Known,
    /// Not: the question goes the same way and ends in silence.
    Unknown,
}

/// A refusal of the whole request.
pub(super) struct WholeRefusal {
    pub reason: Reason,
    pub marker: Marker,
}

/// A question after deciding and redacting, before anything is written or logged.
pub(super) struct Weighed {
    pub disclosable: Disclosable,
    pub refusal: Option<WholeRefusal>,
    pub hat: Option<facts::Hat>,
    /// Whom a personal assistant acted for (R47: entries read "PA for SW").
    pub on_behalf_of: Option<AccountId>,
    pub policy_version: String,
    /// What it was decided from.
    pub inputs: Inputs,
    relationships: BTreeMap<String, (String, Option<String>)>,
}

impl Weighed {
    /// The kind of a relationship the decision relied on.
    pub fn relationship_kind(&self, id: &str) -> String {
        self.relationships.get(id).map_or_else(|| "unknown".to_owned(), |(kind, _)| kind.clone())
    }
    /// The case of a relationship the decision relied on, when it is to one.
    pub fn relationship_case(&self, id: &str) -> Option<String> {
        self.relationships.get(id).and_then(|(_, case)| case.clone())
    }
    /// Whether the receiver may not even know that there was something to decide.
    pub fn is_silent(&self) -> bool {
        self.disclosable.is_silent() && self.refusal.as_ref().is_none_or(|r| r.marker != Marker::Shown)
    }
}

impl Gateway {
    /// Answers a question that was weighed just now: the way from decided to released.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a refusal the requester may know of (logged before it is returned);
    /// [`Failure::NotAcceptable`] when the format cannot carry the answer (logged too); [`Failure::LogUnavailable`].
    pub(super) async fn answer(
        &self,
        question: Question,
        weighed: Weighed,
        effect: impl FnOnce(Digest) -> Option<Effect>,
    ) -> Result<Released, Failure> {
        let entry = EntryId::new(Self::fresh_id());
        if let Some(refusal) = weighed.refusal.as_ref().filter(|r| r.marker == Marker::Shown) {
            let reason = refusal.reason.code();
            self.commit_decision(self.decision_job(&entry, &question, &weighed, None)?, &weighed).await?;
            return Err(Failure::Refused { reason });
        }
        let rendered = match render::render(&self.content(), &weighed.disclosable, &question, &entry) {
            Ok(rendered) => rendered,
            Err(failure) => {
                self.commit_decision(self.decision_job(&entry, &question, &weighed, None)?, &weighed).await?;
                return Err(failure);
            }
        };
        let digest = self.keys.hash("released", &rendered.bytes);
        let job = self.decision_job(&entry, &question, &weighed, Some((&rendered, &hex(&digest))))?;
        let rests = relied_on(&weighed, &question.caller);
        let job = effect(digest).into_iter().chain(rests).fold(job, Job::with_effect);
        let committed = self.commit_decision(job, &weighed).await?;
        Released::new(rendered, committed.receipt).ok_or(Failure::Inconsistent("a receipt belongs to another entry"))
    }

    /// The entry of a decision with the alerts it raises, what it was made from, and the rules that made it (R78).
    pub(super) fn decision_job(
        &self,
        entry: &EntryId,
        question: &Question,
        weighed: &Weighed,
        content: Option<(&Rendered, &str)>,
    ) -> Result<Job, Failure> {
        let body = weighed.inputs.to_bytes()?;
        let digest = hex(&decided_digest(&self.keys, &body));
        let draft = entries::of_question(entry.clone(), question, weighed, (content, digest));
        let mut alerts = self.alerts_for(entry, draft.payload(), question.bulk);
        alerts.extend(Notify::new(AlertKind::AdoptionProbe, entry.as_str(), entry, question.at).to(&question.keepers));
        let job = alerts.into_iter().fold(Job::new(draft), Job::with_effect);
        let job = job.with_effect(Effect::KeepDecided { body });
        Ok(self.keep_rules(&weighed.policy_version).into_iter().fold(job, Job::with_effect))
    }

    /// Keeps the rules of this version with their first decision in this process.
    pub(super) fn keep_rules(&self, version: &str) -> Option<Effect> {
        let content = self.content();
        let fresh = content.policy.version() == version && self.kept_rules.load().as_str() != version;
        fresh.then(|| Effect::KeepRules { version: version.to_owned(), files: content.policy.files().to_owned() })
    }

    /// Makes the entry of a decision durable.
    pub(super) async fn commit_decision(&self, job: Job, weighed: &Weighed) -> Result<Committed, Failure> {
        let committed = self.committer.commit(job).await?;
        self.rules_kept(&weighed.policy_version);
        Ok(committed)
    }

    /// The rules of this version are kept from now on.
    pub(super) fn rules_kept(&self, version: &str) {
        if self.kept_rules.load().as_str() != version {
            self.kept_rules.store(Arc::new(version.to_owned()));
        }
    }

    /// Decides every segment in question at this moment and redacts. Changes nothing, logs nothing.
    pub(super) async fn weigh(&self, question: &Question, held: &[Arc<HeldRecord>]) -> Result<Weighed, Failure> {
        let known = self.facts_for(question, held).await?;
        self.weigh_with(question, held, &known)
    }

    /// As [`Gateway::weigh`], with facts that were read before: those of now, or of a past moment.
    pub(super) fn weigh_with(
        &self,
        question: &Question,
        held: &[Arc<HeldRecord>],
        known: &Known,
    ) -> Result<Weighed, Failure> {
        let content = self.content();
        let chosen = chosen_segments(question, held);
        let at = Time::from(question.at);
        let (mut described, mut decided) = (Vec::new(), Vec::new());
        for (index, segment) in &chosen.described {
            let place = held.get(*index).ok_or(Failure::Inconsistent("a record is missing"))?;
            described.push(world::segment_fact(place, segment, &known.caseloads, question.purpose, at)?);
        }
        for (index, segment) in &chosen.decided {
            let place = held.get(*index).ok_or(Failure::Inconsistent("a record is missing"))?;
            let row = place.row(&segment.id).ok_or(Failure::Inconsistent("a segment has no row"))?;
            decided.push(Asked::new(row.id.clone(), place, segment));
        }
        let inputs = Inputs::new(question, described, decided, known.unregistered(people(question, held)));
        let judged = inputs.judge(known, &content.policy)?;
        let hat = hat_of(known, &question.account, &question.hat).cloned();
        let on_behalf_of = inputs.principal(known);
        let relationships = relied_kinds(known, &judged.decisions);
        let ruled =
            chosen.decided.iter().zip(inputs.decided()).zip(judged.decisions).map(|((chosen, asked), decision)| {
                let (index, segment) = chosen;
                Ruled {
                    held: *index,
                    local: segment.id.as_str().to_owned(),
                    segment: asked.segment.as_str().to_owned(),
                    contact: self.contact(segment.label.custodian.as_str()),
                    decision,
                }
            });
        let ruled: Vec<Ruled> = ruled.collect();
        let (refusal, unavailable) = (judged.refusal, judged.unavailable);
        let places: Vec<Held<'_>> =
            held.iter().map(|h| Held { id: &h.id, record: &h.record, people: &h.people }).collect();
        // The same few people are named by every segment.
        let named: RefCell<HashMap<String, String>> = RefCell::default();
        let alias = |text: &str| {
            if let Some(known) = named.borrow().get(text) {
                return known.clone();
            }
            let made = self.alias_for(&question.caller.system, text);
            named.borrow_mut().insert(text.to_owned(), made.clone());
            made
        };
        let request = Request {
            purpose: question.purpose,
            policy: &content.policy,
            alias: &alias,
            receiver: question.caller.agency.as_str(),
            subject: alias(&format!("person/{}", question.subject)),
            identities: match question.caller.format.as_str() {
                CANONICAL if question.caller.system.as_str() == super::PAGES => Identities::Marked,
                CANONICAL => Identities::Separate,
                _ => Identities::Merged,
            },
            searched: question.categories.clone(),
            unavailable,
        };
        let disclosable = redact(request, &places, ruled);
        let policy_version = content.policy.version().to_owned();
        Ok(Weighed { disclosable, refusal, hat, on_behalf_of, policy_version, relationships, inputs })
    }

    async fn facts_for(&self, question: &Question, held: &[Arc<HeldRecord>]) -> Result<Arc<Known>, Failure> {
        // As `Inputs::seeds` has them later: of the segments in question, not of everything beside them.
        let chosen = chosen_segments(question, held).described;
        let places = chosen.iter().filter_map(|(index, segment)| {
            let place = held.get(*index)?;
            Some((place, place.row(&segment.id)?))
        });
        let mut persons: BTreeSet<PersonId> = BTreeSet::from([question.subject.clone()]);
        let mut agencies = BTreeSet::from([question.caller.agency.clone()]);
        let mut segments = Vec::new();
        for (place, row) in places {
            persons.extend(row.about.iter().cloned().chain(place.subject().cloned()));
            agencies.insert(row.custodian.clone());
            segments.push(row.id.clone());
        }
        let seeds = FactSeeds {
            persons: persons.into_iter().collect(),
            hats: vec![question.hat.clone()],
            account: Some(question.account.clone()),
            segments,
            agencies: agencies.into_iter().collect(),
            ..FactSeeds::default()
        };
        self.known(question.facts, &seeds).await
    }

    /// The closure of these seeds, from memory where no fact has changed.
    pub(super) async fn known(&self, at: FactsAt, seeds: &FactSeeds) -> Result<Arc<Known>, Failure> {
        let make = |rows: Vec<FactRow>| Known::of(&self.config().agencies, &rows);
        self.facts.closure(at, (&self.db, &self.keys), seeds, make).await
    }

    /// The id by which a system knows something: another for each system, so that two cannot compare.
    pub(super) fn alias_for(&self, system: &SystemId, text: &str) -> String {
        let digest = self.keys.hash("alias", format!("{system}\0{text}").as_bytes());
        let (half, _) = digest.split_at(16);
        hex(half)
    }
}

/// The permissions without which less would have gone out: whoever received it is told when one is withdrawn (R35).
fn relied_on(weighed: &Weighed, caller: &Caller) -> Option<Effect> {
    let items = weighed.disclosable.items().iter();
    let opened = items.filter(|i| i.decision.level > Level::N && i.decision.reason == Reason::AllowPermission);
    let permissions: BTreeSet<String> =
        opened.flat_map(|i| i.decision.basis.permissions.iter().map(ToString::to_string)).collect();
    let (system, agency) = (caller.system.clone(), caller.agency.clone());
    (!permissions.is_empty()).then(|| Effect::RestsOn {
        permissions: permissions.into_iter().collect(),
        system,
        agency,
    })
}

/// Everybody the facts must know at least by id, with birth dates from the records.
fn people(question: &Question, held: &[Arc<HeldRecord>]) -> BTreeMap<PersonId, Option<String>> {
    let mut people: BTreeMap<PersonId, Option<String>> = BTreeMap::from([(question.subject.clone(), None)]);
    for (person, born) in held.iter().flat_map(|h| h.born()) {
        let known = people.entry(person).or_default();
        *known = known.take().or(born);
    }
    let about = held.iter().flat_map(|h| &h.segments).flat_map(|r| &r.about);
    for person in about {
        people.entry(person.clone()).or_default();
    }
    people
}

/// What is decided (full segments, and summaries that stand alone) and what the facts must describe (those and the
/// summaries they point to).
struct Chosen<'a> {
    decided: Vec<(usize, &'a Segment)>,
    described: Vec<(usize, &'a Segment)>,
}

fn chosen_segments<'a>(question: &Question, held: &'a [Arc<HeldRecord>]) -> Chosen<'a> {
    let mut chosen = Chosen { decided: Vec::new(), described: Vec::new() };
    for (index, place) in held.iter().enumerate() {
        let segments = place.record.segments();
        for segment in segments.iter().filter(|s| s.state == State::Current && in_question(question, place, s)) {
            let full_here = segment.summary_of.iter().any(|id| segments.iter().any(|s| &s.id == id));
            if segment.form == Form::Full || !full_here {
                chosen.decided.push((index, segment));
            }
            chosen.described.push((index, segment));
        }
    }
    chosen
}

/// A mailbox item is decided whole; an enquiry looks at one person and the categories it names.
fn in_question(question: &Question, place: &HeldRecord, segment: &Segment) -> bool {
    if question.item.is_some() {
        return true;
    }
    let about = place.row(&segment.id).is_some_and(|r| r.about.contains(&question.subject));
    about && segment.label.category.is_some_and(|c| question.categories.contains(&c))
}

/// A relationship by its id: kind, and the case it is to.
fn kind_and_case(relationship: &facts::Relationship) -> (String, (String, Option<String>)) {
    let case = relationship.case.as_ref().map(|c| c.as_str().to_owned());
    (relationship.id.as_str().to_owned(), (kind_word(relationship), case))
}

/// A relationship's kind as its facts file spells it.
fn kind_word(relationship: &facts::Relationship) -> String {
    let word = serde_json::to_value(relationship.kind).ok();
    word.and_then(|w| w.as_str().map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
}

/// The relationships that decisions relied on, by id.
fn relied_kinds(known: &Known, decisions: &[Decision]) -> BTreeMap<String, (String, Option<String>)> {
    let used: BTreeSet<&str> = decisions.iter().filter_map(|d| d.basis.relationship.as_deref()).collect();
    let all = known.facts().relationships.iter().filter(|r| used.contains(r.id.as_str()));
    all.map(kind_and_case).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| DIGITS.get(usize::from(half))).map(|digit| char::from(*digit)).collect()
}
