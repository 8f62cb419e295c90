//! What one question adds to the facts: its segments, and people nobody registered.
//!
//! Owns their places after the registered ones. A segment keeps the place it has where a permission, a grant or an opening
//! names it.

use super::build::{self, Person, Segment};
use super::index::{Index, Quick};
use super::{Indexed, PersonIx, SegmentIx};
use crate::sharing::facts;
use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct Added {
    people: Vec<Person>,
    person_names: HashMap<String, PersonIx, Quick>,
    segments: Vec<Option<Segment>>,
    segment_names: HashMap<String, SegmentIx, Quick>,
}

impl Added {
    /// Indexes them; `None` when a segment names what does not exist.
    pub(super) fn of(indexed: &Indexed, people: &[facts::Person], segments: &[&facts::Segment]) -> Option<Self> {
        let mut added = Self::default();
        for person in people.iter().filter(|p| indexed.names.people.get(p.id.as_str()).is_none()) {
            let place = PersonIx::from(indexed.people.len().saturating_add(added.people.len()));
            if added.person_names.insert(person.id.as_str().to_owned(), place).is_none() {
                added.people.push(build::person(person));
            }
        }
        let mut next = indexed.names.segments.len();
        for segment in segments {
            let id = segment.id.as_str();
            let place = indexed.names.segments.get(id).unwrap_or_else(|| {
                let fresh = SegmentIx::from(next);
                next = next.saturating_add(1);
                fresh
            });
            added.segment_names.entry(id.to_owned()).or_insert(place);
        }
        added.segments.resize_with(next, || None);
        for segment in segments {
            let made = build::segment(segment, &Known { indexed, added: &added })?;
            let place = added.segment_named(segment.id.as_str())?;
            if let Some(slot) = added.segments.get_mut(place.at()).filter(|slot| slot.is_none()) {
                *slot = Some(made);
            }
        }
        Some(added)
    }
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }
    /// A person behind the `registered` ones.
    pub(super) fn person(&self, at: PersonIx, registered: usize) -> Option<&Person> {
        self.people.get(at.at().checked_sub(registered)?)
    }
    pub(super) fn person_named(&self, id: &str) -> Option<PersonIx> {
        self.person_names.get(id).copied()
    }
    pub(super) fn segment(&self, at: SegmentIx) -> Option<&Segment> {
        self.segments.get(at.at())?.as_ref()
    }
    pub(super) fn segment_named(&self, id: &str) -> Option<SegmentIx> {
        self.segment_names.get(id).copied()
    }
}

/// The names a segment can use.
pub(super) struct Known<'a> {
    pub(super) indexed: &'a Indexed,
    added: &'a Added,
}

impl Known<'_> {
    pub(super) fn person(&self, id: &str) -> Option<PersonIx> {
        self.indexed.names.people.get(id).or_else(|| self.added.person_named(id))
    }
    pub(super) fn segment(&self, id: &str) -> Option<SegmentIx> {
        self.added.segment_named(id)
    }
}
