//! Step 10 and its relatives: overrides (R37–R42) and imminent danger (R45).

use super::{Reading, Request, auth};
use crate::sharing::facts::{OverrideKind, Time};
use crate::sharing::world::{HatIx, Override, PersonIx, category_bit};
use crate::vocabulary::{Category, Purpose};

/// How long an override, and each renewal, lasts (R40), in hours.
const TERM_HOURS: i64 = 24;
/// How long it lasts in all (R40), in hours.
const ALL_TERMS_HOURS: i64 = 72;
/// A clock off by more than this gives no override (R79), in seconds.
const SKEW_SECONDS_MAX: f64 = 60.0;

/// The live override of the asking hat about this person and category; EMG before ordinary. Named in the ask or not.
pub(in crate::sharing) fn live<'a>(
    request: &Request<'a>,
    person: PersonIx,
    category: Category,
) -> Option<&'a Override> {
    let of_hat = request.world.overrides_of(request.hat_ix).iter().filter_map(|ix| request.world.r#override(*ix));
    let fits = of_hat.filter(|each| each.subject == person && each.categories & category_bit(category) != 0);
    fits.filter(|each| in_force(request, each)).max_by_key(|each| each.kind == OverrideKind::Emg)
}

/// Whether a live EMG about one of the people stands in for a missing relationship (step 4).
pub(in crate::sharing) fn emergency(request: &Request<'_>, reading: Reading<'_>) -> bool {
    let Some(category) = reading.segment.category else { return false };
    reading.persons().any(|person| live(request, person, category).is_some_and(|each| each.kind == OverrideKind::Emg))
}

fn in_force(request: &Request<'_>, each: &Override) -> bool {
    // `<=` is also false for a skew that is not a number.
    let clock = request.world.config.clock_skew_seconds <= SKEW_SECONDS_MAX;
    let role = request.policy.role(request.hat.role);
    let may = match each.kind {
        // A flag on a request under one of these, never under law enforcement or observation (sharing rules §4 note d).
        OverrideKind::Emg => {
            role.emg && matches!(each.purpose, Purpose::Cp | Purpose::Cin | Purpose::Met | Purpose::Eh | Purpose::Dc)
        }
        OverrideKind::Ordinary => role.override_purposes.contains(&request.purpose),
    };
    clock && may && each.answered && each.purpose == request.purpose && running(request, each)
}

/// Whether `at` lies between the start and the end, with the renewals recorded by then.
fn running(request: &Request<'_>, each: &Override) -> bool {
    let at = request.at;
    let start = match each.kind {
        OverrideKind::Emg => Some(each.requested_at),
        OverrideKind::Ordinary => each
            .approval
            .filter(|(by, when)| *when >= each.requested_at && may_approve(request, each, *by, *when))
            .map(|(_, when)| when),
    };
    let Some(start) = start.filter(|start| *start <= at) else { return false };
    let mut end = start.plus_hours(TERM_HOURS);
    for (by, when) in &each.renewals {
        let in_time = *when <= at && start <= *when && *when < end;
        if in_time && may_approve(request, each, *by, *when) {
            end = end.plus_hours(TERM_HOURS);
        }
    }
    at < end.min(start.plus_hours(ALL_TERMS_HOURS))
}

/// The second person of R39: another account, a supervisor, in a role that may approve, in office at that time.
pub(in crate::sharing) fn may_approve(request: &Request<'_>, each: &Override, by: HatIx, when: Time) -> bool {
    let world = request.world;
    let (Some(approver), Some(owner)) = (world.hat(by), world.hat(each.hat)) else { return false };
    approver.account != owner.account
        && approver.supervisor
        && request.policy.role(approver.role).may_approve
        && auth::hat_valid(world, by, when)
}
