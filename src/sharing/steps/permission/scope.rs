//! R33: whose data, which categories, from whom, to whom, for which purpose, from what time. Elements join by AND.

use super::{Matter, Purposes};
use crate::sharing::facts::{Choice, Period};
use crate::sharing::world::{HatIx, Party, Permission, Scope, World, category_bit, purpose_bit};
use crate::vocabulary::{Category, Confidentiality};
use std::borrow::Cow;

/// The record's decision for this matter: its base if that fits, replaced by the exceptions that fit; exceptions that
/// differ refuse (consent paper §6). `None` = no opinion.
pub(super) fn decision<'a>(
    matter: &Matter<'_>,
    record: &'a Permission,
    purposes: Purposes,
) -> Option<(Choice, Cow<'a, Scope>)> {
    if !fits(matter, &record.scope, record.choice, purposes) {
        return None;
    }
    let mut fitting: Vec<&(Choice, Scope)> =
        record.exceptions.iter().filter(|(choice, scope)| fits(matter, scope, *choice, purposes)).collect();
    fitting.sort_by_key(|(choice, _)| *choice == Choice::Permit);
    Some(match fitting.first() {
        None => (record.choice, Cow::Borrowed(&record.scope)),
        Some((choice, scope)) => (*choice, Cow::Owned(record.scope.within(scope))),
    })
}

/// Where the words leave room a refusal fits and a permission does not: outside its scope it does not exist (R33).
fn fits(matter: &Matter<'_>, scope: &Scope, choice: Choice, purposes: Purposes) -> bool {
    let refusal = choice == Choice::Refuse;
    scope.categories.is_none_or(|set| set & category_bit(matter.category) != 0)
        && scope.labels.as_ref().is_none_or(|labels| labelled(matter, labels))
        && scope.from.as_ref().is_none_or(|from| from.iter().any(|party| from_fits(matter, party)))
        && scope.to.as_ref().is_none_or(|to| to.iter().any(|party| to_fits(matter, party, choice)))
        && (purposes == Purposes::Any
            || scope.purposes.is_none_or(|set| set & purpose_bit(matter.request.purpose) != 0))
        && scope.period.is_none_or(|period| in_period(matter, period, refusal))
        && scope
            .segments
            .as_ref()
            .is_none_or(|ids| ids.contains(&matter.reading.ix) || (refusal && summary_of(matter, ids)))
}

/// Whether a full segment that is named has this one as its summary.
fn summary_of(matter: &Matter<'_>, ids: &[crate::sharing::world::SegmentIx]) -> bool {
    let world = matter.request.world;
    ids.iter().filter_map(|ix| world.segment(*ix)).any(|full| full.summary == Some(matter.reading.ix))
}

/// Whether any label of the scope covers the segment: a sensitivity code by subsumption, a confidentiality code by
/// "that level or lower" (consent paper §6).
fn labelled(matter: &Matter<'_>, labels: &[String]) -> bool {
    let general = match matter.category {
        Category::Mhl => Some("MH"),
        Category::Sub => Some("SUD"),
        _ => None,
    };
    let own = matter.reading.segment.labels.iter().map(String::as_str).chain(general);
    let own: Vec<&str> = own.collect();
    labels.iter().any(|label| match Confidentiality::parse(label) {
        Some(high_water) => {
            own.iter()
                .filter_map(|code| Confidentiality::parse(code))
                .fold(matter.category.confidentiality_floor(), Ord::max)
                <= high_water
        }
        None => own.iter().any(|code| covers(label, code)),
    })
}

/// Subsumption of sensitivity codes (facts file paper §4).
fn covers(label: &str, code: &str) -> bool {
    let sud = |code: &str| matches!(code, "SUD" | "ETH" | "ETHUD" | "OPIOIDUD");
    let bh = |code: &str| sud(code) || matches!(code, "BH" | "MH" | "PSY");
    label == code
        || match label {
            "SUD" => sud(code),
            "BH" => bh(code),
            "SPI" => bh(code),
            _ => false,
        }
}

/// `from` is tested against the custodian, and the author's hat where role, team or account is given.
fn from_fits(matter: &Matter<'_>, party: &Party) -> bool {
    if party.anyone {
        return true;
    }
    let segment = matter.reading.segment;
    let person = party.role.is_some() || party.team.is_some() || party.account.is_some();
    let author = segment.author.and_then(|hat| matter.request.world.hat(hat));
    party.agency.is_none_or(|agency| agency == segment.custodian)
        && (!person
            || author.is_some_and(|author| {
                party.role.is_none_or(|role| role == author.role)
                    && party.team.is_none_or(|team| Some(team) == author.team)
                    && party.account.is_none_or(|account| account == author.account)
            }))
}

/// `to` is the requester's hat; for a personal assistant the social worker's (facts file paper §8.16). A refusal that names
/// the assistant is heeded too.
fn to_fits(matter: &Matter<'_>, party: &Party, choice: Choice) -> bool {
    let request = matter.request;
    let own = || party_fits(request.world, party, request.hat_ix);
    match request.grantor() {
        None => own(),
        Some(grantor) => party_fits(request.world, party, grantor) || (choice == Choice::Refuse && own()),
    }
}

/// Whether a scope's `to` names the requester rather than everybody (sharing rules §10).
pub(super) fn names_requester(matter: &Matter<'_>, scope: &Scope) -> bool {
    scope.to.iter().flatten().any(|party| !party.anyone && to_fits(matter, party, Choice::Refuse))
}

/// Whether every element of a party fits a hat.
pub(in crate::sharing) fn party_fits(world: &World, party: &Party, hat: HatIx) -> bool {
    let Some(hat) = world.hat(hat) else { return false };
    party.anyone
        || (party.agency.is_none_or(|agency| agency == hat.agency)
            && party.role.is_none_or(|role| role == hat.role)
            && party.team.is_none_or(|team| Some(team) == hat.team)
            && party.account.is_none_or(|account| account == hat.account))
}

/// Both days inclusive, against the day observed. Information without one does not fit; for a refusal the day it was
/// recorded stands in.
fn in_period(matter: &Matter<'_>, period: Period, refusal: bool) -> bool {
    let segment = matter.reading.segment;
    let recorded = || segment.recorded_at.filter(|_| refusal).map(|at| at.date());
    let Some(day) = segment.observed.map(|day| day.0).or_else(recorded) else { return false };
    period.from.is_none_or(|from| from.0 <= day) && period.to.is_none_or(|to| day <= to.0)
}
