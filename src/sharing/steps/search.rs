//! Looking for a person (R8, R51, R66, R83; facts file paper §8.6).

use super::{Draft, Request, Step, conflict};
use crate::sharing::decision::Reason;
use crate::sharing::facts::Query;
use crate::vocabulary::{Category, Level};
use std::ops::ControlFlow;

/// The most candidates a search answers with (R8).
const CANDIDATES_MAX: usize = 5;

/// Decides a search: the lower of S and the IDN cell, if somebody may be found.
pub(in crate::sharing) fn step(request: &Request<'_>, query: &Query) -> Step<Draft> {
    let refused = || Draft::refuse(Reason::DRel, &[8]);
    if !request.policy.role(request.hat.role).searches || !enough(query) {
        return ControlFlow::Break(refused());
    }
    let world = request.world;
    let candidates = world
        .people_all()
        .filter(|(ix, person)| {
            person.fits(query, request.at)
                && !world.is_protected(*ix, request.at)
                && !world.is_sealed(*ix, request.at)
                && conflict::tie(world, request.account, std::iter::once(*ix), request.at).is_none()
        })
        .take(CANDIDATES_MAX.saturating_add(1))
        .count();
    let cell = request.policy.cell(request.purpose, request.hat.role, Category::Idn);
    let level = cell.map_or(Level::N, |cell| cell.without.min(Level::S));
    match candidates {
        0 => ControlFlow::Break(refused().hushed()),
        1..=CANDIDATES_MAX if level > Level::N => ControlFlow::Continue(Draft::new(level, Reason::AllowMatrix, &[8])),
        _ => ControlFlow::Break(refused()),
    }
}

/// Surname, date of birth and one of first name, postcode, identifier; or one identifier exactly.
fn enough(query: &Query) -> bool {
    let given = |text: Option<&crate::sharing::facts::Text>| text.is_some_and(|text| !text.as_str().trim().is_empty());
    let identifier = query.identifier.as_ref().is_some_and(|identifier| given(Some(&identifier.value)));
    let third = given(query.given_name.as_ref()) || given(query.postcode.as_ref());
    identifier || (given(query.family_name.as_ref()) && query.born.is_some() && third)
}
