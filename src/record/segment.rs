//! Finding the segments of a record.

use super::label::{Label, Names, codes};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, Kind, NodeId};
use crate::ident::SegmentId;

/// Arrays inside a person whose items are segments of their own (canonical record §2 rule 1).
const NESTED: [&str; 2] = ["telecoms", "addresses"];

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

/// The numbers that the names of a segment's members have in a document; `None` for a name that stands nowhere in it.
struct Members {
    id: Option<u32>,
    label: Option<u32>,
    form: Option<u32>,
    summary_of: Option<u32>,
    state: Option<u32>,
    recorded_at: Option<u32>,
    nested: [Option<u32>; NESTED.len()],
    of_label: Names,
}

impl Members {
    /// Looked up once for all segments of a record.
    fn of(document: &Document) -> Self {
        let number = |name| document.key_number(name);
        Self {
            id: number("id"),
            label: number("label"),
            form: number("form"),
            summary_of: number("summary_of"),
            state: number("state"),
            recorded_at: number("recorded_at"),
            nested: NESTED.map(number),
            of_label: Names::of(document),
        }
    }
}

/// Every segment, in document order.
pub(super) fn collect(document: &Document) -> Result<Vec<Segment>, Vec<Diagnostic>> {
    let mut segments = Vec::new();
    let mut faults = Vec::new();
    let names = Members::of(document);
    for array in document.children(document.root()).filter(|a| document.kind(*a) == Kind::Array) {
        let name = document.key(array).unwrap_or("");
        for item in document.children(array) {
            take(document, item, &names, (name, None), &mut segments, &mut faults);
            let person = || document.text_at(item, &["id"]).map(SegmentId::new);
            let nested = names.nested.iter().filter_map(|n| document.member_numbered(item, (*n)?));
            for nested in nested {
                let inner = document.key(nested).unwrap_or("");
                for segment in document.children(nested) {
                    take(document, segment, &names, (inner, person()), &mut segments, &mut faults);
                }
            }
        }
    }
    if faults.is_empty() { Ok(segments) } else { Err(faults) }
}

fn take(
    document: &Document,
    node: NodeId,
    names: &Members,
    (array, within): (&str, Option<SegmentId>),
    segments: &mut Vec<Segment>,
    faults: &mut Vec<Diagnostic>,
) {
    match read(document, node, names, (array, within)) {
        Some(segment) => segments.push(segment),
        // The schema lets nothing of this kind through; a segment whose label is not understood must never pass as one
        // without a label.
        None => faults.push(
            Diagnostic::error(code::RECORD_RULE, "the label of this segment cannot be understood")
                .with_pointer(document.source_pointer(node)),
        ),
    }
}

fn read(
    document: &Document,
    node: NodeId,
    names: &Members,
    (array, within): (&str, Option<SegmentId>),
) -> Option<Segment> {
    let (mut id, mut label, mut form, mut summary_of, mut state, mut recorded_at) =
        (None, None, None, None, None, None);
    // One walk: a segment has some forty members, and most of them are content.
    for member in document.children(node) {
        match document.key_number_of(member) {
            None => {}
            key if key == names.id => id = document.text(member),
            key if key == names.label => label = Some(member),
            key if key == names.form => form = document.text(member),
            key if key == names.summary_of => summary_of = Some(member),
            key if key == names.state => state = document.text(member),
            key if key == names.recorded_at => recorded_at = document.text(member),
            Some(_) => {}
        }
    }
    let summarised = summary_of.into_iter().flat_map(|l| document.children(l));
    Some(Segment {
        id: SegmentId::new(id?),
        node,
        array: array.to_owned(),
        within,
        label: Label::read(document, label?, &names.of_label)?,
        form: Form::parse(form.unwrap_or("full"))?,
        summary_of: summarised.filter_map(|s| document.text(s)).map(SegmentId::new).collect(),
        state: State::parse(state.unwrap_or("current"))?,
        recorded_at: recorded_at.map(str::to_owned),
    })
}
