//! What may happen to a permission later: withdrawal, objection, its resolution, correction of an error (consent paper §4;
//! R28, R29, R35). Whoever has no standing changes nothing, so they are refused before anything is written.

use super::status::{Status, status};
use super::{Actor, able, breach, categories_of, party, person};
use crate::diagnostic::Diagnostic;
use crate::sharing::facts::{Capacity, Facts, Permission, Time};
use crate::sharing::world::{Decider, PersonIx, World};

/// Withdrawal: by the decider, by the young person who has since become able, or by the council under an order; at once,
/// never back-dated.
#[must_use]
pub fn withdrawal(
    world: &World,
    facts: &Facts,
    record: &Permission,
    by: &str,
    told_at: Option<Time>,
    actor: &Actor,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !open(world, facts, record, actor.at) {
        found.push(breach("", "consent §4", "the record is not in force any more"));
    }
    if told_at.is_some_and(|told| told > actor.at) {
        found.push(breach("/told_at", "R35", "this lies in the future"));
    }
    let standing = subject(world, record).is_some_and(|subject| match party(world, by) {
        Some(by) if party(world, &record.decider) == Some(by) => true,
        Some(Decider::Person(by)) => by == subject && able(world, subject, &categories_of(&record.scope), actor.at),
        Some(Decider::Agency(by)) => world.holds_care_order(by, subject, actor.at),
        None => false,
    });
    if !standing {
        let text = "only the decider, the young person who can now decide, or the council under an order can withdraw";
        found.push(breach("/by", "R35", text));
    }
    found
}

/// An objection: by another holder of parental responsibility, to a parent's record about a child who is not competent.
#[must_use]
pub fn objection(world: &World, facts: &Facts, record: &Permission, by: &str, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !open(world, facts, record, actor.at) {
        found.push(breach("", "consent §4", "the record is not in force any more"));
    }
    let parents = record.capacity == Capacity::ParentPr;
    let standing = parents
        && subject(world, record).is_some_and(|child| {
            let Some(by) = party(world, by) else { return false };
            let protected = matches!(by, Decider::Person(p) if world.protected_from(child, actor.at).any(|x| x == p));
            let holds = match by {
                Decider::Agency(agency) => world.holds_care_order(agency, child, actor.at),
                Decider::Person(_) => {
                    world.has_responsibility(by, child, actor.at) && !world.under_care_order(child, actor.at)
                }
            };
            party(world, &record.decider) != Some(by)
                && by != Decider::Person(child)
                && !protected
                && holds
                && !able(world, child, &categories_of(&record.scope), actor.at)
        });
    if !standing {
        let text = "only another holder of parental responsibility can object, to a parent's record";
        found.push(breach("/by", "R29", text));
    }
    found
}

/// A manager's decision about a dispute. That the actor is one is checked before.
#[must_use]
pub fn resolution(world: &World, facts: &Facts, record: &Permission, why: &str, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if status(world, facts, record, actor.at) != Status::Disputed {
        found.push(breach("", "R29", "the record is not disputed"));
    }
    if why.trim().is_empty() {
        found.push(breach("/why", "R29", "the reason of the decision must be stated"));
    }
    found
}

/// A correction: the record was made about the wrong person.
#[must_use]
pub fn error(world: &World, facts: &Facts, record: &Permission, why: &str, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if status(world, facts, record, actor.at) == Status::EnteredInError {
        found.push(breach("", "consent §4", "the record is marked as an error already"));
    }
    if why.trim().is_empty() {
        found.push(breach("/why", "consent §4", "what was wrong must be stated"));
    }
    found
}

fn open(world: &World, facts: &Facts, record: &Permission, at: Time) -> bool {
    use Status::{Active, Disputed, Draft, Refused, Review};
    matches!(status(world, facts, record, at), Active | Refused | Disputed | Review | Draft)
}

fn subject(world: &World, record: &Permission) -> Option<PersonIx> {
    person(world, record.subject.as_str())
}
