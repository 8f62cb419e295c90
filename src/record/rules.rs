//! The rules of a record that no schema can say.

use super::segment::{Form, Segment};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, NodeId};
use crate::ident::SegmentId;
use crate::vocabulary::{Category, Confidentiality};
use std::collections::{BTreeSet, HashMap};

/// What a link of this name must lead to; the array it is found in. Links point from the smaller thing to the larger.
///
/// # Source
/// Canonical record §4 and §5.
const LINKS: &[(&str, &str, &[&str])] = &[
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
    let mut by_id: HashMap<&SegmentId, &Segment> = HashMap::new();
    let mut check = Check { document, findings: Vec::new() };
    for segment in segments {
        if by_id.insert(&segment.id, segment).is_some() {
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

struct Check<'a> {
    document: &'a Document,
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

    fn people(&mut self, segment: &Segment, by_id: &HashMap<&SegmentId, &Segment>) {
        if segment.label.about.is_empty() {
            self.complain(segment.node, "a segment is about at least one person");
        }
        let named = segment.label.about.iter().chain(&segment.label.mentions);
        let strangers = named.filter(|id| by_id.get(id).is_none_or(|s| s.array != "people")).count();
        if strangers > 0 {
            self.complain(segment.node, "`about` or `mentions` names somebody who is not in `people`");
        }
        if segment.array == "people" && !segment.label.about.contains(&segment.id) {
            self.complain(segment.node, "a person's own segment is about that person");
        }
    }

    fn links(&mut self, segment: &Segment, by_id: &HashMap<&SegmentId, &Segment>) {
        for (name, array, targets) in LINKS {
            if !array.is_empty() && *array != segment.array {
                continue;
            }
            let Some(link) = self.document.member(segment.node, name) else { continue };
            self.link(link, targets, by_id);
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
    fn link(&mut self, node: NodeId, targets: &[&str], by_id: &HashMap<&SegmentId, &Segment>) {
        let ends: Vec<NodeId> =
            if self.document.is_scalar(node) { vec![node] } else { self.document.children(node).collect() };
        for end in ends {
            let id = SegmentId::new(self.document.text(end).unwrap_or(""));
            if by_id.get(&id).is_none_or(|s| !targets.contains(&s.array.as_str())) {
                self.complain(end, "this link leads to nothing in the record");
            }
        }
    }

    fn summary(&mut self, segment: &Segment, by_id: &HashMap<&SegmentId, &Segment>) {
        if segment.summary_of.is_empty() {
            return;
        }
        if segment.form != Form::Summary {
            self.complain(segment.node, "`summary_of` stands only in a segment whose form is `summary`");
        }
        let people = |s: &Segment| -> BTreeSet<SegmentId> { s.label.about.iter().cloned().collect() };
        for id in &segment.summary_of {
            match by_id.get(id) {
                None => self.complain(segment.node, "`summary_of` names a segment that is not in the record"),
                Some(full) if full.form == Form::Summary => {
                    self.complain(segment.node, "a summary stands for a full segment, not for another summary");
                }
                Some(full) if full.label.category != segment.label.category || people(full) != people(segment) => {
                    self.complain(segment.node, "a summary has the category and the people of what it summarises");
                }
                Some(_) => {}
            }
        }
    }
}
