//! The promise of the gateway as one readable story: load, decide, redact, write, commit, release.
//!
//! Owns the order. Nothing here can skip a step: [`Released`] needs a `Rendered` (from a `Disclosable`, from
//! decisions) and a `Receipt` (from a committed entry). Refusals are logged too. Read [`Gateway::answer`] first.

use super::alerts::Bulk;
use super::render::CANONICAL;
use super::world::{self, HeldRecord, Known};
use super::{Caller, Failure, Gateway, Released, entries, render};
use crate::audit::{Draft, Event};
use crate::clock::Moment;
use crate::document::{Limits, json};
use crate::ident::{AccountId, EntryId, HatId, ItemId, PersonId, SystemId};
use crate::record::{Form, Record, Segment, State, ThirdParty};
use crate::sharing::decision::{Decision, Marker, Reason};
use crate::sharing::disclosure::Disclosable;
use crate::sharing::redact::{Held, Identities, Request, Ruled, redact};
use crate::sharing::unknown_adult::{self, Summary};
use crate::sharing::{Policy, World, decide, facts};
use crate::store::{Digest, Effect, FactRow, FactSeeds, FactsAt, Job, RecordId, SegmentRow};
use crate::vocabulary::{Category, Level, Purpose};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
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
            let draft = entries::of_question(entry.clone(), &question, &weighed, None);
            self.committer.commit(self.with_alerts(&entry, draft, question.bulk)).await?;
            return Err(Failure::Refused { reason });
        }
        let rendered = match render::render(&self.content(), &weighed.disclosable, &question, &entry) {
            Ok(rendered) => rendered,
            Err(failure) => {
                let draft = entries::of_question(entry, &question, &weighed, None);
                self.committer.commit(Job::new(draft)).await?;
                return Err(failure);
            }
        };
        let digest = self.keys.hash("released", &rendered.bytes);
        let alerted = entry.clone();
        let draft = entries::of_question(entry, &question, &weighed, Some((&rendered, &hex(&digest))));
        let job = self.with_alerts(&alerted, draft, question.bulk);
        let rests = relied_on(&weighed, &question.caller);
        let job = effect(digest).into_iter().chain(rests).fold(job, Job::with_effect);
        let committed = self.committer.commit(job).await?;
        Released::new(rendered, committed.receipt).ok_or(Failure::Inconsistent("a receipt belongs to another entry"))
    }

    /// An entry with the alerts it raises.
    fn with_alerts(&self, entry: &EntryId, draft: Draft, bulk: Bulk) -> Job {
        let alerts = self.alerts_for(entry, draft.payload(), bulk);
        alerts.into_iter().fold(Job::new(draft), Job::with_effect)
    }

    /// Decides every segment in question at this moment and redacts. Changes nothing, logs nothing.
    pub(super) async fn weigh(&self, question: &Question, held: &[HeldRecord]) -> Result<Weighed, Failure> {
        let known = self.facts_for(question, held).await?;
        self.weigh_with(question, held, &known)
    }

    /// As [`Gateway::weigh`], with facts that were read before: those of now, or of a past moment.
    pub(super) fn weigh_with(
        &self,
        question: &Question,
        held: &[HeldRecord],
        known: &Known,
    ) -> Result<Weighed, Failure> {
        let content = self.content();
        let chosen = chosen_segments(question, held);
        let mut described = Vec::new();
        for (index, segment) in &chosen.described {
            let place = held.get(*index).ok_or(Failure::Inconsistent("a record is missing"))?;
            described.push(world::segment_fact(place, segment, &known.caseloads, question.purpose, question.at)?);
        }
        let probes: Vec<(Category, String)> =
            question.categories.iter().map(|c| (*c, format!("probe-{}", c.code()))).collect();
        described.extend(probes.iter().map(|(category, id)| probe_fact(question, *category, id)));
        let all = known.for_question(&people(question, held), described, question.at)?;
        let hat = hat_of(&all, question);
        let on_behalf_of = principal_of(&all, question);
        let relationships = all.relationships.iter().map(kind_and_case).collect();
        let world = World::new(all).map_err(|_| Failure::Inconsistent("stored facts contradict each other"))?;
        let judge = |segment: &str| ask(question, segment).map(|ask| decide(&world, &content.policy, &ask));

        let mut probed: Vec<(Category, Decision)> = Vec::new();
        for (category, id) in &probes {
            probed.push((*category, judge(id)?));
        }
        let refusal = whole_refusal(&probed, question.standing);
        let mut ruled = Vec::new();
        for (index, segment) in chosen.decided {
            let place = held.get(index).ok_or(Failure::Inconsistent("a record is missing"))?;
            let row = place.row(&segment.id).ok_or(Failure::Inconsistent("a segment has no row"))?;
            let decision = unnamed_adult(judge(row.id.as_str())?, &content.policy, hat.as_ref(), place, segment);
            ruled.push(Ruled {
                held: index,
                local: segment.id.as_str().to_owned(),
                segment: row.id.as_str().to_owned(),
                contact: self.contact(row.custodian.as_str()),
                decision,
            });
        }
        let unavailable = if refusal.is_some() { Vec::new() } else { unavailable(&probed) };
        let places: Vec<Held<'_>> =
            held.iter().map(|h| Held { id: &h.id, record: &h.record, people: &h.people }).collect();
        let alias = |text: &str| self.alias(question, text);
        let request = Request {
            purpose: question.purpose,
            policy: &content.policy,
            alias: &alias,
            receiver: question.caller.agency.as_str(),
            subject: alias(&format!("person/{}", question.subject)),
            identities: if question.caller.format == CANONICAL { Identities::Separate } else { Identities::Merged },
            searched: question.categories.clone(),
            unavailable,
        };
        let disclosable = redact(request, &places, ruled);
        let policy_version = content.policy.version().to_owned();
        Ok(Weighed { disclosable, refusal, hat, on_behalf_of, policy_version, relationships })
    }

    async fn facts_for(&self, question: &Question, held: &[HeldRecord]) -> Result<Arc<Known>, Failure> {
        let rows = held.iter().flat_map(|h| &h.segments);
        let mut persons: BTreeSet<PersonId> = rows.clone().flat_map(|r| r.about.iter().cloned()).collect();
        persons.insert(question.subject.clone());
        persons.extend(held.iter().filter_map(|h| h.subject().cloned()));
        let mut agencies: BTreeSet<_> = rows.clone().map(|r| r.custodian.clone()).collect();
        agencies.insert(question.caller.agency.clone());
        let seeds = FactSeeds {
            persons: persons.into_iter().collect(),
            hats: vec![question.hat.clone()],
            account: Some(question.account.clone()),
            segments: rows.map(|r| r.id.clone()).collect(),
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

    /// Reads stored records back. A stored record that no longer satisfies its schema is an inconsistency: refused.
    pub(super) async fn load(&self, ids: &[RecordId]) -> Result<Vec<HeldRecord>, Failure> {
        let segments = self.db.segments_in(ids).await?;
        self.load_with(ids, segments).await
    }

    /// As [`Gateway::load`], with segments that were read before.
    pub(super) async fn load_with(
        &self,
        ids: &[RecordId],
        segments: Vec<SegmentRow>,
    ) -> Result<Vec<HeldRecord>, Failure> {
        let content = self.content();
        let rows = self.db.records(&self.keys, ids).await?;
        let mut by_record: BTreeMap<String, Vec<SegmentRow>> = BTreeMap::new();
        for row in segments {
            by_record.entry(row.record.as_str().to_owned()).or_default().push(row);
        }
        rows.into_iter()
            .map(|row| {
                let id = row.id.as_str().to_owned();
                let document = json::read(&row.content, &Limits::file())
                    .map_err(|_| Failure::Inconsistent("a stored record is not JSON"))?;
                let record = Record::validate(document, &content.schemas)
                    .map_err(|_| Failure::Inconsistent("a stored record is not valid"))?;
                let segments = by_record.remove(&id).unwrap_or_default();
                Ok(HeldRecord { id, record, people: row.persons, segments })
            })
            .collect()
    }

    /// An id that only this receiver sees: keyed by its system, so that two receivers cannot compare.
    fn alias(&self, question: &Question, text: &str) -> String {
        self.alias_for(&question.caller.system, text)
    }

    /// The id by which a system knows something: another for each system, so that two cannot compare.
    pub(super) fn alias_for(&self, system: &SystemId, text: &str) -> String {
        let digest = self.keys.hash("alias", format!("{system}\0{text}").as_bytes());
        hex(&digest).chars().take(32).collect()
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
fn people(question: &Question, held: &[HeldRecord]) -> BTreeMap<PersonId, Option<String>> {
    let mut people: BTreeMap<PersonId, Option<String>> = BTreeMap::from([(question.subject.clone(), None)]);
    for (person, born) in held.iter().flat_map(HeldRecord::born) {
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

fn chosen_segments<'a>(question: &Question, held: &'a [HeldRecord]) -> Chosen<'a> {
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

/// A segment that holds nothing: decided to learn what is true of the request as a whole, and of categories in which
/// nothing is held (the same answer must come with and without content, R59).
fn probe_fact(question: &Question, category: Category, id: &str) -> serde_json::Value {
    let mut fact = json!({
        "id": id, "category": category, "about": [question.subject], "custodian": question.caller.agency,
        "form": "full", "basis": "reported",
    });
    if let (Category::Int, serde_json::Value::Object(map)) = (category, &mut fact) {
        map.insert("handling".to_owned(), json!("P"));
    }
    fact
}

fn ask(question: &Question, segment: &str) -> Result<facts::Ask, Failure> {
    let mut ask = json!({
        "id": segment, "account": question.account, "hat": question.hat, "purpose": question.purpose,
        "at": question.at.to_string(), "segment": segment,
    });
    if let serde_json::Value::Object(map) = &mut ask {
        let named =
            [("override", &question.override_id), ("delegation", &question.delegation), ("opening", &question.opening)];
        for (name, id) in named {
            map.extend(id.as_ref().map(|id| (name.to_owned(), json!(id))));
        }
    }
    serde_json::from_value(ask).map_err(|_| Failure::Inconsistent("an ask cannot be read"))
}

fn hat_of(all: &facts::Facts, question: &Question) -> Option<facts::Hat> {
    let account = all.accounts.iter().find(|a| a.id == question.account)?;
    account.hats.iter().find(|h| h.id == question.hat).cloned()
}

/// Free text that may name somebody counts as if an adult stood in it, unless an adult is listed anyway (R54).
fn unnamed_adult(
    decision: Decision,
    policy: &Policy,
    hat: Option<&facts::Hat>,
    place: &HeldRecord,
    segment: &Segment,
) -> Decision {
    let (Some(hat), Some(category)) = (hat, segment.label.category) else { return decision };
    if segment.label.third_party == ThirdParty::None {
        return decision;
    }
    let authored = place.record.segments().iter().find(|s| s.summary_of.contains(&segment.id));
    let summary = match authored {
        Some(short) if short.label.third_party == ThirdParty::None => Summary::Clean,
        Some(_) => Summary::There,
        None if segment.form == Form::Summary || policy.summary_fields(category).is_some() => Summary::There,
        None => Summary::Missing,
    };
    unknown_adult::cap(decision, policy, hat.role, category, summary)
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

/// The account whose hat granted the delegation that the question names.
fn principal_of(all: &facts::Facts, question: &Question) -> Option<AccountId> {
    let named = question.delegation.as_deref()?;
    let delegation = all.relationships.iter().find(|r| r.id.as_str() == named)?;
    let grantor = delegation.grantor.as_ref()?;
    all.accounts.iter().find(|a| a.hats.iter().any(|h| &h.id == grantor)).map(|a| a.id.clone())
}

/// Whether the request as a whole is refused: then every probe says so.
fn whole_refusal(probed: &[(Category, Decision)], standing: Standing) -> Option<WholeRefusal> {
    let whole = |d: &Decision| d.level == Level::N && is_whole(d.reason);
    let (_, first) = probed.first()?;
    // A person nobody knows must look exactly like one who may not be hinted at.
    if standing == Standing::Unknown && first.reason != Reason::DAuth {
        return Some(WholeRefusal { reason: Reason::DRel, marker: Marker::Silent });
    }
    if !probed.iter().all(|(_, d)| whole(d)) {
        return None;
    }
    // One silent answer makes the whole refusal silent.
    let silent = probed.iter().any(|(_, d)| d.marker == Marker::Silent);
    let marker = if silent { Marker::Silent } else { first.marker };
    Some(WholeRefusal { reason: first.reason, marker })
}

/// Reasons that speak of the request, not of a segment (decision procedure steps 1 to 4, and 14).
const fn is_whole(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::DAuth | Reason::DCoi | Reason::DPurpose | Reason::DRel | Reason::DAudit | Reason::DDelegate
    )
}

/// Categories whose marker is printed for every person (sharing rules §10, matrix N).
fn unavailable(probed: &[(Category, Decision)]) -> Vec<Category> {
    let shown = probed.iter().filter(|(_, d)| {
        d.level == Level::N && d.marker == Marker::Shown && matches!(d.reason, Reason::DMatrix | Reason::DCap)
    });
    shown.map(|(category, _)| *category).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
