//! S1 and S3: every path exists in its schema; lists are picked from, objects are not.

use super::{At, Checker};
use crate::diagnostic::{Diagnostic, code};
use crate::document::Kind;
use crate::mapping::lang::format;
use crate::mapping::lang::tree::{self, CondValue, Which};
use crate::mapping::plan::{Cond, Path, Select, Step};
use crate::schema::{Shape, ShapeId};

/// Values named in "expected"; a longer list is counted, and the nearest one named.
const LISTED_MAX: usize = 12;

/// A path found in its schema.
pub(super) struct Found {
    /// For the plan.
    pub path: Path,
    /// What stands at the end; `None` where the schema says nothing.
    pub end: Option<ShapeId>,
    /// Member names from the root.
    pub way: Vec<String>,
}

impl Checker<'_> {
    /// Follows a path from the current place of its side.
    pub(super) fn path(&mut self, path: &tree::Path, at: &At, which: Which) -> Option<Found> {
        let (root, base, base_way) = match which {
            Which::Native => (self.native_root, at.native, &at.native_way),
            Which::Canonical => (self.canonical_root, at.canonical, &at.canonical_way),
        };
        let mut shape = if path.root { Some(root) } else { base };
        let mut way = if path.root { Vec::new() } else { base_way.clone() };
        let mut steps = Vec::new();
        for (i, step) in path.steps.iter().enumerate() {
            let inner = self.step_shape(shape, step, &way, which)?;
            way.push(step.name.clone());
            let array = matches!(inner.map(|s| self.shapes.get(s)), Some(Shape::Array(_)));
            let last = i + 1 == path.steps.len();
            let select = self.selector(step, inner, array, last, &way, which)?;
            let word = self.word(&step.name);
            steps.push(Step { name: step.name.as_str().into(), word, array, select });
            shape = inner;
        }
        let text = format::path(path);
        Some(Found { path: Path { root: path.root, steps, text, end: shape }, end: shape, way })
    }

    fn step_shape(
        &mut self,
        from: Option<ShapeId>,
        step: &tree::Step,
        way: &[String],
        which: Which,
    ) -> Option<Option<ShapeId>> {
        let Some(from) = from else { return Some(None) };
        match self.shapes.step(from, &step.name) {
            Ok(inner) => Some(inner),
            Err(missing) => {
                let place = if way.is_empty() { "the root".to_owned() } else { format!("`{}`", way.join(".")) };
                let mut fault = Diagnostic::error(
                    code::MAP_PATH,
                    format!("there is no member `{}` in {place} of the {} schema", step.name, which.word()),
                )
                .with_file(self.file)
                .with_span(step.span, self.source);
                if let Some(near) = missing.near.first() {
                    fault = fault.with_help(format!("did you mean `{near}`?"));
                }
                self.push(fault);
                None
            }
        }
    }

    fn selector(
        &mut self,
        step: &tree::Step,
        inner: Option<ShapeId>,
        array: bool,
        last: bool,
        way: &[String],
        which: Which,
    ) -> Option<Select> {
        let known = inner.is_some();
        match &step.select {
            None if array && !last => {
                self.fault(
                    code::MAP_TYPE,
                    step.span,
                    format!("`{}` is a list: pick an item with a selector, or use `each`", step.name),
                );
                None
            }
            None => Some(Select::All),
            Some(_) if known && !array => {
                self.fault(code::MAP_TYPE, step.span, format!("`{}` is no list, so it takes no selector", step.name));
                None
            }
            Some(tree::Select::At(at)) => {
                let most = match inner.map(|s| self.shapes.get(s)) {
                    Some(Shape::Array(list)) => list.max,
                    _ => None,
                };
                if let Some(max) = most.filter(|max| at >= max) {
                    let text = format!("this rule never takes effect: the list holds at most {max}");
                    self.fault(code::MAP_UNREACHABLE, step.span, text);
                }
                Some(Select::At(*at))
            }
            Some(tree::Select::From(at)) if last => Some(Select::From(*at)),
            Some(tree::Select::From(_)) => {
                self.fault(code::MAP_TYPE, step.span, "a range stands only at the end of a path");
                None
            }
            Some(tree::Select::Where(conds)) => {
                let mut out = Vec::new();
                for cond in conds {
                    out.push(self.cond(cond, inner, way, which)?);
                }
                Some(Select::Where(out))
            }
        }
    }

    fn cond(&mut self, cond: &tree::Cond, item: Option<ShapeId>, way: &[String], which: Which) -> Option<Cond> {
        let mut shape = item;
        let mut long = way.to_vec();
        for name in cond.name.text.split('.') {
            let step = tree::Step { name: name.to_owned(), select: None, span: cond.name.span };
            shape = self.step_shape(shape, &step, &long, which)?;
            if matches!(shape.map(|s| self.shapes.get(s)), Some(Shape::Array(_))) {
                self.fault(code::MAP_TYPE, cond.name.span, "a condition looks at single members, not into lists");
                return None;
            }
            long.push(name.to_owned());
        }
        let (value, kind, span) = match &cond.value {
            CondValue::Text(word) => (word.text.clone(), Kind::String, word.span),
            CondValue::Int(number) => (number.to_string(), Kind::Number, cond.name.span),
            CondValue::Let(word) => match self.lets.get(word.text.as_str()) {
                Some(text) => ((*text).to_owned(), Kind::String, word.span),
                None => {
                    let names: Vec<&str> = self.lets.keys().copied().collect();
                    self.unknown(code::MAP_NAME, word, "constant", &names);
                    return None;
                }
            },
        };
        self.seen.mention(which, &long);
        self.seen.write(which, &long);
        if let Some(scalar) = shape.and_then(|s| self.shapes.scalar(s)) {
            let listed = value.is_empty() || scalar.enumeration.is_empty() || scalar.enumeration.contains(&value);
            if !listed || !scalar.kinds.contains(&kind) {
                let list = &scalar.enumeration;
                let allowed = match list.len() {
                    _ if listed => "another kind of value".to_owned(),
                    0..=LISTED_MAX => list.join(", "),
                    many => format!("one of the {many} values of its list"),
                };
                let fault = Diagnostic::error(code::MAP_PATH, "this constant can never stand there")
                    .with_file(self.file)
                    .with_span(span, self.source)
                    .with_expected(allowed)
                    .with_nearest(&value, list.iter().map(String::as_str));
                self.push(fault);
            }
        }
        let names = cond.name.text.split('.').map(Into::into).collect();
        let words = cond.name.text.split('.').map(|name| self.word(name)).collect();
        Some(Cond { names, words, value: value.into(), kind })
    }

    /// The path must end in a list.
    pub(super) fn want_list(&mut self, found: &Found, path: &tree::Path) {
        let list = found.path.steps.last().is_some_and(|s| s.array && !matches!(s.select, Select::At(_)));
        if !list && found.end.is_some() {
            self.fault(code::MAP_TYPE, path.span, format!("`{}` is no list, and `each` needs one", found.path.text));
        }
    }

    /// The path must end in one value or object.
    pub(super) fn want_single(&mut self, found: &Found, path: &tree::Path) {
        let list =
            found.path.steps.last().is_some_and(|s| s.array && matches!(s.select, Select::All | Select::From(_)));
        if list {
            self.fault(
                code::MAP_TYPE,
                path.span,
                format!("`{}` is a list: pick an item with a selector, or use `each`", found.path.text),
            );
        }
    }
}
