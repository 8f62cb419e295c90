//! Step 11, last cap: the partnership's own rules (`sharing/local.cedar`), put to the decision so far.

use super::decision::{Limit, Reason};
use super::facts::{AgencyKind, Form, RelationshipKind};
use super::policy::Question;
use super::steps::relationship::Ground;
use super::steps::{Draft, Reading, Request};
use super::world::AgencyIx;
use crate::vocabulary::{Category, Level};

/// Applies the local rules that can concern this role and category.
pub(super) fn cap(request: &Request<'_>, reading: Reading<'_>, category: Category, ground: Ground, draft: &mut Draft) {
    let local = request.policy.local();
    if draft.decision.level == Level::N || !local.concerns(request.hat.role, category) {
        return;
    }
    let (world, segment) = (request.world, reading.segment);
    let adult = |person: &super::world::PersonIx| world.ages(*person).adult(request.at);
    let kind = |agency: AgencyIx| world.agency_kind(agency).map(kind_code).unwrap_or_default().to_owned();
    let question = Question {
        role: request.hat.role,
        agency: world.agency_id(request.hat.agency),
        agency_kind: kind(request.hat.agency),
        team: request.hat.team.and_then(|team| world.team_id(team)),
        supervisor: request.hat.supervisor,
        category,
        custodian: world.agency_id(segment.custodian),
        custodian_kind: kind(segment.custodian),
        form: if segment.form == Form::Full { "full" } else { "summary" },
        about_adult: segment.about.iter().any(adult),
        about_child: !segment.about.iter().all(adult),
        people: segment.about.len(),
        observed: segment.observed.map(|day| day.to_string()),
        purpose: request.purpose.code(),
        level: draft.decision.level,
        emergency: draft.decision.reason == Reason::AllowOverride,
        relationship: relationship(request, ground).to_owned(),
    };
    if let Some(cap) = local.cap(&question) {
        draft.cap(cap, Limit::CapLocal, &[]);
    }
}

fn relationship(request: &Request<'_>, ground: Ground) -> &'static str {
    let Ground::Relationship(ix) = ground else { return "" };
    match request.world.relationship(ix).map(|item| item.kind) {
        Some(RelationshipKind::Allocated) => "allocated",
        Some(RelationshipKind::Supervisor) => "supervisor",
        Some(RelationshipKind::TeamNamed) => "team-named",
        Some(RelationshipKind::PlanNamed) => "plan-named",
        Some(RelationshipKind::Referral) => "referral",
        Some(RelationshipKind::Contact) => "contact",
        Some(RelationshipKind::Lead) => "lead",
        Some(RelationshipKind::Delegation) => "delegation",
        Some(RelationshipKind::Match) => "match",
        Some(RelationshipKind::Consultation) => "consultation",
        Some(RelationshipKind::SelfClaim) => "self-claim",
        Some(RelationshipKind::Observation) => "observation",
        Some(RelationshipKind::SubjectAccess) => "subject-access",
        None => "",
    }
}

const fn kind_code(kind: AgencyKind) -> &'static str {
    match kind {
        AgencyKind::Council => "council",
        AgencyKind::Nhs => "nhs",
        AgencyKind::SubstanceMisuse => "substance-misuse",
        AgencyKind::DomesticAbuse => "domestic-abuse",
        AgencyKind::Police => "police",
        AgencyKind::Probation => "probation",
        AgencyKind::School => "school",
        AgencyKind::Nursery => "nursery",
        AgencyKind::YouthJustice => "youth-justice",
        AgencyKind::Charity => "charity",
        AgencyKind::Court => "court",
        AgencyKind::Other => "other",
    }
}
