//! From serde types to indexed items. References have been checked: what does not resolve is left out, never guessed.

use super::index::{Index, Lists, Names};
use super::{
    AccountIx, AgencyIx, Ages, CaseIx, Directory, Filed, GrantIx, HatIx, Indexed, OverrideIx, PermissionIx, PersonIx,
    RelationshipIx, SegmentIx, TeamIx,
};
use crate::sharing::facts::{self, Facts, Span, Time};
use crate::vocabulary::{Category, Level, Purpose, Role};

mod consent;
mod items;
pub(in crate::sharing) use consent::{Event, Override, Party, Permission, Resolver, Scope, category_bit, purpose_bit};
pub(in crate::sharing) use items::{
    Account, Agency, Assessment, Case, Decider, Grant, Hat, Opening, Person, Relationship, Responsibility, Segment, Who,
};
pub(super) use items::{person, segment};

fn directory(facts: &Facts) -> Directory {
    Directory {
        accounts: Names::of(facts.accounts.iter().map(|a| a.id.as_str())),
        agencies: Names::of(facts.agencies.iter().map(|a| a.id.as_str())),
        teams: Names::of(facts.teams.iter().map(|t| t.id.as_str())),
        hats: Names::of(facts.accounts.iter().flat_map(|a| a.hats.iter().map(|h| h.id.as_str()))),
        people: Names::of(facts.people.iter().map(|p| p.id.as_str())),
        cases: Names::of(facts.cases.iter().map(|c| c.id.as_str())),
        segments: Names::of(mentioned(facts)),
        relationships: Names::of(facts.relationships.iter().map(|r| r.id.as_str())),
        overrides: Names::of(facts.overrides.iter().map(|o| o.id.as_str())),
        openings: Names::of(facts.openings.iter().map(|o| o.id.as_str())),
    }
}

/// The segments that something other than a segment names, each time it does.
fn mentioned(facts: &Facts) -> impl Iterator<Item = &str> {
    let granted = facts.item_grants.iter().map(|grant| &grant.segment);
    let opened = facts.openings.iter().map(|opening| &opening.segment);
    let scopes = facts.permissions.iter().flat_map(|p| {
        let exceptions = p.exceptions.iter().map(|exception| &exception.scope);
        std::iter::once(&p.scope).chain(exceptions)
    });
    let permitted = scopes.flat_map(|scope| scope.segments.iter().flatten());
    granted.chain(opened).chain(permitted).map(|id| id.as_str())
}

pub(super) fn indexed(facts: &Facts) -> Indexed {
    let names = directory(facts);
    let cases: Vec<Case> = facts.cases.iter().map(|c| items::case(c, &names)).collect();
    let relationships = keep(facts.relationships.iter().map(|r| items::relationship(r, &names)));
    let permissions = keep(facts.permissions.iter().map(|p| consent::permission(p, &names, &cases)));
    let overrides = keep(facts.overrides.iter().map(|o| consent::r#override(o, &names)));
    let grants = keep(facts.item_grants.iter().map(|g| items::grant(g, &names)));
    let mut filed = Filed {
        hat_relationships: Lists::new(hats(facts)),
        hat_overrides: Lists::new(hats(facts)),
        hat_grants: Lists::new(hats(facts)),
        hat_strands: Lists::new(hats(facts)),
        account_conflicts: Lists::new(facts.accounts.len()),
        account_selves: Lists::new(facts.accounts.len()),
        case_relationships: Lists::new(facts.cases.len()),
        person_relationships: Lists::new(facts.people.len()),
        person_permissions: Lists::new(facts.people.len()),
        person_links: Lists::new(facts.people.len()),
        person_homes: Lists::new(facts.people.len()),
        home_members: Vec::new(),
        protected_from: Lists::new(facts.people.len()),
        sealed: Lists::new(facts.people.len()),
        responsibility: Lists::new(facts.people.len()),
        care_orders: Lists::new(facts.people.len()),
        assessments: Lists::new(facts.people.len()),
    };
    file_items(&mut filed, &relationships, &permissions, &overrides, &grants);
    file_people(&mut filed, facts, &names);
    file_law(&mut filed, facts, &names);
    Indexed {
        config: facts.config.clone(),
        agencies: facts.agencies.iter().map(|a| Agency { id: a.id.as_str().to_owned(), kind: a.kind }).collect(),
        teams: facts.teams.iter().map(|t| t.id.as_str().to_owned()).collect(),
        accounts: facts.accounts.iter().map(|a| items::account(a, &names)).collect(),
        hats: keep(facts.accounts.iter().flat_map(|a| a.hats.iter().map(|h| items::hat(a, h, &names)))),
        people: facts.people.iter().map(items::person).collect(),
        openings: keep(facts.openings.iter().map(|o| items::opening(o, &names))),
        cases,
        relationships,
        permissions,
        overrides,
        grants,
        names,
        filed,
    }
}

fn hats(facts: &Facts) -> usize {
    facts.accounts.iter().map(|a| a.hats.len()).sum()
}

/// All references resolve, so nothing is ever dropped here and positions equal indices.
fn keep<T>(items: impl Iterator<Item = Option<T>>) -> Vec<T> {
    items.flatten().collect()
}

fn file_items(
    filed: &mut Filed,
    relationships: &[Relationship],
    permissions: &[Permission],
    overrides: &[Override],
    grants: &[Grant],
) {
    for (at, relationship) in relationships.iter().enumerate() {
        let at = RelationshipIx::from(at);
        filed.hat_relationships.add(relationship.hat, at);
        if let Some(case) = relationship.case {
            filed.case_relationships.add(case, at);
        }
        if let Some(subject) = relationship.subject {
            filed.person_relationships.add(subject, at);
        }
    }
    for (at, permission) in permissions.iter().enumerate() {
        filed.person_permissions.add(permission.subject, PermissionIx::from(at));
    }
    for (at, each) in overrides.iter().enumerate() {
        filed.hat_overrides.add(each.hat, OverrideIx::from(at));
    }
    for (at, grant) in grants.iter().enumerate() {
        filed.hat_grants.add(grant.to, GrantIx::from(at));
    }
}

fn file_people(filed: &mut Filed, facts: &Facts, names: &Directory) {
    for household in &facts.households {
        let open = Span { from: household.from, to: household.to };
        let member = |m: &facts::Member| Some((names.people.get(m.person().as_str())?, m.span().and(open)));
        let members: Vec<(PersonIx, Span)> = household.members.iter().filter_map(member).collect();
        let home = filed.home_members.len();
        for (person, span) in &members {
            filed.person_homes.add(*person, (home, *span));
        }
        filed.home_members.push(members);
    }
    for link in &facts.links {
        let span = Span { from: link.from, to: link.to };
        let ends = (names.people.get(link.a.as_str()), names.people.get(link.b.as_str()));
        if let (Some(a), Some(b)) = ends {
            filed.person_links.add(a, (b, span));
            filed.person_links.add(b, (a, span));
        }
    }
    for conflict in &facts.conflicts {
        let ends = (names.accounts.get(conflict.account.as_str()), names.people.get(conflict.person.as_str()));
        if let (Some(account), Some(person)) = ends {
            let span = Span { from: conflict.from, to: conflict.to };
            if conflict.kind == facts::ConflictKind::Own {
                filed.account_selves.add(account, (person, span));
            }
            filed.account_conflicts.add(account, (person, span));
        }
    }
    for strand in &facts.strands {
        let ends = (names.hats.get(strand.hat.as_str()), names.people.get(strand.linked_to.as_str()));
        if let (Some(hat), Some(person)) = ends {
            filed.hat_strands.add(hat, (person, Span { from: Some(strand.from), to: strand.to }));
        }
    }
}

fn file_law(filed: &mut Filed, facts: &Facts, names: &Directory) {
    for protection in &facts.protections {
        let ends = (names.people.get(protection.person.as_str()), names.people.get(protection.against.as_str()));
        if let (Some(person), Some(against)) = ends {
            filed.protected_from.add(person, (against, Span { from: Some(protection.from), to: protection.to }));
        }
    }
    for seal in &facts.seals {
        if let Some(former) = names.people.get(seal.former.as_str()) {
            filed.sealed.add(former, Span { from: Some(seal.from), to: seal.to });
        }
    }
    for held in &facts.parental_responsibility {
        let child = names.people.get(held.child.as_str());
        if let (Some(child), Some(item)) = (child, items::responsibility(held, names)) {
            filed.responsibility.add(child, item);
        }
    }
    for order in &facts.orders {
        let care = matches!(order.kind, facts::OrderKind::CareOrder | facts::OrderKind::InterimCareOrder);
        if let (true, Some(child)) = (care, names.people.get(order.child.as_str())) {
            let agency = order.agency.as_ref().and_then(|agency| names.agencies.get(agency.as_str()));
            filed.care_orders.add(child, (agency, Span { from: Some(order.from), to: order.to }));
        }
    }
    for assessment in &facts.assessments {
        if let Some(person) = names.people.get(assessment.person.as_str()) {
            filed.assessments.add(person, items::assessment(assessment));
        }
    }
}
