//! What may be recorded: who may give, end, claim, delegate, override, protect, and what each record must say.
//!
//! Owns the guards of the life of permissions, relationships, overrides and flags; reading is decided by [`super::decide`]
//! alone. Pure: facts, rules and the time of the act in; nothing, a refusal or a list of breaches out. A breach names a
//! member and a rule, never a value. Read [`admit`] first, then `permission.rs`.

pub mod assessment;
pub mod events;
pub mod overrides;
pub mod permission;
pub mod relationship;
pub mod safety;
pub mod status;

use super::decision::{Decision, Marker, Reason};
use super::facts::{Act, Ask, AskId, Capacity, Time};
use super::policy::{Policy, RoleRow};
use super::steps::{Request, auth, conflict, purpose, relationship as ties};
use super::world::{Decider, Hat, HatIx, PersonIx, World};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{AccountId, HatId, PersonId};
use crate::vocabulary::{Category, Level, Purpose, Role};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Somebody who wants to record something, at a moment.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The account.
    pub account: AccountId,
    /// The hat worn.
    pub hat: HatId,
    /// Under which purpose.
    pub purpose: Purpose,
    /// When.
    pub at: Time,
}

/// How far into the decision procedure an act must come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// A valid hat and no conflict of interest (steps 1 and 2).
    Hat,
    /// Also a purpose the role may declare (step 3).
    Purpose,
    /// Also a live relationship (step 4).
    Relationship,
}

/// Why somebody may not act at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The reason for the log.
    pub reason: Reason,
    /// Whether the one refused must not learn it: the answer is then that of a person nobody knows.
    pub silent: bool,
    /// Whether a privacy officer is told.
    pub alert: bool,
}

impl Refused {
    /// A refusal that may be known.
    #[must_use]
    pub const fn open(reason: Reason) -> Self {
        Self { reason, silent: false, alert: false }
    }
}

/// The steps 1 to 4 of the decision procedure for an act about a person; returns the relationship relied on.
///
/// # Errors
/// [`Refused`]; a person nobody knows is refused like one without a relationship.
pub fn admit(
    world: &World,
    policy: &Policy,
    actor: &Actor,
    person: &PersonId,
    needs: Needs,
) -> Result<Option<String>, Refused> {
    let ask = ask_of(actor, person);
    let Some(request) = Request::new(world, policy, &ask) else { return Err(Refused::open(Reason::DAuth)) };
    let steps = [
        auth::log(&request),
        auth::step(&request),
        conflict::step(&request),
        if needs == Needs::Hat { ControlFlow::Continue(()) } else { purpose::step(&request) },
    ];
    for step in steps {
        if let ControlFlow::Break(draft) = step {
            let reason = draft.decision.reason;
            let tie = conflict::tie(world, request.account, request.persons().into_iter(), request.at);
            let coi = reason == Reason::DCoi;
            let silent = coi && tie == Some(conflict::Tie::AllegedPerpetrator);
            return Err(Refused { reason, silent, alert: coi });
        }
    }
    if needs != Needs::Relationship {
        return Ok(None);
    }
    let found = request.persons().iter().find_map(|person| ties::live(&request, *person));
    let found = found.and_then(|ix| world.relationship(ix));
    found.map(|found| Some(found.id.to_string())).ok_or(Refused::open(Reason::DRel))
}

/// What [`admit`] says as a decision, to be set beside another: full and allowed, or nothing with the reason.
#[must_use]
pub fn admission(world: &World, policy: &Policy, actor: &Actor, person: &PersonId, needs: Needs) -> Decision {
    match admit(world, policy, actor, person, needs) {
        Ok(_) => Decision::new(Level::F, Reason::AllowMatrix),
        Err(refused) => Decision::new(Level::N, refused.reason),
    }
}

/// Whether somebody may confirm an assistant's draft about a person (R49): the decision procedure's own answer.
///
/// # Errors
/// [`Refused`].
pub fn confirms(world: &World, policy: &Policy, actor: &Actor, person: &PersonId) -> Result<(), Refused> {
    let act = Some(Act::ConfirmDraft { person: person.clone() });
    let decision = super::decide(world, policy, &Ask { act, ..ask_of(actor, person) });
    if decision.level > Level::N {
        return Ok(());
    }
    let silent = decision.marker == Marker::Silent;
    Err(Refused { reason: decision.reason, silent, alert: decision.reason == Reason::DCoi })
}

fn ask_of(actor: &Actor, person: &PersonId) -> Ask {
    Ask {
        id: AskId::from("act"),
        account: actor.account.clone(),
        hat: actor.hat.clone(),
        purpose: actor.purpose,
        at: Some(actor.at),
        strong_auth: true,
        segment: None,
        act: Some(Act::RecordPermission { person: person.clone() }),
        analytics: None,
        r#override: None,
        delegation: None,
        opening: None,
        requester: None,
        expect: None,
    }
}

/// The hat that acts, with what its role may do.
pub(super) fn hat<'w>(world: &'w World, policy: &'w Policy, id: &HatId) -> Option<(HatIx, &'w Hat, &'w RoleRow)> {
    let ix = world.names.hats.get(id.as_str())?;
    let hat = world.hat(ix)?;
    Some((ix, hat, policy.role(hat.role)))
}

/// In which capacity a person decides for themselves at their age; `None` for somebody nobody knows.
#[must_use]
pub fn own_capacity(world: &World, id: &str, at: Time) -> Option<Capacity> {
    let ages = world.ages(person(world, id)?);
    Some(match (ages.adult(at), ages.sixteen(at)) {
        (true, _) => Capacity::SelfAdult,
        (false, true) => Capacity::Self16To17,
        (false, false) => Capacity::SelfCompetentChild,
    })
}

/// Whether a search may answer with this person (R8): not one whose place is protected, whose identity is sealed, who came
/// without a name, or with whom the searcher has a tie.
#[must_use]
pub fn may_be_found(world: &World, account: &AccountId, id: &PersonId, at: Time) -> bool {
    let Some(ix) = person(world, id.as_str()) else { return false };
    let tied = world
        .names
        .accounts
        .get(account.as_str())
        .and_then(|account| conflict::tie(world, account, std::iter::once(ix), at));
    !world.is_protected(ix, at) && !world.is_sealed(ix, at) && tied.is_none()
}

/// Whether a person is 13, 16 and 18; somebody nobody knows counts as an adult, whose rules are the tighter ones.
#[must_use]
pub fn ages_reached(world: &World, id: &str, at: Time) -> (bool, bool, bool) {
    person(world, id).map_or((true, true, true), |ix| {
        let ages = world.ages(ix);
        (ages.thirteen(at), ages.sixteen(at), ages.adult(at))
    })
}

/// Whether the hat is a manager or on-call lead in a role that may approve, in office now (R39).
#[must_use]
pub fn supervises(world: &World, policy: &Policy, id: &HatId, at: Time) -> bool {
    hat(world, policy, id)
        .is_some_and(|(ix, hat, role)| hat.supervisor && role.may_approve && auth::hat_valid(world, ix, at))
}

/// The role of a hat.
#[must_use]
pub fn role_of(world: &World, id: &HatId) -> Option<Role> {
    world.names.hats.get(id.as_str()).and_then(|ix| world.hat(ix)).map(|hat| hat.role)
}

/// The person with this id.
pub(super) fn person(world: &World, id: &str) -> Option<PersonIx> {
    world.person_named(id)
}

/// The person or council with this id; people first, as everywhere.
pub(super) fn party(world: &World, id: &str) -> Option<Decider> {
    person(world, id).map(Decider::Person).or_else(|| world.names.agencies.get(id).map(Decider::Agency))
}

/// Whether a person may decide for themselves about one of these categories at this time: 16, or assessed competent.
pub(super) fn able(world: &World, person: PersonIx, categories: &[Category], at: Time) -> bool {
    world.ages(person).sixteen(at) || categories.iter().any(|category| world.competent(person, *category, at))
}

/// What a permission covers when it names sensitivity codes instead of categories: any that can be listed.
pub(super) fn categories_of(scope: &super::facts::Scope) -> Vec<Category> {
    scope.categories.clone().unwrap_or_else(|| {
        let listed = |c: &Category| !permission::NEVER_LISTED.contains(c);
        Category::ALL.iter().copied().filter(listed).collect()
    })
}

/// The end of the `days`th working day after `at`, in London: Saturdays and Sundays do not count. Bank holidays do, so a task
/// may be due a day too early, never too late.
#[must_use]
pub fn working_days(at: Time, days: u32) -> Time {
    use jiff::civil::Weekday::{Saturday, Sunday};
    let (mut when, mut left) = (at, days);
    while left > 0 {
        let next = when.plus_days(1);
        if next <= when {
            break; // The end of time.
        }
        when = next;
        if !matches!(when.date().weekday(), Saturday | Sunday) {
            left = left.saturating_sub(1);
        }
    }
    when
}

/// A breach of a rule at a member of what was sent.
pub(super) fn breach(pointer: impl Into<String>, rule: &str, text: &str) -> Diagnostic {
    Diagnostic::error(code::SHARING_GUARD, format!("{text} ({rule})")).with_pointer(pointer.into())
}
