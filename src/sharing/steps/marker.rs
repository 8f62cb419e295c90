//! What the requester learns of something at level N (sharing rules §10; facts file paper §8.24).

use super::{Draft, Request, Target};
use crate::sharing::decision::{Decision, Marker, Reason};
use crate::sharing::facts::Act;
use crate::sharing::policy::Withheld;
use crate::vocabulary::{Level, Purpose, Role};

/// Sets the marker and returns the decision.
pub(in crate::sharing) fn settle(request: &Request<'_>, draft: Draft) -> Decision {
    let hush = draft.hush;
    let mut decision = draft.decision;
    decision.marker = if decision.level > Level::N {
        Marker::None
    } else if hush || always_silent(request) {
        Marker::Silent
    } else {
        by_reason(request, decision.reason)
    };
    decision
}

fn always_silent(request: &Request<'_>) -> bool {
    let category = request.category().map(|category| request.policy.category(category).withheld);
    request.purpose == Purpose::Sa || request.hat.role == Role::Vol || category == Some(Withheld::Silent)
}

fn by_reason(request: &Request<'_>, reason: Reason) -> Marker {
    match reason {
        // A search that found nobody is hushed by its step; too few criteria say so.
        Reason::DRel | Reason::DPurpose if matches!(request.target, Target::Act(Act::Search { .. })) => Marker::Shown,
        Reason::DRel | Reason::DPurpose => {
            let hidden =
                |person| request.world.is_protected(person, request.at) || request.world.is_sealed(person, request.at);
            if request.persons().into_iter().any(hidden) { Marker::Silent } else { Marker::Shown }
        }
        Reason::DMatrix | Reason::DCap => match request.target {
            Target::Segment(reading) => {
                let withheld = reading.segment.category.map(|category| request.policy.category(category).withheld);
                withheld.map_or(Marker::Silent, Withheld::at_matrix_n)
            }
            Target::Act(_) | Target::Analytics(_) => Marker::Shown,
        },
        Reason::DAdopt | Reason::DSealed | Reason::DSafe => Marker::Silent,
        Reason::DPermission
        | Reason::DAuth
        | Reason::DCoi
        | Reason::DAudit
        | Reason::DMinimise
        | Reason::DSmall
        | Reason::DDelegate
        | Reason::DLeadExists => Marker::Shown,
        Reason::AllowOwn
        | Reason::AllowMatrix
        | Reason::AllowPermission
        | Reason::AllowOverride
        | Reason::AllowItem
        | Reason::AllowDeident => Marker::None,
    }
}
