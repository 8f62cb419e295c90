//! P13: whose records count (R24–R26, R28, R30, R32; facts file paper §8.11).

use super::Matter;
use crate::sharing::facts::Capacity;
use crate::sharing::world::{Decider, Event, Permission, PersonIx, Who};

/// In which class a record speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// The person, or who decides in their place as an adult.
    Own,
    /// A holder of parental responsibility, or the council under a care order.
    Parent,
}

/// The class of a record that counts; `None` = as if it did not exist.
pub(super) fn class(matter: &Matter<'_>, record: &Permission) -> Option<Class> {
    let world = matter.request.world;
    let in_error = record.events.iter().any(|event| matches!(event, Event::Error { at } if *at <= matter.at));
    let recorder = record.recorded_by.and_then(|hat| world.hat(hat)).map(|hat| hat.role);
    let rightly_recorded = recorder.is_none_or(|role| matter.request.policy.role(role).records_permission);
    let exists = record.recorded_at <= matter.at;
    let counts = exists && record.usable && !in_error && rightly_recorded && alive(matter, record);
    if !counts || against_subject(matter, record.decider) {
        return None;
    }
    decided(matter, record)
}

/// Nobody decides for the dead, nor after their own death (consent paper §3); what was decided before stays (R73).
fn alive(matter: &Matter<'_>, record: &Permission) -> bool {
    let world = matter.request.world;
    let decider = match record.decider {
        Decider::Person(person) => Some(person),
        Decider::Agency(_) => None,
    };
    let mut people = std::iter::once(matter.person).chain(decider);
    people.all(|person| !world.has_died(person, record.recorded_at))
}

/// Whether the subject is protected from the decider: never counts, in any category.
fn against_subject(matter: &Matter<'_>, decider: Decider) -> bool {
    let Decider::Person(decider) = decider else { return false };
    matter.request.world.protected_from(matter.person, matter.at).any(|x| x == decider)
}

/// Judged once, at the time of recording; responsibility and orders also now.
fn decided(matter: &Matter<'_>, record: &Permission) -> Option<Class> {
    let world = matter.request.world;
    let (person, then) = (matter.person, record.recorded_at);
    let sixteen = world.ages(person).sixteen(then);
    let lacks = sixteen && world.lacks_capacity(person, matter.category, then);
    let competent = !sixteen && world.competent(person, matter.category, then);
    if record.decider == Decider::Person(person) {
        return ((sixteen && !lacks) || competent).then_some(Class::Own);
    }
    // Without an attorney or deputy the service that holds the information decides, not the next of kin (consent paper §3).
    let in_place = match record.capacity {
        Capacity::AttorneyOrDeputy => Some(true),
        Capacity::BestInterests => Some(record.decider == Decider::Agency(matter.reading.segment.custodian)),
        _ => None,
    };
    if let Some(rightly) = in_place {
        return (lacks && rightly).then_some(Class::Own);
    }
    if sixteen || competent {
        return None;
    }
    responsible(matter, record.decider, then).then_some(Class::Parent)
}

/// Whether `decider` held and holds the right to decide for a child who is not competent.
fn responsible(matter: &Matter<'_>, decider: Decider, then: crate::sharing::facts::Time) -> bool {
    let world = matter.request.world;
    let child = matter.person;
    [then, matter.at].into_iter().all(|at| match decider {
        Decider::Agency(agency) => world.holds_care_order(agency, child, at),
        Decider::Person(_) => world.has_responsibility(decider, child, at) && !world.under_care_order(child, at),
    })
}

/// Whether the withdrawal counts: the decider, the young person who has since become able, the council under an order.
pub(super) fn may_withdraw(
    matter: &Matter<'_>,
    record: &Permission,
    by: Option<Who>,
    when: crate::sharing::facts::Time,
) -> bool {
    let world = matter.request.world;
    let Some(Who::Party(by)) = by else { return false };
    let able = |person: PersonIx| world.ages(person).sixteen(when) || world.competent(person, matter.category, when);
    match by {
        by if by == record.decider => true,
        Decider::Person(person) => person == matter.person && able(person),
        Decider::Agency(agency) => world.holds_care_order(agency, matter.person, when),
    }
}

/// Whether the objection counts: another holder of parental responsibility from whom the child is not protected (R29).
pub(super) fn may_object(
    matter: &Matter<'_>,
    record: &Permission,
    by: Option<Who>,
    when: crate::sharing::facts::Time,
) -> bool {
    let Some(Who::Party(by)) = by else { return false };
    by != record.decider
        && by != Decider::Person(matter.person)
        && !against_subject(matter, by)
        && responsible(matter, by, when)
}
