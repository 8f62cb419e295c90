//! Who can see this, and why not: every hat of a facts file asked about one segment, or one cell of the matrix in words.
//!
//! Read [`everybody`].

use super::cell_in_words;
use crate::ident::SegmentId;
use crate::sharing::facts::{Ask, AskId, DelegationId, Facts, OpeningId, RelationshipKind, Time};
use crate::sharing::{Decision, Policy, World, decide};
use crate::vocabulary::{Category, Purpose, Role};

/// What one hat sees of the segment for one purpose.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// The hat's id.
    pub hat: String,
    /// Its role.
    pub role: Role,
    /// The declared purpose.
    pub purpose: Purpose,
    /// The decision.
    pub decision: Decision,
}

/// The asks of every hat about the segment: for each purpose its role has a column for, a personal assistant once for each
/// delegation, the adoption team with each opening.
#[must_use]
pub fn asks(
    facts: &Facts,
    policy: &Policy,
    segment: &SegmentId,
    purposes: &[Purpose],
    at: Option<Time>,
) -> Vec<(Role, Ask)> {
    let mut asks = Vec::new();
    for account in &facts.accounts {
        for hat in &account.hats {
            let may = |purpose: &&Purpose| hat.role == Role::Ado || policy.column(**purpose, hat.role).is_some();
            for purpose in purposes.iter().filter(may) {
                let plain = Ask {
                    id: AskId(format!("{}-{purpose}", hat.id.as_str())),
                    account: account.id.clone(),
                    hat: hat.id.clone(),
                    purpose: *purpose,
                    at,
                    strong_auth: true,
                    segment: Some(segment.clone()),
                    act: None,
                    analytics: None,
                    r#override: None,
                    delegation: None,
                    opening: None,
                    requester: None,
                    expect: None,
                };
                let delegations = facts.relationships.iter().filter(|item| {
                    hat.role == Role::Pa && item.kind == RelationshipKind::Delegation && item.hat == hat.id
                });
                let named = delegations
                    .map(|item| Ask { delegation: Some(DelegationId::from(item.id.as_str())), ..plain.clone() });
                let openings = facts.openings.iter().filter(|item| item.hat == hat.id && item.segment == *segment);
                let opened =
                    openings.map(|item| Ask { opening: Some(OpeningId::from(item.id.as_str())), ..plain.clone() });
                let mut several: Vec<Ask> = named.chain(opened).collect();
                if several.is_empty() {
                    several.push(plain);
                }
                asks.extend(several.into_iter().map(|ask| (hat.role, ask)));
            }
        }
    }
    asks
}

/// The decisions of these asks, the highest level first, otherwise in their order.
#[must_use]
pub fn everybody(world: &World, policy: &Policy, asks: &[(Role, Ask)]) -> Vec<View> {
    let view = |(role, ask): &(Role, Ask)| View {
        hat: ask.hat.as_str().to_owned(),
        role: *role,
        purpose: ask.purpose,
        decision: decide(world, policy, ask),
    };
    let mut views: Vec<View> = asks.iter().map(view).collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.decision.level));
    views
}

/// What the rules say about a category: one sentence for each purpose and role that has a column.
#[must_use]
pub fn category(policy: &Policy, category: Category, purposes: &[Purpose], role: Option<Role>) -> Vec<String> {
    let mut said = Vec::new();
    for purpose in purposes {
        for each in Role::ALL.iter().filter(|each| role.is_none_or(|role| role == **each)) {
            let Some(cell) = policy.cell(*purpose, *each, category) else { continue };
            let cap = policy
                .adult_cap(*each, category)
                .map_or_else(String::new, |cap| format!("; of an adult at most {}", super::level_in_words(cap)));
            let (role_name, purpose_name) = (&policy.role(*each).name, &policy.purpose(*purpose).name);
            said.push(format!("{purpose_name} ({purpose}), {role_name} ({each}): {}{cap}.", cell_in_words(cell)));
        }
    }
    said
}
