//! Asking to go above the normal level: the necessity test, who may ask, who may approve, how long, and what closes it
//! (R37–R45).

use super::{Actor, breach, hat, person, supervises};
use crate::diagnostic::Diagnostic;
use crate::sharing::facts::{Answers, Override, OverrideKind, Text, Time, Told};
use crate::sharing::policy::Policy;
use crate::sharing::world::World;
use crate::vocabulary::{Category, Purpose, Role};

/// How long an override, and each renewal, lasts (R40), in hours.
const TERM_HOURS: i64 = 24;
/// How long it lasts in all (R40), in hours.
const ALL_TERMS_HOURS: i64 = 72;
/// Never reachable by override (R42).
const NEVER: [Category; 3] = [Category::Adp, Category::Tpi, Category::Int];
/// Purposes on which imminent danger can stand (sharing rules §4 d).
const EMG_PURPOSES: [Purpose; 5] = [Purpose::Cp, Purpose::Cin, Purpose::Met, Purpose::Eh, Purpose::Dc];

/// Whether the role may ask at all (R38, R45).
#[must_use]
pub fn may_ask(policy: &Policy, role: Role, kind: OverrideKind, purpose: Purpose) -> bool {
    let row = policy.role(role);
    match kind {
        OverrideKind::Ordinary => row.override_purposes.contains(&purpose),
        OverrideKind::Emg => row.emg && EMG_PURPOSES.contains(&purpose),
    }
}

/// Everything wrong with a request.
#[must_use]
pub fn breaches(world: &World, policy: &Policy, record: &Override, role: Role) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    answers(&record.answers, &mut found);
    if record.categories.is_empty() {
        found.push(breach("/categories", "R40", "an override names its categories, never the whole record"));
    }
    for (index, category) in record.categories.iter().enumerate() {
        if record.categories.iter().take(index).any(|earlier| earlier == category) {
            found.push(breach(format!("/categories/{index}"), "R40", "the category is listed twice"));
        }
    }
    if person(world, record.subject.as_str()).is_none() {
        found.push(breach("/subject", "R40", "nobody with this id is registered"));
    }
    let opens = |category: &Category| {
        let cell = policy.cell(record.purpose, role, *category);
        let gated = record.kind == OverrideKind::Emg;
        !NEVER.contains(category) && cell.is_some_and(|cell| cell.raisable || (gated && cell.gated()))
    };
    if !record.categories.is_empty() && !record.categories.iter().any(opens) {
        let text = "no cell of these categories can be opened by this role under this purpose";
        found.push(breach("/categories", "R42", text));
    }
    found
}

/// The five answers of R37, each written.
fn answers(answers: &Answers, found: &mut Vec<Diagnostic>) {
    let five = [
        ("/answers/harm", &answers.harm),
        ("/answers/needed", &answers.needed),
        ("/answers/why_not_less", &answers.why_not_less),
        ("/answers/proportionate", &answers.proportionate),
        ("/answers/telling_risk", &answers.telling_risk),
    ];
    for (pointer, answer) in five {
        if answer.as_ref().is_none_or(|text| text.as_str().trim().is_empty()) {
            found.push(breach(pointer, "R37", "each of the five questions must be answered in writing"));
        }
    }
}

/// Whether the acting hat is the second person (R39): another account, a supervisor in a role that may approve, of the
/// requester's agency.
#[must_use]
pub fn second_person(world: &World, policy: &Policy, record: &Override, actor: &Actor) -> bool {
    let own = hat(world, policy, &actor.hat).map(|(_, hat, _)| hat);
    let asking = hat(world, policy, &record.hat).map(|(_, hat, _)| hat);
    let (Some(own), Some(asking)) = (own, asking) else { return false };
    own.account != asking.account && own.agency == asking.agency && supervises(world, policy, &actor.hat, actor.at)
}

/// Whether the acting hat is the requester, or a manager of the requester's agency: who records what the person was told.
#[must_use]
pub fn answerable(world: &World, policy: &Policy, record: &Override, actor: &Actor) -> bool {
    record.hat == actor.hat || second_person(world, policy, record, actor)
}

/// When an override that was approved (or needs no approval) ends; `None` while it waits.
#[must_use]
pub fn end(record: &Override) -> Option<Time> {
    let start = match record.kind {
        OverrideKind::Emg => Some(record.requested_at),
        OverrideKind::Ordinary => record.approved_at,
    }?;
    let mut end = start.plus_hours(TERM_HOURS);
    let mut renewals: Vec<Time> = record.renewals.iter().map(|r| r.at).collect();
    renewals.sort();
    for at in renewals {
        if start <= at && at < end {
            end = end.plus_hours(TERM_HOURS);
        }
    }
    Some(end.min(start.plus_hours(ALL_TERMS_HOURS)))
}

/// Whether one more renewal can be given now: live, and not at its longest yet (R40).
#[must_use]
pub fn renewal(record: &Override, at: Time) -> Vec<Diagnostic> {
    let start = match record.kind {
        OverrideKind::Emg => Some(record.requested_at),
        OverrideKind::Ordinary => record.approved_at,
    };
    let Some((start, end)) = start.zip(end(record)) else {
        return vec![breach("", "R40", "it was never approved")];
    };
    if end <= at {
        return vec![breach("", "R40", "it has ended; ask again")];
    }
    if end >= start.plus_hours(ALL_TERMS_HOURS) {
        return vec![breach("", "R40", "it lasts 72 hours in all")];
    }
    Vec::new()
}

/// What the person was told, or why not (R43).
#[must_use]
pub fn told(told: &Told) -> Vec<Diagnostic> {
    let written = |text: Option<&Text>| text.is_some_and(|t| !t.as_str().trim().is_empty());
    let mut found = Vec::new();
    if !written(told.why.as_ref()) {
        found.push(breach("/why", "R43", "how they were told, or why not, must be written"));
    }
    if !told.told && told.review.is_none() {
        found.push(breach("/review", "R43", "when the decision not to tell is looked at again must be said"));
    }
    found
}
