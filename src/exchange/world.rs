//! The facts of one question: rows of the store and labels of stored segments, as the deciding part reads them.
//!
//! Owns the translation of a stored segment into a facts segment, and nothing of its meaning. A segment that cannot
//! be described is described as unlabelled, which discloses it to nobody but its own agency (R1).

use super::Failure;
use crate::clock::Moment;
use crate::config::Agency;
use crate::ident::{AgencyId, HatId, PersonId, SegmentId};
use crate::record::{Handling, OriginatorCap, PoliceHandling, Record, Segment};
use crate::sharing::facts::{self, Day, Place, Time};
use crate::sharing::{Indexed, World};
use crate::store::{FactRow, Section, SegmentRow};
use crate::vocabulary::{Category, Purpose, Role};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// The facts of one closure, read and indexed once for every question that depends on the same ones.
pub(super) struct Known {
    facts: facts::Facts,
    /// None when a fact names somebody whom nobody registered (a worker took on a child known from a message only): each
    /// question then brings its own people before the facts are indexed.
    indexed: Option<Arc<Indexed>>,
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
        let facts: facts::Facts = serde_json::from_value(Value::Object(all))
            .map_err(|_| Failure::Inconsistent("stored facts cannot be read"))?;
        let indexed = Indexed::new(&facts).ok();
        Ok(Self { facts, indexed, people, accounts, caseloads: Caseloads::from_rows(rows) })
    }

    /// The facts as they are.
    pub const fn facts(&self) -> &facts::Facts {
        &self.facts
    }

    /// The facts without any segment, at `now`, for a story that changes them before it asks.
    pub fn without_segments(&self, now: Moment) -> facts::Facts {
        let mut all = self.facts.clone();
        all.now = Time::from(now);
        all.item_grants.clear();
        all.openings.clear();
        for record in &mut all.permissions {
            let exceptions = record.exceptions.iter_mut().map(|e| &mut e.scope);
            // A permission for named segments fits none here.
            std::iter::once(&mut record.scope)
                .chain(exceptions)
                .filter_map(|s| s.segments.as_mut())
                .for_each(Vec::clear);
        }
        all
    }

    /// These facts with the segments and people of one question.
    pub fn world(&self, people: &[facts::Person], segments: &[&facts::Segment], now: Time) -> Result<World, Failure> {
        let world = match &self.indexed {
            Some(indexed) => World::of(indexed, people, segments, now),
            None => {
                let mut all = self.facts.clone();
                all.people.extend_from_slice(people);
                let indexed = Indexed::new(&all);
                let indexed = indexed.map_err(|_| Failure::Inconsistent("stored facts contradict each other"))?;
                World::of(&indexed, &[], segments, now)
            }
        };
        world.ok_or(Failure::Inconsistent("a segment names somebody who does not exist"))
    }

    /// Of these people those nobody registered yet, with what a record says of their age.
    pub fn unregistered(&self, people: BTreeMap<PersonId, Option<String>>) -> Vec<facts::Person> {
        let unknown = people.into_iter().filter(|(person, _)| !self.people.contains(person));
        let person = |(id, born): (PersonId, Option<String>)| {
            let born = born.and_then(|day| Day::parse(&day).ok());
            facts::Person {
                id,
                born,
                // Nobody told us an age: an adult's caps are the tighter ones.
                age_band: born.is_none().then_some(facts::AgeBand::Adult),
                died: None,
                nameless: false,
                family_name: None,
                given_name: None,
                postcode: None,
                identifiers: Vec::new(),
            }
        };
        unknown.map(person).collect()
    }
}

/// A caseload row: the hats whose own work a custodian's segments about a person in some categories are, all of them or
/// those that are named.
struct Caseload {
    custodian: AgencyId,
    person: PersonId,
    categories: Vec<Category>,
    hats: Vec<HatId>,
    /// Only these; all when the row has no such list.
    segments: Option<Vec<SegmentId>>,
}

/// The caseload rows.
pub(super) struct Caseloads(Vec<Caseload>);

impl Caseloads {
    /// Reads them from the rows; one that cannot be read grants nothing.
    pub fn from_rows(rows: &[FactRow]) -> Self {
        let bodies = rows.iter().filter(|r| r.section == Section::Caseloads).map(|r| &r.body);
        Self(bodies.filter_map(Self::read).collect())
    }
    fn read(body: &Value) -> Option<Caseload> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let list = |name: &str| -> Vec<String> {
            let items = body.get(name).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let categories = list("categories").iter().filter_map(|c| Category::parse(c)).collect();
        Some(Caseload {
            custodian: AgencyId::new(text("custodian")?),
            person: PersonId::new(text("person")?),
            categories,
            hats: list("hats").into_iter().map(HatId::new).collect(),
            segments: body.get("segments").map(|_| list("segments").into_iter().map(SegmentId::new).collect()),
        })
    }
    fn hats(&self, row: &SegmentRow, category: Category) -> Vec<HatId> {
        let own = self.0.iter().filter(|own| {
            own.custodian == row.custodian
                && row.about.contains(&own.person)
                && own.categories.contains(&category)
                && own.segments.as_ref().is_none_or(|named| named.contains(&row.id))
        });
        let hats: BTreeSet<&HatId> = own.flat_map(|own| &own.hats).collect();
        hats.into_iter().cloned().collect()
    }
}

/// 1 January 1900, before any record: when a seal without a known start began.
const SEALED_SINCE: Moment = Moment::from_millis(-2_208_988_800_000);

/// One stored segment as a facts segment.
pub(super) fn segment_fact(
    held: &HeldRecord,
    segment: &Segment,
    caseloads: &Caseloads,
    purpose: Purpose,
    now: Time,
) -> Result<facts::Segment, Failure> {
    let row = held.row(&segment.id).ok_or(Failure::Inconsistent("a segment has no row"))?;
    let label = &segment.label;
    let mut labels = label.sensitivity_codes.clone();
    labels.sort();
    labels.dedup();
    // Only an episode has a kind: what else is labelled MIS is neither episode nor interview (R53).
    let episode = label.category == Some(Category::Mis) && segment.array == "missing";
    let kind = episode.then(|| match held.record.document().member(segment.node, "return_interview") {
        Some(_) => facts::MissingKind::ReturnInterview,
        None => facts::MissingKind::MissingEpisode,
    });
    let handling = (label.category == Some(Category::Int))
        .then(|| facts::Text::new(label.police_handling.map_or("P", PoliceHandling::code)));
    Ok(facts::Segment {
        id: row.id.clone(),
        category: label.category,
        about: row.about.clone(),
        record_of: held.subject().cloned(),
        custodian: label.custodian.clone(),
        author: None,
        caseload: label.category.map(|c| caseloads.hats(row, c)).unwrap_or_default(),
        form: if row.form == "summary" { facts::Form::Summary } else { facts::Form::Full },
        summary: authored_summary(held, segment),
        kind,
        observed: label.observed.as_deref().and_then(|day| Day::parse(day).ok()),
        recorded_at: None,
        basis: None,
        labels,
        markings: if label.handling.contains(&Handling::Nopat) { vec![facts::Marking::Nopat] } else { Vec::new() },
        originator: label.originator.iter().flat_map(|cap| originator_facts(cap, purpose, now)).collect(),
        places: places(held, segment),
        voices: Vec::new(),
        handling,
        // A seal without a known start has always been there.
        sealed: label.sealed.then(|| facts::Sealed { by: None, from: Time::from(SEALED_SINCE), to: None }),
    })
}

/// A segment of a category that holds nothing: decided to learn what is true of the request as a whole, and of categories
/// in which nothing is held (the same answer must come with and without content, R59).
pub(super) fn probe(category: Category, about: &PersonId, custodian: &AgencyId) -> facts::Segment {
    facts::Segment {
        id: SegmentId::new(format!("probe-{}", category.code())),
        category: Some(category),
        about: vec![about.clone()],
        record_of: None,
        custodian: custodian.clone(),
        author: None,
        caseload: Vec::new(),
        form: facts::Form::Full,
        summary: None,
        kind: None,
        observed: None,
        recorded_at: None,
        basis: None,
        labels: Vec::new(),
        markings: Vec::new(),
        originator: Vec::new(),
        places: Vec::new(),
        voices: Vec::new(),
        handling: (category == Category::Int).then(|| facts::Text::new("P")),
        sealed: None,
    }
}

fn authored_summary(held: &HeldRecord, segment: &Segment) -> Option<SegmentId> {
    let summary = held.record.segments().iter().find(|s| s.summary_of.contains(&segment.id))?;
    held.row(&summary.id).map(|r| r.id.clone())
}

/// The custodian's caps that hold for this purpose on this day of the London calendar (R84). One for a role that does not
/// exist is for nobody.
fn originator_facts(cap: &OriginatorCap, purpose: Purpose, now: Time) -> Vec<facts::OriginatorCap> {
    let other_purpose = !cap.purposes.is_empty() && !cap.purposes.iter().any(|p| p == purpose.code());
    let over = cap.until.as_deref().and_then(|day| Day::parse(day).ok()).is_some_and(|last| last.is_over(now));
    if other_purpose || over {
        return Vec::new();
    }
    let roles: Vec<Option<Role>> = match cap.roles.is_empty() {
        true => vec![None],
        false => cap.roles.iter().filter_map(|code| Role::parse(code)).map(Some).collect(),
    };
    let agencies = some_or_none(&cap.agencies);
    let pairs = agencies.iter().flat_map(|agency| roles.iter().map(move |role| (*agency, *role)));
    let party = |(agency, role): (Option<&AgencyId>, Option<Role>)| facts::Party {
        agency: agency.cloned(),
        role,
        team: None,
        account: None,
        anyone: agency.is_none() && role.is_none(),
    };
    pairs.map(|pair| facts::OriginatorCap { to: party(pair), max: cap.max }).collect()
}

fn some_or_none<T>(list: &[T]) -> Vec<Option<&T>> {
    if list.is_empty() { vec![None] } else { list.iter().map(Some).collect() }
}

/// Members that say where somebody works or can be met, and the kind of place each gives away (R58).
const PLACE_MEMBERS: [(&str, Place); 9] = [
    ("organisation", Place::AppointmentPlace),
    ("team", Place::WorkerBase),
    ("worker", Place::WorkerBase),
    ("from_organisation", Place::Sender),
    ("to_organisation", Place::Sender),
    ("participants", Place::Sender),
    ("address", Place::Map),
    ("actions", Place::AppointmentPlace),
    ("source_ref", Place::FileName),
];

/// Indirect location inside a segment. Free text may hold any of it, unless its author wrote it as a safety brief, so
/// it counts; a wrong guess withholds from a protected person's adversary only.
fn places(held: &HeldRecord, segment: &Segment) -> Vec<Place> {
    let doc = held.record.document();
    let named = PLACE_MEMBERS.iter().filter(|(member, _)| doc.member(segment.node, member).is_some());
    let mut places: Vec<Place> = Vec::new();
    for (_, place) in named {
        if !places.contains(place) {
            places.push(*place);
        }
    }
    let free = ["text", "summary", "evidence"].iter().any(|m| doc.member(segment.node, m).is_some());
    if free && segment.label.category != Some(Category::Rsk) && !places.contains(&Place::AppointmentPlace) {
        places.push(Place::AppointmentPlace);
    }
    places
}
