//! When a record is in force: status is never stored, always derived from its times and events (R35, R36, R29).

use super::Matter;
use super::standing::{self, Class};
use crate::sharing::facts::{Choice, Outcome, Time};
use crate::sharing::world::{Event, Permission, Resolver, Who, World};
use crate::vocabulary::Category;

/// How a record ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Ending {
    /// By time.
    Expired,
    /// By an event.
    Withdrawn,
}

/// The derived status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Active, or a refusal in force.
    InForce,
    /// Another holder of parental responsibility objects; treated as absent.
    Disputed,
    /// Was in force, ended then.
    Ended(Ending, Time),
    /// Not yet, or never.
    Never,
}

/// The status at the time of the request.
pub(super) fn state(matter: &Matter<'_>, record: &Permission, class: Class) -> State {
    let start = record.valid_from.max(record.recorded_at);
    let expired = expiry(matter, record, class).map(|at| (at, Ending::Expired));
    let withdrawn = withdrawal(matter, record).map(|at| (at, Ending::Withdrawn));
    let end = [expired, withdrawn].into_iter().flatten().filter(|(at, _)| *at <= matter.at).min();
    match end {
        _ if matter.at < start => State::Never,
        Some((at, _)) if at <= start => State::Never,
        Some((at, ending)) => State::Ended(ending, at),
        None if record.choice == Choice::Permit && disputed(matter, record) => State::Disputed,
        None => State::InForce,
    }
}

/// The earliest of the limits of R36; twelve months and plan closure end permits, not refusals (facts file paper §8.14).
fn expiry(matter: &Matter<'_>, record: &Permission, class: Class) -> Option<Time> {
    let permit = record.choice == Choice::Permit;
    let ages = matter.request.world.ages(matter.person);
    let health =
        matches!(matter.category, Category::Hlt | Category::Mhl | Category::Mhn | Category::Sub | Category::Sxh);
    let parent = class == Class::Parent;
    let limits = [
        record.valid_to,
        permit.then_some(record.year_end),
        record.plan_end.filter(|_| permit),
        ages.sixteenth().filter(|_| parent && health),
        ages.eighteenth().filter(|_| parent),
    ];
    limits.into_iter().flatten().min()
}

/// When the record was withdrawn with effect; never back-dated (R35).
fn withdrawal(matter: &Matter<'_>, record: &Permission) -> Option<Time> {
    let world = matter.request.world;
    let effective = record.events.iter().filter_map(|event| match *event {
        Event::Withdraw { at, by } => standing::may_withdraw(matter, record, by, at).then_some(at),
        Event::Resolve { at, outcome: Outcome::Withdrawn, by } => may_resolve(world, by).then_some(at),
        Event::Resolve { .. } | Event::Object { .. } | Event::Error { .. } => None,
    });
    effective.filter(|at| *at <= matter.at).min()
}

/// Whether the last word is an objection of somebody with standing.
fn disputed(matter: &Matter<'_>, record: &Permission) -> bool {
    let objections = record.events.iter().filter_map(|event| match *event {
        Event::Object { at, by } if at <= matter.at => standing::may_object(matter, record, by, at).then_some(at),
        _ => None,
    });
    objections.max().is_some_and(|objected| kept_at(matter, record).is_none_or(|kept| kept < objected))
}

/// When a manager last decided that the record stands.
pub(super) fn kept_at(matter: &Matter<'_>, record: &Permission) -> Option<Time> {
    let kept = record.events.iter().filter_map(|event| match *event {
        Event::Resolve { at, outcome: Outcome::Active, by } if at <= matter.at => {
            may_resolve(matter.request.world, by).then_some(at)
        }
        _ => None,
    });
    kept.max()
}

/// A dispute is a manager's to decide (R29).
fn may_resolve(world: &World, by: Resolver) -> bool {
    let supervisor = |hat| world.hat(hat).is_some_and(|hat: &crate::sharing::world::Hat| hat.supervisor);
    match by {
        Resolver::Unstated => true,
        Resolver::By(Some(Who::Hat(hat))) => supervisor(hat),
        Resolver::By(Some(Who::Account(account))) => {
            world.account(account).is_some_and(|account| account.hats.iter().any(|hat| supervisor(*hat)))
        }
        Resolver::By(Some(Who::Party(_)) | None) => false,
    }
}
