//! Redaction: decided segments of stored records to one [`Disclosable`].
//!
//! Owns what survives at each level, the joining of several records about one person, the receiver's own ids, and the
//! removal of every link to something not released. Refuses to cut text: a summary is an authored segment, or for the
//! coded categories a fixed list of fields (sharing rules §9). Read [`redact`] first.
//!
//! # Source
//! Canonical record §2 (rules 5, 6, 13), §4 (links), §7.

mod people;
#[cfg(test)]
mod tests;

use people::people_needed;

use super::decision::{Decision, Limit, Marker, Reason};
use super::disclosure::{Coverage, DecidedItem, Disclosable, HANDLING, Indicator, Marking};
use super::policy::Policy;
use crate::document::{Document, Kind, NodeId};
use crate::ident::PersonId;
use crate::record::Record;
use crate::vocabulary::{Category, Level, Purpose};
use std::collections::{BTreeMap, BTreeSet};

/// A stored record taking part in a disclosure.
pub struct Held<'a> {
    /// Its id in the store; only ever seen through the receiver's alias.
    pub id: &'a str,
    /// The record.
    pub record: &'a Record,
    /// Local person id to hub person, for everybody who is linked.
    pub people: &'a BTreeMap<String, PersonId>,
}

/// A decided segment.
pub struct Ruled {
    /// Which of the held records it lies in.
    pub held: usize,
    /// Its local id there.
    pub local: String,
    /// Its hub-wide id.
    pub segment: String,
    /// The custodian and how to reach it.
    pub contact: String,
    /// The decision.
    pub decision: Decision,
}

/// How several released identities of one person are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identities {
    /// Each under its own custodian's label: for the canonical disclosure.
    Separate,
    /// As [`Identities::Separate`], each further one marked with the first's id, for readers who compare them: our own pages.
    Marked,
    /// As one person, the first identity completed by the others: for formats with one place for a person.
    Merged,
}

/// What the redaction needs to know besides the segments.
pub struct Request<'a> {
    /// Declared purpose.
    pub purpose: Purpose,
    /// The rules in force.
    pub policy: &'a Policy,
    /// Keyed hash of a text into an id only this receiver sees (canonical record §2 rule 13).
    pub alias: &'a dyn Fn(&str) -> String,
    /// The receiver's agency: its own identity of a person comes first.
    pub receiver: &'a str,
    /// Alias of the person asked about, who is the subject of the answer whatever role a source gave them.
    pub subject: String,
    /// How several custodians' identities of one person are shown.
    pub identities: Identities,
    /// The categories asked for.
    pub searched: Vec<Category>,
    /// Categories for which the "not available for this purpose" marker is printed whether or not anything exists.
    pub unavailable: Vec<Category>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    CodedFields,
}

/// Builds the disclosure from decided segments. Nothing appears in it that no decision released.
#[must_use]
pub fn redact(request: Request<'_>, held: &[Held<'_>], ruled: Vec<Ruled>) -> Disclosable {
    let forms = released_forms(request.policy, held, &ruled);
    let needed = people_needed(&request, held, &forms);
    let join = Join { request: &request, held, forms, needed };
    let mut indicators = BTreeSet::new();
    let mut markings: BTreeSet<Marking> = request.unavailable.iter().map(|c| unavailable(*c)).collect();
    let mut items = Vec::new();
    for one in ruled {
        if let Some(place) = held.get(one.held) {
            join.indicate(place, &one, &mut indicators);
            if let Some(marking) = withheld_marking(place, &one) {
                markings.insert(marking);
            }
            let custodian = label_text(place, &one.local, "custodian").unwrap_or_default();
            let category = find(place, &one.local).and_then(|s| category_of(place, s));
            items.push(DecidedItem { segment: one.segment, category, custodian, decision: one.decision });
        }
    }
    let record = join.record();
    Disclosable {
        purpose: request.purpose,
        basis: request.policy.basis(request.purpose).clone(),
        record,
        indicators: once_each(indicators),
        markings: markings.into_iter().collect(),
        coverage: Coverage {
            searched: request.searched,
            not_searched: vec!["records not sent to the gateway".to_owned()],
        },
        items,
    }
}

fn released_forms(policy: &Policy, held: &[Held<'_>], ruled: &[Ruled]) -> BTreeMap<(usize, String), Form> {
    let mut forms = BTreeMap::new();
    for one in ruled {
        let Some(place) = held.get(one.held) else { continue };
        let Some(segment) = find(place, &one.local) else { continue };
        match one.decision.level {
            Level::F => {
                forms.insert((one.held, one.local.clone()), Form::Whole);
            }
            Level::S if is_summary(place, segment) => {
                forms.insert((one.held, one.local.clone()), Form::Whole);
            }
            Level::S => {
                let summaries = summaries_of(place, &one.local);
                let coded = category_of(place, segment).and_then(|c| policy.summary_fields(c));
                if let (true, Some(fields)) = (summaries.is_empty(), coded) {
                    let form = if fields.iter().any(|f| f == WHOLE) { Form::Whole } else { Form::CodedFields };
                    forms.insert((one.held, one.local.clone()), form);
                }
                forms.extend(summaries.into_iter().map(|s| ((one.held, s), Form::Whole)));
            }
            Level::I | Level::N => {}
        }
    }
    forms
}

/// In `summary_fields`: the category has no shorter form (RSK).
const WHOLE: &str = "*";

/// Permission-gated refusals name category and custodian (sharing rules §10 row 1); the rest is the generic marker.
fn withheld_marking(place: &Held<'_>, one: &Ruled) -> Option<Marking> {
    let decision = &one.decision;
    if decision.level != Level::N || decision.marker != Marker::Shown || decision.reason != Reason::DPermission {
        return None;
    }
    let segment = find(place, &one.local)?;
    let limit = decision.limit.map_or("", |l| l.code());
    Some(Marking {
        category: category_of(place, segment)?,
        custodian: label_text(place, &one.local, "custodian"),
        contact: Some(one.contact.clone()),
        text: format!("information is held; it needs the person's permission {limit}").trim_end().to_owned(),
    })
}

fn unavailable(category: Category) -> Marking {
    Marking { category, custodian: None, contact: None, text: "not available for this purpose".to_owned() }
}

fn doc<'a>(place: &Held<'a>) -> &'a Document {
    place.record.document()
}

fn find(place: &Held<'_>, local: &str) -> Option<NodeId> {
    place.record.segments().iter().find(|s| s.id.as_str() == local).map(|s| s.node)
}

fn label_text(place: &Held<'_>, local: &str, member: &str) -> Option<String> {
    doc(place).text_at(find(place, local)?, &["label", member]).map(str::to_owned)
}

/// In words, when it is a permission that ended: only then may the reason stand beside an indicator.
const fn ended(limit: Limit) -> Option<&'static str> {
    match limit {
        Limit::PermissionExpired | Limit::PermissionWithdrawn | Limit::PermissionDisputed => Some(limit.in_words()),
        _ => None,
    }
}

/// One indicator of each kind: several segments of one category must not be countable by their reasons.
fn once_each(found: BTreeSet<Indicator>) -> Vec<Indicator> {
    let mut all: Vec<Indicator> = Vec::new();
    for one in found {
        let same = |last: &&mut Indicator| {
            let bare = |i: &Indicator| Indicator { reason: None, ..i.clone() };
            bare(last) == bare(&one)
        };
        match all.last_mut().filter(same) {
            // Sorted: the one with a reason comes last.
            Some(last) => *last = one,
            None => all.push(one),
        }
    }
    all
}

fn category_of(place: &Held<'_>, segment: NodeId) -> Option<Category> {
    doc(place).text_at(segment, &["label", "category"]).and_then(Category::parse)
}

fn is_summary(place: &Held<'_>, segment: NodeId) -> bool {
    doc(place).text_at(segment, &["form"]) == Some("summary")
}

fn summaries_of(place: &Held<'_>, local: &str) -> Vec<String> {
    let segments = place.record.segments().iter();
    segments.filter(|s| s.summary_of.iter().any(|id| id.as_str() == local)).map(|s| s.id.as_str().to_owned()).collect()
}

/// Members that point to another segment of the record; left out when the target is not released (§4).
const LINKS: [&str; 10] =
    ["person", "from", "to", "involvement", "part_of", "concern", "missing", "address", "given_by", "with"];
/// Links without which the segment cannot stand: their target stays at least as a skeleton.
const REQUIRED_LINKS: [(&str, &str); 3] =
    [("characteristics", "person"), ("relationships", "from"), ("relationships", "to")];
/// Members that never leave: the sender's keys and staff, and the custodian's own caps (R58 metadata).
const KEPT_BACK: [&str; 3] = ["source_ref", "recorded_by", "state"];
const LABEL_KEPT_BACK: [&str; 2] = ["originator", "sealed"];

struct Join<'a> {
    request: &'a Request<'a>,
    held: &'a [Held<'a>],
    forms: BTreeMap<(usize, String), Form>,
    needed: BTreeMap<String, Vec<Mention<'a>>>,
}

/// Where a person appears: record, node, local id.
#[derive(Clone, Copy)]
struct Mention<'a> {
    held: usize,
    node: NodeId,
    local: &'a str,
}

fn alias_of(request: &Request<'_>, held: &[Held<'_>], index: usize, local: &str) -> String {
    let Some(place) = held.get(index) else { return String::new() };
    match place.people.get(local) {
        Some(person) => (request.alias)(&format!("person/{person}")),
        None => (request.alias)(&format!("{}/{local}", place.id)),
    }
}

impl<'a> Join<'a> {
    fn alias_of(&self, held: usize, local: &str) -> String {
        alias_of(self.request, self.held, held, local)
    }

    fn form(&self, held: usize, local: &str) -> Option<Form> {
        self.forms.get(&(held, local.to_owned())).copied()
    }

    fn indicate(&self, place: &Held<'_>, one: &Ruled, out: &mut BTreeSet<Indicator>) {
        if one.decision.level != Level::I {
            return;
        }
        let Some(segment) = find(place, &one.local) else { return };
        let Some(category) = category_of(place, segment) else { return };
        let custodian = label_text(place, &one.local, "custodian").unwrap_or_default();
        for about in texts(doc(place), segment, &["label", "about"]) {
            out.insert(Indicator {
                category,
                about: self.alias_of(one.held, &about),
                custodian: custodian.clone(),
                contact: one.contact.clone(),
                text: self.request.policy.indicator_text(category).to_owned(),
                month: self.month_of(place, &one.local),
                reason: one.decision.limit.and_then(ended),
            });
        }
    }

    /// The month something was observed in, for our own pages only.
    fn month_of(&self, place: &Held<'_>, local: &str) -> Option<String> {
        let day = label_text(place, local, "observed").filter(|_| self.request.identities == Identities::Marked)?;
        day.get(..7).map(str::to_owned)
    }

    /// The joined record, or nothing when no segment and no person is released.
    fn record(&self) -> Option<Document> {
        if self.needed.is_empty() {
            return None;
        }
        let mut out = Document::new(Kind::Object);
        let root = out.root();
        let envelope = out.add(root, Some("envelope"), Kind::Object, "", 0);
        out.add_text(envelope, "purpose", self.request.purpose.code());
        if let Some(code) = self.receivers_own_code() {
            out.add_text(envelope, "from_organisation", &code);
        }
        let people = out.add(root, Some("people"), Kind::Array, "", 0);
        for (alias, mentions) in &self.needed {
            self.add_person(&mut out, people, alias, mentions);
        }
        for array in ARRAYS {
            self.add_array(&mut out, array);
        }
        Some(out)
    }

    /// The sender's code of a released record, when the receiver itself sent it: a statutory return must carry it. Any
    /// other sender's name can locate a protected person and never travels (R58).
    fn receivers_own_code(&self) -> Option<String> {
        self.forms.keys().find_map(|(held, local)| {
            let place = self.held.get(*held)?;
            let own = label_text(place, local, "custodian").as_deref() == Some(self.request.receiver);
            let code = doc(place).text_at(doc(place).root(), &["envelope", "from_organisation"]);
            code.filter(|_| own).map(str::to_owned)
        })
    }

    fn add_array(&self, out: &mut Document, array: &'static str) {
        let mut list = None;
        for (held, place) in self.held.iter().enumerate() {
            let source = doc(place);
            let Some(items) = source.member(source.root(), array) else { continue };
            for item in source.children(items) {
                let Some(local) = source.text_at(item, &["id"]) else { continue };
                if self.form(held, local).is_none() {
                    continue;
                }
                let root = out.root();
                let list = *list.get_or_insert_with(|| out.add(root, Some(array), Kind::Array, "", 0));
                let node = out.add(list, None, Kind::Object, "", 0);
                let alias = (self.request.alias)(&format!("{}/{local}", place.id));
                self.copy_segment(out, node, Mention { held, node: item, local }, &alias);
            }
        }
    }

    fn copy_segment(&self, out: &mut Document, target: NodeId, from: Mention<'a>, alias: &str) {
        let Some(place) = self.held.get(from.held) else { return };
        let source = doc(place);
        let fields = match self.form(from.held, from.local) {
            Some(Form::Whole) => None,
            Some(Form::CodedFields) => {
                let category = category_of(place, from.node);
                Some(category.and_then(|c| self.request.policy.summary_fields(c)).unwrap_or_default())
            }
            None => return,
        };
        out.add_text(target, "id", alias);
        for child in source.children(from.node) {
            let Some(name) = source.key(child) else { continue };
            let nested = matches!(name, "addresses" | "telecoms");
            if name == "id" || nested || KEPT_BACK.contains(&name) {
                continue;
            }
            match name {
                "label" => self.copy_label(out, target, from, child),
                "summary_of" | "members" => self.copy_targets(out, target, from, child, name),
                _ if LINKS.contains(&name) => self.copy_link(out, target, from, child, name),
                _ => match &fields {
                    None => {
                        out.graft(target, Some(name), source, child);
                    }
                    Some(_) if matches!(name, "kind" | "role" | "form") => {
                        out.graft(target, Some(name), source, child);
                    }
                    Some(list) => {
                        let wanted: Vec<Vec<&str>> = list.iter().map(|p| p.split('.').collect()).collect();
                        copy_fields(out, target, source, child, &wanted);
                    }
                },
            }
        }
    }

    fn copy_label(&self, out: &mut Document, target: NodeId, from: Mention<'a>, label: NodeId) {
        let Some(place) = self.held.get(from.held) else { return };
        let source = doc(place);
        let copy = out.add(target, Some("label"), Kind::Object, "", 0);
        let mut handling: BTreeSet<String> = HANDLING.iter().map(|h| (*h).to_owned()).collect();
        for child in source.children(label) {
            match source.key(child).unwrap_or("") {
                "about" => {
                    let list = out.add(copy, Some("about"), Kind::Array, "", 0);
                    for id in texts(source, label, &["about"]) {
                        out.add(list, None, Kind::String, &self.alias_of(from.held, &id), 0);
                    }
                }
                // People named in passing stand in nobody's decision: their aliases do not travel.
                "mentions" => {}
                "handling" => handling.extend(texts(source, label, &["handling"])),
                name if LABEL_KEPT_BACK.contains(&name) => {}
                name => {
                    out.graft(copy, Some(name), source, child);
                }
            }
        }
        let list = out.add(copy, Some("handling"), Kind::Array, "", 0);
        for code in handling {
            out.add(list, None, Kind::String, &code, 0);
        }
    }

    fn copy_link(&self, out: &mut Document, target: NodeId, from: Mention<'a>, child: NodeId, name: &str) {
        let Some(place) = self.held.get(from.held) else { return };
        let source = doc(place);
        if source.kind(child) == Kind::Array {
            self.copy_targets(out, target, from, child, name);
        } else if let Some(alias) = source.text(child).and_then(|id| self.released_alias(from.held, id)) {
            out.add_text(target, name, &alias);
        }
    }

    /// Lists of links: ids of released targets only; the list disappears when none is left.
    fn copy_targets(&self, out: &mut Document, target: NodeId, from: Mention<'a>, child: NodeId, name: &str) {
        let Some(place) = self.held.get(from.held) else { return };
        let source = doc(place);
        let mut list = None;
        for item in source.children(child) {
            let id = source.text(item).or_else(|| source.text_at(item, &["person"]));
            let Some(alias) = id.and_then(|id| self.released_alias(from.held, id)) else { continue };
            let list = *list.get_or_insert_with(|| out.add(target, Some(name), Kind::Array, "", 0));
            if source.kind(item) == Kind::Object {
                let copy = out.add(list, None, Kind::Object, "", 0);
                for part in source.children(item).filter(|p| source.key(*p) != Some("person")) {
                    out.graft(copy, source.key(part), source, part);
                }
                out.add_text(copy, "person", &alias);
            } else {
                out.add(list, None, Kind::String, &alias, 0);
            }
        }
    }

    /// The alias of a link's target if that target is in the released record.
    fn released_alias(&self, held: usize, local: &str) -> Option<String> {
        let place = self.held.get(held)?;
        if people_of(place).any(|(id, _)| id == local) {
            let alias = self.alias_of(held, local);
            return self.needed.contains_key(&alias).then_some(alias);
        }
        self.form(held, local).map(|_| (self.request.alias)(&format!("{}/{local}", place.id)))
    }
}

/// The canonical record's arrays besides `people`, in the schema's order.
const ARRAYS: [&str; 14] = [
    "characteristics",
    "relationships",
    "households",
    "involvements",
    "concerns",
    "flags",
    "contacts",
    "assessments",
    "plans",
    "missing",
    "health",
    "circumstances",
    "consents",
    "notes",
];

fn array_of(place: &Held<'_>, segment: NodeId) -> Option<&'static str> {
    let source = doc(place);
    let parent = source.parent(segment)?;
    let key = source.key(parent)?;
    ARRAYS.iter().find(|a| **a == key).copied()
}

fn people_of<'a>(place: &Held<'a>) -> impl Iterator<Item = (&'a str, NodeId)> + use<'a> {
    let source = doc(place);
    let list = source.member(source.root(), "people");
    list.into_iter().flat_map(|l| source.children(l)).filter_map(|n| Some((source.text_at(n, &["id"])?, n)))
}

fn texts(source: &Document, from: NodeId, path: &[&str]) -> Vec<String> {
    let list = source.find(from, path);
    list.into_iter().flat_map(|l| source.children(l)).filter_map(|n| source.text(n).map(str::to_owned)).collect()
}

/// The part of a value that `summary_fields` names behind a colon; a part nobody knows releases nothing.
fn part_of<'a>(part: &str, text: &'a str) -> Option<&'a str> {
    match part {
        "year" => text.get(..4),
        // The outward code: all but the last three characters of a postcode (BS 7666-2).
        "outward" => {
            let compact = text.trim_end();
            let end = compact.char_indices().rev().nth(2).map(|(at, _)| at)?;
            compact.get(..end).map(str::trim_end)
        }
        _ => None,
    }
}

/// Copies `child` as far as one of the wanted paths leads; arrays are passed through item by item.
fn copy_fields(out: &mut Document, target: NodeId, source: &Document, child: NodeId, wanted: &[Vec<&str>]) {
    let Some(name) = source.key(child) else { return };
    let ends = wanted.iter().filter_map(|path| path.split_first().filter(|(_, tail)| tail.is_empty()));
    let part = ends.filter_map(|(step, _)| step.split_once(':')).find(|(member, _)| *member == name);
    if let (Some((_, part)), Some(text)) = (part, source.text(child)) {
        if let Some(short) = part_of(part, text) {
            out.add_text(target, name, short);
        }
        return;
    }
    let tails: Vec<Vec<&str>> = wanted
        .iter()
        .filter_map(|path| path.split_first().filter(|(head, _)| **head == name).map(|(_, tail)| tail.to_vec()))
        .collect();
    if tails.is_empty() {
        return;
    }
    if tails.iter().any(Vec::is_empty) {
        out.graft(target, Some(name), source, child);
        return;
    }
    let copy = out.add(target, Some(name), source.kind(child), "", 0);
    if source.kind(child) == Kind::Array {
        for item in source.children(child) {
            let inner = out.add(copy, None, Kind::Object, "", 0);
            for part in source.children(item) {
                copy_fields(out, inner, source, part, &tails);
            }
        }
    } else {
        for part in source.children(child) {
            copy_fields(out, copy, source, part, &tails);
        }
    }
}
