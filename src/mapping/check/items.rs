//! Items to plan: S2, S3, S6, S7, S9, S10, S12 and S14 on the way.

use super::paths::Found;
use super::{At, Checker, INCLUDE_DEPTH_MAX};
use crate::diagnostic::{Span, code};
use crate::document::Kind;
use crate::mapping::convert::Convert;
use crate::mapping::lang::tree::{self, Arrow, Converter, ItemKind, ScopeKind, Side, Which, Word};
use crate::mapping::plan::{Drop, Field, Fit, Fixed, Guard, Item, Scope, Select, Target};
use crate::schema::{Shape, ShapeId};
use std::collections::HashSet;

/// Places written so far in a block, per side.
#[derive(Default)]
struct Written {
    native: HashSet<String>,
    canonical: HashSet<String>,
}

impl<'a> Checker<'a> {
    /// The items of a block, guarded fields last.
    pub(super) fn items(&mut self, items: &'a [tree::Item], at: &At) -> Vec<Item> {
        let mut out = Vec::new();
        let mut written = Written::default();
        self.add_items(items, at, &mut out, &mut written);
        self.overlaps(items);
        self.dead(items, at);
        out.sort_by_key(|item| matches!(item, Item::Field(f) if f.guard.is_some()));
        out
    }

    fn add_items(&mut self, items: &'a [tree::Item], at: &At, out: &mut Vec<Item>, written: &mut Written) {
        for (i, item) in items.iter().enumerate() {
            match &item.kind {
                ItemKind::Field(field) => {
                    if let Some(field) = self.field(field, item, at) {
                        self.one_writer(&field, item.span, written);
                        out.push(Item::Field(field));
                    }
                }
                ItemKind::Scope(scope) => {
                    if let Some(scope) = self.scope(scope, item, at) {
                        out.push(Item::Scope(scope));
                    }
                }
                ItemKind::Choice(alternatives) => self.choice(alternatives, at, out, written),
                ItemKind::Fixed(fixed) => {
                    if let Some(fixed) = self.fixed(fixed, item, at) {
                        out.push(Item::Fixed(fixed));
                    }
                }
                ItemKind::Drop(rule) => {
                    if let Some(rule) = self.drop_rule(rule, item, at) {
                        out.push(Item::Drop(rule));
                    }
                }
                ItemKind::Include(name) => self.include(name, at, out, written),
                ItemKind::Label(_) if i > 0 || !at.segment => {
                    self.fault(
                        code::MAP_LABEL,
                        item.span,
                        "a label stands first in a block that makes a segment, once",
                    );
                }
                ItemKind::Label(_) => {}
                ItemKind::Fragment(name, _) if at.native_way.is_empty() && !at.segment => {
                    let twice =
                        items.iter().filter(|o| matches!(&o.kind, ItemKind::Fragment(n, _) if n.text == name.text));
                    if twice.count() > 1 {
                        self.fault(code::MAP_NAME, name.span, format!("there are two fragments `{}`", name.text));
                    }
                }
                ItemKind::Fragment(name, _) => {
                    self.fault(code::MAP_NAME, name.span, "a fragment stands at the top level of the file");
                }
            }
        }
    }

    fn choice(&mut self, alternatives: &'a [tree::Item], at: &At, out: &mut Vec<Item>, written: &mut Written) {
        let mut fields = Vec::new();
        let mut inner = Written::default();
        for item in alternatives {
            let ItemKind::Field(field) = &item.kind else { continue };
            if let Some(field) = self.field(field, item, at) {
                inner.native.insert(field.native.text.clone());
                inner.canonical.extend(field.canonical.iter().map(|(p, _)| p.text.clone()));
                fields.push(field);
            }
        }
        let span = alternatives.first().map_or(Span::default(), |i| i.span);
        for (mine, theirs) in [(inner.native, &mut written.native), (inner.canonical, &mut written.canonical)] {
            if let Some(twice) = mine.iter().find(|t| theirs.contains(*t)) {
                self.fault(code::MAP_WRITER, span, format!("`{twice}` has another rule in this block"));
            }
            theirs.extend(mine);
        }
        out.push(Item::Choice(fields));
    }

    /// S6: each place has one writer per direction.
    fn one_writer(&mut self, field: &Field, span: Span, written: &mut Written) {
        if field.arrow != Arrow::Write {
            for (path, target) in &field.canonical {
                let many = matches!(target, Target::List);
                if !written.canonical.insert(path.text.clone()) && !many {
                    self.fault(
                        code::MAP_WRITER,
                        span,
                        format!("two rules of this block write `{}` when reading", path.text),
                    );
                }
            }
        }
        if field.arrow != Arrow::Read && !written.native.insert(field.native.text.clone()) {
            let text = format!("two rules of this block write `{}` when writing", field.native.text);
            self.fault(code::MAP_WRITER, span, text);
        }
    }

    /// S7: two blocks over the same native list must pick different items.
    fn overlaps(&mut self, items: &'a [tree::Item]) {
        // Blocks that only look codes up in a table share a list: each takes the codes it has a row for.
        let looks_up = |s: &tree::Scope| {
            s.items.iter().all(|i| match &i.kind {
                ItemKind::Field(f) => matches!(f.converter, Converter::Code(_)),
                _ => false,
            })
        };
        // A segment block without selector takes what the segment blocks before it left.
        let is_segment = |s: &tree::Scope| matches!(s.items.first().map(|i| &i.kind), Some(ItemKind::Label(_)));
        let plain = |p: &tree::Path| p.steps.last().is_some_and(|s| s.select.is_none());
        let lists: Vec<(&tree::Scope, Span)> = items
            .iter()
            .filter_map(|i| match &i.kind {
                ItemKind::Scope(s) if s.kind == ScopeKind::Each && !looks_up(s) => Some((s, i.span)),
                _ => None,
            })
            .collect();
        for (i, (first, _)) in lists.iter().enumerate() {
            for (later, span) in lists.iter().skip(i + 1) {
                let (a, b) = (&first.native, &later.native);
                let rest = is_segment(first) && is_segment(later) && !plain(a) && plain(b);
                if same_list(a, b) && !disjoint(a, b) && !rest {
                    self.fault(code::MAP_WRITER, *span, "two blocks of this block read the same items of one list");
                }
            }
        }
    }

    fn include(&mut self, name: &'a Word, at: &At, out: &mut Vec<Item>, written: &mut Written) {
        let Some((known, items)) = self.fragments.get_key_value(name.text.as_str()).map(|(k, v)| (*k, *v)) else {
            let names: Vec<&str> = self.fragments.keys().copied().collect();
            return self.unknown(code::MAP_NAME, name, "fragment", &names);
        };
        if self.including.contains(&known) || self.including.len() >= INCLUDE_DEPTH_MAX {
            return self.fault(code::MAP_NAME, name.span, format!("the fragment `{known}` includes itself"));
        }
        self.included.insert(known);
        self.including.push(known);
        self.add_items(items, at, out, written);
        self.overlaps(items);
        self.dead(items, at);
        self.including.pop();
    }

    fn field(&mut self, field: &'a tree::Field, item: &tree::Item, at: &At) -> Option<Field> {
        let rule = self.rule(item);
        if field.arrow != Arrow::Both && field.because.is_none() {
            self.fault(code::MAP_REASON, item.span, "a one-way rule says why with `because \"…\"`");
        }
        let convert = self.convert(&field.converter);
        let native = self.path(&field.native, at, Which::Native)?;
        self.want_single(&native, &field.native);
        self.mention_found(&native, Which::Native, field.arrow != Arrow::Read);
        let mut canonical = Vec::new();
        for path in field.canonical.paths() {
            let found = self.path(path, at, Which::Canonical)?;
            self.mention_found(&found, Which::Canonical, field.arrow != Arrow::Write);
            let target = self.target(&found, path, convert.as_ref(), at)?;
            canonical.push((found.path, target));
        }
        let convert = convert?;
        self.tuple(field, &convert);
        let native_fit = self.native_fit(&native, &field.native, &convert)?;
        let first = native.end.zip(canonical.first().and_then(|(p, _)| p.end));
        if let (Convert::Code(table), Some((native_end, canonical_end))) = (&convert, first) {
            let text = field.native.span;
            self.table_total(table, native_end, canonical_end, field.arrow, text);
        }
        let guard = match &field.only_when {
            Some(guard) => Some(self.guard(guard, at)?),
            None => None,
        };
        let refs = match &field.converter {
            Converter::Ref(names) => names.iter().map(|n| self.slot(&n.text)).collect(),
            _ => Vec::new(),
        };
        Some(Field {
            unparsed: self.kept_under(at, &native.path.text),
            restorable: at.single && at.segment && field.arrow == Arrow::Both,
            native: native.path,
            native_fit,
            canonical,
            arrow: field.arrow,
            convert,
            refs,
            default: field.default.as_ref().map(|w| w.text.clone()),
            guard,
            rule,
        })
    }

    /// The path an unreadable value is kept under: system, then the way from its segment.
    fn kept_under(&self, at: &At, path: &str) -> String {
        let way: Vec<&str> = at.from_segment.iter().map(String::as_str).chain([path]).filter(|s| *s != ".").collect();
        format!("{}#{}", self.system, way.join("."))
    }

    fn tuple(&mut self, field: &tree::Field, convert: &Convert) {
        let width = field.canonical.paths().len();
        let fits = match convert {
            Convert::Code(table) => table.rows.first().is_none_or(|r| r.canonical.len() == width),
            _ => width == 1,
        };
        if !fits {
            let span = field.canonical.paths().first().map_or(field.native.span, |p| p.span);
            self.fault(code::MAP_TYPE, span, "the number of paths is not the number of columns of the code table");
        }
        if matches!(field.canonical, Side::Tuple(_)) && !matches!(convert, Convert::Code(_)) {
            self.fault(code::MAP_TYPE, field.native.span, "several paths in brackets go with `code` only");
        }
    }

    fn guard(&mut self, guard: &tree::Guard, at: &At) -> Option<Guard> {
        let found = self.path(&guard.path, at, Which::Canonical)?;
        if found.path.root {
            self.fault(code::MAP_PATH, guard.path.span, "a condition speaks of the same block");
        }
        Some(Guard { path: found.path, equals: guard.equals.as_ref().map(|w| w.text.clone()) })
    }

    /// S2: what stands at the canonical end must be what the converter makes.
    fn target(&mut self, found: &Found, path: &tree::Path, convert: Option<&Convert>, at: &At) -> Option<Target> {
        if at.segment && found.path.text == "label.confidentiality" {
            return Some(Target::Confidentiality);
        }
        let list = found.path.steps.last().is_some_and(|s| s.array && !matches!(s.select, Select::At(_)));
        if list {
            if !matches!(convert, Some(Convert::Words) | None) {
                self.want_single(found, path);
                return None;
            }
            return Some(Target::List);
        }
        let end = found.end?;
        let item = self.shapes.item_of(end);
        let target = match self.shapes.get(item) {
            Shape::Object(object) if object.member("code").is_some() => Target::Coded,
            Shape::Object(object) if object.member("unit").is_some() => Target::Quantity,
            Shape::Scalar(_) => {
                let fit = self.fit(item);
                let parent = self.parent_of(found, at);
                let checked =
                    parent.is_some_and(|p| self.shapes.object(p).is_some_and(|o| o.member("check").is_some()));
                Target::Scalar { fit, checked }
            }
            _ => {
                self.fault(code::MAP_TYPE, path.span, format!("`{}` is no value", found.path.text));
                return None;
            }
        };
        if let Some(convert) = convert
            && let Some(expected) = mismatch(convert, &target)
        {
            self.fault(
                code::MAP_TYPE,
                path.span,
                format!("this converter makes {expected}, and `{}` is something else", found.path.text),
            );
        }
        Some(target)
    }

    fn parent_of(&self, found: &Found, at: &At) -> Option<ShapeId> {
        let mut shape = if found.path.root { self.canonical_root } else { at.canonical? };
        let (_, before) = found.path.steps.split_last()?;
        for step in before {
            shape = self.shapes.step(shape, &step.name).ok().flatten()?;
        }
        Some(shape)
    }

    fn native_fit(&mut self, found: &Found, path: &tree::Path, convert: &Convert) -> Option<Fit> {
        let Some(end) = found.end else {
            return Some(Fit::any());
        };
        let item = self.shapes.item_of(end);
        if !matches!(self.shapes.get(item), Shape::Scalar(_) | Shape::Any) {
            self.fault(code::MAP_TYPE, path.span, format!("`{}` is no value", found.path.text));
            return None;
        }
        let fit = self.fit(item);
        let fits = match convert {
            Convert::Int | Convert::Decimal | Convert::Quantity(_) => matches!(fit.kind, Kind::Number | Kind::String),
            Convert::Bool | Convert::Not => matches!(fit.kind, Kind::Bool | Kind::String),
            // A table may give a truth value two names, if it knows nothing else.
            Convert::Code(table) if fit.kind == Kind::Bool => {
                table.rows.iter().all(|row| matches!(row.native.as_str(), "true" | "false"))
            }
            _ => fit.kind == Kind::String,
        };
        if !fits {
            self.fault(code::MAP_TYPE, path.span, "this converter does not read what stands there");
        }
        Some(fit)
    }

    pub(super) fn fit(&self, shape: ShapeId) -> Fit {
        let Some(scalar) = self.shapes.scalar(shape) else { return Fit::any() };
        let kind = if scalar.is_text() { Kind::String } else { scalar.kinds.first().copied().unwrap_or(Kind::String) };
        Fit {
            kind,
            list: scalar.enumeration.clone(),
            min_length: scalar.min_length,
            max_length: scalar.max_length,
            pattern: scalar.regex().cloned(),
            format: scalar.format,
            minimum: scalar.minimum,
            maximum: scalar.maximum,
        }
    }

    fn scope(&mut self, scope: &'a tree::Scope, item: &tree::Item, at: &At) -> Option<Scope> {
        let rule = self.rule(item);
        let native = self.path(&scope.native, at, Which::Native)?;
        let canonical = self.path(&scope.canonical, at, Which::Canonical)?;
        let makes = self.makes_segment(&canonical);
        self.scope_ends(scope, &native, &canonical, makes);
        self.mention_scope(&canonical);
        let inner = self.inner(scope, &native, &canonical, at, makes);
        let slot = scope.name.as_ref().map(|name| self.slot(&name.text));
        if scope.name.is_some() && !makes {
            self.fault(code::MAP_NAME, item.span, "only a block that makes a segment takes a name");
        }
        let id = match &scope.id {
            Some(path) => {
                let found = self.path(path, &inner, Which::Native)?;
                self.mention_found(&found, Which::Native, true);
                Some(found.path)
            }
            None => None,
        };
        let links = self.links(scope, &canonical);
        // A segment may be about itself, so its name counts from here on.
        if let Some(slot) = slot {
            self.bound.insert(slot);
        }
        let label = if makes { self.label(scope, item, slot, &inner) } else { None };
        let items = match &scope.converter {
            Some(_) => self.one_liner(scope, item, &inner),
            None => self.items(&scope.items, &inner),
        };
        let required = self.required(&canonical, &links);
        Some(Scope {
            kind: scope.kind,
            native: native.path,
            canonical: canonical.path,
            slot,
            id,
            links,
            label,
            gates: crate::mapping::gates::Gates::of(&items),
            items,
            required,
            rule,
        })
    }

    fn scope_ends(&mut self, scope: &tree::Scope, native: &Found, canonical: &Found, makes: bool) {
        if scope.kind == ScopeKind::Each {
            self.want_list(native, &scope.native);
            self.want_list(canonical, &scope.canonical);
            return;
        }
        self.want_single(native, &scope.native);
        if !makes {
            self.want_single(canonical, &scope.canonical);
        }
    }

    /// Whether the canonical end of a block is a segment: an object with `id` and `label`.
    fn makes_segment(&self, canonical: &Found) -> bool {
        !canonical.path.steps.is_empty()
            && canonical
                .end
                .and_then(|e| self.shapes.object(e))
                .is_some_and(|o| o.member("id").is_some() && o.member("label").is_some())
    }

    fn inner(&self, scope: &tree::Scope, native: &Found, canonical: &Found, at: &At, makes: bool) -> At {
        let mut from_segment = if makes { Vec::new() } else { at.from_segment.clone() };
        if !makes && !native.path.steps.is_empty() {
            from_segment.push(native.path.text.clone());
        }
        At {
            native: native.end.map(|e| self.shapes.item_of(e)),
            native_way: native.way.clone(),
            canonical: canonical.end.map(|e| self.shapes.item_of(e)),
            canonical_way: canonical.way.clone(),
            segment: makes || at.segment,
            from_segment,
            single: makes || (at.single && scope.kind == ScopeKind::Group),
        }
    }

    /// `each a <-> b : converter` is a block with one field.
    fn one_liner(&mut self, scope: &'a tree::Scope, item: &tree::Item, inner: &At) -> Vec<Item> {
        let rule = self.rule(item);
        let Some(convert) = scope.converter.as_ref().and_then(|c| self.convert(c)) else { return Vec::new() };
        let here = |span| tree::Path { root: false, steps: Vec::new(), span };
        let at_native = here(scope.native.span);
        let at_canonical = here(scope.canonical.span);
        let (Some(native), Some(canonical)) =
            (self.path(&at_native, inner, Which::Native), self.path(&at_canonical, inner, Which::Canonical))
        else {
            return Vec::new();
        };
        self.seen.mention(Which::Native, &inner.native_way);
        self.seen.mention(Which::Canonical, &inner.canonical_way);
        let Some(target) = self.target(&canonical, &at_canonical, Some(&convert), inner) else { return Vec::new() };
        let Some(native_fit) = self.native_fit(&native, &at_native, &convert) else { return Vec::new() };
        if let (Convert::Code(table), Some(a), Some(b)) = (&convert, native.end, canonical.end) {
            self.table_total(table, a, b, Arrow::Both, scope.native.span);
        }
        let refs = match &scope.converter {
            Some(Converter::Ref(names)) => names.iter().map(|n| self.slot(&n.text)).collect(),
            _ => Vec::new(),
        };
        let way = inner.from_segment.join(".");
        vec![Item::Field(Field {
            native: native.path,
            native_fit,
            canonical: vec![(canonical.path, target)],
            arrow: Arrow::Both,
            convert,
            refs,
            default: None,
            guard: None,
            unparsed: format!("{}#{way}", self.system),
            restorable: false,
            rule,
        })]
    }

    /// S14: names are bound before use.
    fn links(&mut self, scope: &'a tree::Scope, canonical: &Found) -> Vec<(String, usize, u32)> {
        let mut links = Vec::new();
        for (member, name) in &scope.links {
            let object = canonical.end.and_then(|e| self.shapes.object(e));
            let members: Vec<String> =
                object.map(|o| o.members.iter().map(|m| m.name.clone()).collect()).unwrap_or_default();
            if !members.contains(&member.text) {
                let names: Vec<&str> = members.iter().map(String::as_str).collect();
                self.unknown(code::MAP_PATH, member, "member", &names);
            }
            let mut way = canonical.way.clone();
            way.push(member.text.clone());
            self.seen.mention(Which::Canonical, &way);
            self.seen.write(Which::Canonical, &way);
            let word = self.word(&member.text);
            links.push((member.text.clone(), self.bound_name(name), word));
        }
        links
    }

    pub(super) fn bound_name(&mut self, name: &Word) -> usize {
        let slot = self.slot(&name.text);
        if !self.bound.contains(&slot) {
            let bound: Vec<String> = self.bound.iter().filter_map(|s| self.names.get(*s).cloned()).collect();
            let names: Vec<&str> = bound.iter().map(String::as_str).collect();
            self.unknown(code::MAP_NAME, name, "segment named before this line", &names);
        }
        slot
    }

    fn required(&self, canonical: &Found, links: &[(String, usize, u32)]) -> Vec<String> {
        let Some(object) = canonical.end.and_then(|e| self.shapes.object(e)) else { return Vec::new() };
        let constant = |name: &str| match canonical.path.steps.last().map(|s| &s.select) {
            Some(Select::Where(conds)) => conds.iter().any(|c| c.names.first().is_some_and(|n| &**n == name)),
            _ => false,
        };
        object
            .members
            .iter()
            .filter(|m| m.required && !constant(&m.name) && !links.iter().any(|(l, ..)| *l == m.name))
            .map(|m| m.name.clone())
            .filter(|name| name != "id" && name != "label")
            .collect()
    }

    fn fixed(&mut self, fixed: &'a tree::Fixed, item: &tree::Item, at: &At) -> Option<Fixed> {
        let rule = self.rule(item);
        let found = self.path(&fixed.path, at, fixed.which)?;
        self.want_single(&found, &fixed.path);
        self.mention_found(&found, fixed.which, true);
        let fit = found.end.map(|e| self.fit(self.shapes.item_of(e)));
        if let (Some(fit), Some(value)) = (&fit, &fixed.value)
            && crate::mapping::engine::fit_text(&value.text, fit).is_err()
        {
            self.fault(code::MAP_TYPE, value.span, "this constant can never stand there");
        }
        let kind = fit.map_or(Kind::String, |f| f.kind);
        Some(Fixed {
            which: fixed.which,
            unparsed: self.kept_under(at, &found.path.text),
            path: found.path,
            value: fixed.value.as_ref().map(|w| w.text.clone()),
            kind,
            rule,
        })
    }

    fn drop_rule(&mut self, rule: &'a tree::DropRule, item: &tree::Item, at: &At) -> Option<Drop> {
        let id = self.rule(item);
        let path = match &rule.path {
            Some(path) => {
                let found = self.path(path, at, rule.which)?;
                self.seen.mention(rule.which, &found.way);
                Some(found.path)
            }
            None => {
                let way = if rule.which == Which::Native { &at.native_way } else { &at.canonical_way };
                self.seen.mention(rule.which, way);
                None
            }
        };
        Some(Drop { which: rule.which, path, because: rule.because.text.clone().into(), rule: id })
    }

    fn mention_found(&mut self, found: &Found, which: Which, writes: bool) {
        self.seen.mention(which, &found.way);
        // Rules that pick different items of one list do not look at one value.
        let mut place = found.way.clone();
        place.push(found.path.text.clone());
        let looked = self.looked_at.entry((which, place)).or_default();
        *looked = looked.saturating_add(1);
        if writes {
            self.seen.write(which, &found.way);
        }
    }

    fn mention_scope(&mut self, canonical: &Found) {
        // A native object is made only with something in it; a segment is made for every item that arrives.
        self.seen.write(Which::Canonical, &canonical.way);
    }
}

/// What a converter makes, when it is not what the target is.
fn mismatch(convert: &Convert, target: &Target) -> Option<&'static str> {
    let kind = match target {
        Target::Scalar { fit, .. } => Some(fit.kind),
        _ => None,
    };
    match convert {
        Convert::Code(_) => (!matches!(target, Target::Coded) && kind != Some(Kind::String)).then_some("a code"),
        Convert::Quantity(_) => (!matches!(target, Target::Quantity)).then_some("a number with a unit"),
        Convert::Int | Convert::Decimal => (kind != Some(Kind::Number)).then_some("a number"),
        Convert::Bool | Convert::BoolLoose | Convert::Not | Convert::Hl7Bool => {
            (kind != Some(Kind::Bool)).then_some("a truth value")
        }
        Convert::Words => (!matches!(target, Target::List)).then_some("a list of texts"),
        _ => (kind != Some(Kind::String)).then_some("a text"),
    }
}

fn same_list(a: &tree::Path, b: &tree::Path) -> bool {
    a.root == b.root && a.steps.len() == b.steps.len() && a.steps.iter().zip(&b.steps).all(|(x, y)| x.name == y.name)
}

fn disjoint(a: &tree::Path, b: &tree::Path) -> bool {
    a.steps.iter().zip(&b.steps).any(|(x, y)| match (&x.select, &y.select) {
        (Some(tree::Select::Where(p)), Some(tree::Select::Where(q))) => {
            p.iter().any(|c| q.iter().any(|d| c.name.text == d.name.text && value(&c.value) != value(&d.value)))
        }
        (Some(tree::Select::At(p)), Some(tree::Select::At(q))) => p != q,
        (Some(tree::Select::At(p)), Some(tree::Select::From(q)))
        | (Some(tree::Select::From(q)), Some(tree::Select::At(p))) => p < q,
        _ => false,
    })
}

fn value(value: &tree::CondValue) -> String {
    match value {
        tree::CondValue::Text(w) => w.text.clone(),
        tree::CondValue::Let(w) => format!("${}", w.text),
        tree::CondValue::Int(i) => i.to_string(),
    }
}
