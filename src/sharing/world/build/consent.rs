//! Permissions and overrides, indexed.

use super::items::{Decider, Who, decider, who};
use super::*;
use crate::sharing::facts::{Capacity, Choice, Outcome, OverrideKind, Period, PermissionEvent, PermissionKind};
use std::sync::Arc;

/// A set of categories, one bit each.
pub(in crate::sharing) type CategorySet = u32;
/// A set of purposes, one bit each.
pub(in crate::sharing) type PurposeSet = u16;

/// The bit of a category.
pub(in crate::sharing) const fn category_bit(category: Category) -> CategorySet {
    1 << category.index()
}
/// The bit of a purpose.
pub(in crate::sharing) const fn purpose_bit(purpose: Purpose) -> PurposeSet {
    1 << purpose.index()
}

/// What a permission covers; `None` = anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::sharing) struct Scope {
    pub(in crate::sharing) categories: Option<CategorySet>,
    pub(in crate::sharing) labels: Option<Vec<String>>,
    pub(in crate::sharing) from: Option<Vec<Party>>,
    pub(in crate::sharing) to: Option<Vec<Party>>,
    pub(in crate::sharing) purposes: Option<PurposeSet>,
    pub(in crate::sharing) period: Option<Period>,
    pub(in crate::sharing) segments: Option<Vec<SegmentIx>>,
}

impl Scope {
    /// This scope narrowed by an exception inside it: what the exception names replaces what the base says; of categories
    /// and purposes only what both name is left.
    pub(in crate::sharing) fn within(&self, exception: &Self) -> Self {
        let inner = exception.clone();
        let base = self.clone();
        Self {
            categories: shared(inner.categories, base.categories),
            labels: inner.labels.or(base.labels),
            from: inner.from.or(base.from),
            to: inner.to.or(base.to),
            purposes: shared(inner.purposes, base.purposes),
            period: inner.period.or(base.period),
            segments: inner.segments.or(base.segments),
        }
    }
}

/// What two sets share; an absent one is everything.
fn shared<T: std::ops::BitAnd<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one & other),
        (one, other) => one.or(other),
    }
}

/// A party; elements join by AND, `anyone` fits everybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) struct Party {
    pub(in crate::sharing) agency: Option<AgencyIx>,
    pub(in crate::sharing) role: Option<Role>,
    pub(in crate::sharing) team: Option<TeamIx>,
    pub(in crate::sharing) account: Option<AccountIx>,
    pub(in crate::sharing) anyone: bool,
}

/// A permission record.
#[derive(Debug)]
pub(in crate::sharing) struct Permission {
    pub(in crate::sharing) id: Arc<str>,
    pub(in crate::sharing) subject: PersonIx,
    pub(in crate::sharing) decider: Decider,
    pub(in crate::sharing) capacity: Capacity,
    pub(in crate::sharing) choice: Choice,
    pub(in crate::sharing) scope: Scope,
    pub(in crate::sharing) exceptions: Vec<(Choice, Scope)>,
    /// Told the limits, of kind `confidence`.
    pub(in crate::sharing) usable: bool,
    pub(in crate::sharing) recorded_by: Option<HatIx>,
    pub(in crate::sharing) recorded_at: Time,
    pub(in crate::sharing) valid_from: Time,
    pub(in crate::sharing) valid_to: Option<Time>,
    /// Twelve calendar months after it was recorded (R36).
    pub(in crate::sharing) year_end: Time,
    /// When the plan's case had no purpose in force any more.
    pub(in crate::sharing) plan_end: Option<Time>,
    /// From when the young person counts as asked.
    pub(in crate::sharing) asked_from: Option<Time>,
    pub(in crate::sharing) supersedes: Option<String>,
    pub(in crate::sharing) events: Vec<Event>,
}

/// What happened to a permission record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) enum Event {
    Withdraw { at: Time, by: Option<Who> },
    Object { at: Time, by: Option<Who> },
    Resolve { at: Time, outcome: Outcome, by: Resolver },
    Error { at: Time },
}

/// Who resolved a dispute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) enum Resolver {
    /// Not stated: recorded by the gateway itself.
    Unstated,
    /// Stated; only a supervisor has standing.
    By(Option<Who>),
}

/// A request to go above the normal level.
#[derive(Debug)]
pub(in crate::sharing) struct Override {
    pub(in crate::sharing) id: Arc<str>,
    pub(in crate::sharing) kind: OverrideKind,
    pub(in crate::sharing) hat: HatIx,
    pub(in crate::sharing) subject: PersonIx,
    pub(in crate::sharing) categories: CategorySet,
    pub(in crate::sharing) purpose: Purpose,
    pub(in crate::sharing) requested_at: Time,
    /// All five answers are written (R37).
    pub(in crate::sharing) answered: bool,
    pub(in crate::sharing) approval: Option<(HatIx, Time)>,
    /// In order of time.
    pub(in crate::sharing) renewals: Vec<(HatIx, Time)>,
}

fn categories(list: &[Category]) -> CategorySet {
    list.iter().fold(0, |set, category| set | category_bit(*category))
}

pub(super) fn party(party: &facts::Party, names: &Directory) -> Party {
    // Elements that are given but unknown cannot occur: references are checked before.
    Party {
        agency: party.agency.as_ref().and_then(|id| names.agencies.get(id.as_str())),
        role: party.role,
        team: party.team.as_ref().and_then(|id| names.teams.get(id.as_str())),
        account: party.account.as_ref().and_then(|id| names.accounts.get(id.as_str())),
        anyone: party.anyone,
    }
}

/// As [`party`]; `None` when an element names what does not exist.
pub(super) fn known_party(named: &facts::Party, names: &Directory) -> Option<Party> {
    let found = party(named, names);
    let whole = found.agency.is_some() == named.agency.is_some()
        && found.team.is_some() == named.team.is_some()
        && found.account.is_some() == named.account.is_some();
    whole.then_some(found)
}

fn scope(scope: &facts::Scope, names: &Directory) -> Scope {
    let parties = |list: &Option<Vec<facts::Party>>| list.as_ref().map(|l| l.iter().map(|p| party(p, names)).collect());
    let purposes = |list: &Vec<Purpose>| list.iter().fold(0, |set, purpose| set | purpose_bit(*purpose));
    let segments = scope.segments.as_ref();
    Scope {
        categories: scope.categories.as_deref().map(categories),
        labels: scope.labels.clone(),
        from: parties(&scope.from),
        to: parties(&scope.to),
        purposes: scope.purposes.as_ref().map(purposes),
        period: scope.data_period,
        segments: segments.map(|ids| ids.iter().filter_map(|id| names.segments.get(id.as_str())).collect()),
    }
}

pub(super) fn permission(item: &facts::Permission, names: &Directory, cases: &[Case]) -> Option<Permission> {
    let plan = item.plan.as_ref().and_then(|plan| names.cases.get(plan.as_str()));
    let asked = item.young_person_asked.filter(|asked| asked.asked);
    Some(Permission {
        id: item.id.as_str().into(),
        subject: names.people.get(item.subject.as_str())?,
        decider: decider(&item.decider, names)?,
        capacity: item.capacity,
        choice: item.decision,
        scope: scope(&item.scope, names),
        exceptions: item.exceptions.iter().map(|e| (e.decision, scope(&e.scope, names))).collect(),
        usable: item.told_limits && item.kind == PermissionKind::Confidence,
        recorded_by: item.recorded_by.as_ref().and_then(|hat| names.hats.get(hat.as_str())),
        recorded_at: item.recorded_at,
        valid_from: item.valid_from.unwrap_or(item.recorded_at),
        valid_to: item.valid_to,
        year_end: item.recorded_at.date_in_a_year(),
        plan_end: plan.and_then(|plan| closure(cases.get(plan.at())?, item.recorded_at)),
        asked_from: asked.map(|asked| asked.at.unwrap_or(item.recorded_at)),
        supersedes: item.supersedes.as_ref().map(|id| id.as_str().to_owned()),
        events: item.events.iter().map(|e| event(e, names)).collect(),
    })
}

/// When the case had no purpose in force for the first time after `since`; a purpose that has still to start counts from
/// its start. `None` while something stays open, or nothing was ever in force.
fn closure(case: &Case, since: Time) -> Option<Time> {
    let ended_before = case.purposes.iter().any(|(_, span)| span.to.is_some_and(|to| to <= since));
    let mut at = since;
    if !case.purposes.iter().any(|(_, span)| span.holds(at)) {
        if ended_before {
            return Some(since);
        }
        // None has ended and none holds: each has still to start.
        at = case.purposes.iter().filter_map(|(_, span)| span.from).min()?;
    }
    // Each round moves to the end of a span that holds; there are at most as many rounds as spans.
    for _ in &case.purposes {
        let running = case.purposes.iter().filter(|(_, span)| span.holds(at));
        let ends: Vec<Option<Time>> = running.map(|(_, span)| span.to).collect();
        if ends.is_empty() {
            return Some(at);
        }
        at = ends.into_iter().collect::<Option<Vec<_>>>()?.into_iter().max()?;
    }
    Some(at)
}

fn event(event: &PermissionEvent, names: &Directory) -> Event {
    match event {
        PermissionEvent::Withdraw { at, by, .. } => Event::Withdraw { at: *at, by: who(by, names) },
        PermissionEvent::Object { at, by } => Event::Object { at: *at, by: who(by, names) },
        PermissionEvent::Resolve { at, outcome, by, .. } => {
            let by = by.as_ref().map_or(Resolver::Unstated, |by| Resolver::By(who(by, names)));
            Event::Resolve { at: *at, outcome: *outcome, by }
        }
        PermissionEvent::EnteredInError { at, .. } => Event::Error { at: *at },
    }
}

pub(super) fn r#override(item: &facts::Override, names: &Directory) -> Option<Override> {
    let hat = |id: &crate::ident::HatId| names.hats.get(id.as_str());
    let answers = &item.answers;
    let five = [&answers.harm, &answers.needed, &answers.why_not_less, &answers.proportionate, &answers.telling_risk];
    let written = |answer: &&Option<facts::Text>| answer.as_ref().is_some_and(|text| !text.as_str().trim().is_empty());
    let mut renewals: Vec<(HatIx, Time)> =
        item.renewals.iter().filter_map(|renewal| Some((hat(&renewal.approved_by)?, renewal.at))).collect();
    renewals.sort_by_key(|(_, at)| *at);
    Some(Override {
        id: item.id.as_str().into(),
        kind: item.kind,
        hat: hat(&item.hat)?,
        subject: names.people.get(item.subject.as_str())?,
        categories: categories(&item.categories),
        purpose: item.purpose,
        requested_at: item.requested_at,
        answered: five.iter().all(written),
        approval: item.approved_by.as_ref().and_then(hat).zip(item.approved_at),
        renewals,
    })
}
