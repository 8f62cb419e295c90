//! What a direction requires and the source need not say: then nothing is written, or the item is held.

use super::{kinds, out_path, way};
use crate::mapping::lang::tree::{ScopeKind, Which};
use crate::mapping::loss::Direction;
use crate::mapping::plan::{Item, Path, Plan, Scope, Select};
use crate::schema::{ShapeId, Shapes};
use std::collections::BTreeSet;

/// Something required that the source need not say.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct Refusal {
    /// Which way.
    pub direction: Direction,
    /// What is required, on the side that is made.
    pub place: String,
    /// What happens, in words.
    pub then: String,
}

pub(super) fn of(plan: &Plan, shapes: &Shapes) -> Vec<Refusal> {
    let mut found = BTreeSet::new();
    held(&plan.items, &mut found);
    found.insert(Refusal {
        direction: Direction::Read,
        place: "people".to_owned(),
        then: "the message names no person: it is refused".to_owned(),
    });
    let mut made = Made::default();
    collect(&plan.items, &[], &mut made);
    required(plan.native, &[], shapes, &made, &mut found);
    found.into_iter().collect()
}

/// Reading: segments that are held when a part the record requires is missing.
fn held(items: &[Item], found: &mut BTreeSet<Refusal>) {
    for item in items {
        let Item::Scope(scope) = item else { continue };
        if scope.label.is_some() {
            for member in scope.required.iter().filter(|m| !always(scope, m)) {
                let place = format!("{}.{member}", scope.canonical.text.trim_start_matches('/'));
                let then = "the item says none: it is held, and the custodian sees it".to_owned();
                found.insert(Refusal { direction: Direction::Read, place, then });
            }
        }
        held(&scope.items, found);
    }
}

/// Whether a block sets a member of its segment whatever arrives.
fn always(scope: &Scope, member: &str) -> bool {
    scope.items.iter().any(|item| match item {
        Item::Fixed(f) => f.which == Which::Canonical && f.path.text == *member,
        Item::Field(f) => f.default.is_some() && f.canonical.iter().any(|(p, _)| p.text == *member),
        _ => false,
    })
}

/// What writing can make: places, and those that stand wherever the object around them does.
#[derive(Default)]
struct Made {
    places: BTreeSet<Vec<String>>,
    always: BTreeSet<Vec<String>>,
}

fn collect(items: &[Item], at: &[String], made: &mut Made) {
    let note = |path: &Path, always: bool, made: &mut Made| {
        let long = way(at, path);
        for end in 0..=long.len() {
            made.places.extend(long.get(..end).map(<[String]>::to_vec));
        }
        if always {
            made.always.insert(long);
        }
        constants(at, path, made);
    };
    for item in items {
        match item {
            Item::Field(field) => {
                for path in kinds::sides(field, Direction::Write).1 {
                    note(path, field.default.is_some(), made);
                }
            }
            Item::Choice(fields) => {
                for path in fields.iter().flat_map(|f| kinds::sides(f, Direction::Write).1) {
                    note(path, false, made);
                }
            }
            Item::Fixed(fixed) if fixed.which == Which::Native => note(&fixed.path, true, made),
            Item::Fixed(_) | Item::Drop(_) => {}
            Item::Scope(scope) => {
                let path = out_path(scope, Direction::Write);
                note(path, false, made);
                let inner = way(at, path);
                if let Some(id) = &scope.id {
                    made.always.insert(way(&inner, id));
                }
                if let Some(crate::mapping::plan::About::Ref(p, _)) = scope.label.as_ref().map(|l| &l.about) {
                    let long = way(&inner, p);
                    for end in 0..=long.len() {
                        made.always.extend(long.get(..end).filter(|w| w.len() > inner.len()).map(<[String]>::to_vec));
                    }
                }
                collect(&scope.items, &inner, made);
                let _ = scope.kind == ScopeKind::Each;
            }
        }
    }
}

/// Constants of selectors stand wherever their item does.
fn constants(at: &[String], path: &Path, made: &mut Made) {
    let mut long: Vec<String> = if path.root { Vec::new() } else { at.to_vec() };
    for step in &path.steps {
        long.push(step.name.to_string());
        if let Select::Where(conds) = &step.select {
            for cond in conds {
                made.always.insert(long.iter().cloned().chain(cond.names.iter().map(ToString::to_string)).collect());
            }
        }
    }
}

/// Writing: required members below a place that can be made, where nothing sets them always.
fn required(shape: ShapeId, at: &[String], shapes: &Shapes, made: &Made, found: &mut BTreeSet<Refusal>) {
    let Some(object) = shapes.object(shape) else { return };
    for member in &object.members {
        let long: Vec<String> = at.iter().cloned().chain([member.name.clone()]).collect();
        if !made.places.contains(&long) && !made.always.contains(&long) {
            continue;
        }
        if member.required && !made.always.contains(&long) {
            let then = "the record need not say it: then nothing is written".to_owned();
            found.insert(Refusal { direction: Direction::Write, place: long.join("."), then });
        }
        required(member.shape, &long, shapes, made, found);
    }
}
