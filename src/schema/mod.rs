//! Schemas: loading, resolving, validating.
//!
//! Owns [`Schemas`] (every `schemas/**/*.schema.json` of a content set), [`Shapes`] (what they say, resolved), and
//! [`Valid`], which only validation makes. Fetches nothing: a `$ref` names a file of the set. A keyword it does not
//! check is refused when the schema is loaded, so that nothing is silently unchecked. Knows no format by name.
//! Read [`Schema::validate`] and `shape.rs` first.
//!
//! The dialect is the part of JSON Schema 2020-12 listed in `source.rs`, plus:
//! `x-sequence` (writing order of members), `x-repeats-max` (a reader's bound on an array), `x-at-most-one` (groups of
//! members that exclude each other), `x-tolerate` / `x-tolerate-missing` / `x-tolerate-unknown` (what is only a warning
//! when a message is read, see [`Strictness`]), `x-white-space` (`preserve` in XML text), `x-notice` (a warning when
//! anything stands here), `x-source` (where a list comes from), `x-namespaces`
//! (the prefixes of an XML vocabulary, at the root of a schema), `x-blanks` (at the root: what has no value is an empty element in
//! XML, for formats whose readers give an absent one the value that stood before), `x-rules` (a set of rules in Rust: `cin-census`), `x-csv` (columns and headers of CSV files, see
//! `table_shape.rs`), `x-tables` (an extract of tables as JSON, see `tables.rs`), `x-nothing-else` (what a refusal leaves
//! room for, see `nothing_else.rs`), `x-chosen-when` (at the top of a file: a
//! schema a message must satisfy to be of this one, where a format has several, see [`Suits`]). `tests/it/document` holds it
//! against an independent implementation of the standard.

mod census;
mod compile;
mod declared;
mod format;
mod glance;
mod native;
mod nothing_else;
mod pattern;
mod shape;
mod source;
mod table_shape;
mod tables;
mod validate;
mod xml_shape;

pub use declared::{Declared, declared};
pub use format::{FORMATS, Format};
pub use native::{Parsed, Suits, Syntax, beyond_schema};
pub use nothing_else::Refused;
pub use pattern::Pattern;
pub use shape::{
    ArrayShape, Leaf, Member, NoSuchMember, ObjectShape, Openness, ScalarShape, Shape, ShapeId, Shapes, WhiteSpace,
    Words,
};
pub use validate::Strictness;

use crate::config::Files;
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::Document;
use crate::document::csv::Layout;
use crate::document::hl7v2::Structure;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// All schemas of a content set, compiled once.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    by_name: BTreeMap<String, Schema>,
}

impl Schemas {
    /// Loads every `schemas/**/*.schema.json`.
    ///
    /// # Errors
    /// `SOL-SCHEMA-FILE`, every finding with file, line and column: bad syntax, unknown keyword or format, a reference
    /// to nothing, a pattern that does not build, a name in `required` that is no member.
    pub fn load(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let sources = source::Sources::read(files, &mut diagnostics);
        let mut compiler = compile::Compiler::new(&sources, diagnostics);
        let (mut roots, mut tables, mut rules) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (file, source) in sources.files.iter().enumerate() {
            let root = source::Loc { file, node: source.document.root() };
            if let Some(rule) = nothing_else::NothingElse::of(&sources, root) {
                rules.insert(source.name.clone(), Arc::new(rule));
            }
            if let Some(told) = tables::Tables::of(&sources, root) {
                tables.insert(source.name.clone(), Arc::new(told));
            }
            let chosen = sources.get(root, "x-chosen-when").map(|place| compiler.compile(&[place]));
            roots.push((source.name.clone(), compiler.compile(&[root]), chosen));
        }
        if !compiler.diagnostics.is_empty() {
            return Err(compiler.diagnostics);
        }
        let (mut shapes, mut diagnostics) = (compiler.shapes, Vec::new());
        shapes.note_glances();
        let mut layouts = Vec::new();
        for (file, ((_, root, _), source)) in roots.iter().zip(&sources.files).enumerate() {
            let top = source::Loc { file, node: source.document.root() };
            layouts.push(Arc::new(table_shape::layout(&shapes, *root, &sources, top, &mut diagnostics)));
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let shapes = Arc::new(shapes);
        let vocabulary = |file: usize, source: &source::File| {
            let top = source::Loc { file, node: source.document.root() };
            let rules = sources.get(top, "x-rules").and_then(|l| sources.text(l)) == Some("cin-census");
            (sources.pairs(top, "x-namespaces"), rules, sources.is_true(top, "x-blanks"))
        };
        let mut by_name = BTreeMap::new();
        for (file, (((name, root, chosen), layout), source)) in
            roots.into_iter().zip(layouts).zip(&sources.files).enumerate()
        {
            let (namespaces, census_rules, blanks) = vocabulary(file, source);
            let (tables, nothing_else) = (tables.get(&name).cloned(), rules.get(&name).cloned());
            let shapes = shapes.clone();
            let schema = Schema {
                name: name.clone(),
                root,
                chosen,
                layout,
                shapes,
                tables,
                nothing_else,
                namespaces,
                blanks,
                census_rules,
                structure: Arc::default(),
            };
            by_name.insert(name, schema);
        }
        Ok(Self { by_name })
    }
    /// The schema of a file, by its path below `schemas/`: `cin-census/child.schema.json`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Schema> {
        self.by_name.get(name)
    }
    /// All paths, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// One schema file.
#[derive(Clone, Debug)]
pub struct Schema {
    name: String,
    root: ShapeId,
    /// `x-chosen-when` of the file.
    chosen: Option<ShapeId>,
    /// How CSV files of this schema look (`x-csv`).
    layout: Arc<Layout>,
    shapes: Arc<Shapes>,
    tables: Option<Arc<tables::Tables>>,
    /// Whether the rules of the census hold for it (`x-rules`).
    census_rules: bool,
    /// Prefix and namespace, in the order of the file (`x-namespaces`).
    namespaces: Vec<(String, String)>,
    /// Whether texts without a value are written as empty elements in XML (`x-blanks`).
    blanks: bool,
    nothing_else: Option<Arc<nothing_else::NothingElse>>,
    /// Groups and segments of an HL7 v2 message, found out with the first one.
    structure: Arc<OnceLock<Structure>>,
}

impl Schema {
    /// Path below `schemas/`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The graph this schema's shapes lie in (one graph for the whole set).
    #[must_use]
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }
    /// Where this schema starts in the graph.
    #[must_use]
    pub const fn root(&self) -> ShapeId {
        self.root
    }
    /// Every name of the set: trees read for it know them from the start, under the numbers the shapes have.
    #[must_use]
    pub fn names(&self) -> Option<&crate::document::Names> {
        Some(&self.shapes.names)
    }
    /// Whether it describes an extract of tables (`x-tables`).
    #[must_use]
    pub const fn is_extract(&self) -> bool {
        self.tables.is_some()
    }
    /// How CSV files of this schema look: columns, headers, quotes.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
    /// Validates a tree. `source` is the text the tree was read from, for line and column; `None` for a tree that was
    /// built.
    ///
    /// # Errors
    /// The document back, and every finding (warnings too) as `SOL-SCHEMA-INVALID` with JSON Pointer and position, when
    /// at least one is an error. No finding quotes a value.
    pub fn validate(
        &self,
        document: Document,
        source: Option<&[u8]>,
        strictness: Strictness,
    ) -> Result<Valid<Document>, Box<(Document, Vec<Diagnostic>)>> {
        let findings = validate::run(&document, &self.shapes, self.root, strictness, source);
        if findings.iter().any(|f| f.severity == Severity::Error) {
            return Err(Box::new((document, findings)));
        }
        Ok(Valid { value: document, warnings: findings, refused: Vec::new() })
    }
}

/// Something that satisfied its schema. Only [`Schema::validate`] makes one.
#[derive(Clone, Debug)]
pub struct Valid<T> {
    value: T,
    warnings: Vec<Diagnostic>,
    refused: Vec<Refused>,
}

impl<T> Valid<T> {
    /// The value.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.value
    }
    /// What was tolerated: values outside a list or form, missing and unknown members.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
    /// What the message was not allowed to say and was taken out (`x-nothing-else`).
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }
    /// The value, no longer known to be valid.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}
