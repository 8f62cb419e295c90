//! The rules of a record that no schema can say.

use super::segment::{Form, Segment};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, Keyed, NodeId};
use crate::vocabulary::{Category, Confidentiality};
use std::collections::HashMap;

/// What a link of this name must lead to; the array it is found in. Links point from the smaller thing to the larger.
///
/// # Source
/// Canonical record §4 and §5.
const LINKS: [(&str, &str, &[&str]); 11] = [
    // member, only in this array ("" = in any), arrays it may lead to
    ("person", "characteristics", &["people"]),
    ("person", "involvements", &["people"]),
    ("from", "relationships", &["people"]),
    ("to", "relationships", &["people"]),
    ("address", "households", &["addresses"]),
    ("with", "contacts", &["people"]),
    ("given_by", "consents", &["people"]),
    ("involvement", "", &["involvements"]),
    ("part_of", "", &["involvements", "contacts", "health", "plans", "assessments"]),
    ("concern", "notes", &["concerns"]),
    ("missing", "notes", &["missing"]),
];

/// Every rule that is broken, in document order of the segments.
pub(super) fn check(document: &Document, segments: &[Segment]) -> Vec<Diagnostic> {
    let mut by_id = ById::with_capacity_and_hasher(segments.len(), Keyed);
    let numbers = LINKS.each_ref().map(|(name, _, _)| document.key_number(name));
    let mut check = Check { document, numbers, findings: Vec::new() };
    for segment in segments {
        if by_id.insert(segment.id.as_str(), segment).is_some() {
            check.complain(segment.node, "another segment has the same id");
        }
    }
    for segment in segments {
        check.label(segment);
        check.people(segment, &by_id);
        check.links(segment, &by_id);
        check.summary(segment, &by_id);
    }
    check.findings
}

/// The segments by their ids.
type ById<'a> = HashMap<&'a str, &'a Segment, Keyed>;

struct Check<'a> {
    document: &'a Document,
    /// The numbers that the names of [`LINKS`] have in the document; `None` for one that stands nowhere in it.
    numbers: [Option<u32>; LINKS.len()],
    findings: Vec<Diagnostic>,
}

impl Check<'_> {
    fn complain(&mut self, node: NodeId, text: &str) {
        let pointer = self.document.source_pointer(node);
        self.findings.push(Diagnostic::error(code::RECORD_RULE, text).with_pointer(pointer));
    }

    fn label(&mut self, segment: &Segment) {
        let label = &segment.label;
        let floor = label.category.map_or(Confidentiality::V, Category::confidentiality_floor);
        if label.confidentiality < floor {
            let text = format!("the confidentiality is below {floor}, the least for this category");
            self.complain(segment.node, &text);
        }
        if label.category == Some(Category::Int) && label.police_handling.is_none() {
            self.complain(segment.node, "an intelligence segment has a police handling code");
        }
    }

    fn people(&mut self, segment: &Segment, by_id: &ById<'_>) {
        if segment.label.about.is_empty() {
            self.complain(segment.node, "a segment is about at least one person");
        }
        let named = segment.label.about.iter().chain(&segment.label.mentions);
        let strangers = named.filter(|id| by_id.get(id.as_str()).is_none_or(|s| s.array != "people")).count();
        if strangers > 0 {
            self.complain(segment.node, "`about` or `mentions` names somebody who is not in `people`");
        }
        if segment.array == "people" && !segment.label.about.contains(&segment.id) {
            self.complain(segment.node, "a person's own segment is about that person");
        }
    }

    fn links(&mut self, segment: &Segment, by_id: &ById<'_>) {
        let mut found = [None; LINKS.len()];
        // One walk over the members, most of which are content.
        for member in self.document.children(segment.node) {
            let key = self.document.key_number_of(member);
            for (place, _) in found.iter_mut().zip(&self.numbers).filter(|(p, n)| p.is_none() && **n == key) {
                *place = key.map(|_| member);
            }
        }
        for ((_, array, targets), link) in LINKS.iter().zip(found) {
            if let Some(link) = link.filter(|_| array.is_empty() || *array == segment.array) {
                self.link(link, targets, by_id);
            }
        }
        if segment.array == "households" {
            let members = self.document.member(segment.node, "members");
            let people: Vec<NodeId> = members
                .into_iter()
                .flat_map(|m| self.document.children(m))
                .filter_map(|m| self.document.member(m, "person"))
                .collect();
            people.into_iter().for_each(|p| self.link(p, &["people"], by_id));
        }
    }

    /// A link, or a list of them.
    fn link(&mut self, node: NodeId, targets: &[&str], by_id: &ById<'_>) {
        let document = self.document;
        let alone = document.is_scalar(node).then_some(node);
        for end in alone.into_iter().chain(document.children(node)) {
            if by_id.get(self.document.text(end).unwrap_or("")).is_none_or(|s| !targets.contains(&s.array.as_str())) {
                self.complain(end, "this link leads to nothing in the record");
            }
        }
    }

    fn summary(&mut self, segment: &Segment, by_id: &ById<'_>) {
        if segment.summary_of.is_empty() {
            return;
        }
        if segment.form != Form::Summary {
            self.complain(segment.node, "`summary_of` stands only in a segment whose form is `summary`");
        }
        let all = |a: &Segment, b: &Segment| a.label.about.iter().all(|id| b.label.about.contains(id));
        let same = |a: &Segment, b: &Segment| all(a, b) && all(b, a);
        for id in &segment.summary_of {
            match by_id.get(id.as_str()) {
                None => self.complain(segment.node, "`summary_of` names a segment that is not in the record"),
                Some(full) if full.form == Form::Summary => {
                    self.complain(segment.node, "a summary stands for a full segment, not for another summary");
                }
                Some(full) if full.label.category != segment.label.category || !same(full, segment) => {
                    self.complain(segment.node, "a summary has the category and the people of what it summarises");
                }
                Some(_) => {}
            }
        }
    }
}
