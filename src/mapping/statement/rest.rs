//! What no rule speaks of: the leaves that `rest` drops, and what is left even then.

use super::{in_path, kinds, way};
use crate::mapping::lang::tree::{Syntax, Which};
use crate::mapping::loss::{Direction, LossKind};
use crate::mapping::plan::{About, Item, LabelSource, Plan, Select};
use crate::schema::{Openness, Shape, Shapes};
use std::collections::BTreeSet;

/// Places a `rest` is spelt out to; a mapping that drops more says so by its block.
const SPELT_MAX: usize = 400;

fn side(which: Which, direction: Direction) -> bool {
    (which == Which::Native) == (direction == Direction::Read)
}

/// Whether a block drops the rest of what it reads.
pub(super) fn has_rest(items: &[Item], direction: Direction) -> bool {
    items.iter().any(|i| matches!(i, Item::Drop(d) if d.path.is_none() && side(d.which, direction)))
}

/// Every place on the side that is read that some rule takes or drops.
fn spoken(items: &[Item], at: &[String], direction: Direction, into: &mut BTreeSet<Vec<String>>) {
    for item in items {
        match item {
            Item::Field(field) => into.extend(kinds::sides(field, direction).0.into_iter().map(|p| way(at, p))),
            Item::Choice(fields) => {
                into.extend(fields.iter().flat_map(|f| kinds::sides(f, direction).0).map(|p| way(at, p)));
            }
            Item::Fixed(fixed) if side(fixed.which, direction) => {
                into.insert(way(at, &fixed.path));
            }
            Item::Drop(rule) if side(rule.which, direction) => {
                into.extend(rule.path.iter().map(|p| way(at, p)));
            }
            Item::Scope(scope) => {
                let path = in_path(scope, direction);
                let inner = way(at, path);
                for (place, step) in path.steps.iter().enumerate() {
                    let Select::Where(conds) = &step.select else { continue };
                    let base: Vec<String> = if path.root { Vec::new() } else { at.to_vec() };
                    let steps = path.steps.iter().take(place.saturating_add(1)).map(|s| s.name.to_string());
                    let holder: Vec<String> = base.into_iter().chain(steps).collect();
                    for cond in conds {
                        into.insert(holder.iter().cloned().chain(cond.names.iter().map(ToString::to_string)).collect());
                    }
                }
                if direction == Direction::Read {
                    into.extend(scope.id.iter().map(|p| way(&inner, p)));
                    if let Some(About::Ref(p, _)) = scope.label.as_ref().map(|l| &l.about) {
                        into.insert(way(&inner, p));
                    }
                } else if let Some(LabelSource::Table(_, p, _)) = scope.label.as_ref().map(|l| &l.source) {
                    into.insert(way(&inner, p));
                }
                if has_rest(&scope.items, direction) && direction == Direction::Read {
                    into.insert(inner.clone());
                }
                spoken(&scope.items, &inner, direction, into);
            }
            Item::Fixed(_) | Item::Drop(_) => {}
        }
    }
}

/// The leaves below a block that no rule speaks of: what its `rest` drops.
pub(super) fn left_over(
    plan: &Plan,
    shapes: &Shapes,
    direction: Direction,
    items: &[Item],
    root: &[String],
) -> Vec<Vec<String>> {
    let mut known = BTreeSet::new();
    spoken(items, &[], direction, &mut known);
    known.remove(root);
    let start = if direction == Direction::Read { plan.native } else { plan.canonical };
    let names: Vec<&str> = root.iter().map(String::as_str).collect();
    let Ok(Some(shape)) = shapes.resolve(start, &names) else { return Vec::new() };
    let structural = |place: &[String]| {
        direction == Direction::Write
            && place.iter().any(|step| {
                matches!(
                    step.as_str(),
                    "id" | "label" | "form" | "source_ref" | "unparsed" | "read_by" | "as_recorded" | "check"
                )
            })
    };
    let full = |leaf: Vec<String>| -> Vec<String> { root.iter().cloned().chain(leaf).collect() };
    let covered = |place: &[String]| {
        (root.len().saturating_add(1)..=place.len()).any(|end| place.get(..end).is_some_and(|p| known.contains(p)))
    };
    let places = shapes.leaves(shape).into_iter().map(|l| full(l.path));
    places.filter(|p| !structural(p) && !covered(p)).take(SPELT_MAX).collect()
}

/// Losses of no rule: kind, place, when.
pub(super) fn without_rule(
    plan: &Plan,
    shapes: &Shapes,
    direction: Direction,
) -> Vec<(LossKind, Vec<String>, &'static str)> {
    let mut found = Vec::new();
    if direction == Direction::Write {
        found.push((
            LossKind::NotMapped,
            vec!["unparsed".to_owned()],
            "a value of another system was never understood",
        ));
        if !has_rest(&plan.items, direction) {
            found.push((LossKind::NotMapped, Vec::new(), "no rule speaks of it"));
        }
        if plan.schema.starts_with("cin-census/") && !plan.records.is_empty() {
            let place = vec!["Header".to_owned()];
            found.push((
                LossKind::Supplied,
                place,
                "the records bring no census header: that of the moment of writing",
            ));
        }
        if plan.schema.starts_with("cin-census/") {
            let when = "a return of an earlier year has GenderCurrent, not Sex";
            found.push((LossKind::Normalised, Vec::new(), when));
        }
        if plan.syntax == Syntax::Hl7v2 {
            let when = "the record brings no heading: what the format requires there is set";
            found.push((LossKind::Supplied, vec!["MSH".to_owned()], when));
        }
        if plan.syntax == Syntax::Fhir {
            found.push((
                LossKind::Supplied,
                vec!["meta".to_owned()],
                "the Bundle is labelled with the highest of its entries",
            ));
        }
        return found;
    }
    if open_somewhere(shapes, plan) || plan.syntax == Syntax::Csv {
        found.push((LossKind::NotMapped, Vec::new(), "the sender uses a member the schema does not know"));
    }
    found.push((LossKind::NotMapped, Vec::new(), "a value the format itself says to discard is taken out before"));
    if plan.syntax == Syntax::Fhir {
        found.push((LossKind::NotMapped, Vec::new(), "a modifier changes the meaning of what it stands in"));
    }
    if picks_without_rest(&plan.items, direction, has_rest(&plan.items, direction)) || holds(&plan.items) {
        found.push((LossKind::NotMapped, Vec::new(), "an item fits no selector, or its item is held"));
    }
    found
}

fn holds(items: &[Item]) -> bool {
    items.iter().any(|i| matches!(i, Item::Scope(s) if s.label.is_some() && !s.required.is_empty() || holds(&s.items)))
}

/// Whether a selector or position leaves items of a list to nobody.
fn picks_without_rest(items: &[Item], direction: Direction, covered: bool) -> bool {
    let partial =
        |path: &crate::mapping::plan::Path| path.steps.iter().any(|s| s.array && !matches!(s.select, Select::All));
    items.iter().any(|item| match item {
        Item::Field(f) => !covered && kinds::sides(f, direction).0.iter().any(|p| partial(p)),
        Item::Choice(fields) => !covered && fields.iter().flat_map(|f| kinds::sides(f, direction).0).any(partial),
        Item::Scope(scope) => {
            !covered && partial(in_path(scope, direction))
                || picks_without_rest(&scope.items, direction, covered || has_rest(&scope.items, direction))
        }
        Item::Fixed(_) | Item::Drop(_) => false,
    })
}

/// Whether a message may hold members the schema does not name.
fn open_somewhere(shapes: &Shapes, plan: &Plan) -> bool {
    let mut open = vec![plan.native];
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        match shapes.get(at) {
            Shape::Object(object) => {
                if !matches!(object.openness, Openness::Closed) {
                    return true;
                }
                open.extend(object.members.iter().map(|m| m.shape));
            }
            Shape::Array(list) => open.push(list.item),
            Shape::Any => return true,
            Shape::Scalar(_) => {}
        }
    }
    false
}
