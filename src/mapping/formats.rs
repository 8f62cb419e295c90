//! The public face: all mappings of a content set, reading messages into records and writing them back.
//!
//! Owns the way `bytes -> document -> native check -> records` and back, for every format and for `canonical` itself.
//! A message is taken whole or refused whole; what of it could not be carried is in the loss report.

use super::engine::{self, Quarantined, Setting};
use super::lang::tree::Syntax as MappingSyntax;
use super::loss::{Direction, LossEntry, LossKind, LossReport};
use super::plan::Plan;
use super::table::Tables;
use super::{bundle, census, check, lang, lines, pack};
use crate::clock::Moment;
use crate::config::Files;
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::document::{Document, Kind, Limits, Style, json};
use crate::ident::AgencyId;
use crate::record::Record;
use crate::schema::{Schemas, Strictness, Syntax, Valid};
use std::collections::BTreeMap;

/// The canonical record as a format of its own: JSON, or JSON lines.
pub const CANONICAL: &str = "canonical";

/// Every mapping of a content set, checked and ready.
#[derive(Debug)]
pub struct Mappings {
    schemas: Schemas,
    formats: BTreeMap<String, Format>,
}

#[derive(Debug)]
struct Format {
    plan: Plan,
    syntax: Syntax,
    tree: lang::tree::Mapping,
    source: String,
}

/// What reading needs besides the message.
#[derive(Clone, Debug)]
pub struct ReadContext {
    /// Whose connection it is: the custodian of every segment.
    pub custodian: AgencyId,
    /// Mixed into ids that come from positions; the same seed and message give the same ids.
    pub seed: u64,
    /// Bounds of the message.
    pub limits: Limits,
}

impl ReadContext {
    /// For a message of this agency, with the bounds of a connection.
    #[must_use]
    pub fn of(custodian: AgencyId) -> Self {
        Self { custodian, seed: 0, limits: Limits::message() }
    }
}

/// One record of a message.
#[derive(Debug)]
pub struct ReadRecord {
    /// The record, valid.
    pub record: Record,
    /// What was not carried.
    pub loss: LossReport,
    /// Items without a subject: to be held and shown to nobody but the custodian.
    pub quarantined: Vec<Quarantined>,
    /// What the native schema tolerated, for the sender. Without values.
    pub warnings: Vec<Diagnostic>,
}

/// What writing needs besides the records.
#[derive(Clone, Debug)]
pub struct WriteContext {
    /// The moment of writing: a census header without one in the records is dated by it.
    pub now: Moment,
    /// Layout.
    pub style: Style,
}

impl WriteContext {
    /// Indented output, dated `now`.
    #[must_use]
    pub const fn at(now: Moment) -> Self {
        Self { now, style: Style::Pretty }
    }
}

/// A message made.
#[derive(Debug)]
pub struct Written {
    /// The message, valid against its native schema.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
    /// What was not carried.
    pub loss: LossReport,
}

/// A format as people see it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct FormatInfo {
    /// Name for `--from`, `--to` and `?format=`.
    pub name: String,
    /// The mapping's title.
    pub title: String,
    /// Mapping name.
    pub mapping: String,
    /// Version.
    pub version: String,
    /// SHA-256 over mapping and tables, hex.
    pub digest: String,
    /// Media type of messages.
    pub content_type: &'static str,
    /// Highest confidentiality it carries out.
    pub ceiling: crate::vocabulary::Confidentiality,
}

impl Mappings {
    /// Loads and checks every `mappings/<format>/*.bimap` and `mappings/codes/*.csv`.
    ///
    /// # Errors
    /// Every finding of every file, with place: `SOL-MAP-…`. One bad file refuses the whole set.
    pub fn load(files: &Files, schemas: &Schemas) -> Result<Self, Vec<Diagnostic>> {
        let (tables, mut faults) = load_tables(files);
        let mut formats = BTreeMap::new();
        for (file, source) in files.matching("mappings/", ".bimap") {
            match load_format(file, source, schemas, &tables, files) {
                Ok(format) => {
                    let name = file.split('/').nth(1).unwrap_or(file).to_owned();
                    if formats.insert(name.clone(), format).is_some() {
                        let text = format!(
                            "the format `{name}` has two mappings, and choosing one by message is not built yet"
                        );
                        faults.push(Diagnostic::error(code::MAP_FORMAT, text).with_file(file));
                    }
                }
                Err(more) => faults.extend(more),
            }
        }
        if faults.is_empty() { Ok(Self { schemas: schemas.clone(), formats }) } else { Err(faults) }
    }

    /// What can be read and written, `canonical` included, sorted by name.
    #[must_use]
    pub fn formats(&self) -> Vec<FormatInfo> {
        let mut list: Vec<FormatInfo> = self
            .formats
            .iter()
            .map(|(name, f)| FormatInfo {
                name: name.clone(),
                title: f.plan.title.clone(),
                mapping: f.plan.name.clone(),
                version: f.plan.version.clone(),
                digest: f.plan.digest.clone(),
                content_type: content_type(f.syntax),
                ceiling: f.plan.ceiling,
            })
            .collect();
        list.push(FormatInfo {
            name: CANONICAL.to_owned(),
            title: "The canonical record as JSON, one record a line when there are several".to_owned(),
            mapping: CANONICAL.to_owned(),
            version: "1".to_owned(),
            digest: String::new(),
            content_type: "application/json",
            ceiling: crate::vocabulary::Confidentiality::V,
        });
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    /// The checked tree of a format's mapping and its text, for `solent mapping …`.
    #[must_use]
    pub fn source(&self, format: &str) -> Option<(&lang::tree::Mapping, &str)> {
        self.formats.get(format).map(|f| (&f.tree, f.source.as_str()))
    }

    /// Validates a message against its format's own schema only, strictly.
    ///
    /// # Errors
    /// Every finding, with position and pointer.
    pub fn validate(&self, format: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        if format == CANONICAL {
            return self.records(bytes, limits).map(|_| Vec::new());
        }
        let found = self.find(format)?;
        let schema = self.schema(found)?;
        let valid = schema.read(found.syntax, bytes, limits, Strictness::Strict)?;
        Ok(valid.warnings().to_vec())
    }

    /// Reads a message into records: one for most formats, one per child for a census.
    ///
    /// # Errors
    /// The message is not of this format, or holds nothing a record can be made of; all findings, without values.
    pub fn read(&self, format: &str, bytes: &[u8], context: &ReadContext) -> Result<Vec<ReadRecord>, Vec<Diagnostic>> {
        if format == CANONICAL {
            return self.read_canonical(bytes, context);
        }
        let found = self.find(format)?;
        let mut records = Vec::new();
        for part in lines::split(bytes, found.syntax) {
            self.read_message(found, part, context, &mut records)?;
        }
        Ok(records)
    }

    fn read_message(
        &self,
        format: &Format,
        bytes: &[u8],
        context: &ReadContext,
        records: &mut Vec<ReadRecord>,
    ) -> Result<(), Vec<Diagnostic>> {
        let schema = self.schema(format)?;
        let valid = schema.read(format.syntax, bytes, &context.limits, Strictness::Tolerant)?;
        let mut warnings = valid.warnings().to_vec();
        let message = valid.into_inner();
        let shapes = schema.shapes();
        let parts = pack::Parts::of(message, &format.plan.records);
        for (i, part) in parts.iter().enumerate() {
            let setting = Setting {
                custodian: context.custodian.as_str(),
                seed: context.seed,
                place: records.len().max(i),
                added_from: None,
                records: &format.plan.records,
            };
            let done =
                engine::run(&format.plan, Direction::Read, shapes, &part, &setting).map_err(|e| unbalanced(&e))?;
            let mut out = done.out;
            stamp(&mut out, &format.plan);
            let record = Record::validate(out, &self.schemas).map_err(|f| no_record(f, &done.quarantined))?;
            records.push(ReadRecord {
                record,
                loss: LossReport::of(done.run, done.entries),
                quarantined: done.quarantined,
                warnings: std::mem::take(&mut warnings),
            });
        }
        Ok(())
    }

    /// Canonical records as they are, labels untouched: what the gateway stored, or a file given by an operator.
    ///
    /// # Errors
    /// Every finding of the first record that is not one.
    pub fn records(&self, bytes: &[u8], limits: &Limits) -> Result<Vec<Record>, Vec<Diagnostic>> {
        let mut records = Vec::new();
        for part in lines::split(bytes, Syntax::Json) {
            let document = json::read(part, limits).map_err(|d| vec![d])?;
            records.push(Record::validate_from(document, &self.schemas, Some(part))?);
        }
        Ok(records)
    }

    /// As from a connection: whatever the labels claim, the sender is the custodian.
    fn read_canonical(&self, bytes: &[u8], context: &ReadContext) -> Result<Vec<ReadRecord>, Vec<Diagnostic>> {
        let mut out = Vec::new();
        for record in self.records(bytes, &context.limits)? {
            let mut loss = LossReport::default();
            let nodes: Vec<_> = record.segments().iter().map(|s| s.node).collect();
            let mut document = record.into_document();
            for node in nodes {
                let Some(leaf) = document.find(node, &["label", "custodian"]) else { continue };
                if document.text(leaf) != Some(context.custodian.as_str()) {
                    loss.push(canonical_entry(document.pointer(leaf)));
                    document.set_scalar(leaf, Kind::String, context.custodian.as_str());
                }
            }
            let record = Record::validate(document, &self.schemas)?;
            out.push(ReadRecord { record, loss, quarantined: Vec::new(), warnings: Vec::new() });
        }
        Ok(out)
    }

    /// Writes records as one message of a format (as lines, where the format holds one record a message).
    ///
    /// # Errors
    /// `SOL-MAP-INCOMPLETE` for each part the format requires and the records do not say. Nothing invalid is written.
    pub fn write(&self, format: &str, records: &[Record], context: &WriteContext) -> Result<Written, Vec<Diagnostic>> {
        if format == CANONICAL {
            return Ok(write_canonical(records, context));
        }
        let found = self.find(format)?;
        let mut loss = LossReport::default();
        let mut messages = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let (message, more) = self.write_record(found, record, place)?;
            loss.append(more);
            messages.push(message);
        }
        if messages.is_empty() {
            let text = "there is no record to write";
            return Err(vec![Diagnostic::error(code::MAP_INCOMPLETE, text)]);
        }
        if !found.plan.records.is_empty() {
            let mut packed = pack::join(messages, &found.plan.records);
            census::complete_header(&mut packed, &found.plan, context.now, &mut loss);
            messages = vec![packed];
        }
        let several = messages.len() > 1;
        let style = if several { Style::Compact } else { context.style };
        let mut bytes = Vec::new();
        for mut message in messages {
            bundle::label(&mut message, &found.plan, &mut loss);
            let valid = self.validate_written(found, message)?;
            bytes.extend(self.schema(found)?.write(found.syntax, valid.get(), style));
            if bytes.last() != Some(&b'\n') {
                bytes.push(b'\n');
            }
        }
        Ok(Written { bytes, content_type: content_type(found.syntax), loss })
    }

    fn write_record(
        &self,
        format: &Format,
        record: &Record,
        place: usize,
    ) -> Result<(Document, LossReport), Vec<Diagnostic>> {
        let schema = self.schema(format)?;
        let input = super::prepare::for_writing(record.document(), &format.plan);
        let document = input.as_ref().unwrap_or_else(|| record.document());
        let added_from = input.as_ref().map(|_| record.document().node_count());
        let setting = Setting { custodian: "", seed: 0, place, added_from, records: &format.plan.records };
        let done = engine::run(&format.plan, Direction::Write, schema.shapes(), document, &setting)
            .map_err(|e| unbalanced(&e))?;
        Ok((done.out, LossReport::of(done.run, done.entries)))
    }

    fn validate_written(&self, format: &Format, message: Document) -> Result<Valid<Document>, Vec<Diagnostic>> {
        self.schema(format)?.validate(message, None, Strictness::Strict).map_err(|refused| {
            let errors = refused.1.into_iter().filter(|d| d.severity == Severity::Error);
            errors.map(incomplete).collect()
        })
    }

    fn find(&self, format: &str) -> Result<&Format, Vec<Diagnostic>> {
        self.formats.get(format).ok_or_else(|| {
            let mut fault = Diagnostic::error(code::MAP_FORMAT, "there is no such format");
            let names = self.formats.keys().map(String::as_str).chain([CANONICAL]);
            fault.expected = Some(names.clone().collect::<Vec<_>>().join(", "));
            vec![fault.with_nearest(format, names)]
        })
    }

    fn schema(&self, format: &Format) -> Result<&crate::schema::Schema, Vec<Diagnostic>> {
        self.schemas.get(&format.plan.schema).ok_or_else(|| {
            vec![Diagnostic::error(code::SCHEMA_FILE, format!("there is no schema `{}`", format.plan.schema))]
        })
    }
}

/// Reads every code table of a set.
fn load_tables(files: &Files) -> (Tables, Vec<Diagnostic>) {
    let (mut tables, mut faults) = (Tables::default(), Vec::new());
    for (file, bytes) in files.matching("mappings/codes/", ".csv") {
        if let Err(more) = tables.add(file, bytes) {
            faults.extend(more);
        }
    }
    (tables, faults)
}

fn load_format(
    file: &str,
    source: &[u8],
    schemas: &Schemas,
    tables: &Tables,
    files: &Files,
) -> Result<Format, Vec<Diagnostic>> {
    let tree = lang::parse(source).map_err(|d| vec![d.with_file(file)])?;
    let mut plan = check::check(&tree, file, source, schemas, tables)?;
    plan.digest = digest(source, &tree, files);
    let syntax = match plan.syntax {
        MappingSyntax::Fhir => Syntax::FhirJson,
        MappingSyntax::Json => Syntax::Json,
        MappingSyntax::Xml => Syntax::Xml { root: intern(&tree.native.root.text) },
        MappingSyntax::Hl7v2 | MappingSyntax::Csv => {
            let text = format!("`{}` messages cannot be read yet", plan.syntax.word());
            return Err(vec![Diagnostic::error(code::MAP_FORMAT, text).with_file(file)]);
        }
    };
    Ok(Format { plan, syntax, source: String::from_utf8_lossy(source).into_owned(), tree })
}

/// SHA-256 over the mapping file and the code tables it names, in name order: what a governance lead signs.
fn digest(source: &[u8], tree: &lang::tree::Mapping, files: &Files) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(source);
    for table in lang::tables_of(tree) {
        if let Some(bytes) = files.get(&format!("mappings/codes/{table}.csv")) {
            context.update(table.as_bytes());
            context.update(bytes);
        }
    }
    context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Root names live as long as the program; a content set has a handful, whatever it is reloaded.
fn intern(name: &str) -> &'static str {
    static NAMES: std::sync::Mutex<Vec<&'static str>> = std::sync::Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = names.iter().find(|n| **n == name) {
        return known;
    }
    let leaked: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.push(leaked);
    leaked
}

const fn content_type(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Json => "application/json",
        Syntax::FhirJson => "application/fhir+json",
        Syntax::Xml { .. } => "application/xml",
    }
}

/// Which mapping made the record, into its envelope.
fn stamp(out: &mut Document, plan: &Plan) {
    let root = out.root();
    let envelope = match out.member(root, "envelope") {
        Some(found) => found,
        None => out.add(root, Some("envelope"), Kind::Object, "", 0),
    };
    let by = out.add(envelope, Some("read_by"), Kind::Object, "", 0);
    out.add_text(by, "mapping", &plan.name);
    out.add_text(by, "version", &plan.version);
    out.add_text(by, "digest", &plan.digest);
}

fn write_canonical(records: &[Record], context: &WriteContext) -> Written {
    let style = if records.len() > 1 { Style::Compact } else { context.style };
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend(json::write(record.document(), record.document().root(), style));
        if bytes.last() != Some(&b'\n') {
            bytes.push(b'\n');
        }
    }
    let content_type = if records.len() > 1 { "application/x-ndjson" } else { "application/json" };
    Written { bytes, content_type, loss: LossReport::default() }
}

fn unbalanced(error: &engine::Unbalanced) -> Vec<Diagnostic> {
    vec![Diagnostic::error(code::MAP_BALANCE, error.to_string())]
}

/// A message no record can be made of: mostly one whose people are all missing.
fn no_record(findings: Vec<Diagnostic>, quarantined: &[Quarantined]) -> Vec<Diagnostic> {
    let nobody = findings.iter().any(|f| f.pointer.as_deref() == Some("") && f.message.contains("`people`"));
    if nobody {
        let text = "the message holds no person that a record could be about";
        let fault = Diagnostic::error(code::MAP_INCOMPLETE, text);
        return vec![if quarantined.is_empty() {
            fault
        } else {
            fault.with_help(format!("{} items speak of people who are not in the message", quarantined.len()))
        }];
    }
    findings
        .into_iter()
        .map(|f| {
            let text = format!("no record can be made of this message: {}", f.message);
            Diagnostic { code: code::MAP_INCOMPLETE, message: text, position: None, span: None, ..f }
        })
        .collect()
}

fn incomplete(finding: Diagnostic) -> Diagnostic {
    let text = format!("the record does not supply what the format requires: {}", finding.message);
    Diagnostic { code: code::MAP_INCOMPLETE, message: text, position: None, span: None, ..finding }
}

fn canonical_entry(path: String) -> LossEntry {
    LossEntry {
        kind: LossKind::Normalised,
        severity: LossKind::Normalised.grade(),
        direction: Direction::Read,
        path_in: path,
        path_out: String::new(),
        rule: String::new(),
        count: 1,
        note: "the custodian is whose connection it is, not what the message claims".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_does_not_balance_is_refused_whole() {
        let faults = unbalanced(&engine::Unbalanced { unaccounted_in: 1, unaccounted_out: 0 });
        assert_eq!(faults.first().map(|f| f.code.as_str()), Some("SOL-MAP-BALANCE"));
    }
}
