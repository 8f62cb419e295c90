//! The static checks: a mapping that could fail on a valid message does not become a plan.
//!
//! Owns the way from tree to [`Plan`]: names to slots, paths to schema places, constants filled in, fragments put in
//! place. `paths` is S1 and S3, `items` S2, S6, S7, S10, S12 and S14, `labels` S11 and S16, `tables` S5, `cover` S8,
//! `required` S4, `dead` S9, S15 and unreachable rules; S13 is part of the static loss statement (`statement`). Every finding has a place, and where there is one, the nearest
//! existing name.

mod cover;
mod dead;
mod items;
mod labels;
mod paths;
mod required;
mod tables;

use super::convert::Convert;
use super::gates::Gates;
use super::lang::tree::{Item, ItemKind, Mapping, Native, Which, Word};
use super::plan::{Own, Plan, RuleId, Slot};
use super::table::Tables;
use crate::diagnostic::{Code, Diagnostic, Span, code};
use crate::schema::{Schema, Schemas, ShapeId, Shapes};
use crate::vocabulary::Confidentiality;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Fragments inside fragments.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Checks a mapping and makes its plan.
///
/// # Errors
/// Every finding.
pub fn check(
    mapping: &Mapping,
    file: &str,
    source: &[u8],
    schemas: &Schemas,
    tables: &Tables,
) -> Result<Plan, Vec<Diagnostic>> {
    let fault = |code: Code, word: &Word, text: String| {
        vec![Diagnostic::error(code, text).with_file(file).with_span(word.span, source)]
    };
    let find = |word: &Word| {
        schemas.get(&word.text).ok_or_else(|| {
            let faults = fault(code::MAP_PATH, word, format!("there is no schema `{}`", word.text));
            faults.into_iter().map(|f| f.with_nearest(&word.text, schemas.names())).collect::<Vec<_>>()
        })
    };
    let (native, canonical) = (find(&mapping.native.schema)?, find(&mapping.canonical)?);
    let mut checker = Checker::new(mapping, file, source, native, canonical, tables);
    let plan = checker.plan(mapping);
    if checker.faults.is_empty() { Ok(plan) } else { Err(checker.faults) }
}

/// A place in both schemas while the tree is walked.
#[derive(Clone)]
struct At {
    native: Option<ShapeId>,
    native_way: Vec<String>,
    canonical: Option<ShapeId>,
    canonical_way: Vec<String>,
    /// Whether a segment is around.
    segment: bool,
    /// Native path from the segment's block, as written.
    from_segment: Vec<String>,
    /// Whether that path names one place.
    single: bool,
}

struct Checker<'a> {
    file: &'a str,
    source: &'a [u8],
    shapes: &'a Shapes,
    native_root: ShapeId,
    canonical_root: ShapeId,
    tables: &'a Tables,
    lets: HashMap<&'a str, &'a str>,
    fragments: HashMap<&'a str, &'a [Item]>,
    system: String,
    basis: Option<String>,
    author: Option<String>,
    names: Vec<String>,
    /// Names no schema knows, in order of their numbers.
    strange: Vec<String>,
    /// Names a segment before here has taken.
    bound: HashSet<Slot>,
    /// Names with an `id`, wherever they stand: references may point forward.
    keyed: HashSet<&'a str>,
    /// Category and subject of named segments, for summaries.
    sorts: HashMap<Slot, (String, String)>,
    rules: Vec<super::said::Said>,
    /// Place of each rule.
    spans: Vec<Span>,
    /// How many rules look at a value, by side and way.
    looked_at: HashMap<(Which, Vec<String>), usize>,
    /// Fragments some block includes.
    included: HashSet<&'a str>,
    faults: Vec<Diagnostic>,
    seen: cover::Seen,
    used_tables: BTreeSet<String>,
    including: Vec<&'a str>,
}

impl<'a> Checker<'a> {
    fn new(
        mapping: &'a Mapping,
        file: &'a str,
        source: &'a [u8],
        native: &'a Schema,
        canonical: &'a Schema,
        tables: &'a Tables,
    ) -> Self {
        let mut fragments = HashMap::new();
        let mut keyed = HashSet::new();
        for item in &mapping.items {
            match &item.kind {
                ItemKind::Fragment(name, items) => {
                    fragments.insert(name.text.as_str(), items.as_slice());
                }
                ItemKind::Scope(scope) => {
                    if let (Some(name), Some(_)) = (&scope.name, &scope.id) {
                        keyed.insert(name.text.as_str());
                    }
                }
                _ => {}
            }
        }
        Self {
            file,
            source,
            shapes: native.shapes(),
            native_root: native.root(),
            canonical_root: canonical.root(),
            tables,
            lets: mapping.lets.iter().map(|l| (l.name.text.as_str(), l.value.text.as_str())).collect(),
            fragments,
            system: mapping.system.as_ref().map_or_else(|| mapping.name.text.clone(), |w| w.text.clone()),
            basis: mapping.basis.as_ref().map(|w| w.text.clone()),
            author: mapping.author.as_ref().map(|w| w.text.clone()),
            names: Vec::new(),
            strange: Vec::new(),
            bound: HashSet::new(),
            keyed,
            sorts: HashMap::new(),
            rules: Vec::new(),
            spans: Vec::new(),
            looked_at: HashMap::new(),
            included: HashSet::new(),
            faults: Vec::new(),
            seen: cover::Seen::default(),
            used_tables: BTreeSet::new(),
            including: Vec::new(),
        }
    }

    fn plan(&mut self, mapping: &'a Mapping) -> Plan {
        let text = |w: &Option<Word>| w.as_ref().map_or_else(String::new, |w| w.text.clone());
        for (word, missing) in [("basis", mapping.basis.is_none()), ("author", mapping.author.is_none())] {
            if missing {
                self.fault(
                    code::MAP_LABEL,
                    mapping.name.span,
                    format!("the header has no `{word}`, which every label needs"),
                );
            }
        }
        let at = At {
            native: Some(self.native_root),
            native_way: Vec::new(),
            canonical: Some(self.canonical_root),
            canonical_way: Vec::new(),
            segment: false,
            from_segment: Vec::new(),
            single: true,
        };
        let items = self.items(&mapping.items, &at);
        let records = self.records(&mapping.native, &at);
        self.cover(mapping, &items);
        self.whole(mapping);
        self.totality();
        let own = Own::of(&mut |name| self.word(name));
        Plan {
            name: mapping.name.text.clone(),
            version: mapping.version.text.clone(),
            title: text(&mapping.title),
            digest: String::new(),
            file: self.file.to_owned(),
            system: self.system.clone(),
            syntax: mapping.native.syntax,
            schema: mapping.native.schema.text.clone(),
            records,
            ceiling: mapping.ceiling.as_ref().map_or(Confidentiality::V, |c| c.conf),
            own,
            gates: Gates::of(&items),
            items,
            names: std::mem::take(&mut self.names),
            known: self.shapes.names().clone(),
            strange_places: self.strange.iter().cloned().zip(0..).collect(),
            strange: std::mem::take(&mut self.strange),
            rules: std::mem::take(&mut self.rules),
            native: self.native_root,
            canonical: self.canonical_root,
        }
    }

    /// The array whose items each make a record.
    fn records(&mut self, native: &'a Native, at: &At) -> Vec<String> {
        let Some(path) = &native.records else { return Vec::new() };
        if let Some(found) = self.path(path, at, Which::Native) {
            self.want_list(&found, path);
            if path.steps.iter().any(|s| s.select.is_some()) {
                self.fault(code::MAP_TYPE, path.span, "`records` names a whole list, without selectors");
            }
        }
        path.steps.iter().map(|s| s.name.clone()).collect()
    }

    fn rule(&mut self, item: &Item) -> RuleId {
        let file = self.file.rsplit('/').next().unwrap_or(self.file);
        self.rules.push(format!("{file}:{}", item.line).into());
        self.spans.push(head(item));
        self.rules.len() - 1
    }

    /// The number of a member name: the schemas', or one after them.
    fn word(&mut self, name: &str) -> u32 {
        if let Some(known) = self.shapes.names().find(name) {
            return known;
        }
        let place = self.strange.iter().position(|n| n == name).unwrap_or(self.strange.len());
        if place == self.strange.len() {
            self.strange.push(name.to_owned());
        }
        u32::try_from(self.shapes.names().len().saturating_add(place)).unwrap_or(u32::MAX)
    }

    fn slot(&mut self, name: &str) -> Slot {
        match self.names.iter().position(|n| n == name) {
            Some(slot) => slot,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        }
    }

    fn fault(&mut self, code: Code, span: Span, text: impl Into<String>) {
        let fault = Diagnostic::error(code, text).with_file(self.file).with_span(span, self.source);
        self.push(fault);
    }

    /// A finding about a name, with the nearest of those that exist.
    fn unknown(&mut self, code: Code, word: &Word, what: &str, names: &[&str]) {
        let fault = Diagnostic::error(code, format!("there is no {what} `{}`", word.text))
            .with_file(self.file)
            .with_span(word.span, self.source)
            .with_nearest(&word.text, names.iter().copied());
        self.push(fault);
    }

    /// A fragment included twice shows its faults once.
    fn push(&mut self, fault: Diagnostic) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The converter of a field, `None` after a finding.
    fn convert(&mut self, converter: &super::lang::tree::Converter) -> Option<Convert> {
        use super::lang::tree::Converter;
        match converter {
            Converter::Named(name, argument) => {
                match Convert::named(&name.text, argument.as_ref().map(|w| w.text.as_str())) {
                    Ok(convert) => Some(convert),
                    Err(_) if !super::convert::NAMES.contains(&name.text.as_str()) => {
                        self.unknown(code::MAP_TYPE, name, "converter", &super::convert::NAMES);
                        None
                    }
                    Err(text) => {
                        self.fault(code::MAP_TYPE, name.span, text);
                        None
                    }
                }
            }
            Converter::Code(table) => {
                let found = self.tables.codes.get(&table.text).cloned();
                if found.is_none() {
                    let names: Vec<&str> = self.tables.codes.keys().map(String::as_str).collect();
                    self.unknown(code::MAP_TABLE, table, "code table", &names);
                }
                self.used_tables.insert(table.text.clone());
                found.map(Convert::Code)
            }
            Converter::Ref(names) => {
                for name in names {
                    self.want_keyed(name);
                }
                Some(Convert::Ref(names.iter().map(|w| w.text.clone()).collect()))
            }
        }
    }

    /// S14: a reference may name only segments that have a native key.
    fn want_keyed(&mut self, name: &Word) {
        if !self.keyed.contains(name.text.as_str()) {
            let names: Vec<&str> = self.keyed.iter().copied().collect();
            self.unknown(code::MAP_NAME, name, "segment with `id` and `as`", &names);
        }
    }
}

/// The first line of an item.
fn head(item: &Item) -> Span {
    match &item.kind {
        ItemKind::Scope(s) => Span { start: item.span.start, end: s.canonical.span.end },
        _ => item.span,
    }
}
