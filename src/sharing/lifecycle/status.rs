//! Where a permission is in its life at a moment (consent paper §4): derived from its events, never stored.
//!
//! This is what people are shown about the record as a whole; whether it opens a cell, [`crate::sharing::decide`] asks for
//! one segment at a time.

use super::{able, categories_of, party, person};
use crate::sharing::facts::{Capacity, Case, Choice, Facts, Outcome, Permission, PermissionEvent, Person, Time};
use crate::sharing::world::{Ages, Decider, PersonIx, World};

/// The states of the consent paper §4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Begins later.
    Draft,
    /// A permit in force.
    Active,
    /// A refusal in force.
    Refused,
    /// Another holder of parental responsibility objects; treated as absent.
    Disputed,
    /// The decider's right to decide ended or is not proven any more; treated as absent.
    Review,
    /// Withdrawn.
    Withdrawn,
    /// Ended by time.
    Expired,
    /// A newer record stands in its place.
    Superseded,
    /// Recorded in error.
    EnteredInError,
}

impl Status {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Disputed => "disputed",
            Self::Review => "review",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::EnteredInError => "entered-in-error",
        }
    }
}

/// The status at a moment. `facts` are those the world was made of.
#[must_use]
pub fn status(world: &World, facts: &Facts, record: &Permission, at: Time) -> Status {
    let past = |when: &Time| *when <= at;
    let erred = |e: &PermissionEvent| matches!(e, PermissionEvent::EnteredInError { at, .. } if past(at));
    if record.events.iter().any(erred) {
        return Status::EnteredInError;
    }
    let Some(subject) = person(world, record.subject.as_str()) else { return Status::Review };
    if record.events.iter().any(|e| withdrawn(world, record, subject, e, at)) {
        return Status::Withdrawn;
    }
    let newer = |p: &Permission| p.supersedes.as_ref() == Some(&record.id) && past(&p.recorded_at);
    if facts.permissions.iter().any(newer) {
        return Status::Superseded;
    }
    if end(world, record).is_some_and(|end| end <= at) {
        return Status::Expired;
    }
    if record.valid_from.unwrap_or(record.recorded_at).max(record.recorded_at) > at {
        return Status::Draft;
    }
    if !still_entitled(world, record, subject, at) {
        return Status::Review;
    }
    match record.decision {
        Choice::Permit if disputed(record, at) => Status::Disputed,
        Choice::Permit => Status::Active,
        Choice::Refuse => Status::Refused,
    }
}

/// When the record ends by time: what it says, twelve months, its plan, and the birthdays that end a parent's decision (R36).
#[must_use]
pub fn end(world: &World, record: &Permission) -> Option<Time> {
    let subject = person(world, record.subject.as_str())?;
    let of_person = world.permissions_about(subject).iter().filter_map(|ix| world.permission(*ix));
    let plan_end = of_person.into_iter().find(|p| *p.id == *record.id.as_str()).and_then(|p| p.plan_end);
    let permit = record.decision == Choice::Permit;
    let limits =
        [record.valid_to, plan_end.filter(|_| permit), super::permission::limit(record, Some(world.ages(subject)))];
    limits.into_iter().flatten().min()
}

/// Whether a record was ended by somebody's word: withdrawn, resolved so, or in error.
#[must_use]
pub fn over(record: &Permission) -> bool {
    record.events.iter().any(|event| match event {
        PermissionEvent::Withdraw { .. } | PermissionEvent::EnteredInError { .. } => true,
        PermissionEvent::Resolve { outcome, .. } => *outcome == Outcome::Withdrawn,
        PermissionEvent::Object { .. } => false,
    })
}

/// As [`end`], from the record, its subject and its plan's case alone: for looking at many.
#[must_use]
pub fn term(record: &Permission, person: Option<&Person>, plan: Option<&Case>) -> Option<Time> {
    let ages = person.and_then(|p| p.born).map(Ages::born);
    let closed: Option<Vec<Time>> = plan.and_then(|case| case.purposes.iter().map(|p| p.to).collect());
    let closed = closed.and_then(|ends| ends.into_iter().max()).map(|at| at.max(record.recorded_at));
    let permit = record.decision == Choice::Permit;
    let limits = [record.valid_to, closed.filter(|_| permit), super::permission::limit(record, ages)];
    limits.into_iter().flatten().min()
}

fn withdrawn(world: &World, record: &Permission, subject: PersonIx, event: &PermissionEvent, at: Time) -> bool {
    match event {
        PermissionEvent::Withdraw { at: when, by, .. } if *when <= at => match party(world, by) {
            Some(by) if party(world, &record.decider) == Some(by) => true,
            Some(Decider::Person(by)) => by == subject && able(world, subject, &categories_of(&record.scope), *when),
            Some(Decider::Agency(by)) => world.holds_care_order(by, subject, *when),
            None => false,
        },
        PermissionEvent::Resolve { at: when, outcome: Outcome::Withdrawn, .. } => *when <= at,
        _ => false,
    }
}

/// Whether the last word is an objection. Only objections with standing are ever recorded by the gateway.
fn disputed(record: &Permission, at: Time) -> bool {
    let mut last = None;
    for event in &record.events {
        let (when, objects) = match event {
            PermissionEvent::Object { at, .. } => (*at, true),
            PermissionEvent::Resolve { at, outcome: Outcome::Active, .. } => (*at, false),
            _ => continue,
        };
        if when <= at && last.is_none_or(|(latest, _)| when >= latest) {
            last = Some((when, objects));
        }
    }
    last.is_some_and(|(_, objects)| objects)
}

/// A parent's record needs parental responsibility also now, and no care order over it.
fn still_entitled(world: &World, record: &Permission, subject: PersonIx, at: Time) -> bool {
    match (record.capacity, party(world, &record.decider)) {
        (Capacity::ParentPr, Some(by @ Decider::Person(person))) => {
            world.has_responsibility(by, subject, at)
                && !world.under_care_order(subject, at)
                && !world.protected_from(subject, at).any(|x| x == person)
        }
        (Capacity::LaCareOrder, Some(Decider::Agency(agency))) => world.holds_care_order(agency, subject, at),
        (Capacity::ParentPr | Capacity::LaCareOrder, _) => false,
        _ => true,
    }
}
