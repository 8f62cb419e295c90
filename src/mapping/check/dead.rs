//! Rules that can never take effect (`SOL-MAP-UNREACHABLE`), conditions on conditions (S9), and bounds (S15).

use super::{At, Checker};
use crate::diagnostic::{Span, code};
use crate::mapping::lang::format::path as written;
use crate::mapping::lang::tree::{self, Arrow, Converter, Field, Guard, ItemKind, Which};
use std::collections::HashMap;

/// Most rules of one mapping, fragments counted where they are included. The longest of ours has about 500.
const RULES_MAX: usize = 5_000;

/// Most rules that look at one value in one direction: more is a table, not a list of rules.
const RULES_PER_VALUE_MAX: usize = 64;

impl<'a> Checker<'a> {
    /// Everything about one block that only its items together show.
    pub(super) fn dead(&mut self, items: &'a [tree::Item], at: &At) {
        let mut dropped: HashMap<(Which, String), usize> = HashMap::new();
        for item in items {
            match &item.kind {
                ItemKind::Choice(alternatives) => self.shadowed(alternatives),
                ItemKind::Drop(rule) => {
                    let what = rule.path.as_ref().map_or_else(|| "rest".to_owned(), written);
                    if let Some(line) = dropped.insert((rule.which, what), item.line) {
                        self.never(item.span, &format!("line {line} drops the same"));
                    }
                    if let Some(path) = &rule.path {
                        self.drop_of_mapped(items, rule.which, path, item.span);
                    }
                }
                ItemKind::Field(Field { only_when: Some(guard), .. }) => self.condition(items, guard, at),
                _ => {}
            }
        }
    }

    fn never(&mut self, span: Span, why: &str) {
        self.fault(code::MAP_UNREACHABLE, span, format!("this rule never takes effect: {why}"));
    }

    /// An alternative is dead when, in each direction it works in, one before it takes the same value.
    fn shadowed(&mut self, alternatives: &'a [tree::Item]) {
        let fields: Vec<(&Field, &tree::Item)> = alternatives
            .iter()
            .filter_map(|i| match &i.kind {
                ItemKind::Field(f) => Some((f, i)),
                _ => None,
            })
            .collect();
        for (at, (field, item)) in fields.iter().enumerate() {
            let before = || fields.iter().take(at).filter(|(f, _)| f.only_when.is_none());
            let native = written(&field.native);
            let canonical: Vec<String> = field.canonical.paths().iter().map(written).collect();
            let read = before().find(|(f, _)| f.arrow != Arrow::Write && written(&f.native) == native);
            let wrote = before().find(|(f, _)| {
                f.arrow != Arrow::Read && f.canonical.paths().iter().map(written).collect::<Vec<_>>() == canonical
            });
            let first = match field.arrow {
                Arrow::Both => read.and(wrote),
                Arrow::Read => read,
                Arrow::Write => wrote,
            };
            if let Some((_, first)) = first {
                self.never(item.span, &format!("the alternative of line {} is always taken before it", first.line));
            }
        }
    }

    /// A value that a rule of the block takes is not there to be dropped.
    fn drop_of_mapped(&mut self, items: &'a [tree::Item], which: Which, path: &tree::Path, span: Span) {
        let wanted = written(path);
        let taken = items.iter().find(|i| match &i.kind {
            ItemKind::Field(f) if f.only_when.is_none() => match which {
                Which::Native => f.arrow != Arrow::Write && written(&f.native) == wanted,
                Which::Canonical => f.arrow != Arrow::Read && f.canonical.paths().iter().any(|p| written(p) == wanted),
            },
            _ => false,
        });
        if let Some(taken) = taken {
            self.never(span, &format!("line {} takes the value", taken.line));
        }
    }

    /// S9: a condition looks at a value of the block that has no condition itself, and that can be what it asks for.
    fn condition(&mut self, items: &'a [tree::Item], guard: &'a Guard, at: &At) {
        let wanted = written(&guard.path);
        let conditional = items.iter().any(|i| match &i.kind {
            ItemKind::Field(f) => f.only_when.is_some() && f.canonical.paths().iter().any(|p| written(p) == wanted),
            _ => false,
        });
        if conditional {
            let text = "a condition speaks of a value that has no condition itself";
            self.fault(code::MAP_PATH, guard.path.span, text);
        }
        if guard.path.steps.iter().any(|s| s.select.is_some()) {
            self.fault(code::MAP_PATH, guard.path.span, "a condition names plain members, without selectors");
        }
        let Some(equals) = &guard.equals else { return };
        let names: Vec<&str> = guard.path.steps.iter().map(|s| s.name.as_str()).collect();
        let end = at.canonical.and_then(|from| self.shapes.resolve(from, &names).ok().flatten());
        let coded = end.and_then(|e| self.shapes.object(e)).and_then(|o| o.member("code")).map(|m| m.shape);
        let mut list =
            coded.or(end).and_then(|e| self.shapes.scalar(e)).map(|s| s.enumeration.clone()).unwrap_or_default();
        if list.is_empty() {
            list = self.codes_of(items, &wanted);
        }
        if !list.is_empty() && !list.contains(&equals.text) {
            self.never(equals.span, "its condition asks for a value that never stands there");
        }
    }

    /// The canonical codes that a rule of this block can put at a path.
    fn codes_of(&self, items: &[tree::Item], wanted: &str) -> Vec<String> {
        let table =
            items.iter().find_map(|i| match &i.kind {
                ItemKind::Field(Field {
                    canonical: tree::Side::One(path), converter: Converter::Code(table), ..
                }) if written(path) == wanted => self.tables.codes.get(&table.text),
                _ => None,
            });
        table.map(|t| t.rows.iter().map(|r| r.canonical.join("|")).collect()).unwrap_or_default()
    }

    /// Fragments nobody includes, and the bounds of S15.
    pub(super) fn whole(&mut self, mapping: &'a tree::Mapping) {
        for item in &mapping.items {
            if let ItemKind::Fragment(name, _) = &item.kind
                && !self.included.contains(name.text.as_str())
            {
                self.never(name.span, "no block includes this fragment");
            }
        }
        if self.rules.len() > RULES_MAX {
            let text = format!("the mapping has {} rules, more than {RULES_MAX}", self.rules.len());
            self.fault(code::MAP_LIMIT, mapping.name.span, text);
        }
        let crowded: Vec<String> = self
            .looked_at
            .iter()
            .filter(|(_, count)| **count > RULES_PER_VALUE_MAX)
            .map(|((which, way), count)| {
                format!("{count} rules look at the {} value `{}`", which.word(), way.last().map_or("", String::as_str))
            })
            .collect();
        for text in crowded {
            self.fault(code::MAP_LIMIT, mapping.name.span, format!("{text}, more than {RULES_PER_VALUE_MAX}"));
        }
    }
}
