//! Step 7: the hat's own work (R10). The same employer or holding the case is not enough.

use super::{Draft, GO, Reading, Request, Step};
use crate::sharing::decision::Reason;
use crate::vocabulary::{Level, Role};
use std::ops::ControlFlow;

/// Step 7.
pub(in crate::sharing) fn step(request: &Request<'_>, reading: Reading<'_>) -> Step {
    let segment = reading.segment;
    let custodian = segment.custodian == request.hat.agency;
    let author = segment.author == Some(request.hat_ix);
    // School staff and volunteers have no caseload through the hub: only what they themselves submitted.
    let submits_only = matches!(request.hat.role, Role::Sch | Role::Vol);
    let submitted_by_account = submits_only
        && segment.author.and_then(|hat| request.world.hat(hat)).is_some_and(|a| a.account == request.account);
    let caseload = !submits_only && segment.caseload.contains(&request.hat_ix);
    if custodian && (author || submitted_by_account || caseload) {
        ControlFlow::Break(Draft::new(Level::F, Reason::AllowOwn, &[10]))
    } else {
        GO
    }
}
