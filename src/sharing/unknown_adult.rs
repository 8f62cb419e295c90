//! Free text that may name somebody: the adult cap applies although nobody is listed (R54).
//!
//! A sender marks such a segment `third_party: possible` or `named`. Until a person has looked, it counts as if an
//! adult stood in it. Only lowers. Source: sharing rules §7 and R54; canonical record §6.

use super::decision::{Decision, Limit, Marker, Reason};
use super::policy::{Policy, Withheld};
use crate::vocabulary::{Category, Level, Role};

/// Whether an authored summary can stand in for the full form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Summary {
    /// There is one that names nobody else: level S is safe whatever the full form says.
    Clean,
    /// There is one, or the segment is one, or its category has coded fields.
    There,
    /// There is none.
    Missing,
}

/// The decision with the adult cap of `role` applied to `category`. An own record (step 7) and an opened item are not
/// capped, as the procedure ends there.
#[must_use]
pub fn cap(decision: Decision, policy: &Policy, role: Role, category: Category, summary: Summary) -> Decision {
    let ended = matches!(decision.reason, Reason::AllowOwn | Reason::AllowItem);
    let cap =
        policy.adult_cap(role, category).map(|cap| if summary == Summary::Clean { cap.max(Level::S) } else { cap });
    let Some(cap) = cap.filter(|cap| !ended && *cap < decision.level) else {
        return decision;
    };
    let mut capped = decision;
    capped.level = cap;
    capped.limit = Some(Limit::CapAdult);
    capped.rules.insert(54);
    if cap == Level::S && summary == Summary::Missing {
        capped.level = Level::I;
        capped.limit = Some(Limit::SummaryMissing);
    }
    if capped.level == Level::N {
        capped.reason = Reason::DCap;
        let shown = policy.category(category).withheld == Withheld::ShownForAll && role != Role::Vol;
        capped.marker = if shown { Marker::Shown } else { Marker::Silent };
    }
    capped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::content;

    fn policy() -> Policy {
        Policy::load(&content::built_in()).unwrap()
    }

    #[test]
    fn a_school_gets_an_indicator_of_a_note_that_may_name_an_adult() {
        let full = Decision::new(Level::F, Reason::AllowMatrix);
        let capped = cap(full, &policy(), Role::Dsl, Category::Mhl, Summary::There);
        assert_eq!((capped.level, capped.limit), (Level::I, Some(Limit::CapAdult)));
    }

    #[test]
    fn a_summary_that_names_nobody_else_is_still_shown() {
        let full = Decision::new(Level::F, Reason::AllowMatrix);
        let capped = cap(full, &policy(), Role::Dsl, Category::Mhl, Summary::Clean);
        assert_eq!((capped.level, capped.limit), (Level::S, Some(Limit::CapAdult)));
    }

    #[test]
    fn a_capped_summary_that_nobody_wrote_is_an_indicator() {
        let full = Decision::new(Level::F, Reason::AllowMatrix);
        let capped = cap(full, &policy(), Role::Edg, Category::Mhl, Summary::Missing);
        assert_eq!((capped.level, capped.limit), (Level::I, Some(Limit::SummaryMissing)));
    }

    #[test]
    fn a_social_worker_and_ones_own_work_are_not_capped() {
        let of = [(Reason::AllowMatrix, Role::Sw), (Reason::AllowOwn, Role::Dsl), (Reason::AllowItem, Role::Dsl)];
        for (reason, role) in of {
            let full = Decision::new(Level::F, reason);
            assert_eq!(cap(full.clone(), &policy(), role, Category::Mhl, Summary::There), full);
        }
    }

    #[test]
    fn a_cap_only_lowers_and_says_so_only_where_it_does() {
        let names = |decision: &Decision| decision.rules.contains(54);
        for level in [Level::I, Level::N] {
            let low = Decision::new(level, Reason::AllowMatrix);
            let found = cap(low.clone(), &policy(), Role::Dsl, Category::Mhl, Summary::Missing);
            assert_eq!((found.level, found.limit, names(&found)), (low.level, None, false));
        }
        let full = Decision::new(Level::F, Reason::AllowMatrix);
        let capped = cap(full, &policy(), Role::Dsl, Category::Mhl, Summary::Missing);
        assert_eq!((capped.level, capped.limit), (Level::I, Some(Limit::CapAdult)), "no summary is missing at I");
        assert!(names(&capped));
    }

    #[test]
    fn a_cap_to_nothing_is_a_refusal_with_the_categorys_marker() {
        let refused = |role: Role, category: Category| {
            let capped = cap(Decision::new(Level::S, Reason::AllowMatrix), &policy(), role, category, Summary::There);
            (capped.level, capped.reason, capped.marker)
        };
        assert_eq!(refused(Role::Dsl, Category::Hlt), (Level::N, Reason::DCap, Marker::Shown));
        // Of sexual health nobody learns that there is something; a volunteer of nothing at all.
        assert_eq!(refused(Role::Dsl, Category::Sxh), (Level::N, Reason::DCap, Marker::Silent));
        assert_eq!(refused(Role::Vol, Category::Hlt), (Level::N, Reason::DCap, Marker::Silent));
    }
}
