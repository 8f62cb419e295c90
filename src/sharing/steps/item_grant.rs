//! Between steps 7 and 8: one address or location opened for one task (R50, R51; facts file paper §8.21).

use super::{Draft, GO, Reading, Request, Step};
use crate::sharing::decision::Reason;
use crate::sharing::procedure;
use crate::sharing::world::Grant;
use crate::vocabulary::{Category, Level, Role};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The longest item grant (R50), in hours of elapsed time; a longer one is void.
const GRANT_HOURS_MAX: i64 = 8;

/// The step.
pub(in crate::sharing) fn step(request: &Request<'_>, reading: Reading<'_>) -> Step {
    let to_hat = request.world.grants_to(request.hat_ix).iter().filter_map(|ix| request.world.grant(*ix));
    for grant in to_hat.filter(|grant| grant.segment == reading.ix) {
        if valid(request, reading, grant) {
            let mut draft = Draft::new(Level::F, Reason::AllowItem, &[50, 51]);
            draft.decision.basis.item_grant = Some(Arc::clone(&grant.id));
            return ControlFlow::Break(draft);
        }
    }
    GO
}

fn valid(request: &Request<'_>, reading: Reading<'_>, grant: &Grant) -> bool {
    let in_time =
        grant.from <= request.at && request.at < grant.until && grant.until <= grant.from.plus_hours(GRANT_HOURS_MAX);
    let granted_by = request.world.hat(grant.by).map(|hat| hat.role);
    let rightly = match (request.hat.role, granted_by, reading.segment.category) {
        (Role::Pa, Some(Role::Sw), Some(Category::Adr | Category::Loc)) => request.grantor() == Some(grant.by),
        (Role::Vol, Some(Role::Vco), Some(Category::Adr)) => true,
        _ => false,
    };
    // Nobody can give what they do not have.
    let holds = || request.asked_by(grant.by).is_some_and(|own| procedure::answer(&own).level == Level::F);
    in_time && rightly && holds()
}
