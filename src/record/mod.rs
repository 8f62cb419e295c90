//! The canonical record and its labelled segments.
//!
//! Owns [`Record`] (a document that satisfies `schemas/record/record.schema.json` and the rules no schema can say),
//! [`Segment`] (the unit of disclosure) and [`Label`] (what the decision needs to know). Decides nothing and translates
//! nothing. `Debug` prints shapes and counts, never content. Read [`Record::new`], then `label.rs`.

mod label;
mod rules;
mod segment;

pub use label::{BasisMarker, Handling, Label, OriginatorCap, PoliceHandling, ThirdParty};
pub use segment::{Form, Segment, State};

use crate::diagnostic::Diagnostic;
use crate::document::{Document, NodeId};
use crate::ident::SegmentId;
use crate::schema::{Schemas, Strictness, Valid};
use std::fmt;

/// The canonical schema, by its path below `schemas/`.
pub const SCHEMA: &str = "record/record.schema.json";

/// A canonical record: valid, its segments found and their labels read.
#[derive(Clone)]
pub struct Record {
    document: Document,
    segments: Vec<Segment>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} segments)", self.segments.len())
    }
}

impl Record {
    /// A record from a document that satisfies the canonical schema, if it keeps the rules of canonical record §2 that a
    /// schema cannot say.
    ///
    /// # Errors
    /// `SOL-RECORD-RULE`, every finding with its JSON Pointer: a confidentiality below the category's floor, an id used
    /// twice, an `about`, `mentions` or link that names nothing, a summary of another category or about other people.
    pub fn new(document: Valid<Document>) -> Result<Self, Vec<Diagnostic>> {
        let document = document.into_inner();
        let segments = segment::collect(&document)?;
        let findings = rules::check(&document, &segments);
        if findings.is_empty() { Ok(Self { document, segments }) } else { Err(findings) }
    }
    /// A record from a document not yet validated, for one that was built or stored.
    ///
    /// # Errors
    /// Every finding of the schema, else of [`Record::new`]; `SOL-SCHEMA-FILE` when the set has no canonical schema.
    pub fn validate(document: Document, schemas: &Schemas) -> Result<Self, Vec<Diagnostic>> {
        Self::validate_from(document, schemas, None)
    }
    /// As [`Record::validate`], with the text the document was read from, for line and column.
    ///
    /// # Errors
    /// As [`Record::validate`].
    pub fn validate_from(
        document: Document,
        schemas: &Schemas,
        source: Option<&[u8]>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let Some(schema) = schemas.get(SCHEMA) else {
            let text = format!("there is no `schemas/{SCHEMA}`");
            return Err(vec![Diagnostic::error(crate::diagnostic::code::SCHEMA_FILE, text)]);
        };
        Self::new(schema.validate(document, source, Strictness::Strict).map_err(|refused| refused.1)?)
    }
    /// The tree.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }
    /// The tree, no longer known to keep the rules.
    #[must_use]
    pub fn into_document(self) -> Document {
        self.document
    }
    /// Every segment, in document order; a person comes before its addresses and telecoms.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
    /// The segment with this id.
    #[must_use]
    pub fn segment(&self, id: &SegmentId) -> Option<&Segment> {
        self.segments.iter().find(|s| s.id == *id)
    }
    /// The person segments.
    pub fn people(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|s| s.array == "people")
    }
    /// The envelope.
    #[must_use]
    pub fn envelope(&self) -> Option<NodeId> {
        self.document.member(self.document.root(), "envelope")
    }
    /// A text of the envelope, for example `message_id`.
    #[must_use]
    pub fn envelope_text(&self, name: &str) -> Option<&str> {
        self.document.text_at(self.document.root(), &["envelope", name])
    }
}

#[cfg(test)]
mod tests;
