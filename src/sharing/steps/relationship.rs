//! Step 4: a live relationship to one of the people asked about (R5, R6, R17, R47, R48, R52).

use super::{Reading, Request, Step, auth, end, overrides, seal};
use crate::sharing::decision::Reason;
use crate::sharing::facts::RelationshipKind;
use crate::sharing::world::{HatIx, PersonIx, Relationship, RelationshipIx};
use crate::vocabulary::{Purpose, Role};
use std::ops::ControlFlow;

/// What carries the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) enum Ground {
    /// A relationship.
    Relationship(RelationshipIx),
    /// The adoption team's opening, or an override of kind EMG.
    Other,
}

/// How long a self-claim lives (R6), in hours.
const SELF_CLAIM_HOURS: i64 = 24;

/// Step 4 for reading a segment.
pub(in crate::sharing) fn step(request: &Request<'_>, reading: Reading<'_>) -> Step<Ground> {
    if request.hat.role == Role::Ado {
        // For the adoption team the named opening is the relationship (facts file paper §8.4).
        let opened = seal::opening_live(request, reading);
        return if opened { ControlFlow::Continue(Ground::Other) } else { end(Reason::DAdopt, &[66]) };
    }
    if let Some(found) = reading.persons().find_map(|person| live(request, person)) {
        return ControlFlow::Continue(Ground::Relationship(found));
    }
    if overrides::emergency(request, reading) {
        return ControlFlow::Continue(Ground::Other);
    }
    end(Reason::DRel, &[5, 6])
}

/// Step 4 for an act about persons.
pub(in crate::sharing) fn step_for(request: &Request<'_>, persons: &[PersonIx]) -> Step {
    match persons.iter().find_map(|person| live(request, *person)) {
        Some(_) => ControlFlow::Continue(()),
        None => end(Reason::DRel, &[5]),
    }
}

/// The relationship of the asking hat to `person` that is live now; a personal assistant's is their social worker's,
/// through the delegation the ask names (R47).
pub(in crate::sharing) fn live(request: &Request<'_>, person: PersonIx) -> Option<RelationshipIx> {
    if request.hat.role == Role::Pa {
        return delegated(request, person);
    }
    find(request, request.hat_ix, person)
}

fn find(request: &Request<'_>, hat: HatIx, person: PersonIx) -> Option<RelationshipIx> {
    let of_hat = request.world.relationships_of(hat).iter().copied();
    of_hat.into_iter().find(|ix| request.world.relationship(*ix).is_some_and(|r| carries(request, r, person)))
}

/// Whether a relationship gives its hat this person under this purpose now.
pub(in crate::sharing) fn carries(request: &Request<'_>, item: &Relationship, person: PersonIx) -> bool {
    let (world, at, purpose) = (request.world, request.at, request.purpose);
    let Some(hat) = world.hat(item.hat) else { return false };
    if !item.span.holds(at) || (purpose == Purpose::Sa) != (item.kind == RelationshipKind::SubjectAccess) {
        return false;
    }
    let observes = purpose == Purpose::Qa && hat.role == Role::Obs;
    if observes != (item.kind == RelationshipKind::Observation) {
        return false;
    }
    match item.kind {
        RelationshipKind::Supervisor => item.of.is_some_and(|of| supervises(request, item, of, person)),
        RelationshipKind::TeamNamed => {
            let case_team = item.case.and_then(|case| world.case(case)).and_then(|case| case.team);
            case_team.is_some() && case_team == hat.team && reaches(request, item, person)
        }
        RelationshipKind::SelfClaim => {
            let young = item.span.from.is_some_and(|from| at < from.plus_hours(SELF_CLAIM_HOURS));
            let open = !world.is_protected(person, at) && !world.is_sealed(person, at);
            let may = request.policy.role(hat.role).self_claim && item.reasoned && item.subject.is_some();
            young && open && may && reaches(request, item, person)
        }
        // Counts only when the ask names it, see `delegated`.
        RelationshipKind::Delegation => false,
        RelationshipKind::SubjectAccess => {
            item.requester.is_some() && item.requester == request.requester && reaches(request, item, person)
        }
        RelationshipKind::Allocated
        | RelationshipKind::PlanNamed
        | RelationshipKind::Referral
        | RelationshipKind::Contact
        | RelationshipKind::Lead
        | RelationshipKind::Match
        | RelationshipKind::Consultation
        | RelationshipKind::Observation => reaches(request, item, person),
    }
}

/// Whether subject, case and purpose fit: through a case, the purpose must be in force on it (R17).
fn reaches(request: &Request<'_>, item: &Relationship, person: PersonIx) -> bool {
    let (at, purpose) = (request.at, request.purpose);
    if item.subject.is_some_and(|subject| subject != person) {
        return false;
    }
    let Some(case) = item.case else {
        return item.subject.is_some() && item.purposes.as_ref().is_none_or(|purposes| purposes.contains(&purpose));
    };
    let tied = matches!(purpose, Purpose::Cp | Purpose::Cin | Purpose::Eh | Purpose::Met);
    request.world.in_case(case, person, at)
        && (!tied || request.world.case(case).is_some_and(|case| case.serves(purpose, at)))
}

/// A supervisor has whatever the supervised hat is allocated to, for as long as that lives.
fn supervises(request: &Request<'_>, item: &Relationship, of: HatIx, person: PersonIx) -> bool {
    let for_purpose = item.case.is_some() || item.purposes.as_ref().is_none_or(|all| all.contains(&request.purpose));
    let narrowed = for_purpose
        && item.subject.is_none_or(|subject| subject == person)
        && item.case.is_none_or(|case| request.world.in_case(case, person, request.at));
    let mut allocations = request.world.relationships_of(of).iter().filter_map(|ix| request.world.relationship(*ix));
    narrowed && allocations.any(|r| r.kind == RelationshipKind::Allocated && carries(request, r, person))
}

fn delegated(request: &Request<'_>, person: PersonIx) -> Option<RelationshipIx> {
    let (world, at) = (request.world, request.at);
    let named = world.relationship(request.delegation?)?;
    let delegation = named.delegation.as_ref()?;
    let right = named.kind == RelationshipKind::Delegation && named.hat == request.hat_ix;
    let social_worker = world.hat(delegation.grantor).is_some_and(|hat| hat.role == Role::Sw);
    let there = auth::hat_valid(world, delegation.grantor, at) && !delegation.over_after.iter().any(|end| *end < at);
    if !(right && social_worker && there && named.span.holds(at) && delegation.within_a_year) {
        return None;
    }
    let mut of_grantor = world.relationships_of(delegation.grantor).iter().copied();
    of_grantor.find(|ix| {
        let item = world.relationship(*ix);
        item.is_some_and(|item| in_scope(request, named, item, person) && carries(request, item, person))
    })
}

/// Whether a relationship of the social worker lies inside what the delegation covers: its person, its case, its `cases`,
/// its purposes. Where cases are named only what comes through one of them does, a supervisor's through the allocation.
fn in_scope(request: &Request<'_>, named: &Relationship, item: &Relationship, person: PersonIx) -> bool {
    let listed = named.delegation.as_ref().map_or(&[][..], |delegation| &delegation.cases);
    let narrowed = named.case.is_some() || !listed.is_empty();
    let through = |case| (listed.is_empty() || listed.contains(&case)) && named.case.is_none_or(|only| only == case);
    let allocated = |of| {
        let all = request.world.relationships_of(of).iter().filter_map(|ix| request.world.relationship(*ix));
        all.filter(|r| r.kind == RelationshipKind::Allocated && carries(request, r, person))
            .any(|r| r.case.is_some_and(through))
    };
    named.subject.is_none_or(|only| only == person)
        && (named.case.is_some() || named.purposes.as_ref().is_none_or(|all| all.contains(&request.purpose)))
        && (!narrowed
            || match item.kind {
                RelationshipKind::Supervisor => item.of.is_some_and(allocated),
                _ => item.case.is_some_and(through),
            })
}
