//! S4, block by block: every object a block makes by itself can be given each member its schema requires.
//!
//! Whether the source *always* says it is known only at run time; what then happens stands in the static loss statement.

use super::Checker;
use super::cover::STRUCTURAL;
use crate::diagnostic::code;
use crate::mapping::lang::tree::{Arrow, ScopeKind, Which};
use crate::mapping::plan::{About, Field, Item, Path, Scope, Select};
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Findings for blocks that make an object of their own on the side `which`; whether there were any.
    pub(super) fn required_in_blocks(&mut self, items: &[Item], which: Which) -> bool {
        let mut any = false;
        for item in items {
            let Item::Scope(scope) = item else { continue };
            any |= self.required_in_block(scope, which);
            any |= self.required_in_blocks(&scope.items, which);
        }
        any
    }

    fn required_in_block(&mut self, scope: &Scope, which: Which) -> bool {
        let path = out(scope, which);
        let fresh = scope.kind == ScopeKind::Each || (which == Which::Canonical && scope.label.is_some());
        let scalar =
            scope.items.iter().any(|i| matches!(i, Item::Field(f) if field_outs(f, which).any(|p| p.steps.is_empty())));
        let Some(object) = path.end.and_then(|end| self.shapes.object(end)).filter(|_| fresh && !scalar) else {
            return false;
        };
        let mut settable = BTreeSet::new();
        settable_in(scope, which, &mut settable);
        if let Some(Select::Where(conds)) = path.steps.last().map(|s| &s.select) {
            settable.extend(conds.iter().filter_map(|c| c.names.first().map(ToString::to_string)));
        }
        let structural = |name: &str| which == Which::Canonical && STRUCTURAL.contains(&name);
        let missing: Vec<String> = object
            .members
            .iter()
            .filter(|m| m.required && !structural(&m.name) && !settable.contains(&m.name))
            .map(|m| m.name.clone())
            .collect();
        let span = self.spans.get(scope.rule).copied().unwrap_or_default();
        for name in &missing {
            let text = format!(
                "nothing in this block writes `{name}`, which each `{}` of the {} schema requires",
                path.text,
                which.word()
            );
            self.fault(code::MAP_REQUIRED, span, text);
        }
        !missing.is_empty()
    }
}

fn out(scope: &Scope, which: Which) -> &Path {
    if which == Which::Native { &scope.native } else { &scope.canonical }
}

/// The paths a field writes on a side; none when it does not work that way.
fn field_outs(field: &Field, which: Which) -> impl Iterator<Item = &Path> {
    let native = (which == Which::Native && field.arrow != Arrow::Read).then_some(&field.native);
    let canonical = field.canonical.iter().map(|(path, _)| path);
    native.into_iter().chain(canonical.filter(move |_| which == Which::Canonical && field.arrow != Arrow::Write))
}

/// The members of its object that a block can set.
fn settable_in(scope: &Scope, which: Which, into: &mut BTreeSet<String>) {
    let first = |path: &Path| path.steps.first().filter(|_| !path.root).map(|s| s.name.to_string());
    if which == Which::Canonical {
        into.extend(scope.links.iter().map(|(member, ..)| member.clone()));
    } else {
        into.extend(scope.id.iter().filter_map(first));
        if let Some(About::Ref(path, _)) = scope.label.as_ref().map(|l| &l.about) {
            into.extend(first(path));
        }
    }
    for item in &scope.items {
        match item {
            Item::Field(field) => into.extend(field_outs(field, which).filter_map(first)),
            Item::Choice(fields) => into.extend(fields.iter().flat_map(|f| field_outs(f, which)).filter_map(first)),
            Item::Fixed(fixed) if fixed.which == which => into.extend(first(&fixed.path)),
            Item::Scope(inner) => {
                let path = out(inner, which);
                if path.steps.is_empty() && !path.root {
                    settable_in(inner, which, into);
                } else {
                    into.extend(first(path));
                }
            }
            Item::Fixed(_) | Item::Drop(_) => {}
        }
    }
}
