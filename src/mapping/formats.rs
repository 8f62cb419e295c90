//! The public face: all mappings of a content set, reading messages into records and writing them back.
//!
//! Owns the way `bytes -> document -> native check -> records` and back, for every format and for `canonical` itself.
//! A message is taken whole or refused whole; what of it could not be carried is in the loss report.

use super::engine::{self, Quarantined, Setting};
use super::info::{FormatInfo, Source, info};
use super::loss::{Direction, LossEntry, LossKind, LossReport};
use super::mapped::{Mapped, content_type};
use super::plan::Plan;
use super::said::Said;
use super::table::Tables;
use super::{bundle, census, choose, heading, lines, pack};
use crate::clock::Moment;
use crate::config::Files;
use crate::diagnostic::{Diagnostic, Position, Severity, code};
use crate::document::{Document, Kind, Limits, Style, json};
use crate::ident::AgencyId;
use crate::record::Record;
use crate::schema::{Parsed, Refused, Schemas, Strictness, Syntax, Valid};
use std::collections::BTreeMap;

/// The canonical record as a format of its own: JSON, or JSON lines.
pub const CANONICAL: &str = "canonical";

/// Every mapping of a content set, checked and ready.
#[derive(Debug)]
pub struct Mappings {
    schemas: Schemas,
    /// By format, its mappings in order of file names.
    pub(super) formats: BTreeMap<String, Vec<Mapped>>,
    version: String,
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
    /// Which message of the format, by its mapping's name, where a format has several and somebody chose.
    pub message: Option<String>,
}

impl WriteContext {
    /// Indented output, dated `now`.
    #[must_use]
    pub const fn at(now: Moment) -> Self {
        Self { now, style: Style::Pretty, message: None }
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

impl Mappings {
    /// Loads and checks every `mappings/<format>/*.bimap` and `mappings/codes/*.csv`.
    ///
    /// # Errors
    /// Every finding of every file, with place: `SOL-MAP-…`. One bad file refuses the whole set.
    pub fn load(files: &Files, schemas: &Schemas) -> Result<Self, Vec<Diagnostic>> {
        let (tables, mut faults) = load_tables(files);
        let mut formats: BTreeMap<String, Vec<Mapped>> = BTreeMap::new();
        for (file, source) in files.matching("mappings/", ".bimap") {
            match Mapped::load(file, source, schemas, &tables, files) {
                Ok(mapped) => {
                    let name = file.split('/').nth(1).unwrap_or(file).to_owned();
                    let twin = formats.values().flatten().find(|m| m.plan.name == mapped.plan.name);
                    if let Some(twin) = twin {
                        let text = format!("the name `{}` is taken by {}", mapped.plan.name, twin.plan.file);
                        faults.push(Diagnostic::error(code::MAP_NAME, text).with_file(file));
                    }
                    // One set of rules, two notations: `x-json` is `x-xml` too.
                    if let (Some(twin), Some(stem)) = (mapped.in_xml(), name.strip_suffix("-json")) {
                        formats.entry(format!("{stem}-xml")).or_default().push(twin);
                    }
                    let rows = mapped.in_csv(schemas);
                    formats.entry(name).or_default().extend([mapped].into_iter().chain(rows));
                }
                Err(more) => faults.extend(more),
            }
        }
        faults.extend(formats.values().flat_map(|found| choose::indistinct(found, schemas)));
        if !faults.is_empty() {
            return Err(faults);
        }
        let version = files.digest(&["mappings/", "schemas/"]);
        Ok(Self { schemas: schemas.clone(), formats, version })
    }

    /// The set's version: `sha256:` and the digest of its files and those of the schemas.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What can be read and written, `canonical` included, sorted by name.
    #[must_use]
    pub fn formats(&self) -> Vec<FormatInfo> {
        let mut list: Vec<FormatInfo> = self.formats.iter().filter_map(|(name, found)| info(name, found)).collect();
        list.push(FormatInfo {
            name: CANONICAL.to_owned(),
            title: "The canonical record as JSON, one record a line when there are several".to_owned(),
            content_type: "application/json",
            ceiling: crate::vocabulary::Confidentiality::V,
            messages: Vec::new(),
        });
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    /// Every mapping file of the set, by format and file name.
    pub fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let source = |format, m| -> Source<'_> {
            let m: &Mapped = m;
            Source {
                format,
                file: &m.plan.file,
                tree: &m.tree,
                text: &m.source,
                statement: m.statement(&self.schemas),
                digest: &m.plan.digest,
                carriers: &m.carriers,
            }
        };
        // A mapping in its second notation is the same file.
        let own = |m: &&Mapped| !matches!(m.syntax, Syntax::FhirXml | Syntax::TablesCsv);
        self.formats.iter().flat_map(move |(format, found)| found.iter().filter(own).map(move |m| source(format, m)))
    }

    /// Validates a message against its format's own schema only, strictly.
    ///
    /// # Errors
    /// Every finding, with position and pointer.
    pub fn validate(&self, format: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        if format == CANONICAL {
            return self.records(bytes, limits).map(|_| Vec::new());
        }
        let found = choose::of_syntax(self.find(format)?, bytes);
        let mut warnings = Vec::new();
        for part in found.first().map_or_else(Vec::new, |first| lines::split(bytes, first.syntax)) {
            let (mapped, parsed) = choose::reader(&found, &self.schemas, part, limits)?;
            let valid = mapped.schema(&self.schemas)?.check(parsed, Strictness::Strict)?;
            warnings.extend(valid.iter().flat_map(|v| v.warnings().to_vec()));
        }
        Ok(warnings)
    }

    /// The native tree of one message, read but not held against its schema: for who must know what stands on an envelope
    /// before it is opened.
    ///
    /// # Errors
    /// What the reader refuses, with line and column.
    pub fn tree(&self, format: &str, bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
        let found = choose::of_syntax(self.find(format)?, bytes);
        let nothing = || vec![Diagnostic::error(code::MAP_FORMAT, "there is no such message in this format")];
        let first = found.first().ok_or_else(nothing)?;
        let parsed = first.schema(&self.schemas)?.parse(first.syntax, bytes, limits)?;
        parsed.documents.into_iter().next().ok_or_else(nothing)
    }

    /// Reads a message into records: one for most formats, one per child for a census.
    ///
    /// # Errors
    /// The message is not of this format, or holds nothing a record can be made of; all findings, without values.
    pub fn read(&self, format: &str, bytes: &[u8], context: &ReadContext) -> Result<Vec<ReadRecord>, Vec<Diagnostic>> {
        let mut records = Vec::new();
        self.read_each(format, bytes, context, &mut |record| records.push(record))?;
        Ok(records)
    }

    /// As [`Mappings::read`], each record handed over as soon as it is made: a census of ten thousand children costs the
    /// memory of its message and of one child. Where a later record is refused, the earlier ones have been handed over;
    /// who takes a message whole or not at all keeps them until the end.
    ///
    /// # Errors
    /// As [`Mappings::read`].
    pub fn read_each(
        &self,
        format: &str,
        bytes: &[u8],
        context: &ReadContext,
        take: &mut dyn FnMut(ReadRecord),
    ) -> Result<(), Vec<Diagnostic>> {
        if format == CANONICAL {
            self.read_canonical(bytes, context)?.into_iter().for_each(take);
            return Ok(());
        }
        let found = choose::of_syntax(self.find(format)?, bytes);
        let (parts, odd) = found.first().map_or_else(Default::default, |first| lines::open(bytes, first.syntax));
        let mut sink = Sink { taken: 0, odd, take };
        for part in parts {
            let (mapped, parsed) = choose::reader(&found, &self.schemas, part, &context.limits)?;
            self.read_message(mapped, parsed, context, &mut sink)?;
        }
        Ok(())
    }

    fn read_message(
        &self,
        mapped: &Mapped,
        parsed: Parsed<'_>,
        context: &ReadContext,
        sink: &mut Sink<'_>,
    ) -> Result<(), Vec<Diagnostic>> {
        for valid in mapped.schema(&self.schemas)?.check(parsed, Strictness::Tolerant)? {
            self.read_document(mapped, valid, context, sink)?;
        }
        Ok(())
    }

    fn read_document(
        &self,
        mapped: &Mapped,
        valid: Valid<Document>,
        context: &ReadContext,
        sink: &mut Sink<'_>,
    ) -> Result<(), Vec<Diagnostic>> {
        let plan = &mapped.plan;
        let shapes = mapped.schema(&self.schemas)?.shapes();
        let mut warnings = valid.warnings().to_vec();
        let refused: Vec<LossEntry> = valid.refused().iter().map(refused_entry).collect();
        warnings.append(&mut sink.odd);
        let parts = pack::Parts::of(valid.into_inner(), &plan.records);
        for (i, part) in parts.iter().enumerate() {
            let setting = Setting {
                custodian: context.custodian.as_str(),
                seed: context.seed,
                place: sink.taken.max(i),
                added_from: None,
                records: &plan.records,
            };
            let done = engine::run(plan, Direction::Read, shapes, &part, &setting).map_err(|e| unbalanced(&e))?;
            let mut out = done.out;
            stamp(&mut out, plan);
            let record = Record::validate(out, &self.schemas).map_err(|f| no_record(f, &done.quarantined))?;
            let mut loss = LossReport::of(done.run, done.entries);
            if i == 0 {
                loss.refuse(&refused);
            }
            sink.taken += 1;
            (sink.take)(ReadRecord {
                record,
                loss,
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
        let names = self.schemas.get(crate::record::SCHEMA).and_then(|s| s.names());
        for part in lines::split(bytes, Syntax::Json) {
            let document = json::read_knowing(part, limits, names).map_err(|d| vec![d])?;
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

    /// Writes records as one message of a format (one after the other, where the format holds one record a message).
    /// Which of the format's messages: see `docs/reference/mapping-language.md`.
    ///
    /// # Errors
    /// `SOL-MAP-INCOMPLETE` for each part the format requires and the records do not say; `SOL-MAP-FORMAT` where no
    /// message of the format can carry a record. Nothing invalid is written.
    pub fn write(&self, format: &str, records: &[Record], context: &WriteContext) -> Result<Written, Vec<Diagnostic>> {
        if format == CANONICAL {
            return Ok(write_canonical(records, context));
        }
        let found = self.find(format)?;
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let (mapped, message, loss) = self.write_record(found, record, place, context)?;
            match groups.last_mut().filter(|g| g.mapped.plan.name == mapped.plan.name) {
                Some(group) => {
                    group.messages.push(message);
                    group.loss.append(loss);
                }
                None => groups.push(Group { mapped, messages: vec![message], loss }),
            }
        }
        let Some(first) = groups.first() else {
            return Err(vec![Diagnostic::error(code::MAP_INCOMPLETE, "there is no record to write")]);
        };
        let content_type = content_type(first.mapped.syntax);
        let style = if groups.len() > 1 { Style::Compact } else { context.style };
        let (mut bytes, mut loss) = (Vec::new(), LossReport::default());
        for group in groups {
            let (more, lost) = self.finish(group, context, style)?;
            bytes.extend(more);
            loss.append(lost);
        }
        Ok(Written { bytes, content_type, loss })
    }

    /// One record by the first mapping that can: the only candidate, or the first whose message would be valid.
    fn write_record<'m>(
        &self,
        found: &'m [Mapped],
        record: &Record,
        place: usize,
        context: &WriteContext,
    ) -> Result<(&'m Mapped, Document, LossReport), Vec<Diagnostic>> {
        let candidates = choose::writers(found, record, context.message.as_deref())?;
        if let [one] = candidates.as_slice() {
            return self.run_writing(one, record, place).map(|(message, loss)| (*one, message, loss));
        }
        let mut refused = None;
        for mapped in candidates {
            let (message, loss) = self.run_writing(mapped, record, place)?;
            let alone = Group { mapped, messages: vec![message.clone()], loss: LossReport::default() };
            match self.finish(alone, context, Style::Compact) {
                Ok(_) => return Ok((mapped, message, loss)),
                Err(faults) => refused = refused.or(Some(faults)),
            }
        }
        Err(refused.unwrap_or_default())
    }

    /// The bytes of messages of one mapping.
    fn finish(
        &self,
        group: Group<'_>,
        context: &WriteContext,
        style: Style,
    ) -> Result<(Vec<u8>, LossReport), Vec<Diagnostic>> {
        let Group { mapped, mut messages, mut loss } = group;
        if !mapped.plan.records.is_empty() {
            let groups = heading::apart(messages, mapped.syntax).into_iter();
            messages = groups.map(|group| pack::join(group, &mapped.plan.records)).collect();
            for packed in &mut messages {
                census::complete_header(packed, &mapped.plan, context.now, &mut loss);
                census::older_shape(packed, &mapped.plan, &mut loss);
            }
        }
        let style = if messages.len() > 1 { Style::Compact } else { style };
        let mut valid = Vec::with_capacity(messages.len());
        for (place, mut message) in messages.into_iter().enumerate() {
            let schema = mapped.schema(&self.schemas)?;
            heading::complete(&mut message, schema, &mapped.plan, context.now, place, &mut loss);
            valid.push(self.validate_written(mapped, message)?);
        }
        let trees: Vec<&Document> = valid.iter().map(Valid::get).collect();
        let mut bytes = mapped.schema(&self.schemas)?.write_all(mapped.syntax, &trees, style);
        if !matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.push(b'\n');
        }
        Ok((bytes, loss))
    }

    fn run_writing(
        &self,
        mapped: &Mapped,
        record: &Record,
        place: usize,
    ) -> Result<(Document, LossReport), Vec<Diagnostic>> {
        let plan = &mapped.plan;
        let shapes = mapped.schema(&self.schemas)?.shapes();
        let input = super::prepare::for_writing(record.document(), plan);
        let document = input.as_ref().unwrap_or_else(|| record.document());
        let added_from = input.as_ref().map(|_| record.document().node_count());
        let setting = Setting { custodian: "", seed: 0, place, added_from, records: &plan.records };
        let done = engine::run(plan, Direction::Write, shapes, document, &setting).map_err(|e| unbalanced(&e))?;
        let (mut message, mut loss) = (done.out, LossReport::of(done.run, done.entries));
        bundle::complete(&mut message, plan, &mut loss);
        Ok((message, loss))
    }

    fn validate_written(&self, mapped: &Mapped, message: Document) -> Result<Valid<Document>, Vec<Diagnostic>> {
        let schema = mapped.schema(&self.schemas)?;
        let valid = schema.validate(message, None, Strictness::Strict).map_err(|refused| {
            let errors = refused.1.into_iter().filter(|d| d.severity == Severity::Error);
            errors.map(incomplete).collect::<Vec<_>>()
        })?;
        let beyond = crate::schema::beyond_schema(mapped.syntax, valid.get());
        if beyond.is_empty() { Ok(valid) } else { Err(beyond.into_iter().map(incomplete).collect()) }
    }

    fn find(&self, format: &str) -> Result<&[Mapped], Vec<Diagnostic>> {
        self.formats.get(format).map(Vec::as_slice).ok_or_else(|| {
            let mut fault = Diagnostic::error(code::MAP_FORMAT, "there is no such format");
            let names = self.formats.keys().map(String::as_str).chain([CANONICAL]);
            fault.expected = Some(names.clone().collect::<Vec<_>>().join(", "));
            vec![fault.with_nearest(format, names)]
        })
    }
}

/// Where the records of a message go.
struct Sink<'t> {
    taken: usize,
    /// What was odd about the envelope of a batch, for the first record.
    odd: Vec<Diagnostic>,
    take: &'t mut dyn FnMut(ReadRecord),
}

/// Messages of one mapping, in order of their records.
struct Group<'m> {
    mapped: &'m Mapped,
    messages: Vec<Document>,
    loss: LossReport,
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
        let whole = Position { line: 1, column: 1 };
        let fault = Diagnostic::error(code::MAP_INCOMPLETE, text).with_pointer("").with_position(whole);
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

/// A value that was taken out before the mapping saw it.
fn refused_entry(refused: &Refused) -> LossEntry {
    LossEntry {
        kind: LossKind::NotMapped,
        severity: LossKind::NotMapped.grade(),
        direction: Direction::Read,
        path_in: refused.path.clone(),
        path_out: String::new(),
        rule: Said::default(),
        count: 1,
        note: format!("discarded: {}", refused.because).into(),
    }
}

fn canonical_entry(path: String) -> LossEntry {
    LossEntry {
        kind: LossKind::Normalised,
        severity: LossKind::Normalised.grade(),
        direction: Direction::Read,
        path_in: path,
        path_out: String::new(),
        rule: Said::default(),
        count: 1,
        note: "the custodian is whose connection it is, not what the message claims".into(),
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
