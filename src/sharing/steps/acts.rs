//! Requests that are not about reading (facts file paper §8.5): they stop after step 4.

use super::{Draft, GO, Request, Step, auth, conflict, end, overrides, purpose, relationship, search};
use crate::sharing::decision::{Limit, Reason};
use crate::sharing::facts::{Act, RelationshipKind, Time};
use crate::sharing::world::{CaseIx, HatIx, PersonIx, RelationshipIx, World};
use crate::vocabulary::{Level, Purpose, Role};
use std::ops::ControlFlow;

/// Decides an act.
pub(in crate::sharing) fn act(request: &Request<'_>, act: &Act) -> Step<Draft> {
    auth::log(request)?;
    auth::step(request)?; // 1
    if let Act::Search { query } = act {
        purpose::step(request)?; // 3
        return search::step(request, query);
    }
    conflict::step(request)?; // 2
    purpose::step(request)?; // 3
    role_may(request, act)?;
    if let Act::ReadPracticeScores { account } = act {
        observed(request, account.as_str())?;
    } else {
        relationship::step_for(request, &request.persons())?; // 4
    }
    after_relationship(request, act)?;
    ControlFlow::Continue(Draft::allow(&[2]))
}

/// The persons an act is about.
pub(in crate::sharing) fn persons(world: &World, act: &Act, at: Time) -> Vec<PersonIx> {
    let names = &world.names;
    match act {
        Act::Search { .. } | Act::ReadPracticeScores { .. } => Vec::new(),
        Act::ApproveOverride { r#override } => {
            let found = names.overrides.get(r#override.as_str()).and_then(|ix| world.r#override(ix));
            found.map(|found| found.subject).into_iter().collect()
        }
        Act::AssignLead { case, .. } | Act::AssignWorker { case, .. } => {
            let case = names.cases.get(case.as_str()).and_then(|ix| world.case(ix));
            let members = case.into_iter().flat_map(|case| &case.members);
            members.filter(|(_, span)| span.holds(at)).map(|(person, _)| *person).collect()
        }
        Act::Delegate { person, .. }
        | Act::ConfirmDraft { person }
        | Act::RecordPermission { person }
        | Act::SignOff { person }
        | Act::ThresholdDecision { person }
        | Act::ReadSegmentationLabel { person } => world.person_named(person.as_str()).into_iter().collect(),
        Act::Forward { segment, .. } => {
            let segment = world.segment_named(segment.as_str()).and_then(|ix| world.segment(ix));
            segment.into_iter().flat_map(|s| std::iter::once(s.record_of).chain(s.about.iter().copied())).collect()
        }
    }
}

/// Role refusals (R39, R49, R61): after step 3, before step 4.
fn role_may(request: &Request<'_>, act: &Act) -> Step {
    let world = request.world;
    let role = request.policy.role(request.hat.role);
    let allowed = match act {
        Act::ApproveOverride { r#override } => {
            let found = world.names.overrides.get(r#override.as_str()).and_then(|ix| world.r#override(ix));
            found.is_some_and(|found| {
                found.requested_at <= request.at && overrides::may_approve(request, found, request.hat_ix, request.at)
            })
        }
        Act::Delegate { account, .. } => request.hat.role == Role::Sw && has_assistant_hat(request, account.as_str()),
        Act::AssignLead { .. } => role.may_approve,
        Act::AssignWorker { hat, .. } => {
            let hat = world.names.hats.get(hat.as_str());
            role.may_approve && hat.zip(request.case()).is_some_and(|(hat, case)| !both_sides(request, hat, case))
        }
        Act::ConfirmDraft { .. } | Act::SignOff { .. } | Act::ThresholdDecision { .. } => role.may_approve,
        Act::RecordPermission { .. } => role.records_permission,
        Act::Search { .. }
        | Act::ReadSegmentationLabel { .. }
        | Act::ReadPracticeScores { .. }
        | Act::Forward { .. } => true,
    };
    if allowed { GO } else { end(Reason::DDelegate, &[39, 49, 61]) }
}

/// Whether the account has a personal assistant's hat in force (R48: a delegation names the PA).
fn has_assistant_hat(request: &Request<'_>, account: &str) -> bool {
    let world = request.world;
    let account = world.names.accounts.get(account).filter(|account| *account != request.account);
    let hats = account.and_then(|ix| world.account(ix)).into_iter().flat_map(|account| &account.hats);
    hats.copied()
        .any(|hat| world.hat(hat).is_some_and(|h| h.role == Role::Pa) && auth::hat_valid(world, hat, request.at))
}

/// Whether the practitioner would work with the victim-survivor and the person causing harm of one family at any time
/// (R61): their account holds, or held, the other hat for the case or one of its people.
fn both_sides(request: &Request<'_>, hat_ix: HatIx, case: CaseIx) -> bool {
    let world = request.world;
    let Some(hat) = world.hat(hat_ix) else { return true };
    let opposite = match hat.role {
        Role::Fdv => Role::Fdp,
        Role::Fdp => Role::Fdv,
        _ => return false,
    };
    let members: Vec<PersonIx> =
        world.case(case).into_iter().flat_map(|case| &case.members).map(|(person, _)| *person).collect();
    let to_members = members.iter().flat_map(|person| world.relationships_to(*person));
    let shared_cases = world.cases_of(&members);
    let through_cases = shared_cases.iter().flat_map(|case| world.relationships_on(*case));
    to_members.chain(through_cases).any(|ix| {
        let Some(item) = world.relationship(*ix) else { return false };
        let begun = item.span.from.is_some_and(|from| from <= request.at);
        let other = world.hat(item.hat).is_some_and(|other| other.account == hat.account && other.role == opposite);
        begun && other
    })
}

/// Practice scores: an observer of that worker's case, under QA; everybody else is refused (programmes paper, practice
/// quality).
fn observed(request: &Request<'_>, account: &str) -> Step {
    if request.purpose != Purpose::Qa {
        return end(Reason::DPurpose, &[4]);
    }
    let world = request.world;
    let hats = world.names.accounts.get(account).and_then(|ix| world.account(ix)).into_iter().flat_map(|a| &a.hats);
    let held: Vec<RelationshipIx> = hats.flat_map(|hat| world.relationships_of(*hat)).copied().collect();
    let live = |ix: &RelationshipIx| world.relationship(*ix).filter(|item| item.span.holds(request.at));
    let mut observations = world.relationships_of(request.hat_ix).iter().filter_map(live);
    let shared = observations.any(|mine| {
        mine.kind == RelationshipKind::Observation
            && held.iter().filter_map(live).any(|theirs| {
                (mine.case.is_some() && mine.case == theirs.case)
                    || (mine.subject.is_some() && mine.subject == theirs.subject)
            })
    });
    if shared { GO } else { end(Reason::DRel, &[5]) }
}

/// What is refused only after step 4.
fn after_relationship(request: &Request<'_>, act: &Act) -> Step {
    match act {
        Act::AssignLead { .. } if has_lead(request) => end(Reason::DLeadExists, &[5]),
        Act::ConfirmDraft { .. } if !confirms(request) => end(Reason::DDelegate, &[49]),
        Act::Forward { segment, .. } => {
            let segment = request.world.segment_named(segment.as_str()).and_then(|ix| request.world.segment(ix));
            if segment.is_some_and(|segment| segment.custodian == request.hat.agency) {
                return GO;
            }
            // No onward sharing of another custodian's segment; a pointer is no forwarding (R18).
            let mut draft = Draft::allow(&[18]);
            draft.cap(Level::N, Limit::CapOriginator, &[18]);
            ControlFlow::Break(draft)
        }
        _ => GO,
    }
}

fn has_lead(request: &Request<'_>) -> bool {
    let world = request.world;
    let Some(case) = request.case() else { return false };
    let people = request.persons();
    let on_case = world.relationships_on(case).iter();
    let alone = people.iter().flat_map(|person| world.relationships_to(*person));
    on_case.chain(alone).filter_map(|ix| world.relationship(*ix)).any(|item| {
        item.kind == RelationshipKind::Lead
            && item.span.holds(request.at)
            && item.case.is_none_or(|other| other == case)
            && auth::hat_valid(world, item.hat, request.at)
    })
}

/// A draft is confirmed only by the currently allocated social worker or their supervisor (R49).
fn confirms(request: &Request<'_>) -> bool {
    let world = request.world;
    let of_hat = world.relationships_of(request.hat_ix).iter().filter_map(|ix| world.relationship(*ix));
    let mut right = of_hat.filter(|item| {
        item.kind == RelationshipKind::Supervisor
            || (item.kind == RelationshipKind::Allocated && request.hat.role == Role::Sw)
    });
    right.any(|item| request.persons().iter().any(|person| relationship::carries(request, item, *person)))
}
