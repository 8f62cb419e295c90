//! The facts of one question: rows of the store and labels of stored segments, as the deciding part reads them.
//!
//! Owns the translation of a stored segment into a facts segment, and nothing of its meaning. A segment that cannot
//! be described is described as unlabelled, which discloses it to nobody but its own agency (R1).

use super::Failure;
use crate::clock::Moment;
use crate::config::Agency;
use crate::ident::{AgencyId, PersonId, SegmentId};
use crate::record::{Handling, Label, OriginatorCap, PoliceHandling, Record, Segment};
use crate::sharing::facts;
use crate::store::{FactRow, Section, SegmentRow};
use crate::vocabulary::{Category, Purpose};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A stored record with what the store knows of it.
pub(super) struct HeldRecord {
    pub id: String,
    pub record: Record,
    pub people: BTreeMap<String, PersonId>,
    pub segments: Vec<SegmentRow>,
}

impl HeldRecord {
    /// The person in whose record everything lies: the first subject.
    pub fn subject(&self) -> Option<&PersonId> {
        let doc = self.record.document();
        let people = doc.member(doc.root(), "people")?;
        let subject = doc.children(people).find(|p| doc.text_at(*p, &["role"]) == Some("subject"));
        let first = subject.or_else(|| doc.item(people, 0))?;
        self.people.get(doc.text_at(first, &["id"])?)
    }
    /// Everybody in the record, with a full birth date where the record has one.
    pub fn born(&self) -> impl Iterator<Item = (PersonId, Option<String>)> + '_ {
        let doc = self.record.document();
        let people = doc.member(doc.root(), "people");
        people.into_iter().flat_map(|list| doc.children(list)).filter_map(move |node| {
            let person = self.people.get(doc.text_at(node, &["id"])?)?.clone();
            let born = doc.text_at(node, &["birth", "date"]).filter(|date| date.len() == 10);
            Some((person, born.map(str::to_owned)))
        })
    }
    /// The stored row of a local segment.
    pub fn row(&self, local: &SegmentId) -> Option<&SegmentRow> {
        self.segments.iter().find(|r| &r.local == local)
    }
}

/// The facts of one closure, read once for every question that depends on the same ones.
pub(super) struct Known {
    facts: facts::Facts,
    people: BTreeSet<PersonId>,
    pub accounts: Vec<Value>,
    pub caseloads: Caseloads,
}

impl Known {
    /// Sections from rows, and the configured agencies that have none.
    pub fn of(agencies: &[Agency], rows: &[FactRow]) -> Result<Self, Failure> {
        let mut sections: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        let (mut people, mut known, mut accounts) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for row in rows.iter().filter(|r| r.section != Section::Caseloads) {
            match row.section {
                Section::People => drop(people.insert(PersonId::new(row.id.clone()))),
                Section::Agencies => drop(known.insert(row.id.as_str())),
                Section::Accounts => accounts.push(row.body.clone()),
                _ => {}
            }
            sections.entry(row.section.name()).or_default().push(row.body.clone());
        }
        for agency in agencies.iter().filter(|a| !known.contains(a.id.as_str())) {
            let body = json!({"id": agency.id, "kind": agency.kind.code()});
            sections.entry(Section::Agencies.name()).or_default().push(body);
        }
        let mut all = Map::new();
        all.insert("facts".to_owned(), json!(1));
        all.insert("now".to_owned(), json!("1970-01-01T00:00:00Z"));
        all.extend(sections.into_iter().map(|(name, items)| (name.to_owned(), Value::Array(items))));
        let facts = serde_json::from_value(Value::Object(all))
            .map_err(|_| Failure::Inconsistent("stored facts cannot be read"))?;
        Ok(Self { facts, people, accounts, caseloads: Caseloads::from_rows(rows) })
    }

    /// The facts of one question: these, the people nobody registered yet, and the segments to decide.
    pub fn for_question(
        &self,
        people: &BTreeMap<PersonId, Option<String>>,
        segments: Vec<Value>,
        now: Moment,
    ) -> Result<facts::Facts, Failure> {
        let mut all = self.facts.clone();
        all.now = typed(json!(now.to_string()))?;
        for (person, born) in people.iter().filter(|(p, _)| !self.people.contains(*p)) {
            all.people.push(typed(match born {
                Some(born) => json!({"id": person, "born": born}),
                // Nobody told us an age: an adult's caps are the tighter ones.
                None => json!({"id": person, "age_band": "adult"}),
            })?);
        }
        all.segments = segments.into_iter().map(typed).collect::<Result<_, _>>()?;
        only_described(&mut all);
        Ok(all)
    }
}

/// What names a segment that is not in question has no part in the answer; a permission for such segments fits none.
fn only_described(all: &mut facts::Facts) {
    let described: BTreeSet<SegmentId> = all.segments.iter().map(|s| s.id.clone()).collect();
    all.item_grants.retain(|grant| described.contains(&grant.segment));
    all.openings.retain(|opening| described.contains(&opening.segment));
    for record in &mut all.permissions {
        let exceptions = record.exceptions.iter_mut().map(|e| &mut e.scope);
        for scope in std::iter::once(&mut record.scope).chain(exceptions) {
            if let Some(segments) = &mut scope.segments {
                segments.retain(|id| described.contains(id));
            }
        }
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|_| Failure::Inconsistent("stored facts cannot be read"))
}

/// The caseload rows, as custodian, person, categories, hats.
pub(super) struct Caseloads(Vec<(AgencyId, PersonId, Vec<Category>, Vec<String>)>);

impl Caseloads {
    /// Reads them from the rows; one that cannot be read grants nothing.
    pub fn from_rows(rows: &[FactRow]) -> Self {
        let bodies = rows.iter().filter(|r| r.section == Section::Caseloads).map(|r| &r.body);
        Self(bodies.filter_map(Self::read).collect())
    }
    fn read(body: &Value) -> Option<(AgencyId, PersonId, Vec<Category>, Vec<String>)> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let list = |name: &str| -> Vec<String> {
            let items = body.get(name).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let categories = list("categories").iter().filter_map(|c| Category::parse(c)).collect();
        Some((AgencyId::new(text("custodian")?), PersonId::new(text("person")?), categories, list("hats")))
    }
    fn hats(&self, custodian: &AgencyId, about: &[PersonId], category: Category) -> Vec<&str> {
        let own = self.0.iter().filter(|(agency, person, categories, _)| {
            agency == custodian && about.contains(person) && categories.contains(&category)
        });
        let hats: BTreeSet<&str> = own.flat_map(|(_, _, _, hats)| hats.iter().map(String::as_str)).collect();
        hats.into_iter().collect()
    }
}

/// One stored segment as a facts segment.
pub(super) fn segment_fact(
    held: &HeldRecord,
    segment: &Segment,
    caseloads: &Caseloads,
    purpose: Purpose,
    now: Moment,
) -> Result<Value, Failure> {
    let row = held.row(&segment.id).ok_or(Failure::Inconsistent("a segment has no row"))?;
    let label = &segment.label;
    let mut fact = json!({
        "id": row.id, "category": label.category, "about": row.about, "custodian": label.custodian,
        "form": row.form, "basis": label.basis_marker.code(),
    });
    let Value::Object(map) = &mut fact else { return Err(Failure::Inconsistent("a fact is not an object")) };
    if let Some(subject) = held.subject() {
        map.insert("record_of".to_owned(), json!(subject));
    }
    if let Some(category) = label.category {
        let hats = caseloads.hats(&label.custodian, &row.about, category);
        map.insert("caseload".to_owned(), json!(hats));
    }
    if let Some(summary) = authored_summary(held, segment) {
        map.insert("summary".to_owned(), json!(summary));
    }
    label_facts(map, label, purpose, now);
    let places = places(held, segment);
    if !places.is_empty() {
        map.insert("places".to_owned(), json!(places));
    }
    // Only an episode has a kind: what else is labelled MIS is neither episode nor interview (R53).
    if label.category == Some(Category::Mis) && segment.array == "missing" {
        let interview = held.record.document().member(segment.node, "return_interview").is_some();
        map.insert("kind".to_owned(), json!(if interview { "return-interview" } else { "missing-episode" }));
    }
    Ok(fact)
}

fn authored_summary(held: &HeldRecord, segment: &Segment) -> Option<SegmentId> {
    let summary = held.record.segments().iter().find(|s| s.summary_of.contains(&segment.id))?;
    held.row(&summary.id).map(|r| r.id.clone())
}

fn label_facts(map: &mut Map<String, Value>, label: &Label, purpose: Purpose, now: Moment) {
    let mut labels: Vec<&String> = label.sensitivity_codes.iter().collect();
    labels.sort();
    labels.dedup();
    map.insert("labels".to_owned(), json!(labels));
    if let Some(observed) = label.observed.as_deref().filter(|o| o.len() == 10) {
        map.insert("observed".to_owned(), json!(observed));
    }
    if label.handling.contains(&Handling::Nopat) {
        map.insert("markings".to_owned(), json!(["NOPAT"]));
    }
    if label.category == Some(Category::Int) {
        map.insert("handling".to_owned(), json!(label.police_handling.map_or("P", PoliceHandling::code)));
    }
    if label.sealed {
        // A seal without a known start has always been there.
        map.insert("sealed".to_owned(), json!({"from": "1900-01-01"}));
    }
    let caps: Vec<Value> = label.originator.iter().flat_map(|c| originator_facts(c, purpose, now)).collect();
    if !caps.is_empty() {
        map.insert("originator".to_owned(), Value::Array(caps));
    }
}

fn originator_facts(cap: &OriginatorCap, purpose: Purpose, now: Moment) -> Vec<Value> {
    let other_purpose = !cap.purposes.is_empty() && !cap.purposes.iter().any(|p| p == purpose.code());
    let today = now.to_string();
    let over = cap.until.as_deref().is_some_and(|day| today.get(..10).is_some_and(|t| t > day));
    if other_purpose || over {
        return Vec::new();
    }
    let party = |agency: Option<&AgencyId>, role: Option<&String>| match (agency, role) {
        (None, None) => json!({"anyone": true}),
        (Some(a), None) => json!({"agency": a}),
        (None, Some(r)) => json!({"role": r}),
        (Some(a), Some(r)) => json!({"agency": a, "role": r}),
    };
    let agencies = some_or_none(&cap.agencies);
    let roles = some_or_none(&cap.roles);
    let pairs = agencies.iter().flat_map(|a| roles.iter().map(move |r| (*a, *r)));
    pairs.map(|(a, r)| json!({"to": party(a, r), "max": cap.max})).collect()
}

fn some_or_none<T>(list: &[T]) -> Vec<Option<&T>> {
    if list.is_empty() { vec![None] } else { list.iter().map(Some).collect() }
}

/// Members that say where somebody works or can be met, and the kind of place each gives away (R58).
const PLACE_MEMBERS: [(&str, &str); 9] = [
    ("organisation", "appointment-place"),
    ("team", "worker-base"),
    ("worker", "worker-base"),
    ("from_organisation", "sender"),
    ("to_organisation", "sender"),
    ("participants", "sender"),
    ("address", "map"),
    ("actions", "appointment-place"),
    ("source_ref", "file-name"),
];

/// Indirect location inside a segment. Free text may hold any of it, unless its author wrote it as a safety brief, so
/// it counts; a wrong guess withholds from a protected person's adversary only.
fn places(held: &HeldRecord, segment: &Segment) -> Vec<&'static str> {
    let doc = held.record.document();
    let named = PLACE_MEMBERS.iter().filter(|(member, _)| doc.member(segment.node, member).is_some());
    let mut places: BTreeSet<&str> = named.map(|(_, place)| *place).collect();
    let free = ["text", "summary", "evidence"].iter().any(|m| doc.member(segment.node, m).is_some());
    if free && segment.label.category != Some(Category::Rsk) {
        places.insert("appointment-place");
    }
    places.into_iter().collect()
}
