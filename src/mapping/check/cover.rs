//! S8, and S4 over the whole document: nothing is left by accident, and each direction can make what its schema requires.

use super::Checker;
use crate::diagnostic::{Span, code};
use crate::mapping::lang::tree::{Mapping, Which};
use crate::mapping::plan::Item;
use crate::schema::ShapeId;
use std::collections::HashSet;

/// Findings of one kind listed for one mapping.
const LISTED_MAX: usize = 20;
/// Members every segment has that the engine itself writes and reads.
pub(super) const STRUCTURAL: [&str; 9] =
    ["id", "label", "form", "summary_of", "source_ref", "absent", "unparsed", "as_recorded", "check"];

/// Places rules speak of, from the root.
#[derive(Default)]
pub(super) struct Seen {
    native: HashSet<Vec<String>>,
    canonical: HashSet<Vec<String>>,
    written_native: HashSet<Vec<String>>,
    written_canonical: HashSet<Vec<String>>,
}

impl Seen {
    /// A rule speaks of this place and what is below it.
    pub(super) fn mention(&mut self, which: Which, way: &[String]) {
        let set = if which == Which::Native { &mut self.native } else { &mut self.canonical };
        set.insert(way.to_vec());
    }
    /// A rule can write this place.
    pub(super) fn write(&mut self, which: Which, way: &[String]) {
        let set = if which == Which::Native { &mut self.written_native } else { &mut self.written_canonical };
        for end in 0..=way.len() {
            if let Some(part) = way.get(..end) {
                set.insert(part.to_vec());
            }
        }
    }
}

impl Checker<'_> {
    pub(super) fn cover(&mut self, mapping: &Mapping, items: &[Item]) {
        let place = mapping.name.span;
        let native = self.uncovered(self.native_root, &self.seen.native, &|_| true);
        self.report(&native, "native", place);
        let covers: Vec<&str> = mapping.covers.iter().map(|w| w.text.as_str()).collect();
        let answered = |way: &[String]| {
            way.first().is_some_and(|first| covers.contains(&first.as_str()))
                && !way.iter().any(|step| STRUCTURAL.contains(&step.as_str()))
        };
        let canonical = self.uncovered(self.canonical_root, &self.seen.canonical, &answered);
        self.report(&canonical, "canonical", place);
        for word in &mapping.covers {
            if self.shapes.step(self.canonical_root, &word.text).is_err() {
                let object = self.shapes.object(self.canonical_root);
                let names: Vec<String> =
                    object.map(|o| o.members.iter().map(|m| m.name.clone()).collect()).unwrap_or_default();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.unknown(code::MAP_PATH, word, "part of the record", &names);
            }
        }
        let written = std::mem::take(&mut self.seen.written_native);
        if !self.required_in_blocks(items, Which::Native) {
            self.required_written(self.native_root, &written, "native", place);
        }
        let written = std::mem::take(&mut self.seen.written_canonical);
        if !self.required_in_blocks(items, Which::Canonical) {
            self.required_written(self.canonical_root, &written, "canonical", place);
        }
    }

    fn uncovered(
        &self,
        root: ShapeId,
        mentioned: &HashSet<Vec<String>>,
        asked: &dyn Fn(&[String]) -> bool,
    ) -> Vec<String> {
        let covered = |way: &[String]| (0..=way.len()).any(|end| way.get(..end).is_some_and(|p| mentioned.contains(p)));
        self.shapes
            .leaves(root)
            .into_iter()
            .map(|l| l.path)
            .filter(|w| asked(w) && !covered(w))
            .map(|w| w.join("."))
            .collect()
    }

    fn report(&mut self, missing: &[String], side: &str, place: Span) {
        for way in missing.iter().take(LISTED_MAX) {
            self.fault(code::MAP_COVERAGE, place, format!("the {side} value `{way}` is neither mapped nor dropped"));
        }
        if missing.len() > LISTED_MAX {
            let more = missing.len() - LISTED_MAX;
            self.fault(code::MAP_COVERAGE, place, format!("{more} more {side} values are neither mapped nor dropped"));
        }
    }

    /// Conservative S4: what a direction makes, it can make with every required member. Whether the source *always*
    /// says it is known only at run time.
    fn required_written(&mut self, root: ShapeId, written: &HashSet<Vec<String>>, side: &str, place: Span) {
        let mut ways: Vec<&Vec<String>> = written.iter().collect();
        ways.sort();
        for way in ways {
            let names: Vec<&str> = way.iter().map(String::as_str).collect();
            let Ok(Some(shape)) = self.shapes.resolve(root, &names) else { continue };
            let Some(object) = self.shapes.object(shape) else { continue };
            let missing: Vec<String> = object
                .members
                .iter()
                .filter(|m| m.required && !STRUCTURAL.contains(&m.name.as_str()))
                .filter(|_| !way.iter().any(|step| step == "label"))
                // Every record read has an envelope: the mapping that read it stands there.
                .filter(|m| !(side == "canonical" && way.is_empty() && m.name == "envelope"))
                .filter(|m| {
                    let mut long = way.clone();
                    long.push(m.name.clone());
                    !written.contains(&long)
                })
                // A coded or measured value is one value to the language.
                .filter(|m| !matches!(m.name.as_str(), "code" | "value" | "unit") || side == "native")
                .map(|m| m.name.clone())
                .collect();
            for name in missing {
                let inside = if way.is_empty() { "the root".to_owned() } else { format!("`{}`", way.join(".")) };
                let text = format!("nothing writes `{name}`, which {inside} of the {side} schema requires");
                self.fault(code::MAP_REQUIRED, place, text);
            }
        }
    }
}
