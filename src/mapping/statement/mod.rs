//! The static loss statement: all that a mapping can ever lose, before any message has come.
//!
//! Owns what is foretold, by direction, kind and rule (law L6: every entry of a loss report is foretold here), what a
//! direction refuses or holds when the source does not say it (S4), and where the other side is narrower (S13). Made from
//! the plan and the schemas alone. `kinds` knows what one rule can report, `rest` what no rule speaks of.

mod kinds;
mod refusals;
mod rest;

pub(in crate::mapping) use kinds::sides;
pub use refusals::Refusal;

use super::lang::tree::{ScopeKind, Syntax, Which};
use super::loss::{Direction, LossEntry, LossKind};
use super::plan::{About, Drop, Field, Fixed, Item, LabelSource, Path, Plan, RuleId, Scope, Select};
use crate::schema::Shapes;
use crate::vocabulary::Confidentiality;
use std::collections::BTreeSet;

/// One thing a mapping can lose or change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct Foretold {
    /// Which way.
    pub direction: Direction,
    /// What would be reported.
    pub kind: LossKind,
    /// Line of the rule; `None` where no rule speaks of it.
    pub line: Option<usize>,
    /// Where, on the side that is read; no positions.
    pub place: String,
    /// When it happens, in words.
    pub when: String,
}

/// All that a mapping can lose, both ways.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Statement {
    /// In order of direction, kind and line.
    pub losses: Vec<Foretold>,
    /// What makes a direction refuse a message or hold an item.
    pub refusals: Vec<Refusal>,
}

impl Statement {
    /// Of a checked mapping.
    #[must_use]
    pub(super) fn of(plan: &Plan, shapes: &Shapes) -> Self {
        let mut losses = BTreeSet::new();
        for direction in [Direction::Read, Direction::Write] {
            let mut walk = Walk { plan, shapes, direction, losses: BTreeSet::new() };
            let top = Here { way: Vec::new(), held: false, group: true };
            walk.items(&plan.items, &top);
            walk.without_rule();
            losses.append(&mut walk.losses);
        }
        Self { losses: losses.into_iter().collect(), refusals: refusals::of(plan, shapes) }
    }

    /// Whether an entry of a loss report was foretold.
    #[must_use]
    pub fn foretells(&self, entry: &LossEntry) -> bool {
        let line = entry.rule.rsplit(':').next().and_then(|l| l.parse::<usize>().ok());
        self.losses.iter().any(|f| f.direction == entry.direction && f.kind == entry.kind && f.line == line)
    }
}

/// Member names from the root.
pub(super) fn way(at: &[String], path: &Path) -> Vec<String> {
    let base: &[String] = if path.root { &[] } else { at };
    base.iter().cloned().chain(path.steps.iter().map(|s| s.name.to_string())).collect()
}

pub(super) fn in_path(scope: &Scope, direction: Direction) -> &Path {
    if direction == Direction::Read { &scope.native } else { &scope.canonical }
}

pub(super) fn out_path(scope: &Scope, direction: Direction) -> &Path {
    if direction == Direction::Read { &scope.canonical } else { &scope.native }
}

/// Where the walk stands on the side that is read.
struct Here {
    way: Vec<String>,
    /// Whether a segment around may be held for a part it lacks.
    held: bool,
    /// Whether the block writes into an object others may write too.
    group: bool,
}

struct Walk<'p> {
    plan: &'p Plan,
    shapes: &'p Shapes,
    direction: Direction,
    losses: BTreeSet<Foretold>,
}

impl<'p> Walk<'p> {
    fn reading(&self) -> bool {
        self.direction == Direction::Read
    }

    fn add(&mut self, kind: LossKind, rule: Option<RuleId>, way: &[String], when: impl Into<String>) {
        let line = rule.and_then(|r| self.plan.line(r));
        let (direction, place, when) = (self.direction, way.join("."), when.into());
        self.losses.insert(Foretold { direction, kind, line, place, when });
    }

    fn items(&mut self, items: &'p [Item], here: &Here) {
        for item in items {
            match item {
                Item::Field(field) => self.field(field, 0, here),
                Item::Choice(fields) => fields.iter().enumerate().for_each(|(i, f)| self.field(f, i, here)),
                Item::Scope(scope) => self.scope(scope, here),
                Item::Fixed(fixed) => self.fixed(fixed, here),
                Item::Drop(rule) => self.dropped(rule, here),
            }
        }
    }

    fn field(&mut self, field: &'p Field, alternative: usize, here: &Here) {
        let (ins, outs) = kinds::sides(field, self.direction);
        let Some(first) = ins.first() else { return };
        let place = way(&here.way, first);
        let mut found = kinds::of_field(field, self.direction, self.shapes);
        if alternative > 0 {
            found.push((LossKind::ExtraAlternative, "an alternative before it has a value".to_owned()));
        }
        if ins.iter().any(|p| picks(p)) {
            found.push((LossKind::EmptySlice, "the item picked holds nothing that is carried".to_owned()));
            found.push((LossKind::ExtraRepeat, "more than one item fits the selector".to_owned()));
        }
        // A place named from the root is one place, however many items are written.
        if here.group || alternative > 0 || outs.iter().any(|p| p.root || indexed(p).is_some()) {
            found.push((LossKind::ExtraRepeat, "another value stands in its place already".to_owned()));
        }
        if outs.iter().filter_map(|p| indexed(p)).any(|at| at > 0) {
            found.push((LossKind::Normalised, "earlier places of the list are empty: it moves up".to_owned()));
        }
        if self.reading() && here.held {
            found.push((LossKind::InvalidValue, "the segment lacks a part the record requires and is held".to_owned()));
        }
        if !self.reading() && place.iter().any(|step| step == "sensitivity_codes") {
            found.push((LossKind::Supplied, "the category can be said by a code only".to_owned()));
        }
        for (kind, when) in found {
            self.add(kind, Some(field.rule), &place, when);
        }
    }

    fn scope(&mut self, scope: &'p Scope, here: &Here) {
        let path = in_path(scope, self.direction);
        let place = way(&here.way, path);
        let rule = Some(scope.rule);
        if picks(path) {
            self.add(LossKind::EmptySlice, rule, &place, "the item picked holds nothing that is carried");
        }
        if scope.kind == ScopeKind::Group && (path.steps.iter().any(|s| s.array) || scope.label.is_some()) {
            self.add(LossKind::ExtraRepeat, rule, &place, "there is more than one; the first is taken");
        }
        if scope.label.is_some() {
            self.segment(scope, &place);
        }
        let fresh = scope.kind == ScopeKind::Each || (self.reading() && scope.label.is_some());
        let inner =
            Here { way: place, held: here.held || scope.label.is_some() && !scope.required.is_empty(), group: !fresh };
        self.items(&scope.items, &inner);
    }

    fn segment(&mut self, scope: &'p Scope, place: &[String]) {
        let Some(label) = &scope.label else { return };
        let rule = Some(scope.rule);
        let by_reference = matches!(label.about, About::Ref(..));
        if self.reading() {
            let other = matches!(&label.about, About::Name(slot) if Some(*slot) != scope.slot);
            if by_reference || other || !scope.links.is_empty() {
                self.add(LossKind::NoSubject, rule, place, "whom it is about cannot be told: the item is held");
            }
            if matches!(label.source, LabelSource::Table(..)) {
                let when = "no row of the label table fits: category none, V, held for classification";
                self.add(LossKind::LabelGuessed, rule, place, when);
            }
            return;
        }
        let ceiling = self.plan.ceiling;
        let when = if ceiling < Confidentiality::V {
            format!("it is above {ceiling}, or sealed")
        } else {
            "it is sealed".to_owned()
        };
        self.add(LossKind::WithheldByCeiling, rule, place, when);
        self.add(LossKind::LabelNotCarried, rule, place, "its label says more than the format can");
        if scope.native.steps.is_empty() && !scope.native.root {
            self.add(LossKind::EmptySlice, rule, place, "none of its values could be written");
        }
        if by_reference {
            self.add(LossKind::NoSubject, rule, place, "whom it is about is not in the message");
        }
    }

    fn fixed(&mut self, fixed: &'p Fixed, here: &Here) {
        let on_in_side = (fixed.which == Which::Native) == self.reading();
        let place = if on_in_side { way(&here.way, &fixed.path) } else { fixed_place(fixed) };
        let (kind, when) = if on_in_side {
            (LossKind::UnexpectedConstant, "another value than the constant stands there")
        } else {
            (LossKind::Supplied, "a constant of this mapping is set")
        };
        self.add(kind, Some(fixed.rule), &place, when);
    }

    fn dropped(&mut self, rule: &'p Drop, here: &Here) {
        if (rule.which == Which::Native) != self.reading() {
            return;
        }
        match &rule.path {
            Some(path) => self.add(LossKind::DeclaredDrop, Some(rule.rule), &way(&here.way, path), &*rule.because),
            None => {
                let (root, items) = (&here.way, self.plan.items.as_slice());
                for place in rest::left_over(self.plan, self.shapes, self.direction, items, root) {
                    self.add(LossKind::DeclaredDrop, Some(rule.rule), &place, &*rule.because);
                }
                self.add(LossKind::DeclaredDrop, Some(rule.rule), &here.way, &*rule.because);
            }
        }
    }

    /// What no rule speaks of.
    fn without_rule(&mut self) {
        for (kind, place, when) in rest::without_rule(self.plan, self.shapes, self.direction) {
            self.add(kind, None, &place, when);
        }
        if self.reading() && self.plan.syntax == Syntax::Csv {
            self.add(LossKind::InconsistentRepeat, None, &[], "rows of one key disagree in a shared column");
        }
    }
}

fn fixed_place(fixed: &Fixed) -> Vec<String> {
    fixed.path.steps.iter().map(|s| s.name.to_string()).collect()
}

/// Whether a path picks items by constants.
fn picks(path: &Path) -> bool {
    path.steps.iter().any(|s| matches!(s.select, Select::Where(_)))
}

/// The place in a list that a path ends at.
fn indexed(path: &Path) -> Option<usize> {
    path.steps.iter().rev().find_map(|s| match s.select {
        Select::At(at) | Select::From(at) => Some(at),
        _ => None,
    })
}
