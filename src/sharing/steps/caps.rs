//! Step 11: the caps, each a minimum, in their order (sharing rules §5, §7; R18, R47, R51, R53, R54).

use super::matrix::Outcome;
use super::permission::party_fits;
use super::{Draft, Reading, Request};
use crate::sharing::decision::{Flag, Limit};
use crate::sharing::facts::{AgencyKind, Marking, MatchRole, MissingKind, RelationshipKind};
use crate::sharing::procedure;
use crate::vocabulary::{Category, Level, Role};

/// Adult-subject cap: if any of the people is an adult (sharing rules §7).
pub(in crate::sharing) fn adult(request: &Request<'_>, reading: Reading<'_>, category: Category, draft: &mut Draft) {
    let Some(cap) = request.policy.adult_cap(request.hat.role, category) else { return };
    let mut about = reading.segment.about.iter();
    if about.any(|person| request.world.ages(*person).adult(request.at)) {
        draft.cap(cap, Limit::CapAdult, &[54]);
    }
}

/// Delegate cap: a personal assistant has at most what the social worker has (R47).
pub(in crate::sharing) fn delegate(request: &Request<'_>, draft: &mut Draft) {
    if request.hat.role != Role::Pa {
        return;
    }
    let own = request.grantor().and_then(|grantor| request.asked_by(grantor));
    let level = own.map_or(Level::N, |own| procedure::answer(&own).level);
    draft.cap(level, Limit::CapDelegate, &[47]);
}

/// Of missing episodes and interviews only the episodes exist for a volunteer, who cannot read earlier interviews (R53).
pub(in crate::sharing) fn no_such_thing(request: &Request<'_>, reading: Reading<'_>, category: Category) -> bool {
    request.hat.role == Role::Vol
        && category == Category::Mis
        && reading.segment.kind != Some(MissingKind::MissingEpisode)
}

/// Volunteer's minimum view (R51, R53).
pub(in crate::sharing) fn volunteer(
    request: &Request<'_>,
    reading: Reading<'_>,
    category: Category,
    draft: &mut Draft,
) {
    if request.hat.role != Role::Vol {
        return;
    }
    let cap = match category {
        Category::Rsk => Level::F,
        Category::Idn => Level::S,
        Category::Sts => Level::I,
        Category::Mis if interviews(request, reading) => Level::S,
        _ => Level::N,
    };
    draft.cap(cap, Limit::CapVolunteer, &[51, 53]);
}

/// A return interviewer sees the episode, never an earlier interview (R53).
fn interviews(request: &Request<'_>, reading: Reading<'_>) -> bool {
    let of_hat = request.world.relationships_of(request.hat_ix).iter();
    let mut matched = of_hat
        .filter_map(|ix| request.world.relationship(*ix))
        .filter(|item| item.kind == RelationshipKind::Match && item.role == Some(MatchRole::ReturnInterview));
    reading.segment.kind == Some(MissingKind::MissingEpisode)
        && matched.any(|item| reading.persons().any(|person| super::relationship::carries(request, item, person)))
}

/// The custodian's handling instructions; they only lower.
pub(in crate::sharing) fn originator(request: &Request<'_>, reading: Reading<'_>, draft: &mut Draft) {
    for (party, max) in &reading.segment.originator {
        if party_fits(request.world, party, request.hat_ix) {
            draft.cap(*max, Limit::CapOriginator, &[18]);
        }
    }
    let school = matches!(request.hat.role, Role::Dsl | Role::Sch)
        || matches!(request.world.agency_kind(request.hat.agency), Some(AgencyKind::School | AgencyKind::Nursery));
    if school && reading.segment.markings.contains(&Marking::NotSchool) {
        draft.cap(Level::N, Limit::CapOriginator, &[18]);
    }
}

/// Third party: the minimum over everybody the segment is about (R54).
pub(in crate::sharing) fn third(others: &[Outcome], draft: &mut Draft) {
    for other in others {
        draft.cap(other.level, Limit::CapThird, &[54, 55]);
        draft.hush |= other.named_refusal;
        draft.decision.flags.extend(other.flags);
        if other.flags.contains(Flag::DissentNoted) {
            draft.decision.rules.insert(34);
        }
    }
}
