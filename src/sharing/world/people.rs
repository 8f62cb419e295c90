//! Questions about people at a moment: age, household, ties, protection, seals, parental responsibility, competence.

use super::build::Assessment;
use super::{AccountIx, AgencyIx, CaseIx, Decider, HatIx, PersonIx, World};
use crate::sharing::facts::{AgeBand, AssessmentKind, AssessmentOutcome, Day, Time};
use crate::vocabulary::Category;

/// The birthdays that matter, as moments; computed once.
#[derive(Clone, Copy, Debug)]
pub(in crate::sharing) enum Ages {
    /// Date of birth known: 00:00 London of the birth, the 13th, 16th and 18th birthday.
    Born { birth: Time, thirteen: Time, sixteen: Time, eighteen: Time },
    /// Only a band; it counts at its lower bound (facts file paper §2).
    Band(u8),
}

impl Ages {
    pub(in crate::sharing) fn born(day: Day) -> Self {
        Self::Born {
            birth: day.birthday(0),
            thirteen: day.birthday(13),
            sixteen: day.birthday(16),
            eighteen: day.birthday(18),
        }
    }
    pub(super) fn band(band: AgeBand) -> Self {
        Self::Band(match band {
            AgeBand::From0 => 0,
            AgeBand::From5 => 5,
            AgeBand::From11 => 11,
            AgeBand::From14 => 14,
            AgeBand::From16 => 16,
            AgeBand::Adult => 18,
        })
    }
    fn reached(self, birthday: fn(Time, Time, Time) -> Time, years: u8, at: Time) -> bool {
        match self {
            Self::Born { thirteen, sixteen, eighteen, .. } => birthday(thirteen, sixteen, eighteen) <= at,
            Self::Band(lower) => years <= lower,
        }
    }
    /// Whether the child is still to be born: the date of birth is an expected one.
    pub(in crate::sharing) fn unborn(self, at: Time) -> bool {
        matches!(self, Self::Born { birth, .. } if at < birth)
    }
    pub(in crate::sharing) fn thirteen(self, at: Time) -> bool {
        self.reached(|thirteen, _, _| thirteen, 13, at)
    }
    pub(in crate::sharing) fn sixteen(self, at: Time) -> bool {
        self.reached(|_, sixteen, _| sixteen, 16, at)
    }
    pub(in crate::sharing) fn adult(self, at: Time) -> bool {
        self.reached(|_, _, eighteen| eighteen, 18, at)
    }
    /// The moment of the 16th birthday, when the date of birth is known.
    pub(in crate::sharing) fn sixteenth(self) -> Option<Time> {
        match self {
            Self::Born { sixteen, .. } => Some(sixteen),
            Self::Band(_) => None,
        }
    }
    /// The moment of the 18th birthday, when the date of birth is known.
    pub(in crate::sharing) fn eighteenth(self) -> Option<Time> {
        match self {
            Self::Born { eighteen, .. } => Some(eighteen),
            Self::Band(_) => None,
        }
    }
}

impl World {
    pub(in crate::sharing) fn ages(&self, person: PersonIx) -> Ages {
        // An unknown person cannot occur; lower bound 0 is the protective answer.
        self.person(person).map_or(Ages::Band(0), |p| p.ages)
    }

    /// The account holder as a person: the own record once the link is known (R62), or whom they declared to be (R9).
    pub(in crate::sharing) fn own_persons(
        &self,
        account: AccountIx,
        at: Time,
    ) -> impl Iterator<Item = PersonIx> + Clone {
        let record = self.account(account).and_then(|account| account.person);
        let linked = record.filter(|(_, since)| since.is_none_or(|since| since <= at)).map(|(person, _)| person);
        let declared = self.filed.account_selves.by(account).iter();
        linked.into_iter().chain(declared.filter(move |(_, span)| span.holds(at)).map(|(person, _)| *person))
    }

    /// Whether the person has died by `at`.
    pub(in crate::sharing) fn has_died(&self, person: PersonIx, at: Time) -> bool {
        self.person(person).and_then(|p| p.died).is_some_and(|died| died <= at)
    }

    /// Everybody who lives with `person` at `at`, without the person.
    pub(in crate::sharing) fn housemates(&self, person: PersonIx, at: Time) -> impl Iterator<Item = PersonIx> {
        self.filed
            .person_homes
            .by(person)
            .iter()
            .filter(move |(_, span)| span.holds(at))
            .filter_map(|(home, _)| self.filed.home_members.get(*home))
            .flatten()
            .filter(move |(other, span)| *other != person && span.holds(at))
            .map(|(other, _)| *other)
    }

    /// Whether two persons are tied by a live link, in either direction.
    pub(in crate::sharing) fn linked(&self, one: PersonIx, other: PersonIx, at: Time) -> bool {
        self.filed.person_links.by(one).iter().any(|(to, span)| *to == other && span.holds(at))
    }

    /// The same person, a live link, or a shared home (R57: linked to X, or X's household).
    pub(in crate::sharing) fn near(&self, one: PersonIx, other: PersonIx, at: Time) -> bool {
        one == other || self.linked(one, other, at) || self.housemates(one, at).any(|mate| mate == other)
    }

    /// Persons with whom the account holder declared a conflict of interest.
    pub(in crate::sharing) fn declared(&self, account: AccountIx, at: Time) -> impl Iterator<Item = PersonIx> {
        self.filed.account_conflicts.by(account).iter().filter(move |(_, span)| span.holds(at)).map(|(p, _)| *p)
    }

    /// From whom `person` is protected at `at` (R57).
    pub(in crate::sharing) fn protected_from(&self, person: PersonIx, at: Time) -> impl Iterator<Item = PersonIx> {
        self.filed.protected_from.by(person).iter().filter(move |(_, span)| span.holds(at)).map(|(x, _)| *x)
    }

    pub(in crate::sharing) fn is_protected(&self, person: PersonIx, at: Time) -> bool {
        self.protected_from(person, at).next().is_some()
    }

    /// Whether this person record is a sealed former identity (R66, R67).
    pub(in crate::sharing) fn is_sealed(&self, person: PersonIx, at: Time) -> bool {
        self.filed.sealed.by(person).iter().any(|span| span.holds(at))
    }

    /// Whether the hat is marked as linked to `other` (R57).
    pub(in crate::sharing) fn on_strand_of(&self, hat: HatIx, other: PersonIx, at: Time) -> bool {
        self.filed.hat_strands.by(hat).iter().any(|(to, span)| *to == other && span.holds(at))
    }

    /// Whether `holder` has proven parental responsibility for `child` at `at` (R30); before birth only the pregnant
    /// woman decides (consent paper §3).
    pub(in crate::sharing) fn has_responsibility(&self, holder: Decider, child: PersonIx, at: Time) -> bool {
        let unborn = self.ages(child).unborn(at);
        let mut of_child = self.filed.responsibility.by(child).iter().filter(|held| held.mother || !unborn);
        of_child.any(|held| held.holder == holder && held.proven && held.span.holds(at))
    }

    /// Whether a full or interim care order is in force.
    pub(in crate::sharing) fn under_care_order(&self, child: PersonIx, at: Time) -> bool {
        self.filed.care_orders.by(child).iter().any(|(_, span)| span.holds(at))
    }

    /// Whether this council holds the care order on the child.
    pub(in crate::sharing) fn holds_care_order(&self, agency: AgencyIx, child: PersonIx, at: Time) -> bool {
        let named = self.filed.care_orders.by(child).iter();
        named.clone().any(|(holder, span)| *holder == Some(agency) && span.holds(at))
            || (named.clone().any(|(holder, span)| holder.is_none() && span.holds(at))
                && self.has_responsibility(Decider::Agency(agency), child, at))
    }

    fn latest(&self, person: PersonIx, kind: AssessmentKind, category: Category, at: Time) -> Option<&Assessment> {
        let of_person = self.filed.assessments.by(person).iter();
        of_person
            .filter(|a| a.kind == kind && a.at <= at && a.categories.contains(&category))
            .max_by_key(|a| (a.at, a.protective()))
    }

    /// Whether the latest assessment for this category found the young person competent (R26).
    pub(in crate::sharing) fn competent(&self, person: PersonIx, category: Category, at: Time) -> bool {
        let latest = self.latest(person, AssessmentKind::Competence, category, at);
        latest.is_some_and(|a| a.outcome == AssessmentOutcome::Yes)
    }

    /// Whether the latest capacity decision for this category says the person lacks it (R25, MCA 2005).
    pub(in crate::sharing) fn lacks_capacity(&self, person: PersonIx, category: Category, at: Time) -> bool {
        let latest = self.latest(person, AssessmentKind::Capacity, category, at);
        latest.is_some_and(|a| matches!(a.outcome, AssessmentOutcome::Lacks | AssessmentOutcome::No))
    }

    /// Whether `person` is a member of the case at `at`.
    pub(in crate::sharing) fn in_case(&self, case: CaseIx, person: PersonIx, at: Time) -> bool {
        let Some(case) = self.case(case) else { return false };
        case.members.iter().any(|(member, span)| *member == person && span.holds(at))
    }

    /// The cases one of these people is or was a member of.
    pub(in crate::sharing) fn cases_of(&self, people: &[PersonIx]) -> Vec<CaseIx> {
        let numbered = self.cases.iter().enumerate();
        let shared = numbered.filter(|(_, case)| case.members.iter().any(|(member, _)| people.contains(member)));
        shared.map(|(at, _)| CaseIx::from(at)).collect()
    }
}
