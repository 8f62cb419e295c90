//! Schema files as read: syntax, keyword lint, and where a `$ref` points.

use crate::config::Files;
use crate::diagnostic::{Diagnostic, Span, code, nearest};
use crate::document::{Document, Kind, Limits, NodeId, json};

/// A place in a schema file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Loc {
    pub(super) file: usize,
    pub(super) node: NodeId,
}

pub(super) struct File {
    /// Path below `schemas/`.
    pub(super) name: String,
    pub(super) document: Document,
    bytes: Vec<u8>,
}

/// All schema files, syntax and keywords checked.
pub(super) struct Sources {
    pub(super) files: Vec<File>,
}

/// What stands under a keyword.
enum Holds {
    /// Nothing that is a schema.
    Plain,
    /// One schema.
    Schema,
    /// A list of schemas.
    List,
    /// Schemas by name.
    Named,
}

/// The keywords we give a meaning to. JSON Schema 2020-12 has more; a schema that uses one does not load, since it
/// would be silently unchecked.
const KEYWORDS: &[(&str, Holds)] = &[
    ("$schema", Holds::Plain),
    ("$id", Holds::Plain),
    ("$ref", Holds::Plain),
    ("$comment", Holds::Plain),
    ("$defs", Holds::Named),
    ("title", Holds::Plain),
    ("description", Holds::Plain),
    ("examples", Holds::Plain),
    ("type", Holds::Plain),
    ("properties", Holds::Named),
    ("required", Holds::Plain),
    ("additionalProperties", Holds::Schema),
    ("unevaluatedProperties", Holds::Schema),
    ("items", Holds::Schema),
    ("minItems", Holds::Plain),
    ("maxItems", Holds::Plain),
    ("enum", Holds::Plain),
    ("const", Holds::Plain),
    ("pattern", Holds::Plain),
    ("format", Holds::Plain),
    ("minLength", Holds::Plain),
    ("maxLength", Holds::Plain),
    ("minimum", Holds::Plain),
    ("maximum", Holds::Plain),
    ("allOf", Holds::List),
    ("anyOf", Holds::List),
    ("oneOf", Holds::List),
    ("not", Holds::Schema),
    ("if", Holds::Schema),
    ("then", Holds::Schema),
    ("else", Holds::Schema),
    ("x-sequence", Holds::Plain),
    ("x-repeats-max", Holds::Plain),
    ("x-tolerate", Holds::Plain),
    ("x-tolerate-missing", Holds::Plain),
    ("x-tolerate-unknown", Holds::Plain),
    ("x-at-most-one", Holds::Plain),
    ("x-white-space", Holds::Plain),
    ("x-notice", Holds::Plain),
    ("x-tables", Holds::Plain),
    ("x-nothing-else", Holds::Plain),
    ("x-source", Holds::Plain),
    ("x-namespaces", Holds::Plain),
    ("x-blanks", Holds::Plain),
    ("x-rules", Holds::Plain),
    ("x-csv", Holds::Plain),
    ("x-chosen-when", Holds::Schema),
];

/// Where the schemas of facts files and configuration lie: not messages, not this dialect.
const CONFIG_SCHEMAS: &str = "schemas/config/";

impl Sources {
    /// Reads and lints every `schemas/**/*.schema.json` of a message format or the record, in name order.
    pub(super) fn read(files: &Files, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut sources = Self { files: Vec::new() };
        for (path, bytes) in files.matching("schemas/", ".schema.json") {
            // Schemas of our own configuration use the whole standard and are checked by a library of it.
            if path.starts_with(CONFIG_SCHEMAS) {
                continue;
            }
            match json::read(bytes, &Limits::file()) {
                Ok(document) => {
                    let name = path.strip_prefix("schemas/").unwrap_or(path).to_owned();
                    sources.files.push(File { name, document, bytes: bytes.to_vec() });
                }
                Err(fault) => diagnostics.push(Diagnostic { code: code::SCHEMA_FILE, ..fault }.with_file(path)),
            }
        }
        for file in 0..sources.files.len() {
            if let Some(f) = sources.files.get(file) {
                sources.lint(Loc { file, node: f.document.root() }, diagnostics);
            }
        }
        sources
    }

    pub(super) fn document(&self, loc: Loc) -> Option<&Document> {
        self.files.get(loc.file).map(|f| &f.document)
    }
    /// The value of a keyword.
    pub(super) fn get(&self, loc: Loc, keyword: &str) -> Option<Loc> {
        let node = self.document(loc)?.member(loc.node, keyword)?;
        Some(Loc { node, ..loc })
    }
    pub(super) fn kind(&self, loc: Loc) -> Kind {
        self.document(loc).map_or(Kind::Null, |d| d.kind(loc.node))
    }
    pub(super) fn text(&self, loc: Loc) -> Option<&str> {
        self.document(loc)?.text(loc.node)
    }
    pub(super) fn key(&self, loc: Loc) -> Option<&str> {
        self.document(loc)?.key(loc.node)
    }
    /// The items or members below a place.
    pub(super) fn children(&self, loc: Loc) -> Vec<Loc> {
        self.document(loc).map(|d| d.children(loc.node).map(|node| Loc { node, ..loc }).collect()).unwrap_or_default()
    }
    /// The texts of a list of scalars.
    pub(super) fn texts(&self, loc: Loc) -> Vec<String> {
        self.children(loc).into_iter().filter_map(|l| self.text(l)).map(str::to_owned).collect()
    }
    /// The members of an object of texts, in order.
    pub(super) fn pairs(&self, loc: Loc, keyword: &str) -> Vec<(String, String)> {
        let list = self.get(loc, keyword).map(|l| self.children(l)).unwrap_or_default();
        list.into_iter().filter_map(|l| Some((self.key(l)?.to_owned(), self.text(l)?.to_owned()))).collect()
    }
    pub(super) fn number(&self, loc: Loc, keyword: &str) -> Option<usize> {
        self.get(loc, keyword).and_then(|l| self.text(l)?.parse().ok())
    }
    pub(super) fn is_true(&self, loc: Loc, keyword: &str) -> bool {
        self.get(loc, keyword).is_some_and(|l| self.text(l) == Some("true"))
    }
    /// A complaint about a place in a schema file.
    pub(super) fn complain(&self, loc: Loc, text: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::error(code::SCHEMA_FILE, text);
        let Some(file) = self.files.get(loc.file) else { return diagnostic };
        let at = file.document.offset(loc.node);
        diagnostic
            .with_file(format!("schemas/{}", file.name))
            .with_span(Span { start: at, end: at + 1 }, &file.bytes)
            .with_pointer(file.document.pointer(loc.node))
    }

    /// Where a `$ref` points: `#/pointer`, `other.schema.json`, `../record/record.schema.json#/pointer`. Files are those
    /// of the set; nothing is ever fetched.
    pub(super) fn follow(&self, loc: Loc) -> Result<Loc, Box<Diagnostic>> {
        let reference = self.text(loc).unwrap_or("");
        let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if path.is_empty() {
            loc.file
        } else {
            let here = self.files.get(loc.file).map_or("", |f| f.name.as_str());
            let target = join(here, path);
            let found = self.files.iter().position(|f| f.name == target);
            found.ok_or_else(|| {
                let near = nearest(&target, self.files.iter().map(|f| f.name.as_str()));
                let complaint = self.complain(loc, "this reference names no schema file of the set");
                Box::new(match near.first() {
                    Some(name) => complaint.with_help(format!("did you mean `{name}`?")),
                    None => complaint,
                })
            })?
        };
        let node = self.files.get(file).and_then(|f| f.document.at_pointer(pointer));
        node.map(|node| Loc { file, node })
            .ok_or_else(|| Box::new(self.complain(loc, "this reference points at nothing in that file")))
    }

    fn lint(&self, loc: Loc, out: &mut Vec<Diagnostic>) {
        match self.kind(loc) {
            Kind::Object => {}
            Kind::Bool => return,
            _ => return out.push(self.complain(loc, "a schema is an object, or true or false")),
        }
        for child in self.children(loc) {
            let key = self.key(child).unwrap_or("");
            let Some((_, holds)) = KEYWORDS.iter().find(|(name, _)| *name == key) else {
                let near = nearest(key, KEYWORDS.iter().map(|(name, _)| *name));
                let complaint = self.complain(child, format!("`{key}` is not a keyword this program knows"));
                out.push(match near.first() {
                    Some(name) => complaint.with_help(format!("did you mean `{name}`?")),
                    None => complaint,
                });
                continue;
            };
            match holds {
                Holds::Plain => {}
                Holds::Schema => self.lint(child, out),
                Holds::List | Holds::Named => {
                    self.children(child).into_iter().for_each(|inner| self.lint(inner, out));
                }
            }
        }
    }
}

/// A path relative to the folder of `here`, with `..` resolved.
fn join(here: &str, path: &str) -> String {
    let mut steps: Vec<&str> = here.split('/').collect();
    steps.pop();
    for step in path.split('/') {
        match step {
            ".." => {
                steps.pop();
            }
            "." => {}
            other => steps.push(other),
        }
    }
    steps.join("/")
}
