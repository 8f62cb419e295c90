//! Step 1: the account is active, the authentication strong, the hat valid now. Before it, the log (R79).

use super::{GO, Request, Step, end};
use crate::sharing::decision::Reason;
use crate::sharing::facts::Time;
use crate::sharing::world::{HatIx, World};

/// Nothing is answered that could not be logged: before everything else (facts file paper §8.1).
pub(in crate::sharing) fn log(request: &Request<'_>) -> Step {
    if request.world.config.log_available { GO } else { end(Reason::DAudit, &[79]) }
}

/// Step 1.
pub(in crate::sharing) fn step(request: &Request<'_>) -> Step {
    if request.strong_auth && hat_valid(request.world, request.hat_ix, request.at) {
        GO
    } else {
        end(Reason::DAuth, &[3])
    }
}

/// Whether a hat and its account are in force at `at`.
pub(in crate::sharing) fn hat_valid(world: &World, hat: HatIx, at: Time) -> bool {
    let Some(hat) = world.hat(hat) else { return false };
    hat.span.holds(at) && world.account(hat.account).is_some_and(|account| account.active.holds(at))
}
