//! The decision procedure of the sharing rules §5, its fifteen steps in order.
//!
//! Owns the order and nothing else: each step is a small pure function under `steps`. Steps 13 (dataset template), 14
//! (audit entry) and 15 (release) happen where the content is, in redaction and exchange; that the log *can* be written is
//! asked here first of all. Nobody can be recursed into endlessly: a personal assistant's and an item grant's decision ask
//! once for the granting hat, which is neither.

use super::decision::{Decision, Limit, MatrixRow, Reason};
use super::policy::Policy;
use super::steps::{
    Draft, Reading, Request, Step, Target, acts, analytics, auth, caps, conflict, end, item_grant, marker, matrix, own,
    protection, purpose, relationship, seal, summary,
};
use super::world::World;
use super::{facts, local};
use crate::vocabulary::{Category, Level, Purpose};
use std::ops::ControlFlow;

/// Answers one ask: never an error, never a panic; what cannot be resolved is refused.
#[must_use]
pub fn decide(world: &World, policy: &Policy, ask: &facts::Ask) -> Decision {
    match Request::new(world, policy, ask) {
        Some(request) => answer(&request),
        None => {
            let mut refused = Decision::new(Level::N, Reason::DAuth);
            refused.marker = super::decision::Marker::Silent;
            refused
        }
    }
}

/// Answers one resolved request.
pub(super) fn answer(request: &Request<'_>) -> Decision {
    let ended = match request.target {
        Target::Segment(reading) => read(request, reading),
        Target::Act(act) => acts::act(request, act),
        Target::Analytics(table) => analytics::table(request, table),
    };
    let (ControlFlow::Break(draft) | ControlFlow::Continue(draft)) = ended;
    let mut decision = marker::settle(request, draft);
    if decision.level > Level::N {
        decision.basis.legal = Some(request.policy.shared_basis(request.purpose));
    }
    decision
}

/// Reading one segment: the steps in order, the first final result ends it.
fn read(request: &Request<'_>, reading: Reading<'_>) -> Step<Draft> {
    auth::log(request)?; // 14, asked first: nothing is answered that cannot be logged
    auth::step(request)?; // 1
    conflict::step(request)?; // 2
    purpose::step(request)?; // 3
    let ground = relationship::step(request, reading)?; // 4
    let rest = after_relationship(request, reading, ground);
    let (ControlFlow::Break(mut draft) | ControlFlow::Continue(mut draft)) = rest;
    if let relationship::Ground::Relationship(ix) = ground {
        draft.decision.basis.relationship = request.world.relationship(ix).map(|found| found.id.clone());
    }
    let delegation = request.grantor().and(request.delegation).and_then(|ix| request.world.relationship(ix));
    draft.decision.basis.delegation = delegation.map(|found| found.id.clone());
    ControlFlow::Continue(draft)
}

fn after_relationship(request: &Request<'_>, reading: Reading<'_>, ground: relationship::Ground) -> Step<Draft> {
    let segment = reading.segment;
    if segment.recorded_at.is_some_and(|at| request.at < at) {
        // What has not happened yet does not exist.
        return ControlFlow::Break(Draft::refuse(Reason::DMatrix, &[72]).hushed());
    }
    seal::step(request, reading)?; // 5
    protection::step(request, reading)?; // 6
    if request.purpose == Purpose::Sa {
        // An officer releases; nothing is automatic (R75). Who referred is in no answer at all, so there is no task (R56).
        let refused = Draft::refuse(Reason::DMatrix, &[56, 75]);
        let third_party = segment.category == Some(Category::Tpi);
        return ControlFlow::Break(if third_party { refused } else { refused.with_limit(Limit::CustodianTask) });
    }
    own::step(request, reading)?; // 7
    item_grant::step(request, reading)?; // between 7 and 8
    let Some(category) = segment.category else { return end(Reason::DMatrix, &[1]) };
    if caps::no_such_thing(request, reading, category) {
        return end(Reason::DMatrix, &[53]);
    }
    let mut draft = cell(request, reading, category, ground)?; // 8 to 11
    summary::step(request, reading, category, &mut draft); // 12
    unavailable(request, category, &mut draft);
    ControlFlow::Continue(draft)
}

/// Steps 8 to 10 for everybody the segment is about, then the caps of step 11 in their order.
fn cell(request: &Request<'_>, reading: Reading<'_>, category: Category, ground: relationship::Ground) -> Step<Draft> {
    let (role, purpose) = (request.hat.role, request.purpose);
    let Some(cell) = request.policy.cell(purpose, role, category) else { return end(Reason::DPurpose, &[4]) };
    let about = &reading.segment.about;
    let record_of = reading.segment.record_of;
    let Some(first) = about.iter().find(|person| **person == record_of).or(about.first()).copied() else {
        return end(Reason::DMatrix, &[1]);
    };
    let outcome = matrix::outcome(request, reading, category, cell, first);
    let others = about.iter().filter(|person| **person != first);
    let others: Vec<_> = others.map(|person| matrix::outcome(request, reading, category, cell, *person)).collect();

    let mut draft = Draft::new(outcome.level, outcome.reason, &[]);
    draft.decision.rules = outcome.rules;
    draft.hush = outcome.named_refusal;
    draft.decision.limit = outcome.limit;
    draft.decision.flags = outcome.flags;
    draft.decision.basis.override_id = outcome.override_id;
    draft.decision.basis.permissions = outcome.permissions;
    draft.decision.basis.permissions.extend(others.iter().flat_map(|other| other.permissions.clone()));
    draft.decision.basis.permissions.sort();
    draft.decision.basis.matrix = Some(MatrixRow { purpose, role, category, cell });

    if !outcome.exceeds_adult_cap {
        caps::adult(request, reading, category, &mut draft);
    }
    caps::delegate(request, &mut draft);
    caps::volunteer(request, reading, category, &mut draft);
    caps::originator(request, reading, &mut draft);
    caps::third(&others, &mut draft);
    local::cap(request, reading, category, ground, &mut draft);
    ControlFlow::Continue(draft)
}

/// An override that the cell does not have: said only when the ask names one and nothing else limits (R42).
fn unavailable(request: &Request<'_>, category: Category, draft: &mut Draft) {
    let cell = request.policy.cell(request.purpose, request.hat.role, category);
    let shut = cell.is_some_and(|cell| !cell.raisable);
    let changed = draft.decision.reason == Reason::AllowOverride;
    if request.named_override.is_some() && shut && !changed && draft.decision.limit.is_none() {
        draft.decision.limit = Some(Limit::OverrideNotAvailable);
        draft.decision.rules.insert(42);
    }
}
