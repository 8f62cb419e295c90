//! The indexed items other than permissions and overrides.

use super::consent::{Party, known_party};
use super::*;
use crate::sharing::facts::{
    AgencyKind, AssessmentKind, AssessmentOutcome, Form, Marking, MatchRole, Member, MissingKind, Query,
    RelationshipKind, ResponsibilityBasis,
};
use crate::sharing::world::added::Known;
use std::sync::Arc;

/// How long a delegation outlives its grantor's uncovered absence (R48), in days of the London calendar.
const ABSENCE_DAYS: i64 = 28;

#[derive(Debug)]
pub(in crate::sharing) struct Agency {
    pub(in crate::sharing) id: String,
    pub(in crate::sharing) kind: AgencyKind,
}

#[derive(Debug)]
pub(in crate::sharing) struct Account {
    /// The holder's own person record and since when the link is known.
    pub(in crate::sharing) person: Option<(PersonIx, Option<Time>)>,
    pub(in crate::sharing) active: Span,
    pub(in crate::sharing) hats: Vec<HatIx>,
}

#[derive(Debug)]
pub(in crate::sharing) struct Hat {
    pub(in crate::sharing) account: AccountIx,
    pub(in crate::sharing) role: Role,
    pub(in crate::sharing) agency: AgencyIx,
    pub(in crate::sharing) team: Option<TeamIx>,
    pub(in crate::sharing) supervisor: bool,
    pub(in crate::sharing) span: Span,
}

#[derive(Debug)]
pub(in crate::sharing) struct Person {
    pub(in crate::sharing) ages: Ages,
    pub(in crate::sharing) died: Option<Time>,
    nameless: bool,
    born: Option<facts::Day>,
    family_name: Option<String>,
    given_name: Option<String>,
    postcode: Option<String>,
    identifiers: Vec<(facts::IdentifierKind, String, Span)>,
}

impl Person {
    /// Whether every criterion given fits (R8); a nameless person never does (R83).
    pub(in crate::sharing) fn fits(&self, query: &Query, at: Time) -> bool {
        let text = |asked: Option<&facts::Text>, held: Option<&String>, key: fn(&str) -> String| {
            asked.is_none_or(|asked| held.is_some_and(|held| *held == key(asked.as_str())))
        };
        let identifier = query.identifier.as_ref().is_none_or(|asked| {
            let value = compact(asked.value.as_str());
            self.identifiers.iter().any(|(kind, held, span)| *kind == asked.kind && *held == value && span.holds(at))
        });
        !self.nameless
            && identifier
            && query.born.is_none_or(|born| self.born == Some(born))
            && text(query.family_name.as_ref(), self.family_name.as_ref(), folded)
            && text(query.given_name.as_ref(), self.given_name.as_ref(), folded)
            && text(query.postcode.as_ref(), self.postcode.as_ref(), compact)
    }
}

/// Names compare without case and with single spaces.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Identifiers and postcodes compare without case, spaces and hyphens.
fn compact(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_lowercase()
}

#[derive(Debug)]
pub(in crate::sharing) struct Case {
    pub(in crate::sharing) team: Option<TeamIx>,
    pub(in crate::sharing) members: Vec<(PersonIx, Span)>,
    pub(in crate::sharing) purposes: Vec<(Purpose, Span)>,
}

impl Case {
    /// Whether the purpose is in force on the case (R17).
    pub(in crate::sharing) fn serves(&self, purpose: Purpose, at: Time) -> bool {
        self.purposes.iter().any(|(each, span)| *each == purpose && span.holds(at))
    }
}

#[derive(Debug)]
pub(in crate::sharing) struct Relationship {
    pub(in crate::sharing) id: Arc<str>,
    pub(in crate::sharing) kind: RelationshipKind,
    pub(in crate::sharing) hat: HatIx,
    pub(in crate::sharing) subject: Option<PersonIx>,
    pub(in crate::sharing) case: Option<CaseIx>,
    pub(in crate::sharing) of: Option<HatIx>,
    pub(in crate::sharing) delegation: Option<Delegation>,
    pub(in crate::sharing) role: Option<MatchRole>,
    pub(in crate::sharing) reasoned: bool,
    pub(in crate::sharing) requester: Option<PersonIx>,
    pub(in crate::sharing) purposes: Option<Vec<Purpose>>,
    pub(in crate::sharing) span: Span,
}

/// What a delegation adds to a relationship (R48).
#[derive(Debug)]
pub(in crate::sharing) struct Delegation {
    pub(in crate::sharing) grantor: HatIx,
    pub(in crate::sharing) cases: Vec<CaseIx>,
    /// It has an end, at most twelve months after its start; a longer one is void.
    pub(in crate::sharing) within_a_year: bool,
    /// After which moments it is over, because the grantor was away too long without cover.
    pub(in crate::sharing) over_after: Vec<Time>,
}

#[derive(Debug)]
pub(in crate::sharing) struct Segment {
    pub(in crate::sharing) category: Option<Category>,
    pub(in crate::sharing) about: Vec<PersonIx>,
    pub(in crate::sharing) record_of: PersonIx,
    pub(in crate::sharing) custodian: AgencyIx,
    pub(in crate::sharing) author: Option<HatIx>,
    pub(in crate::sharing) caseload: Vec<HatIx>,
    pub(in crate::sharing) form: Form,
    pub(in crate::sharing) summary: Option<SegmentIx>,
    pub(in crate::sharing) kind: Option<MissingKind>,
    pub(in crate::sharing) observed: Option<facts::Day>,
    pub(in crate::sharing) recorded_at: Option<Time>,
    pub(in crate::sharing) labels: Vec<String>,
    pub(in crate::sharing) markings: Vec<Marking>,
    pub(in crate::sharing) originator: Vec<(Party, Level)>,
    pub(in crate::sharing) has_places: bool,
    pub(in crate::sharing) voices: Vec<PersonIx>,
    pub(in crate::sharing) sealed: Option<Span>,
}

#[derive(Debug)]
pub(in crate::sharing) struct Grant {
    pub(in crate::sharing) id: Arc<str>,
    pub(in crate::sharing) segment: SegmentIx,
    pub(in crate::sharing) by: HatIx,
    pub(in crate::sharing) to: HatIx,
    pub(in crate::sharing) from: Time,
    pub(in crate::sharing) until: Time,
}

#[derive(Debug)]
pub(in crate::sharing) struct Opening {
    pub(in crate::sharing) hat: HatIx,
    pub(in crate::sharing) segment: SegmentIx,
    pub(in crate::sharing) span: Span,
}

/// Who decides a permission or holds responsibility: a person, or a council.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::sharing) enum Decider {
    Person(PersonIx),
    Agency(AgencyIx),
}

/// Who did something, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) enum Who {
    Party(Decider),
    Hat(HatIx),
    Account(AccountIx),
}

#[derive(Debug)]
pub(in crate::sharing) struct Responsibility {
    pub(in crate::sharing) holder: Decider,
    pub(in crate::sharing) proven: bool,
    pub(in crate::sharing) mother: bool,
    pub(in crate::sharing) span: Span,
}

#[derive(Debug)]
pub(in crate::sharing) struct Assessment {
    pub(in crate::sharing) kind: AssessmentKind,
    pub(in crate::sharing) categories: Vec<Category>,
    pub(in crate::sharing) outcome: AssessmentOutcome,
    pub(in crate::sharing) at: Time,
}

impl Assessment {
    /// At equal times the less able finding counts.
    pub(in crate::sharing) fn protective(&self) -> bool {
        !matches!(self.outcome, AssessmentOutcome::Yes | AssessmentOutcome::Has)
    }
}

pub(super) fn decider(id: &str, names: &Directory) -> Option<Decider> {
    let person = names.people.get(id).map(Decider::Person);
    person.or_else(|| names.agencies.get(id).map(Decider::Agency))
}

pub(super) fn who(id: &str, names: &Directory) -> Option<Who> {
    let party = decider(id, names).map(Who::Party);
    party.or_else(|| names.hats.get(id).map(Who::Hat)).or_else(|| names.accounts.get(id).map(Who::Account))
}

fn members(members: &[Member], names: &Directory) -> Vec<(PersonIx, Span)> {
    members.iter().filter_map(|m| Some((names.people.get(m.person().as_str())?, m.span()))).collect()
}

pub(super) fn account(account: &facts::Account, names: &Directory) -> Account {
    let person = account.person.as_ref().and_then(|person| names.people.get(person.as_str()));
    Account {
        person: person.map(|person| (person, account.person_linked_at)),
        active: Span { from: account.active_from, to: account.active_to },
        hats: account.hats.iter().filter_map(|hat| names.hats.get(hat.id.as_str())).collect(),
    }
}

pub(super) fn hat(account: &facts::Account, hat: &facts::Hat, names: &Directory) -> Option<Hat> {
    Some(Hat {
        account: names.accounts.get(account.id.as_str())?,
        role: hat.role,
        agency: names.agencies.get(hat.agency.as_str())?,
        team: hat.team.as_ref().and_then(|team| names.teams.get(team.as_str())),
        supervisor: hat.supervisor,
        span: Span { from: hat.from, to: hat.to },
    })
}

pub(in crate::sharing::world) fn person(person: &facts::Person) -> Person {
    let ages = match (person.born, person.age_band) {
        (Some(day), _) => Ages::born(day),
        (None, band) => Ages::band(band.unwrap_or(facts::AgeBand::From0)),
    };
    let identifier = |i: &facts::Identifier| (i.kind, compact(i.value.as_str()), Span { from: i.from, to: i.to });
    Person {
        ages,
        died: person.died,
        nameless: person.nameless,
        born: person.born,
        family_name: person.family_name.as_ref().map(|text| folded(text.as_str())),
        given_name: person.given_name.as_ref().map(|text| folded(text.as_str())),
        postcode: person.postcode.as_ref().map(|text| compact(text.as_str())),
        identifiers: person.identifiers.iter().map(identifier).collect(),
    }
}

pub(super) fn case(case: &facts::Case, names: &Directory) -> Case {
    let purpose = |p: &facts::CasePurpose| (p.purpose, Span { from: Some(p.from), to: p.to });
    Case {
        team: case.team.as_ref().and_then(|team| names.teams.get(team.as_str())),
        members: members(&case.members, names),
        purposes: case.purposes.iter().map(purpose).collect(),
    }
}

pub(super) fn relationship(item: &facts::Relationship, names: &Directory) -> Option<Relationship> {
    let hat = |id: &crate::ident::HatId| names.hats.get(id.as_str());
    let grantor = item.grantor.as_ref().and_then(hat);
    let delegation = grantor.map(|grantor| Delegation {
        grantor,
        cases: item.cases.iter().filter_map(|case| names.cases.get(case.as_str())).collect(),
        within_a_year: item.to.is_some_and(|to| to <= item.from.a_year_later()),
        over_after: too_long_away(item),
    });
    Some(Relationship {
        id: item.id.as_str().into(),
        kind: item.kind,
        hat: hat(&item.hat)?,
        subject: item.subject.as_ref().and_then(|person| names.people.get(person.as_str())),
        case: item.case.as_ref().and_then(|case| names.cases.get(case.as_str())),
        of: item.of.as_ref().and_then(hat),
        delegation,
        role: item.role,
        reasoned: item.reason.as_ref().is_some_and(|reason| !reason.as_str().trim().is_empty()),
        requester: item.requester.as_ref().and_then(|person| names.people.get(person.as_str())),
        purposes: item.purposes.clone(),
        span: Span { from: Some(item.from), to: item.to },
    })
}

/// The moments after which a delegation is over: the end of the 28th day of each absence that lasts longer. Absences
/// that follow each other without a gap are one; one that ended before the delegation was granted is none.
fn too_long_away(item: &facts::Relationship) -> Vec<Time> {
    let uncovered = item.absences.iter().filter(|absence| absence.cover.is_none());
    let mut away: Vec<(Time, Option<Time>)> = uncovered.map(|absence| (absence.from, absence.to)).collect();
    away.retain(|(_, to)| to.is_none_or(|to| item.from < to));
    away.sort_by_key(|(from, _)| *from);
    let mut joined: Vec<(Time, Option<Time>)> = Vec::new();
    for (from, to) in away {
        match joined.last_mut() {
            // An absence without an end swallows what follows.
            Some((_, None)) => {}
            Some((_, Some(end))) if from <= *end => {
                let longest = to.map(|to| to.max(*end));
                joined.last_mut().into_iter().for_each(|last| last.1 = longest);
            }
            Some(_) | None => joined.push((from, to)),
        }
    }
    let limits = joined.into_iter().map(|(from, to)| (from.plus_days(ABSENCE_DAYS), to));
    limits.filter(|(limit, to)| to.is_none_or(|to| *limit < to)).map(|(limit, _)| limit).collect()
}

/// `None` when it names a person or a custodian that does not exist. A hat that does not exist has written and keeps
/// nothing; an instruction for a party that does not exist binds nobody who asks.
pub(in crate::sharing::world) fn segment(segment: &facts::Segment, known: &Known<'_>) -> Option<Segment> {
    let names = &known.indexed.names;
    let people = |ids: &[crate::ident::PersonId]| -> Option<Vec<PersonIx>> {
        ids.iter().map(|id| known.person(id.as_str())).collect()
    };
    let about = people(&segment.about)?;
    let record_of = match &segment.record_of {
        Some(id) => known.person(id.as_str())?,
        None => about.first().copied()?,
    };
    let summary = segment.summary.as_ref();
    Some(Segment {
        category: segment.category,
        record_of,
        about,
        custodian: names.agencies.get(segment.custodian.as_str())?,
        author: segment.author.as_ref().and_then(|hat| names.hats.get(hat.as_str())),
        caseload: segment.caseload.iter().filter_map(|hat| names.hats.get(hat.as_str())).collect(),
        form: segment.form,
        summary: summary.and_then(|id| known.segment(id.as_str())),
        kind: segment.kind,
        observed: segment.observed,
        recorded_at: segment.recorded_at,
        labels: segment.labels.clone(),
        markings: segment.markings.clone(),
        originator: segment.originator.iter().filter_map(|cap| Some((known_party(&cap.to, names)?, cap.max))).collect(),
        has_places: !segment.places.is_empty(),
        voices: people(&segment.voices)?,
        sealed: segment.sealed.as_ref().map(|sealed| Span { from: Some(sealed.from), to: sealed.to }),
    })
}

pub(super) fn grant(grant: &facts::ItemGrant, names: &Directory) -> Option<Grant> {
    Some(Grant {
        id: grant.id.as_str().into(),
        segment: names.segments.get(grant.segment.as_str())?,
        by: names.hats.get(grant.by.as_str())?,
        to: names.hats.get(grant.to.as_str())?,
        from: grant.from,
        until: grant.until,
    })
}

pub(super) fn opening(opening: &facts::Opening, names: &Directory) -> Option<Opening> {
    Some(Opening {
        hat: names.hats.get(opening.hat.as_str())?,
        segment: names.segments.get(opening.segment.as_str())?,
        span: Span { from: Some(opening.from), to: Some(opening.to) },
    })
}

pub(super) fn responsibility(held: &facts::ParentalResponsibility, names: &Directory) -> Option<Responsibility> {
    let evident = matches!(held.basis, ResponsibilityBasis::Mother | ResponsibilityBasis::CareOrder);
    let shown = held.evidence.as_ref().is_some_and(|text| !text.as_str().trim().is_empty());
    Some(Responsibility {
        holder: decider(&held.holder, names)?,
        proven: evident || shown,
        mother: held.basis == ResponsibilityBasis::Mother,
        span: Span { from: held.from, to: held.to },
    })
}

pub(super) fn assessment(assessment: &facts::Assessment) -> Assessment {
    Assessment {
        kind: assessment.kind,
        categories: assessment.categories.clone(),
        outcome: assessment.outcome,
        at: assessment.at,
    }
}
