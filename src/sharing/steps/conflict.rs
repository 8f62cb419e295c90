//! Step 2: the account holder's own ties to the people asked about (R9, R62).

use super::{Draft, GO, Request, Step, Target};
use crate::sharing::decision::{Flag, Reason};
use crate::sharing::facts::Time;
use crate::sharing::world::{AccountIx, PersonIx, World};
use std::ops::ControlFlow;

/// How the account holder is tied to the people asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) enum Tie {
    /// Self, household, relative, partner, friend, neighbour.
    Near,
    /// One of them is protected from the account holder: looks like "no record found".
    AllegedPerpetrator,
}

/// Step 2.
pub(in crate::sharing) fn step(request: &Request<'_>) -> Step {
    let (world, account, at) = (request.world, request.account, request.at);
    let found = match request.target {
        Target::Segment(reading) => tie(world, account, reading.persons(), at),
        Target::Act(_) | Target::Analytics(_) => tie(world, account, request.persons().into_iter(), at),
    };
    let Some(tie) = found else { return GO };
    let mut draft = Draft::refuse(Reason::DCoi, &[9, 62]);
    draft.decision.flags.insert(Flag::AlertPrv);
    ControlFlow::Break(if tie == Tie::AllegedPerpetrator { draft.hushed() } else { draft })
}

/// The tie of an account to these persons and their housemates, the gravest first.
pub(in crate::sharing) fn tie(
    world: &World,
    account: AccountIx,
    persons: impl Iterator<Item = PersonIx>,
    at: Time,
) -> Option<Tie> {
    let own = world.own_persons(account, at);
    let mut near = None;
    // Nobody the account holder is, and nobody they declared: most accounts.
    own.clone().next().or_else(|| world.declared(account, at).next())?;
    for person in persons {
        let mates = world.housemates(person, at);
        for each in std::iter::once(person).chain(mates) {
            if own.clone().any(|own| world.protected_from(each, at).any(|x| x == own)) {
                return Some(Tie::AllegedPerpetrator);
            }
            let tied = own.clone().any(|own| own == each || world.linked(own, each, at));
            if tied || world.declared(account, at).any(|declared| declared == each) {
                near = Some(Tie::Near);
            }
        }
    }
    near
}
