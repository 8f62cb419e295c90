//! Finding the segments of a record.

use super::label::{Label, codes};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, Kind, NodeId};
use crate::ident::SegmentId;

/// Arrays inside a person whose items are segments of their own (canonical record §2 rule 1).
const NESTED: &[&str] = &["telecoms", "addresses"];

codes! {
    /// Whether a segment is the whole or an authored summary of it.
    Form {
        /// The whole.
        Full = "full",
        /// A summary somebody wrote as one.
        Summary = "summary",
    }
}

codes! {
    /// Where a segment stands in its life.
    State {
        /// Not yet for others (rule R49).
        Draft = "draft",
        /// In force.
        Current = "current",
        /// Replaced by a later one.
        Superseded = "superseded",
        /// Never true.
        EnteredInError = "entered-in-error",
    }
}

/// The unit of disclosure: an object with an id and a label. Holds no content; `node` leads to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Unique within the record.
    pub id: SegmentId,
    /// Its object in [`super::Record::document`].
    pub node: NodeId,
    /// The array it stands in: `people`, `health`, … and `addresses` or `telecoms` for those of a person.
    pub array: String,
    /// The person it is nested in, for an address or telecom.
    pub within: Option<SegmentId>,
    /// Its label.
    pub label: Label,
    /// Full or summary.
    pub form: Form,
    /// The segments it summarises.
    pub summary_of: Vec<SegmentId>,
    /// Its state; `current` when the record does not say.
    pub state: State,
    /// When it was recorded, RFC 3339, when the record says.
    pub recorded_at: Option<String>,
}

/// Every segment, in document order.
pub(super) fn collect(document: &Document) -> Result<Vec<Segment>, Vec<Diagnostic>> {
    let mut segments = Vec::new();
    let mut faults = Vec::new();
    for array in document.children(document.root()).filter(|a| document.kind(*a) == Kind::Array) {
        let name = document.key(array).unwrap_or("");
        for item in document.children(array) {
            take(document, item, name, None, &mut segments, &mut faults);
            let person = || document.text_at(item, &["id"]).map(SegmentId::new);
            for nested in NESTED.iter().filter_map(|n| document.member(item, n)) {
                let inner = document.key(nested).unwrap_or("");
                for segment in document.children(nested) {
                    take(document, segment, inner, person(), &mut segments, &mut faults);
                }
            }
        }
    }
    if faults.is_empty() { Ok(segments) } else { Err(faults) }
}

fn take(
    document: &Document,
    node: NodeId,
    array: &str,
    within: Option<SegmentId>,
    segments: &mut Vec<Segment>,
    faults: &mut Vec<Diagnostic>,
) {
    match read(document, node, array, within) {
        Some(segment) => segments.push(segment),
        // The schema lets nothing of this kind through; a segment whose label is not understood must never pass as one
        // without a label.
        None => faults.push(
            Diagnostic::error(code::RECORD_RULE, "the label of this segment cannot be understood")
                .with_pointer(document.source_pointer(node)),
        ),
    }
}

fn read(document: &Document, node: NodeId, array: &str, within: Option<SegmentId>) -> Option<Segment> {
    let (mut id, mut label, mut form, mut summary_of, mut state, mut recorded_at) =
        (None, None, None, None, None, None);
    // One walk: a segment has some forty members, and most of them are content.
    for member in document.children(node) {
        match document.key(member).unwrap_or("") {
            "id" => id = document.text(member),
            "label" => label = Some(member),
            "form" => form = document.text(member),
            "summary_of" => summary_of = Some(member),
            "state" => state = document.text(member),
            "recorded_at" => recorded_at = document.text(member),
            _ => {}
        }
    }
    let summarised = summary_of.into_iter().flat_map(|l| document.children(l));
    Some(Segment {
        id: SegmentId::new(id?),
        node,
        array: array.to_owned(),
        within,
        label: Label::read(document, label?)?,
        form: Form::parse(form.unwrap_or("full"))?,
        summary_of: summarised.filter_map(|s| document.text(s)).map(SegmentId::new).collect(),
        state: State::parse(state.unwrap_or("current"))?,
        recorded_at: recorded_at.map(str::to_owned),
    })
}
