//! Step 12: level S needs an authored summary; it is never cut by machine (sharing rules §9).

use super::{Draft, Reading, Request};
use crate::sharing::decision::{Flag, Limit};
use crate::sharing::facts::Form;
use crate::vocabulary::{Category, Level};

/// Step 12.
pub(in crate::sharing) fn step(request: &Request<'_>, reading: Reading<'_>, category: Category, draft: &mut Draft) {
    if draft.decision.level != Level::S {
        return;
    }
    if category == Category::Loc {
        // A protected location has no summary: S is I, without a limit (facts file paper §8.23).
        draft.decision.level = Level::I;
        return;
    }
    if request.policy.summary_fields(category).is_some() || reading.segment.form == Form::Summary {
        return;
    }
    let authored = reading.segment.summary.and_then(|ix| request.world.segment(ix)).is_some_and(|summary| {
        summary.form == Form::Summary
            && summary.recorded_at.is_none_or(|at| at <= request.at)
            && !summary.sealed.is_some_and(|span| span.holds(request.at))
    });
    if !authored {
        draft.decision.level = Level::I;
        draft.decision.limit = Some(Limit::SummaryMissing);
        draft.decision.flags.insert(Flag::WriteSummary);
    }
}
