//! From schema text to [`Shapes`]: `$ref` and `allOf` resolved, patterns built, mistakes reported with their place.
//!
//! A place may be described by several *fragments*: a schema, what it refers to, what its `allOf` lists. They are
//! collected first and merged second, so that a shape is one thing however the schema was cut up.

use super::format;
use super::shape::{
    ArrayShape, Check, Entry, Member, ObjectShape, Openness, ScalarShape, Shape, ShapeId, Shapes, WhiteSpace,
};
use super::source::{Loc, Sources};
use crate::diagnostic::{Diagnostic, nearest};
use crate::document::Kind;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Chain of `$ref` and `allOf` at one place; longer means a reference to itself.
const CHAIN_MAX: usize = 32;

/// Texts of a list that are compared one by one; a longer list is searched.
const LISTED_FEW_MAX: usize = 8;

/// Keywords that describe nothing a value must satisfy.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "title",
    "description",
    "examples",
    "x-source",
    "x-csv",
    "x-namespaces",
    "x-blanks",
    "x-rules",
    "x-chosen-when",
    "$ref",
    "allOf",
];

pub(super) struct Compiler<'a> {
    pub(super) sources: &'a Sources,
    pub(super) shapes: Shapes,
    pub(super) diagnostics: Vec<Diagnostic>,
    memo: HashMap<Vec<Loc>, ShapeId>,
    regexes: HashMap<String, Arc<super::Pattern>>,
}

/// The JSON types a place permits.
#[derive(Clone, Default)]
struct Types {
    /// `None`: nothing said.
    names: Option<Vec<String>>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(sources: &'a Sources, diagnostics: Vec<Diagnostic>) -> Self {
        let shapes = Shapes::default();
        Self { sources, shapes, diagnostics, memo: HashMap::new(), regexes: HashMap::new() }
    }

    /// The shape of the places that together describe one value.
    pub(super) fn compile(&mut self, places: &[Loc]) -> ShapeId {
        let mut fragments = Vec::new();
        for place in places {
            self.flatten(*place, 0, &mut fragments);
        }
        let mut key = fragments.clone();
        key.sort_unstable();
        key.dedup();
        if let Some(known) = self.memo.get(&key) {
            return *known;
        }
        let mut seen = HashSet::new();
        fragments.retain(|f| seen.insert(*f));
        let id = ShapeId(u32::try_from(self.shapes.entries.len()).unwrap_or(u32::MAX));
        // Entered before it is built, so that a shape may contain itself.
        self.shapes.entries.push(Entry { shape: Shape::Any, checks: Vec::new(), notice: None });
        self.memo.insert(key, id);
        let shape = self.build(&fragments);
        let checks = self.checks(&fragments);
        let notice =
            fragments.iter().filter_map(|f| self.sources.get(*f, "x-notice")).find_map(|l| self.sources.text(l));
        let notice = notice.map(str::to_owned);
        if let Some(entry) = self.shapes.entries.get_mut(id.index()) {
            *entry = Entry { shape, checks, notice };
        }
        id
    }

    fn flatten(&mut self, place: Loc, depth: usize, out: &mut Vec<Loc>) {
        if depth > CHAIN_MAX {
            self.diagnostics.push(self.sources.complain(place, "this reference leads back to itself"));
            return;
        }
        if let Some(reference) = self.sources.get(place, "$ref") {
            match self.sources.follow(reference) {
                Ok(target) => self.flatten(target, depth + 1, out),
                Err(complaint) => self.diagnostics.push(*complaint),
            }
        }
        if let Some(list) = self.sources.get(place, "allOf") {
            for part in self.sources.children(list) {
                self.flatten(part, depth + 1, out);
            }
        }
        let says_more = |l: &Loc| !self.sources.key(*l).is_some_and(|k| ANNOTATIONS.contains(&k));
        if self.sources.children(place).iter().any(says_more) {
            out.push(place);
        }
    }

    fn build(&mut self, fragments: &[Loc]) -> Shape {
        let types = self.types(fragments);
        let has = |keyword: &str| fragments.iter().any(|f| self.sources.get(*f, keyword).is_some());
        let listed = types.names.as_deref().unwrap_or(&[]);
        let is = |name: &str| listed.iter().any(|n| n == name);
        let objectish = ["properties", "required", "x-at-most-one"].iter().any(|k| has(k));
        if (is("object") || is("array")) && listed.len() > 1 {
            self.blame(fragments, "a place is an object, an array or a scalar, not a choice of them");
        }
        if is("object") || (types.names.is_none() && objectish) {
            Shape::Object(self.object(fragments, types.names.is_some()))
        } else if is("array") || (types.names.is_none() && has("items")) {
            Shape::Array(self.array(fragments, types.names.is_some()))
        } else if types.names.is_some() || has("enum") || has("const") {
            Shape::Scalar(self.scalar(fragments, listed.to_vec()))
        } else {
            if has("pattern") || has("format") || has("maxLength") {
                self.blame(fragments, "say the `type` too");
            }
            Shape::Any
        }
    }

    fn types(&self, fragments: &[Loc]) -> Types {
        let mut types = Types::default();
        for place in fragments.iter().filter_map(|f| self.sources.get(*f, "type")) {
            let names = match self.sources.kind(place) {
                Kind::Array => self.sources.texts(place),
                _ => self.sources.text(place).map(str::to_owned).into_iter().collect(),
            };
            types.names = Some(match types.names.take() {
                None => names,
                Some(before) => before.into_iter().filter(|n| names.contains(n)).collect(),
            });
        }
        types
    }

    fn object(&mut self, fragments: &[Loc], typed: bool) -> ObjectShape {
        let mut names: Vec<String> = Vec::new();
        let mut places: HashMap<String, Vec<Loc>> = HashMap::new();
        for list in fragments.iter().filter_map(|f| self.sources.get(*f, "properties")) {
            for property in self.sources.children(list) {
                let name = self.sources.key(property).unwrap_or("").to_owned();
                if !places.contains_key(&name) {
                    names.push(name.clone());
                }
                places.entry(name).or_default().push(property);
            }
        }
        self.order(fragments, &mut names);
        let declared = !names.is_empty();
        let required = self.names(fragments, "required", &names);
        if !declared {
            // A branch such as `then: {required: […]}` speaks of members declared elsewhere.
            names.extend(required.iter().cloned());
        }
        let tolerated = self.names(fragments, "x-tolerate-missing", &names);
        let at_most_one = self.at_most_one(fragments, &names);
        let openness = self.openness(fragments, &names);
        let mut members = Vec::new();
        for name in names {
            let shape = self.compile(places.get(&name).map_or(&[], Vec::as_slice));
            let (required, missing_tolerated) = (required.contains(&name), tolerated.contains(&name));
            members.push(Member { name, shape, required, missing_tolerated });
        }
        let words: Vec<u32> = members.iter().map(|m| self.shapes.names.number(&m.name)).collect();
        let place = |name: &String| members.iter().zip(0_u32..).find(|(m, _)| m.name == *name).map(|(_, at)| at);
        let exclusive = at_most_one.iter().map(|group| group.iter().filter_map(place).collect()).collect();
        let needed = members.iter().zip(0_u32..).filter(|(m, _)| m.required).map(|(_, at)| at).collect();
        let by_word = Vec::new();
        let mut object = ObjectShape { members, openness, at_most_one, typed, by_word, exclusive, needed };
        object.index(words.into_iter());
        object
    }

    /// `x-sequence` names come first, in that order.
    fn order(&mut self, fragments: &[Loc], names: &mut [String]) {
        for list in fragments.iter().filter_map(|f| self.sources.get(*f, "x-sequence")).collect::<Vec<_>>() {
            let wanted = self.sources.texts(list);
            self.known(list, &wanted, names);
            let rank = |n: &String| wanted.iter().position(|w| w == n).unwrap_or(usize::MAX);
            names.sort_by_key(rank);
        }
    }

    fn names(&mut self, fragments: &[Loc], keyword: &str, members: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        for list in fragments.iter().filter_map(|f| self.sources.get(*f, keyword)).collect::<Vec<_>>() {
            let wanted = self.sources.texts(list);
            // Inside `then` and `not`, `required` may speak of members declared outside.
            if !members.is_empty() {
                self.known(list, &wanted, members);
            }
            all.extend(wanted);
        }
        all
    }

    fn at_most_one(&mut self, fragments: &[Loc], members: &[String]) -> Vec<Vec<String>> {
        let mut groups = Vec::new();
        for list in fragments.iter().filter_map(|f| self.sources.get(*f, "x-at-most-one")).collect::<Vec<_>>() {
            for group in self.sources.children(list) {
                let wanted = self.sources.texts(group);
                self.known(group, &wanted, members);
                groups.push(wanted);
            }
        }
        groups
    }

    fn known(&mut self, place: Loc, wanted: &[String], members: &[String]) {
        for name in wanted.iter().filter(|w| !members.contains(w)) {
            let complaint = self.sources.complain(place, format!("there is no member `{name}` here"));
            let near = nearest(name, members.iter().map(String::as_str));
            self.diagnostics.push(match near.first() {
                Some(n) => complaint.with_help(format!("did you mean `{n}`?")),
                None => complaint,
            });
        }
    }

    fn openness(&mut self, fragments: &[Loc], members: &[String]) -> Openness {
        let mut openness = Openness::Open;
        for fragment in fragments {
            for keyword in ["additionalProperties", "unevaluatedProperties"] {
                let Some(place) = self.sources.get(*fragment, keyword) else { continue };
                match (self.sources.kind(place), self.sources.text(place)) {
                    (Kind::Bool, Some("false")) => {
                        openness = Openness::Closed;
                        if keyword == "additionalProperties" {
                            self.refuse_strangers(*fragment, members);
                        }
                    }
                    (Kind::Bool, _) => {}
                    _ if openness == Openness::Closed => {}
                    _ => openness = Openness::Map(self.compile(&[place])),
                }
            }
            if openness == Openness::Open && self.sources.is_true(*fragment, "x-tolerate-unknown") {
                openness = Openness::Tolerant;
            }
        }
        openness
    }

    /// `additionalProperties: false` sees only the properties beside it: a name from another fragment could never be
    /// used, so the schema cannot mean it.
    fn refuse_strangers(&mut self, fragment: Loc, members: &[String]) {
        let own = self.sources.get(fragment, "properties").map(|l| self.sources.children(l)).unwrap_or_default();
        let own: Vec<&str> = own.into_iter().filter_map(|l| self.sources.key(l)).collect();
        if let Some(name) = members.iter().find(|m| !own.contains(&m.as_str())) {
            let text = format!("`{name}` is declared elsewhere; close with `unevaluatedProperties` instead");
            self.diagnostics.push(self.sources.complain(fragment, text));
        }
    }

    fn array(&mut self, fragments: &[Loc], typed: bool) -> ArrayShape {
        let items: Vec<Loc> = fragments.iter().filter_map(|f| self.sources.get(*f, "items")).collect();
        let item = self.compile(&items);
        let numbers = |keyword: &str| fragments.iter().filter_map(|f| self.sources.number(*f, keyword)).min();
        let least = fragments.iter().filter_map(|f| self.sources.number(*f, "minItems")).max();
        let (max, repeats_max) = (numbers("maxItems"), numbers("x-repeats-max"));
        ArrayShape { item, min: least.unwrap_or(0), max, repeats_max, typed }
    }

    fn scalar(&mut self, fragments: &[Loc], types: Vec<String>) -> ScalarShape {
        let mut shape = ScalarShape {
            kinds: Vec::new(),
            integer: types.iter().any(|t| t == "integer") && !types.iter().any(|t| t == "number"),
            enumeration: Vec::new(),
            min_length: 0,
            max_length: None,
            pattern: None,
            format: None,
            minimum: None,
            maximum: None,
            tolerated: false,
            white_space: WhiteSpace::Trim,
            regexes: Vec::new(),
            listed: HashSet::default(),
            taken: 0,
        };
        for name in &types {
            match kind_of(name) {
                Some(kind) => shape.kinds.push(kind),
                None => self.blame(fragments, "this type is not one of JSON Schema's"),
            }
        }
        for fragment in fragments {
            self.scalar_part(*fragment, &mut shape);
        }
        if shape.kinds.is_empty() {
            self.blame(fragments, "nothing can satisfy this place");
        }
        if shape.enumeration.len() > LISTED_FEW_MAX {
            shape.listed = shape.enumeration.iter().cloned().collect();
        }
        shape.taken = shape.kinds.iter().fold(0, |bits, kind| bits | 1 << *kind as u8);
        shape
    }

    fn scalar_part(&mut self, fragment: Loc, shape: &mut ScalarShape) {
        let sources = self.sources;
        let listed: Option<Vec<Loc>> = match sources.get(fragment, "enum") {
            Some(list) => Some(sources.children(list)),
            None => sources.get(fragment, "const").map(|one| vec![one]),
        };
        if let Some(list) = listed {
            if shape.kinds.is_empty() {
                shape.kinds = list.iter().map(|l| sources.kind(*l)).collect();
                shape.kinds.dedup();
            }
            let texts = list.iter().filter_map(|l| sources.text(*l)).map(str::to_owned);
            let before = std::mem::take(&mut shape.enumeration);
            shape.enumeration = texts.filter(|t| before.is_empty() || before.contains(t)).collect();
        }
        let float = |k: &str| sources.get(fragment, k).and_then(|l| sources.text(l)?.parse::<f64>().ok());
        shape.minimum = float("minimum").or(shape.minimum);
        shape.maximum = float("maximum").or(shape.maximum);
        shape.min_length = sources.number(fragment, "minLength").unwrap_or(0).max(shape.min_length);
        shape.max_length = match (sources.number(fragment, "maxLength"), shape.max_length) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        shape.tolerated |= sources.is_true(fragment, "x-tolerate");
        if sources.get(fragment, "x-white-space").is_some_and(|l| sources.text(l) == Some("preserve")) {
            shape.white_space = WhiteSpace::Preserve;
        }
        self.pattern(fragment, shape);
        self.format(fragment, shape);
    }

    fn pattern(&mut self, fragment: Loc, shape: &mut ScalarShape) {
        let Some(place) = self.sources.get(fragment, "pattern") else { return };
        let text = self.sources.text(place).unwrap_or("").to_owned();
        let built = match self.regexes.get(&text) {
            Some(known) => Ok(known.clone()),
            None => super::Pattern::new(&text).map(Arc::new),
        };
        match built {
            Ok(regex) => {
                self.regexes.insert(text.clone(), regex.clone());
                shape.regexes.push(regex);
                shape.pattern = Some(text);
            }
            Err(_) => self.diagnostics.push(self.sources.complain(place, "this pattern is not a regular expression")),
        }
    }

    fn format(&mut self, fragment: Loc, shape: &mut ScalarShape) {
        let Some(place) = self.sources.get(fragment, "format") else { return };
        let name = self.sources.text(place).unwrap_or("");
        if let Some(known) = format::Format::named(name) {
            shape.format = Some(known);
        } else {
            let complaint = self.sources.complain(place, format!("`{name}` is not a format this program checks"));
            let near = nearest(name, format::FORMATS.iter().copied());
            self.diagnostics.push(match near.first() {
                Some(n) => complaint.with_help(format!("did you mean `{n}`?")),
                None => complaint,
            });
        }
    }

    fn checks(&mut self, fragments: &[Loc]) -> Vec<Check> {
        let mut checks = Vec::new();
        for fragment in fragments {
            for (keyword, make) in
                [("anyOf", Check::AnyOf as fn(Vec<ShapeId>) -> Check), ("oneOf", Check::OneOf as fn(_) -> _)]
            {
                if let Some(list) = self.sources.get(*fragment, keyword) {
                    let branches = self.sources.children(list);
                    checks.push(make(branches.into_iter().map(|b| self.compile(&[b])).collect()));
                }
            }
            if let Some(place) = self.sources.get(*fragment, "not") {
                checks.push(Check::Not(self.compile(&[place])));
            }
            if let Some(place) = self.sources.get(*fragment, "if") {
                let when = self.compile(&[place]);
                let mut branch = |k| self.sources.get(*fragment, k).map(|l| self.compile(&[l]));
                let (then, otherwise) = (branch("then"), branch("else"));
                checks.push(Check::If { when, then, otherwise });
            }
        }
        checks
    }

    fn blame(&mut self, fragments: &[Loc], text: &str) {
        if let Some(place) = fragments.last() {
            self.diagnostics.push(self.sources.complain(*place, text));
        }
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "string" => Some(Kind::String),
        "number" | "integer" => Some(Kind::Number),
        "boolean" => Some(Kind::Bool),
        "null" => Some(Kind::Null),
        _ => None,
    }
}
