//! Bytes of a message to valid trees in one step, and back: which reader, which regrouping, which checks.
//!
//! One message is one tree, except in CSV, where a file holds many documents. A reader or writer of another syntax is
//! hooked in here, in [`Schema::parse`] and [`Schema::write_all`], and in `declared.rs`.

use super::validate::FINDINGS_MAX;
use super::{Refused, Schema, Strictness, Valid, census};
use crate::diagnostic::{Diagnostic, Severity, Span, code};
use crate::document::csv::Keys;
use crate::document::{Document, Kind, Limits, Style, csv, fhir, fhir_json, fhir_xml, hl7v2, json, niem, xml};
use std::borrow::Cow;

/// How a format writes its trees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    /// JSON as it is.
    Json,
    /// A FHIR Bundle in JSON, regrouped by resource type (mapping language §5.1).
    FhirJson,
    /// A FHIR Bundle in XML, the same tree.
    FhirXml,
    /// XML with this root element.
    Xml {
        /// Local name of the root element.
        root: &'static str,
    },
    /// The JSON form of a NIEM message.
    NiemJson {
        /// Prefixed name of the root.
        root: &'static str,
    },
    /// The XML form of a NIEM message.
    NiemXml {
        /// Prefixed name of the root element.
        root: &'static str,
    },
    /// HL7 v2 in its ER7 form, of this message structure.
    Hl7v2 {
        /// Message structure, `ADT_A01`.
        root: &'static str,
    },
    /// Rows with a header line; rows of one key make one document (mapping language §5.4).
    Csv {
        /// The key column.
        key: &'static str,
        /// Columns that all rows of one document share.
        shared: &'static [&'static str],
    },
    /// An extract of tables (`x-tables`) as CSV, table after table: the tree its JSON has.
    TablesCsv,
}

/// A message read but not yet held against its schema.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// One for most syntaxes, one per key for CSV.
    pub documents: Vec<Document>,
    /// What was odd about the envelope.
    pub warnings: Vec<Diagnostic>,
    /// The text that offsets of the documents refer to.
    pub source: Cow<'a, [u8]>,
}

/// Whether a tree is of a schema, by its top level only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Suits {
    /// A required member is missing, a constant differs, or `x-chosen-when` does not hold.
    No,
    /// Required members are there and constants equal.
    Plainly,
    /// The schema says `x-chosen-when`, and it holds: stronger than a schema that says nothing.
    AsStated,
}

/// The member of a schema's root that stands for a JSON message that is a list.
const ITEMS: &str = "@items";

impl Schema {
    /// The tables of an extract as CSV.
    fn parse_tables<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Parsed<'a>, Diagnostic> {
        let (text, odd) = csv::decode(bytes, limits)?;
        let known = self.tables.as_ref().map_or_else(Vec::new, |t| t.listed(&self.shapes, self.root));
        let mut document = csv::read_tables(&text, &known, limits, self.names())?;
        if let Some(tables) = &self.tables {
            tables.tidy(&mut document, &self.shapes, self.root);
        }
        Ok(Parsed { documents: vec![document], warnings: odd.into_iter().collect(), source: to_bytes(text) })
    }

    /// Reads a message without checking it against the schema.
    ///
    /// # Errors
    /// What the reader refuses, with line and column.
    pub fn parse<'a>(&self, syntax: Syntax, bytes: &'a [u8], limits: &Limits) -> Result<Parsed<'a>, Vec<Diagnostic>> {
        let one = |d: Diagnostic| vec![d];
        let plain =
            |document: Document, warnings| Parsed { documents: vec![document], warnings, source: Cow::Borrowed(bytes) };
        match syntax {
            Syntax::Json => {
                let tree = self.listed(json::read_knowing(bytes, limits, self.names()).map_err(one)?);
                let listed = tree.kind(tree.root()) == Kind::Array && self.shapes.object(self.root).is_some();
                let mut documents = if listed { items(&tree) } else { vec![tree] };
                if let Some(tables) = &self.tables {
                    documents.iter_mut().for_each(|d| tables.tidy(d, &self.shapes, self.root));
                }
                Ok(Parsed { documents, warnings: Vec::new(), source: Cow::Borrowed(bytes) })
            }
            Syntax::TablesCsv => self.parse_tables(bytes, limits).map_err(one),
            Syntax::FhirJson => {
                let tree = json::read_knowing(bytes, limits, self.names()).map_err(one)?;
                let regrouped = fhir::regroup(tree, bytes)?;
                Ok(plain(regrouped.document, regrouped.warnings))
            }
            Syntax::FhirXml => {
                let text = xml::decode(bytes, limits).map_err(one)?;
                let tree = fhir_xml::read(&text, limits, &self.fhir_shape()).map_err(one)?;
                let regrouped = fhir::regroup(tree, text.as_bytes())?;
                let (documents, warnings) = (vec![regrouped.document], regrouped.warnings);
                Ok(Parsed { documents, warnings, source: to_bytes(text) })
            }
            Syntax::Xml { root } => {
                let text = xml::decode(bytes, limits).map_err(one)?;
                let tree = xml::read(&text, root, limits, Some(&self.xml_shape())).map_err(one)?;
                Ok(Parsed { documents: vec![tree], warnings: Vec::new(), source: to_bytes(text) })
            }
            Syntax::NiemJson { root } => {
                let tree = json::read_knowing(bytes, limits, self.names()).map_err(one)?;
                let document = niem::from_json(&tree, root, bytes, &self.xml_shape())?;
                let warnings = niem::findings(&document, Some(bytes));
                Ok(plain(document, warnings))
            }
            Syntax::NiemXml { root } => {
                let text = xml::decode(bytes, limits).map_err(one)?;
                let tree = xml::read(&text, root, limits, Some(&self.xml_shape())).map_err(one)?;
                let document = niem::from_xml(&tree, &self.xml_shape());
                let source = match text {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                };
                let warnings = niem::findings(&document, Some(&source));
                Ok(Parsed { documents: vec![document], warnings, source })
            }
            Syntax::Hl7v2 { .. } => {
                let (text, odd) = hl7v2::decode(bytes, limits).map_err(one)?;
                let mut read = hl7v2::read(&text, limits, &self.message_shape()).map_err(one)?;
                read.warnings.extend(odd);
                Ok(Parsed { documents: vec![read.document], warnings: read.warnings, source: Cow::Owned(read.source) })
            }
            Syntax::Csv { key, shared } => {
                let (text, odd) = csv::decode(bytes, limits).map_err(one)?;
                let found = csv::read_knowing(&text, self.layout(), &Keys { key, shared }, limits, self.names())
                    .map_err(one)?;
                let warnings = odd.into_iter().chain(found.warnings).collect();
                Ok(Parsed { documents: found.documents, warnings, source: to_bytes(text) })
            }
        }
    }

    /// A JSON message that is a list: the schema's only member `@items` holds it. An item that came alone is a list of one.
    fn listed(&self, document: Document) -> Document {
        let lists = self.shapes.object(self.root).is_some_and(|o| o.member(ITEMS).is_some());
        if !lists {
            return document;
        }
        let mut out = Document::alike(Kind::Object, &document);
        let list = out.add(out.root(), Some(ITEMS), Kind::Array, "", 0);
        out.set_origin(list, "");
        if document.kind(document.root()) == Kind::Array {
            for item in document.children(document.root()) {
                out.graft(list, None, &document, item);
            }
        } else {
            let item = out.graft(list, None, &document, document.root());
            out.set_origin(item, "");
        }
        out
    }

    /// Holds what was read against the schema: every document, or none.
    ///
    /// # Errors
    /// Every finding of the documents that are not valid, with line, column and pointer into the message as it was sent.
    pub fn check(&self, parsed: Parsed<'_>, strictness: Strictness) -> Result<Vec<Valid<Document>>, Vec<Diagnostic>> {
        let Parsed { documents, mut warnings, source } = parsed;
        let mut all = Vec::with_capacity(documents.len());
        let (mut tolerated, mut refused) = (0, Vec::new());
        for mut document in documents {
            // A file of many documents says only so often where something stands: each place costs a look at the file.
            let places = (tolerated < FINDINGS_MAX).then_some(&*source);
            let barred = self.bar(&mut document, places, strictness, &mut warnings);
            self.judge(&document, &source, strictness, &mut warnings, &mut refused);
            let mut valid = match self.validate(document, places, strictness) {
                Ok(valid) => valid,
                Err(_) if refused.len() >= FINDINGS_MAX => break,
                Err(again) => {
                    let findings = self.validate(again.0, Some(&source), strictness).err();
                    refused.extend(findings.map(|f| self.numbered(f.1)).unwrap_or_default());
                    continue;
                }
            };
            if places.is_none() {
                valid.warnings.clear();
            }
            tolerated = tolerated.saturating_add(valid.warnings.len());
            if strictness == Strictness::Strict && warnings.iter().any(|w| w.severity == Severity::Error) {
                return Err(warnings);
            }
            warnings.append(&mut self.numbered(std::mem::take(&mut valid.warnings)));
            valid.warnings = std::mem::take(&mut warnings);
            valid.refused = barred;
            all.push(valid);
        }
        if refused.is_empty() { Ok(all) } else { Err(refused) }
    }

    /// The rules of the format beyond its schema (`x-rules`): errors when checked strictly, else all are warnings.
    fn judge(
        &self,
        document: &Document,
        source: &[u8],
        strictness: Strictness,
        warnings: &mut Vec<Diagnostic>,
        refused: &mut Vec<Diagnostic>,
    ) {
        if !self.census_rules {
            return;
        }
        for finding in census::findings(document, source) {
            match (strictness, finding.severity) {
                (Strictness::Strict, Severity::Error) => refused.push(finding),
                _ => warnings.push(Diagnostic { severity: Severity::Warning, ..finding }),
            }
        }
    }

    /// Findings of the schema with the number of the published rule they stand for.
    fn numbered(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        if !self.census_rules {
            return findings;
        }
        findings.into_iter().map(census::numbered).collect()
    }

    /// `x-nothing-else`: what may not stand beside a refusal is an error where messages are judged, and taken out where
    /// they are read. One finding a document, at its first such value.
    fn bar(
        &self,
        document: &mut Document,
        source: Option<&[u8]>,
        strictness: Strictness,
        warnings: &mut Vec<Diagnostic>,
    ) -> Vec<Refused> {
        let Some(rule) = &self.nothing_else else { return Vec::new() };
        let refused = rule.refused(document);
        let Some(first) = refused.iter().min_by_key(|r| r.offset) else { return refused };
        let text = format!("{} values may not stand here: {}", refused.len(), first.because);
        let strict = strictness == Strictness::Strict;
        let severity = if strict { Severity::Error } else { Severity::Warning };
        let finding = Diagnostic { severity, ..Diagnostic::error(code::SCHEMA_INVALID, text) };
        warnings.push(match source {
            Some(source) => finding.with_span(Span { start: first.offset, end: first.offset + 1 }, source),
            None => finding,
        });
        if !strict {
            rule.take_out(document);
        }
        refused
    }

    /// Reads and validates a message that is one document.
    ///
    /// # Errors
    /// What the reader refuses (one diagnostic), or every finding of the schema, all with line, column and pointer into
    /// the message as it was sent.
    pub fn read(
        &self,
        syntax: Syntax,
        bytes: &[u8],
        limits: &Limits,
        strictness: Strictness,
    ) -> Result<Valid<Document>, Vec<Diagnostic>> {
        let all = self.check(self.parse(syntax, bytes, limits)?, strictness)?;
        let nothing = || vec![Diagnostic::error(code::DOC_SYNTAX, "the message holds no document")];
        all.into_iter().next().ok_or_else(nothing)
    }

    /// Whether a tree is of this schema, judged by its top level: `x-chosen-when` where the schema has it, else the
    /// required members and the constants.
    #[must_use]
    pub fn suits(&self, document: &Document) -> Suits {
        if let Some(chosen) = self.chosen {
            let findings = super::validate::run(document, &self.shapes, chosen, Strictness::Strict, None);
            return if findings.is_empty() { Suits::AsStated } else { Suits::No };
        }
        let Some(object) = self.shapes.object(self.root) else { return Suits::Plainly };
        let holds = object.members.iter().all(|member| match document.member(document.root(), &member.name) {
            None => !member.required || member.missing_tolerated,
            Some(node) => self.shapes.scalar(member.shape).is_none_or(|scalar| match scalar.enumeration.as_slice() {
                [constant] => document.text(node) == Some(constant.as_str()),
                _ => true,
            }),
        });
        if holds { Suits::Plainly } else { Suits::No }
    }

    /// Whether the schema says when it is chosen (`x-chosen-when`).
    #[must_use]
    pub const fn says_when_chosen(&self) -> bool {
        self.chosen.is_some()
    }

    /// Writes a tree in the format's syntax: members in the schema's order (XML), entries by resource type (FHIR).
    #[must_use]
    pub fn write(&self, syntax: Syntax, document: &Document, style: Style) -> Vec<u8> {
        self.write_all(syntax, &[document], style)
    }

    /// Writes the documents of one message: one after the other, each ending its line, or as the rows of one file.
    #[must_use]
    pub fn write_all(&self, syntax: Syntax, documents: &[&Document], style: Style) -> Vec<u8> {
        if let Syntax::Csv { key, shared } = syntax {
            return csv::write(documents, self.layout(), &Keys { key, shared });
        }
        if let Syntax::TablesCsv = syntax {
            let known = self.tables.as_ref().map_or_else(Vec::new, |t| t.listed(&self.shapes, self.root));
            return csv::write_tables(documents, &known);
        }
        let mut bytes = Vec::new();
        for document in documents {
            match syntax {
                Syntax::Json => {
                    let list = document.member(document.root(), ITEMS).unwrap_or_else(|| document.root());
                    bytes.extend(json::write(document, list, style));
                }
                Syntax::FhirJson => {
                    bytes.append(&mut fhir_json::write(document, style));
                }
                Syntax::FhirXml => {
                    bytes.extend(fhir_xml::write(&fhir::ungroup(document), &self.fhir_shape(), style));
                }
                Syntax::Xml { root } => {
                    bytes.extend(xml::write(document, document.root(), root, Some(&self.xml_shape()), style));
                }
                Syntax::NiemJson { root } => {
                    let message = niem::to_json(document, root, &self.xml_shape());
                    bytes.extend(json::write(&message, message.root(), style));
                }
                Syntax::NiemXml { root } => {
                    let message = niem::to_xml(document, &self.xml_shape());
                    bytes.extend(xml::write(&message, message.root(), root, Some(&self.xml_shape()), style));
                }
                Syntax::Hl7v2 { .. } => bytes.extend(hl7v2::write(document, &self.message_shape())),
                // Written as a whole above.
                Syntax::Csv { .. } | Syntax::TablesCsv => {}
            }
            // Segments end with CR, and so do the messages of one file.
            if documents.len() > 1 && !matches!(syntax, Syntax::Hl7v2 { .. }) && bytes.last() != Some(&b'\n') {
                bytes.push(b'\n');
            }
        }
        bytes
    }
}

/// The messages of a list of messages.
fn items(list: &Document) -> Vec<Document> {
    let one = |item| {
        let mut out = Document::alike(list.kind(item), list);
        let root = out.root();
        for child in list.children(item) {
            out.graft(root, list.key(child), list, child);
        }
        out
    };
    list.children(list.root()).map(one).collect()
}

/// What is wrong with a tree that was built, beyond what its schema says: rules of the syntax itself.
#[must_use]
pub fn beyond_schema(syntax: Syntax, document: &Document) -> Vec<Diagnostic> {
    match syntax {
        Syntax::NiemJson { .. } | Syntax::NiemXml { .. } => niem::findings(document, None),
        _ => Vec::new(),
    }
}

fn to_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
