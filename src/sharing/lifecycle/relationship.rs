//! Who may begin and end which relationship, and what it must say (R5–R7, R47–R52, R61; facts file paper §3).
//!
//! Nobody begins a relationship of their own, save a claim that alerts (R6) and an officer's handling of a request for
//! access. Every one is dated, evidenced and names who made it.

use super::{Actor, breach, hat, person, supervises};
use crate::diagnostic::Diagnostic;
use crate::ident::HatId;
use crate::sharing::facts::{Facts, ItemGrant, Relationship, RelationshipKind, Time, day_start};
use crate::sharing::policy::Policy;
use crate::sharing::steps::auth;
use crate::sharing::world::{Hat, World};
use crate::vocabulary::{Category, Role};

/// How long a claimed relationship lives (R6), in hours.
pub const SELF_CLAIM_HOURS: i64 = 24;
/// How long one item may be open (R50), in hours.
const ITEM_HOURS_MAX: i64 = 8;

/// How far into the decision procedure the creator of a kind must come: who leads people to a family works with it already,
/// who runs a service does not have to.
#[must_use]
pub fn needs(kind: RelationshipKind) -> super::Needs {
    use RelationshipKind as K;
    match kind {
        K::TeamNamed | K::PlanNamed | K::Referral | K::Consultation => super::Needs::Relationship,
        K::SubjectAccess | K::Match | K::Supervisor | K::Delegation => super::Needs::Hat,
        K::Allocated | K::Contact | K::Lead | K::SelfClaim | K::Observation => super::Needs::Purpose,
    }
}

/// Whether the acting hat may begin this relationship at all.
#[must_use]
pub fn may_begin(world: &World, policy: &Policy, record: &Relationship, actor: &Actor) -> bool {
    let Some((_, own, role)) = hat(world, policy, &actor.hat) else { return false };
    let Some((_, worker, worker_role)) = hat(world, policy, &record.hat) else { return false };
    let leads = supervises(world, policy, &actor.hat, actor.at);
    let same_agency = own.agency == worker.agency;
    let another = own.account != worker.account;
    use RelationshipKind as K;
    match record.kind {
        K::SelfClaim => record.hat == actor.hat && worker_role.self_claim,
        K::SubjectAccess => own.role == Role::Prv && worker.role == Role::Prv && same_agency,
        K::Allocated | K::Supervisor | K::Observation | K::Contact => leads && same_agency && another,
        K::Lead => role.may_approve && (another || leads),
        K::TeamNamed | K::PlanNamed | K::Referral | K::Consultation => role.may_approve && another,
        K::Delegation => {
            let grants = own.role == Role::Sw && record.grantor.as_ref() == Some(&actor.hat);
            (grants || (leads && grantor_agency(world, record) == Some(own.agency))) && another
        }
        K::Match => own.role == Role::Vco && another,
    }
}

fn grantor_agency(world: &World, record: &Relationship) -> Option<crate::sharing::world::AgencyIx> {
    let grantor = record.grantor.as_ref()?;
    world.names.hats.get(grantor.as_str()).and_then(|ix| world.hat(ix)).map(|hat| hat.agency)
}

/// Everything wrong with a new relationship.
#[must_use]
pub fn breaches(world: &World, policy: &Policy, record: &Relationship, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let claim = record.kind == RelationshipKind::SelfClaim;
    let written = |text: Option<&crate::sharing::facts::Text>| text.is_some_and(|t| !t.as_str().trim().is_empty());
    if claim && !written(record.reason.as_ref()) {
        found.push(breach("/reason", "R6", "a claim needs its reason"));
    }
    if !claim && !written(record.evidence.as_ref()) {
        found.push(breach("/evidence", "R5", "a relationship needs evidence"));
    }
    if record.from < day_start(actor.at) {
        found.push(breach("/from", "R5", "a relationship is not back-dated"));
    }
    if record.to.is_some_and(|to| to <= record.from || to <= actor.at) {
        found.push(breach("/to", "R5", "it ends before it begins, or has ended already"));
    }
    if record.subject.as_ref().is_some_and(|id| person(world, id.as_str()).is_none()) {
        found.push(breach("/subject", "R5", "nobody with this id is registered"));
    }
    match hat(world, policy, &record.hat) {
        Some((ix, worker, _)) => {
            if !auth::hat_valid(world, ix, record.from.max(actor.at)) {
                found.push(breach("/hat", "R5", "this hat is not in force then"));
            }
            of_kind(world, record, worker, &mut found);
        }
        None => found.push(breach("/hat", "R5", "there is no such hat")),
    }
    if claim {
        claimed(world, record, actor, &mut found);
    }
    found
}

/// What each kind needs (facts file paper §3), and which role holds it.
fn of_kind(world: &World, record: &Relationship, worker: &Hat, found: &mut Vec<Diagnostic>) {
    use RelationshipKind as K;
    let role = match record.kind {
        K::Contact => Some(Role::Msh),
        K::Delegation => Some(Role::Pa),
        K::Match => Some(Role::Vol),
        K::Consultation => Some(Role::Sur),
        K::Observation => Some(Role::Obs),
        K::SubjectAccess => Some(Role::Prv),
        _ => None,
    };
    if role.is_some_and(|role| worker.role != role) {
        found.push(breach("/hat", "R5", "a relationship of this kind is another role's"));
    }
    let (subject, case) = (record.subject.is_some(), record.case.is_some());
    let whole_work = matches!(record.kind, K::Supervisor | K::Delegation);
    if !whole_work && !subject && !case {
        found.push(breach("/subject", "R5", "a relationship is with a person, a case, or a person through a case"));
    }
    let lacks = match record.kind {
        K::TeamNamed if !case => Some(("/case", "the case must be named")),
        K::Lead if !case => Some(("/case", "the case must be named")),
        K::Supervisor if record.of.is_none() => Some(("/of", "the hat supervised must be named")),
        K::Supervisor if !worker.supervisor => Some(("/hat", "this hat is not a manager's")),
        K::Match if record.role.is_none() => Some(("/role", "what the volunteer is matched as must be said")),
        K::SubjectAccess if record.requester.is_none() || !subject => {
            Some(("/requester", "for whom the officer asks, and about whom, must be said"))
        }
        K::SelfClaim if !subject || case => Some(("/subject", "a claim is of one person")),
        _ => None,
    };
    found.extend(lacks.map(|(pointer, text)| breach(pointer, "R5", text)));
    if record.purposes.is_some() && (case || !subject) {
        found.push(breach("/purposes", "R5", "purposes narrow a relationship with one person alone"));
    }
    if record.kind == K::TeamNamed {
        let team = record.case.as_ref().and_then(|id| world.names.cases.get(id.as_str()));
        let team = team.and_then(|ix| world.case(ix)).and_then(|case| case.team);
        if team.is_none() || team != worker.team {
            found.push(breach(
                "/hat",
                "R7",
                "the hat is not in the team the case is with; sharing an office is nothing",
            ));
        }
    }
    if record.kind == K::Delegation {
        delegation(world, record, found);
    }
    if both_sides(world, record, worker) {
        found.push(breach("/hat", "R61", "this practitioner works with the other side of the family"));
    }
}

/// R48: named assistant, an end at most twelve months on, a social worker who grants.
fn delegation(world: &World, record: &Relationship, found: &mut Vec<Diagnostic>) {
    let grantor = record.grantor.as_ref().and_then(|id| world.names.hats.get(id.as_str()));
    if grantor.and_then(|ix| world.hat(ix)).is_none_or(|hat| hat.role != Role::Sw) {
        found.push(breach("/grantor", "R48", "a social worker grants a delegation"));
    }
    if record.to.is_none_or(|to| to > record.from.a_year_later()) {
        found.push(breach("/to", "R48", "a delegation ends, at most twelve months after it began"));
    }
}

/// R6: not of somebody protected, nor of a sealed identity; 24 hours from now.
fn claimed(world: &World, record: &Relationship, actor: &Actor, found: &mut Vec<Diagnostic>) {
    let subject = record.subject.as_ref().and_then(|id| person(world, id.as_str()));
    if subject.is_none_or(|p| hidden(world, p, actor.at)) {
        found.push(breach("/subject", "R6", "nobody with this id is registered"));
    }
    if record.to != Some(record.from.plus_hours(SELF_CLAIM_HOURS)) {
        found.push(breach("/to", "R6", "a claim lives 24 hours from now"));
    }
}

/// Whether a person is protected or a sealed identity: for claims, as if unknown.
#[must_use]
pub fn is_hidden(world: &World, id: &str, at: Time) -> bool {
    person(world, id).is_some_and(|p| hidden(world, p, at))
}

fn hidden(world: &World, person: crate::sharing::world::PersonIx, at: Time) -> bool {
    world.is_protected(person, at) || world.is_sealed(person, at)
}

/// Whether the account holds, or held, the other one of FDV and FDP for one of these people (R61).
fn both_sides(world: &World, record: &Relationship, worker: &Hat) -> bool {
    let opposite = match worker.role {
        Role::Fdv => Role::Fdp,
        Role::Fdp => Role::Fdv,
        _ => return false,
    };
    let case = record.case.as_ref().and_then(|id| world.names.cases.get(id.as_str()));
    let mut people: Vec<_> = record.subject.iter().filter_map(|id| person(world, id.as_str())).collect();
    people.extend(case.and_then(|ix| world.case(ix)).into_iter().flat_map(|c| &c.members).map(|(p, _)| *p));
    let cases = world.cases_of(&people);
    let family: Vec<_> =
        cases.iter().filter_map(|ix| world.case(*ix)).flat_map(|c| &c.members).map(|(p, _)| *p).collect();
    people.extend(family);
    let to_people = people.iter().flat_map(|p| world.relationships_to(*p));
    let on_cases = cases.iter().flat_map(|case| world.relationships_on(*case));
    to_people
        .chain(on_cases)
        .filter_map(|ix| world.relationship(*ix))
        .any(|item| world.hat(item.hat).is_some_and(|other| other.account == worker.account && other.role == opposite))
}

/// Whether the acting hat may end this relationship: its holder, who made it, who granted it, the co-ordinator of a
/// volunteer, or a manager of the holder's agency.
#[must_use]
pub fn may_end(world: &World, policy: &Policy, record: &Relationship, actor: &Actor) -> bool {
    let Some((_, own, _)) = hat(world, policy, &actor.hat) else { return false };
    let holder = world.names.hats.get(record.hat.as_str()).and_then(|ix| world.hat(ix));
    let same_agency = holder.is_some_and(|holder| holder.agency == own.agency);
    record.hat == actor.hat
        || record.created_by.as_ref() == Some(&actor.hat)
        || record.grantor.as_ref() == Some(&actor.hat)
        || (same_agency && supervises(world, policy, &actor.hat, actor.at))
        || (same_agency && own.role == Role::Vco && record.kind == RelationshipKind::Match)
}

/// Everything wrong with ending a relationship at `end` (exclusive): not in the past, not after its end, not twice.
#[must_use]
pub fn ending(record: &Relationship, end: Time, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if record.to.is_some_and(|to| to <= actor.at) {
        found.push(breach("", "R5", "it has ended already"));
    } else if record.to.is_some_and(|to| to < end) {
        found.push(breach("/at", "R5", "an end is not moved to later; begin a new relationship"));
    }
    if end < actor.at {
        found.push(breach("/at", "R5", "an end is not back-dated"));
    }
    found
}

/// R50, R51: one ADR or LOC item, one task, eight hours, by the social worker to their assistant or (ADR) by the
/// co-ordinator to their volunteer.
#[must_use]
pub fn item_grant(
    world: &World,
    facts: &Facts,
    grant: &ItemGrant,
    category: Option<Category>,
    actor: &Actor,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let role = |id: &HatId| super::role_of(world, id);
    let live = |r: &Relationship| r.from <= actor.at && r.to.is_none_or(|to| actor.at < to);
    let roles = (role(&actor.hat), role(&grant.to), category);
    let tied = match roles {
        (Some(Role::Sw), Some(Role::Pa), Some(Category::Adr | Category::Loc)) => facts.relationships.iter().any(|r| {
            r.kind == RelationshipKind::Delegation
                && r.hat == grant.to
                && r.grantor.as_ref() == Some(&actor.hat)
                && live(r)
        }),
        (Some(Role::Vco), Some(Role::Vol), Some(Category::Adr)) => {
            facts.relationships.iter().any(|r| r.kind == RelationshipKind::Match && r.hat == grant.to && live(r))
        }
        _ => false,
    };
    if !tied {
        let text = "an address item is opened by a social worker to their assistant, or by a co-ordinator to a matched volunteer";
        found.push(breach("/to", "R50", text));
    }
    if grant.task.as_ref().is_none_or(|task| task.as_str().trim().is_empty()) {
        found.push(breach("/task", "R50", "the one task it is for must be said"));
    }
    if grant.until <= grant.from || grant.until > grant.from.plus_hours(ITEM_HOURS_MAX) || grant.from < actor.at {
        found.push(breach("/until", "R50", "an item is open from now on for at most eight hours"));
    }
    found
}
