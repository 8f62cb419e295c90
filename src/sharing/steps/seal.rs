//! Step 5: pre-adoption identities and what a custodian sealed (R66, R67).

use super::{Draft, GO, Reading, Request, Step, end};
use crate::sharing::decision::Reason;
use crate::vocabulary::{Category, Level, Role};
use std::ops::ControlFlow;

/// Step 5. Sealed stays closed for everybody, the adoption team and the custodian too (facts file paper §8.7).
pub(in crate::sharing) fn step(request: &Request<'_>, reading: Reading<'_>) -> Step {
    let segment = reading.segment;
    let former = reading.persons().any(|person| request.world.is_sealed(person, request.at));
    let adoption = segment.category == Some(Category::Adp) || former;
    let opened = request.hat.role == Role::Ado && opening_live(request, reading);
    if adoption && !opened {
        return end(Reason::DAdopt, &[66, 67]);
    }
    if segment.sealed.is_some_and(|span| span.holds(request.at)) {
        return end(Reason::DSealed, &[42]);
    }
    if opened { ControlFlow::Break(Draft::new(Level::F, Reason::AllowOwn, &[66])) } else { GO }
}

/// Whether the ask names an opening of this hat for this segment, live now.
pub(in crate::sharing) fn opening_live(request: &Request<'_>, reading: Reading<'_>) -> bool {
    let opening = request.opening.and_then(|ix| request.world.opening(ix));
    opening.is_some_and(|opening| {
        opening.hat == request.hat_ix && opening.segment == reading.ix && opening.span.holds(request.at)
    })
}
