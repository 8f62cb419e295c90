//! One mapping of a format, checked and ready: its plan, its tree, how its messages are written.

use super::lang::tree::{Arrow, Syntax as MappingSyntax, Which};
use super::plan::{Item, LabelSource, Path, Plan, Select};
use super::statement::Statement;
use super::table::Tables;
use super::{check, lang};
use crate::config::Files;
use crate::diagnostic::{Diagnostic, code};
use crate::record::{Form, Record, Segment};
use crate::schema::{Schema, Schemas, Syntax};
use std::sync::{Arc, OnceLock};

/// A loaded mapping.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    pub(super) plan: Arc<Plan>,
    pub(super) syntax: Syntax,
    pub(super) tree: Arc<lang::tree::Mapping>,
    pub(super) source: Arc<str>,
    /// Made when somebody asks: it takes longer than all else, and no message needs it.
    statement: Arc<OnceLock<Statement>>,
    pub(super) carriers: Arc<[Carrier]>,
    ways: Arc<[Way]>,
}

/// A rule that carries, sets or drops a value: number within a run, line, whether it reads, whether it writes.
pub(super) type Carrier = (usize, usize, bool, bool);

/// A kind of segment the mapping writes: where it stands, the constants that mark it, what its label may be.
#[derive(Debug)]
struct Way {
    array: String,
    conds: Vec<(Vec<Box<str>>, Box<str>)>,
    category: Option<crate::vocabulary::Category>,
    summary: bool,
}

impl Mapped {
    /// Parses and checks one file.
    ///
    /// # Errors
    /// Every finding, with place.
    pub(super) fn load(
        file: &str,
        source: &[u8],
        schemas: &Schemas,
        tables: &Tables,
        files: &Files,
    ) -> Result<Self, Vec<Diagnostic>> {
        let tree = lang::parse(source).map_err(|d| vec![d.with_file(file)])?;
        let mut plan = check::check(&tree, file, source, schemas, tables)?;
        plan.digest = digest(source, &tree, files);
        let syntax = syntax_of(&tree);
        let (mut ways, mut carriers) = (Vec::new(), Vec::new());
        collect(&plan.items, &mut ways);
        carry(&plan.items, &plan, &mut carriers);
        Ok(Self {
            plan: Arc::new(plan),
            syntax,
            source: String::from_utf8_lossy(source).into(),
            tree: Arc::new(tree),
            statement: Arc::default(),
            carriers: carriers.into(),
            ways: ways.into(),
        })
    }

    /// All that the mapping can ever lose.
    pub(super) fn statement(&self, schemas: &Schemas) -> &Statement {
        let of = |schema: &Schema| Statement::of(&self.plan, schema.shapes());
        self.statement.get_or_init(|| schemas.get(&self.plan.schema).map_or_else(Statement::default, of))
    }

    /// The same mapping for FHIR in XML: the trees are the same, and so are rules, tables and digest. `None` for a mapping
    /// of another syntax.
    pub(super) fn in_xml(&self) -> Option<Self> {
        (self.syntax == Syntax::FhirJson).then(|| Self { syntax: Syntax::FhirXml, ..self.clone() })
    }

    /// The same mapping for an extract of tables as CSV, with a name of its own: the trees are the same, and so are rules,
    /// tables and digest. `None` for a mapping whose schema says nothing of tables.
    pub(super) fn in_csv(&self, schemas: &Schemas) -> Option<Self> {
        let is_extract = schemas.get(&self.plan.schema).is_some_and(Schema::is_extract);
        (self.syntax == Syntax::Json && is_extract).then(|| {
            let (name, title) = (format!("{}-csv", self.plan.name), format!("{} (CSV)", self.plan.title));
            let plan = Plan { name, title, ..Plan::clone(&self.plan) };
            Self { syntax: Syntax::TablesCsv, plan: Arc::new(plan), ..self.clone() }
        })
    }

    /// The native schema.
    ///
    /// # Errors
    /// `SOL-SCHEMA-FILE` when the set has none: a mapping of another set.
    pub(super) fn schema<'s>(&self, schemas: &'s Schemas) -> Result<&'s Schema, Vec<Diagnostic>> {
        schemas.get(&self.plan.schema).ok_or_else(|| {
            vec![Diagnostic::error(code::SCHEMA_FILE, format!("there is no schema `{}`", self.plan.schema))]
        })
    }

    /// How many segments of a record some rule of this mapping may write, by array, constants, category, form, ceiling.
    pub(super) fn carries(&self, record: &Record) -> usize {
        record.segments().iter().filter(|s| self.carries_segment(record, s)).count()
    }

    fn carries_segment(&self, record: &Record, segment: &Segment) -> bool {
        let document = record.document();
        !segment.label.sealed
            && segment.label.confidentiality <= self.plan.ceiling
            && self.ways.iter().filter(|w| w.array == segment.array).any(|way| {
                way.summary == (segment.form == Form::Summary)
                    && way.category.is_none_or(|c| Some(c) == segment.label.category)
                    && way.conds.iter().all(|(names, value)| {
                        let leaf = names.iter().try_fold(segment.node, |at, name| document.member(at, name));
                        leaf.and_then(|l| document.text(l)) == Some(value)
                    })
            })
    }
}

fn collect(items: &[Item], ways: &mut Vec<Way>) {
    for item in items {
        let Item::Scope(scope) = item else { continue };
        if let (Some(label), Some(last)) = (&scope.label, scope.canonical.steps.last()) {
            let category = match &label.source {
                LabelSource::Stated(category, _) => Some(*category),
                LabelSource::Table(..) => None,
            };
            ways.push(Way {
                array: last.name.to_string(),
                conds: conds(&scope.canonical),
                category,
                summary: label.summary,
            });
        }
        collect(&scope.items, ways);
    }
}

/// The rules that carry, set or drop a value, with the directions they work in.
fn carry(items: &[Item], plan: &Plan, carriers: &mut Vec<(usize, usize, bool, bool)>) {
    let mut note = |rule: usize, reads: bool, writes: bool| {
        carriers.push((rule, plan.line(rule).unwrap_or(0), reads, writes));
    };
    for item in items {
        match item {
            Item::Field(f) => note(f.rule, f.arrow != Arrow::Write, f.arrow != Arrow::Read),
            Item::Choice(fields) => {
                fields.iter().for_each(|f| note(f.rule, f.arrow != Arrow::Write, f.arrow != Arrow::Read));
            }
            // A constant that stands as expected leaves no trace when it is read.
            Item::Fixed(f) => note(f.rule, f.which == Which::Canonical, f.which == Which::Native),
            Item::Drop(d) => note(d.rule, d.which == Which::Native, d.which == Which::Canonical),
            Item::Scope(_) => {}
        }
    }
    for item in items {
        if let Item::Scope(scope) = item {
            carry(&scope.items, plan, carriers);
        }
    }
}

fn conds(path: &Path) -> Vec<(Vec<Box<str>>, Box<str>)> {
    match path.steps.last().map(|s| &s.select) {
        Some(Select::Where(conds)) => conds.iter().map(|c| (c.names.clone(), c.value.clone())).collect(),
        _ => Vec::new(),
    }
}

fn syntax_of(tree: &lang::tree::Mapping) -> Syntax {
    let native = &tree.native;
    match native.syntax {
        MappingSyntax::Fhir => Syntax::FhirJson,
        MappingSyntax::Json => Syntax::Json,
        MappingSyntax::NiemJson => Syntax::NiemJson { root: intern(&native.root.text) },
        MappingSyntax::NiemXml => Syntax::NiemXml { root: intern(&native.root.text) },
        MappingSyntax::Xml => Syntax::Xml { root: intern(&native.root.text) },
        MappingSyntax::Hl7v2 => Syntax::Hl7v2 { root: intern(&native.root.text) },
        MappingSyntax::Csv => Syntax::Csv {
            key: intern(&native.root.text),
            shared: intern_list(native.shared.iter().map(|w| w.text.as_str())),
        },
    }
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

/// Root and column names live as long as the program; a content set has a handful, however often it is reloaded.
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

fn intern_list<'n>(list: impl Iterator<Item = &'n str>) -> &'static [&'static str] {
    static LISTS: std::sync::Mutex<Vec<&'static [&'static str]>> = std::sync::Mutex::new(Vec::new());
    let wanted: Vec<&'static str> = list.map(intern).collect();
    let mut lists = LISTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = lists.iter().find(|l| **l == wanted.as_slice()) {
        return known;
    }
    let leaked: &'static [&'static str] = Box::leak(wanted.into_boxed_slice());
    lists.push(leaked);
    leaked
}

/// The media type of messages in a syntax.
pub(super) const fn content_type(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Json | Syntax::NiemJson { .. } => "application/json",
        Syntax::FhirJson => "application/fhir+json",
        Syntax::FhirXml => "application/fhir+xml",
        Syntax::Xml { .. } | Syntax::NiemXml { .. } => "application/xml",
        Syntax::Hl7v2 { .. } => "application/hl7-v2+er7",
        Syntax::Csv { .. } | Syntax::TablesCsv => "text/csv",
    }
}
