//! Receiving: bytes of a connected system to stored, logged records.
//!
//! Owns the order: read and validate, match people, store and log in one transaction, acknowledge. A message that is
//! not valid changes nothing. Read [`Gateway::receive`] first.

use super::{Caller, Failure, Gateway, corrections, entries};
use crate::audit::payload::{Dataset, Payload, length_class};
use crate::audit::{Draft, Outcome};
use crate::clock::Moment;
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, NodeId, Style, json};
use crate::exchange::disclose::hex;
use crate::ident::{HatId, ItemId, MessageId, PersonId, SegmentId, SystemId};
use crate::mapping::{Quarantined, ReadContext, ReadRecord};
use crate::matching::{Identifier, Scheme};
use crate::record::{Record, Segment};
use crate::store::{
    self, CommitError, Digest, Effect, ItemKind, Job, KeptKind, NewHeld, NewIdempotency, NewItem, NewMessage,
    NewRecord, NewSegment, Presented, RecordId, Refusal, Resolution, Section,
};
use crate::vocabulary::{Category, Purpose};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How often people are matched again because somebody else's message changed the index meanwhile.
const MATCH_TRIES_MAX: usize = 5;

/// Whom a sender addresses beyond the configured routes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addressee {
    /// The receiving system.
    pub system: SystemId,
    /// The hat it is decided for.
    pub hat: HatId,
    /// The purpose it is decided for.
    pub purpose: Purpose,
}

/// A message as the door hands it in. `Debug` prints sizes only.
pub struct Submission {
    /// The bytes.
    pub body: Vec<u8>,
    /// The sender's key for repeats.
    pub idempotency_key: Option<String>,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Submission({} bytes)", self.body.len())
    }
}

/// The acknowledgement: the message is durable.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// The message's id.
    pub id: String,
    /// When it came in, RFC 3339 UTC.
    pub received_at: String,
    /// The read's loss reports, one per record: paths and kinds, never values.
    pub loss: serde_json::Value,
    /// How many people of the message were already known for certain.
    pub subjects_matched: usize,
    /// How many mailboxes it waits in.
    pub routed: usize,
    /// How many items are held in quarantine, because it cannot be told whom they are about or a required part is missing.
    #[serde(default)]
    pub quarantined: usize,
    /// How many earlier records of the sender it stands in the place of.
    #[serde(default)]
    pub replaced: usize,
}

/// What is known of a message that somebody wrote in the pages: whom it is about needs no matching, and who wrote it.
#[derive(Default)]
pub(super) struct Known {
    /// People of the message, by its own ids. Their identity is not stored again.
    pub people: BTreeMap<String, PersonId>,
    /// The writer's entry, for the log; the message's own dataset goes into it.
    pub by: Option<Payload>,
    /// The hat that may always read what it wrote (decision step 7).
    pub writer: Option<HatId>,
    /// What is kept no longer once the message is stored: a draft that became this.
    pub ends: Option<(KeptKind, String)>,
}

impl Gateway {
    /// Accepts a message: `Ok` means durable and logged.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with path and position, [`Failure::Conflict`], [`Failure::LogUnavailable`].
    pub async fn receive(&self, caller: &Caller, submission: Submission) -> Result<Accepted, Failure> {
        self.receive_known(caller, submission, &Known::default()).await
    }

    /// The same, of a message about people who are known already.
    ///
    /// # Errors
    /// As [`Gateway::receive`].
    pub(super) async fn receive_known(
        &self,
        caller: &Caller,
        submission: Submission,
        known: &Known,
    ) -> Result<Accepted, Failure> {
        let now = self.clock().now();
        let body_digest = self.keys.hash("body", &submission.body);
        let key_hash = submission.idempotency_key.as_ref().map(|k| self.keys.hash("idempotency", k.as_bytes()));
        if let Some(answer) = self.remembered(caller, key_hash.as_ref(), &body_digest, now).await? {
            return Ok(answer);
        }
        let read = self.read(caller, &submission.body)?;
        for _ in 0..MATCH_TRIES_MAX {
            let mut accepted = self.compose(caller, &read, known, now).await?;
            self.correct(caller, &mut accepted, now).await?;
            let told = accepted.corrected.told.clone();
            let (job, answer) = self.job(caller, &submission, (accepted, known), &body_digest, key_hash, now)?;
            match self.committer.commit(job).await {
                Ok(_) => {
                    self.announce(caller);
                    self.wake_all(&told);
                    return Ok(answer);
                }
                // Whom it is about was given, not matched: who gave it looks again.
                Err(CommitError::Refused(Refusal::PersonChanged)) if known.by.is_some() => {
                    return Err(Failure::Changed);
                }
                Err(CommitError::Refused(Refusal::PersonChanged | Refusal::Replaced)) => {}
                Err(CommitError::Refused(Refusal::IdempotencyTaken)) => {
                    let answer = self.remembered(caller, key_hash.as_ref(), &body_digest, now).await?;
                    return answer.ok_or(Failure::Conflict);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Inconsistent("the people index kept changing"))
    }

    async fn remembered(
        &self,
        caller: &Caller,
        key: Option<&Digest>,
        body: &Digest,
        now: Moment,
    ) -> Result<Option<Accepted>, Failure> {
        let Some(key) = key else { return Ok(None) };
        let Some(found) = self.db.remembered(&caller.system, key, now).await? else { return Ok(None) };
        if found.body_digest != body {
            return Err(Failure::Conflict);
        }
        serde_json::from_str(&found.response).map(Some).map_err(|_| Failure::Inconsistent("a remembered answer"))
    }

    fn read(&self, caller: &Caller, body: &[u8]) -> Result<Vec<ReadRecord>, Failure> {
        let context = ReadContext { limits: self.limits(), ..ReadContext::of(caller.agency.clone()) };
        self.content().mappings.read(&caller.format, body, &context).map_err(Failure::Invalid)
    }

    /// Matches everybody and makes the rows. Writes nothing.
    async fn compose(
        &self,
        caller: &Caller,
        read: &[ReadRecord],
        known: &Known,
        now: Moment,
    ) -> Result<Composed, Failure> {
        let mut locals = Vec::with_capacity(read.len());
        let mut presented = Vec::new();
        for one in read {
            let unknown =
                presented_people(caller, &one.record).into_iter().filter(|(l, _)| !known.people.contains_key(l));
            let (names, people): (Vec<String>, Vec<Presented>) = unknown.unzip();
            locals.push(names);
            presented.extend(people);
        }
        let mut resolved = self.db.resolve_people(&self.keys, &presented).await?.into_iter();
        let mut composed = Composed::default();
        for (one, locals) in read.iter().zip(locals) {
            let people: Vec<(String, Resolution)> = locals.into_iter().zip(resolved.by_ref()).collect();
            let mut record = compose_record(&one.record, people, known, &mut composed, now);
            corrections::name(&self.keys, caller, &one.record, (&mut record, &mut composed.corrections));
            for item in &one.quarantined {
                composed.held.push(new_held(item, composed.records.len())?);
            }
            composed.records.push(record);
            composed.loss.push(serde_json::to_value(&one.loss).map_err(|_| Failure::Inconsistent("a loss report"))?);
        }
        Ok(composed)
    }

    fn job(
        &self,
        caller: &Caller,
        submission: &Submission,
        (composed, known): (Composed, &Known),
        body_digest: &Digest,
        key_hash: Option<Digest>,
        now: Moment,
    ) -> Result<(Job, Accepted), Failure> {
        let message = MessageId::new(Self::fresh_id());
        let items = self.items(caller, &message, &composed, now);
        let answer = Accepted {
            id: message.as_str().to_owned(),
            received_at: now.to_string(),
            loss: serde_json::Value::Array(composed.loss),
            subjects_matched: composed.matched,
            routed: items.len(),
            quarantined: composed.held.len(),
            replaced: composed.corrected.replaced,
        };
        let response = serde_json::to_string(&answer).map_err(|_| Failure::Inconsistent("an acknowledgement"))?;
        let dataset = Dataset {
            message: Some(message.clone()),
            length_class: Some(length_class(submission.body.len())),
            content: Some(hex(body_digest)),
            ..Dataset::default()
        };
        let held = held_counts(&composed.held);
        let effect = Effect::Accept(Box::new(NewMessage {
            id: message,
            system: caller.system.clone(),
            agency: caller.agency.clone(),
            format: caller.format.clone(),
            received_at: now,
            body_digest: *body_digest,
            byte_length: submission.body.len() as u64,
            loss: answer.loss.to_string(),
            state: "accepted".to_owned(),
            records: composed.records,
            quarantined: composed.held,
            people: composed.people,
            items,
            idempotency: key_hash.map(|key_hash| NewIdempotency {
                system: caller.system.clone(),
                key_hash,
                body_digest: *body_digest,
                response,
                created_at: now,
            }),
        }));
        let mut drafts = match &known.by {
            Some(by) => vec![Draft::new(Outcome::Allow, Payload { dataset: Some(dataset), ..by.clone() })],
            None => entries_of(caller, composed.subjects, &dataset, held),
        }
        .into_iter();
        if drafts.len() > store::JOB_ENTRIES_MAX {
            let said = format!("the message is about more than {} people", store::JOB_ENTRIES_MAX.saturating_sub(1));
            return Err(Failure::Invalid(vec![Diagnostic::error(code::DOC_LIMIT, said)]));
        }
        let first = drafts.next().ok_or(Failure::Inconsistent("a message without an entry"))?;
        let given = known.people.values().cloned().map(Effect::IfNotJoined);
        let job = drafts.chain(composed.corrected.entries).fold(Job::new(first), Job::with_entry);
        let job = given.fold(job, Job::with_effect).with_effect(effect);
        let job = composed.corrected.effects.into_iter().fold(job, Job::with_effect);
        let ends = known.ends.iter().map(|(kind, id)| Effect::EndKept { kind: *kind, id: id.clone() });
        let job = ends.fold(job, Job::with_effect);
        Ok((composed.own.into_iter().fold(job, Job::with_effect), answer))
    }

    /// One item per record and route: each has one subject, so each release has one entry.
    fn items(&self, caller: &Caller, message: &MessageId, composed: &Composed, now: Moment) -> Vec<NewItem> {
        let routes = self.config().routes.iter().filter(|r| r.from == caller.system);
        let pairs = routes.flat_map(|route| composed.records.iter().map(move |record| (route, record)));
        pairs
            .map(|(route, record)| NewItem {
                id: ItemId::new(Self::fresh_id()),
                kind: ItemKind::Delivery,
                message: message.clone(),
                records: vec![record.id.clone()],
                from_system: caller.system.clone(),
                from_agency: caller.agency.clone(),
                to_system: route.to.clone(),
                hat: Some(route.hat.clone()),
                purpose: Some(route.purpose),
                available_at: now,
                expires_at: now.plus_millis(store::EXPIRY_MILLIS),
            })
            .collect()
    }

    fn announce(&self, caller: &Caller) {
        for route in self.config().routes.iter().filter(|r| r.from == caller.system) {
            if let Some(notify) = self.arrivals.get(&route.to) {
                notify.notify_waiters();
            }
        }
    }
}

/// A record's rows; what its people add goes to the message's.
fn compose_record(
    record: &Record,
    people: Vec<(String, Resolution)>,
    known: &Known,
    composed: &mut Composed,
    now: Moment,
) -> NewRecord {
    let id = RecordId::new(Gateway::fresh_id());
    let mut persons: BTreeMap<String, PersonId> = known.people.clone();
    composed.matched += persons.len();
    for (local, mut resolution) in people {
        composed.matched += usize::from(resolution.matched);
        if let Some(review) = &mut resolution.change.review {
            review.record = Some(id.clone());
            review.local.clone_from(&local);
        }
        persons.insert(local, resolution.person);
        composed.people.push(resolution.change);
    }
    let doc = record.document();
    let content = json::write(doc, doc.root(), Style::Compact);
    composed.subjects.extend(subject_of(doc).and_then(|local| persons.get(&local).cloned()));
    let stored = record.segments().iter().filter(|s| !known.people.contains_key(s.id.as_str()));
    let segments: Vec<NewSegment> = stored.map(|s| new_segment(&id, s, &persons, now)).collect();
    composed.own.extend(known.writer.as_ref().and_then(|writer| own_work(&id, &segments, writer)));
    NewRecord { id, content, segments, persons: persons.into_iter().collect(), sent_as: None }
}

/// That a record's segments are a hat's own work (decision step 7): these, not whatever else its agency has about the person.
fn own_work(record: &RecordId, segments: &[NewSegment], writer: &HatId) -> Option<Effect> {
    let first = segments.first()?;
    let categories: BTreeSet<&str> = segments.iter().filter_map(|s| s.category).map(|c| c.code()).collect();
    let body = serde_json::json!({
        "custodian": first.custodian, "person": first.about.first()?, "categories": categories, "hats": [writer],
        "segments": segments.iter().map(|s| &s.id).collect::<Vec<_>>(),
    });
    Some(Effect::PutFact {
        section: Section::Caseloads,
        id: format!("written-{record}"),
        body,
        expected_version: Some(0),
    })
}

/// The rows of a message, and what it does to earlier ones.
#[derive(Default)]
pub(super) struct Composed {
    pub(super) records: Vec<NewRecord>,
    /// Records that say which earlier one they replace.
    pub(super) corrections: Vec<corrections::Says>,
    pub(super) corrected: corrections::Corrected,
    held: Vec<NewHeld>,
    people: Vec<crate::store::PersonChange>,
    own: Vec<Effect>,
    subjects: Vec<PersonId>,
    loss: Vec<serde_json::Value>,
    matched: usize,
}

/// One entry per subject, because an entry is about one person; a message about nobody still has one. What is held in
/// quarantine is about nobody that can be told: one more entry says how much, and why.
fn entries_of(
    caller: &Caller,
    mut subjects: Vec<PersonId>,
    dataset: &Dataset,
    held: BTreeMap<String, u32>,
) -> Vec<Draft> {
    subjects.sort();
    subjects.dedup();
    let about = subjects.into_iter().map(|s| entries::of_submission(caller, Some(s), dataset.clone()));
    let mut entries: Vec<Draft> = about.collect();
    if entries.is_empty() {
        entries.push(entries::of_submission(caller, None, dataset.clone()));
    }
    if !held.is_empty() {
        entries.push(entries::of_quarantine(caller, dataset.clone(), held));
    }
    entries
}

/// A held item as it is stored: whole, with the place it stood at.
fn new_held(item: &Quarantined, place: usize) -> Result<NewHeld, Failure> {
    let whole = item.item.item(item.item.root(), 0).unwrap_or_else(|| item.item.root());
    let content = serde_json::json!({"path": item.path, "item": item.item.to_value(whole)});
    let content = serde_json::to_vec(&content).map_err(|_| Failure::Inconsistent("a held item"))?;
    Ok(NewHeld { id: Gateway::fresh_id(), place, kind: item.kind.word(), content })
}

fn held_counts(held: &[NewHeld]) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for one in held {
        let count = counts.entry(one.kind.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

fn subject_of(doc: &Document) -> Option<String> {
    let people = doc.member(doc.root(), "people")?;
    let subject = doc.children(people).find(|p| doc.text_at(*p, &["role"]) == Some("subject"));
    doc.text_at(subject.or_else(|| doc.item(people, 0))?, &["id"]).map(str::to_owned)
}

fn new_segment(record: &RecordId, segment: &Segment, persons: &BTreeMap<String, PersonId>, now: Moment) -> NewSegment {
    NewSegment {
        id: SegmentId::new(format!("{record}.{}", segment.id)),
        local: segment.id.clone(),
        custodian: segment.label.custodian.clone(),
        category: segment.label.category,
        form: segment.form.code().to_owned(),
        state: segment.state.code().to_owned(),
        recorded_at: now,
        about: segment.label.about.iter().filter_map(|local| persons.get(local.as_str()).cloned()).collect(),
    }
}

/// The matcher's word for an identifier scheme of the canonical record. A former number never links.
pub(super) fn scheme_of(word: &str) -> Option<Scheme> {
    match word {
        "nhs-number" => Some(Scheme::NhsNumber),
        "upn" => Some(Scheme::Upn),
        "la-child-id" => Some(Scheme::LaChildId),
        "local-patient-id" | "treatment-client-ref" | "police-ref" => Some(Scheme::Local),
        _ => None,
    }
}

/// Everybody in the record as the matcher wants them. A failed identifier is never used (canonical record §2 rule 12).
fn presented_people(caller: &Caller, record: &Record) -> Vec<(String, Presented)> {
    let doc = record.document();
    // Where a record holds a place to be hidden, no other place of it is searched by: who lives together is found together.
    let hidden = record.segments().iter().any(|segment| segment.label.category == Some(Category::Loc));
    let people = doc.member(doc.root(), "people");
    let nodes = people.into_iter().flat_map(|list| doc.children(list));
    nodes
        .filter_map(|person| {
            let local = doc.text_at(person, &["id"])?.to_owned();
            let identifiers = doc.member(person, "identifiers");
            let identifiers = identifiers.into_iter().flat_map(|list| doc.children(list)).filter_map(|node| {
                let scheme = scheme_of(doc.text_at(node, &["scheme"])?)?;
                if doc.text_at(node, &["check"]) == Some("failed") {
                    return None;
                }
                Identifier::new(scheme, doc.text_at(node, &["value"])?, &caller.agency)
            });
            let names = doc.member(person, "names");
            let names = names.into_iter().flat_map(|list| doc.children(list)).filter_map(|name| {
                let given = doc.member(name, "given").and_then(|g| doc.item(g, 0)).and_then(|g| doc.text(g))?;
                Some((doc.text_at(name, &["family"])?.to_owned(), given.to_owned()))
            });
            let names: Vec<(String, String)> = names.collect();
            let homes = if hidden { Vec::new() } else { homes(doc, person, &names) };
            let birth = doc.text_at(person, &["birth", "date"]).map(str::to_owned);
            Some((local, Presented { identifiers: identifiers.collect(), birth, names, homes }))
        })
        .collect()
}

/// The homes of a person that may be searched by (R8): where they live now, held as an ordinary address without any word of
/// its custodian that it be shown to fewer.
fn homes(doc: &Document, person: NodeId, names: &[(String, String)]) -> Vec<(String, String)> {
    let addresses = doc.member(person, "addresses");
    let addresses = addresses.into_iter().flat_map(|list| doc.children(list));
    let open = addresses.filter(|at| {
        let label = |name: &str| doc.member(*at, "label").and_then(|label| doc.member(label, name));
        let ordinary = doc.text_at(*at, &["label", "category"]) == Some("ADR");
        let held_back =
            ["sealed", "originator", "police_handling", "handling_text"].into_iter().any(|name| label(name).is_some());
        let at_home = doc.text_at(*at, &["use", "code"]).is_none_or(|code| code == "home");
        ordinary && !held_back && at_home && doc.member(*at, "end").is_none()
    });
    let codes: Vec<&str> = open.filter_map(|at| doc.text_at(at, &["postcode"])).collect();
    let pairs = names.iter().flat_map(|(family, _)| codes.iter().map(|code| (family.clone(), (*code).to_owned())));
    pairs.collect()
}
