//! Ties among records of one decider (consent paper §7; facts file paper §8.10): the narrower wins; of the same scope the
//! newest, at equal time the refusal; otherwise the refusal.

use super::Entry;
use crate::sharing::facts::{Choice, Period};
use crate::sharing::world::{Decider, Party, Scope, World};

/// The effective records: of each decider those that no other of the same decider beats, and of these only the refusals if
/// there are any.
pub(super) fn effective<'e, 'a: 'e>(world: &World, entries: impl Iterator<Item = &'e Entry<'a>>) -> Vec<&'e Entry<'a>> {
    let entries: Vec<&Entry<'a>> = entries.collect();
    let unbeaten: Vec<&Entry<'a>> = entries
        .iter()
        .copied()
        .filter(|entry| !entries.iter().any(|other| other.decider() == entry.decider() && beats(world, other, entry)))
        .collect();
    let refuses =
        |decider: Decider| unbeaten.iter().any(|entry| entry.decider() == decider && entry.choice == Choice::Refuse);
    unbeaten.iter().copied().filter(|e| e.choice == Choice::Refuse || !refuses(e.decider())).collect()
}

fn beats(world: &World, one: &Entry<'_>, other: &Entry<'_>) -> bool {
    if std::ptr::eq(one.record, other.record) {
        return false;
    }
    let inside = within(world, &one.scope, &other.scope);
    let outside = within(world, &other.scope, &one.scope);
    match (inside, outside) {
        (true, false) => true,
        (true, true) => {
            let (new, old) = (one.record.recorded_at, other.record.recorded_at);
            new > old || (new == old && one.choice == Choice::Refuse && other.choice == Choice::Permit)
        }
        (false, _) => false,
    }
}

/// Whether two scopes say the same.
pub(super) fn same(one: &Scope, other: &Scope) -> bool {
    one == other
}

/// Whether `one` is nowhere wider than `other`.
fn within(world: &World, one: &Scope, other: &Scope) -> bool {
    fn part<T>(one: Option<&T>, other: Option<&T>, inside: impl Fn(&T, &T) -> bool) -> bool {
        match (one, other) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(one), Some(other)) => inside(one, other),
        }
    }
    let parties =
        |one: &Vec<Party>, other: &Vec<Party>| one.iter().all(|a| other.iter().any(|b| party_within(world, a, b)));
    part(one.categories.as_ref(), other.categories.as_ref(), |a, b| a & !b == 0)
        && part(one.labels.as_ref(), other.labels.as_ref(), |a, b| a.iter().all(|x| b.contains(x)))
        && part(unless_anyone(one.from.as_ref()), unless_anyone(other.from.as_ref()), parties)
        && part(unless_anyone(one.to.as_ref()), unless_anyone(other.to.as_ref()), parties)
        && part(one.purposes.as_ref(), other.purposes.as_ref(), |a, b| a & !b == 0)
        && part(one.period.as_ref(), other.period.as_ref(), |a, b| period_within(*a, *b))
        && part(one.segments.as_ref(), other.segments.as_ref(), |a, b| a.iter().all(|x| b.contains(x)))
}

/// "Anyone" is as wide as no element at all.
fn unless_anyone(parties: Option<&Vec<Party>>) -> Option<&Vec<Party>> {
    parties.filter(|list| !list.iter().any(|party| party.anyone))
}

/// An account lies within the roles, teams and agencies of its hats; otherwise every element of the wider must be named.
/// Neither is "anyone": see [`unless_anyone`].
fn party_within(world: &World, one: &Party, other: &Party) -> bool {
    if other.account.is_some_and(|account| one.account != Some(account)) {
        return false;
    }
    let named = other.agency.is_none_or(|x| one.agency == Some(x))
        && other.role.is_none_or(|x| one.role == Some(x))
        && other.team.is_none_or(|x| one.team == Some(x));
    let hats = one.account.and_then(|account| world.account(account));
    named
        || hats.is_some_and(|account| {
            account.hats.iter().filter_map(|hat| world.hat(*hat)).any(|hat| {
                other.agency.is_none_or(|x| hat.agency == x)
                    && other.role.is_none_or(|x| hat.role == x)
                    && other.team.is_none_or(|x| hat.team == Some(x))
            })
        })
}

fn period_within(one: Period, other: Period) -> bool {
    let from = match (one.from, other.from) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => b <= a,
    };
    let to = match (one.to, other.to) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => a <= b,
    };
    from && to
}
