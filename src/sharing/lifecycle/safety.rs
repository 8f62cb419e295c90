//! Flags of safety: protection, strands, declared conflicts, seals (R9, R57, R62, R66, R67): who may set and lift them, and
//! what they must say.

use super::{Actor, breach, person};
use crate::diagnostic::Diagnostic;
use crate::sharing::facts::{Protection, Seal, Strand, Time};
use crate::sharing::world::World;
use crate::vocabulary::Role;

/// Roles that set and lift a protection.
pub const PROTECTS: [Role; 1] = [Role::Prv];
/// Roles that mark a worker as linked to somebody (R57: the social worker).
pub const MARKS: [Role; 2] = [Role::Sw, Role::Prv];
/// Roles that seal an identity (R66).
pub const SEALS: [Role; 1] = [Role::Ado];

/// Everything wrong with a new protection.
#[must_use]
pub fn protection(world: &World, record: &Protection, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = known(world, &[("/person", record.person.as_str()), ("/against", record.against.as_str())], "R57");
    if record.person == record.against {
        found.push(breach("/against", "R57", "nobody is protected from themselves"));
    }
    span(record.from, record.to, actor, "R57", &mut found);
    found
}

/// Everything wrong with marking a worker.
#[must_use]
pub fn strand(world: &World, record: &Strand, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = known(world, &[("/linked_to", record.linked_to.as_str())], "R57");
    if world.names.hats.get(record.hat.as_str()).is_none() {
        found.push(breach("/hat", "R57", "there is no such hat"));
    }
    span(record.from, record.to, actor, "R57", &mut found);
    found
}

/// Everything wrong with a new seal.
#[must_use]
pub fn seal(world: &World, record: &Seal, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = known(world, &[("/former", record.former.as_str()), ("/current", record.current.as_str())], "R66");
    if record.former == record.current {
        found.push(breach("/current", "R66", "the sealed identity and the new one are two records"));
    }
    let sealed = person(world, record.former.as_str()).is_some_and(|p| world.is_sealed(p, actor.at));
    if sealed {
        found.push(breach("/former", "R66", "this identity is sealed already"));
    }
    span(record.from, record.to, actor, "R66", &mut found);
    found
}

fn known(world: &World, people: &[(&str, &str)], rule: &str) -> Vec<Diagnostic> {
    let missing = people.iter().filter(|(_, id)| person(world, id).is_none());
    missing.map(|(pointer, _)| breach(*pointer, rule, "nobody with this id is registered")).collect()
}

/// A flag begins now or later, and ends after that.
fn span(from: Time, to: Option<Time>, actor: &Actor, rule: &str, found: &mut Vec<Diagnostic>) {
    if from < actor.at {
        found.push(breach("/from", rule, "it is not back-dated"));
    }
    if to.is_some_and(|to| to <= from) {
        found.push(breach("/to", rule, "it ends before it begins"));
    }
}
