//! Step 3: the hat's role may declare this purpose (R4, R20, R23, R66, R75, R80).

use super::{GO, Request, Step, Target, end};
use crate::sharing::decision::Reason;
use crate::sharing::facts::Act;
use crate::sharing::world::Segment;
use crate::vocabulary::{Category, Purpose, Role};

/// Step 3.
pub(in crate::sharing) fn step(request: &Request<'_>) -> Step {
    if declared(request) { GO } else { end(Reason::DPurpose, &[4]) }
}

fn declared(request: &Request<'_>) -> bool {
    // A segmentation label is never readable, by anybody (facts file paper §8.3).
    if matches!(request.target, Target::Act(Act::ReadSegmentationLabel { .. })) {
        return false;
    }
    let role = request.hat.role;
    match (request.purpose, request.target) {
        (Purpose::An, Target::Analytics(_)) => role == Role::Anl,
        (_, Target::Analytics(_)) | (Purpose::An | Purpose::Au, _) => false,
        (Purpose::Sa, Target::Segment(_)) => role == Role::Prv && request.requester.is_some(),
        (Purpose::Sa, Target::Act(_)) => false,
        (_, Target::Segment(reading)) if role == Role::Ado => reading.segment.category == Some(Category::Adp),
        (Purpose::Cp | Purpose::Cin | Purpose::Eh, Target::Segment(reading)) if role == Role::Sch => {
            submitted(request, reading.segment)
        }
        _ => request.policy.column(request.purpose, role).is_some(),
    }
}

/// What this account itself submitted.
fn submitted(request: &Request<'_>, segment: &Segment) -> bool {
    let author = segment.author.and_then(|hat| request.world.hat(hat));
    author.is_some_and(|author| author.account == request.account)
}
