//! Step 9: what the recorded agreements and refusals say about one person's information (consent paper §7).
//!
//! Order of work: drop records whose decider has no standing ([`standing`]), keep those whose scope fits ([`scope`]), see
//! which are in force ([`life`]), reduce each decider to one effective record ([`ties`]), then the rows P3 to P15.

mod life;
mod scope;
mod standing;
mod ties;

pub(in crate::sharing) use scope::party_fits;

use super::{Reading, Request};
use crate::sharing::decision::{Flag, Flags, Limit, Rules};
use crate::sharing::facts::{Choice, Time};
use crate::sharing::world::{Decider, Permission, PersonIx, Scope};
use crate::vocabulary::Category;
use life::{Ending, State};
use standing::Class;
use std::sync::Arc;

/// The answer for a gated cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sharing) enum Answer {
    /// The with-level.
    Permitted,
    /// The without-level, and why.
    Withheld(Limit),
}

/// The answer with what it rests on.
pub(in crate::sharing) struct Evaluation {
    pub(in crate::sharing) answer: Answer,
    pub(in crate::sharing) flags: Flags,
    pub(in crate::sharing) permissions: Vec<Arc<str>>,
    /// The refusal that decided names the requester's agency, team, role or account.
    pub(in crate::sharing) named_refusal: bool,
    pub(in crate::sharing) rules: Rules,
}

impl Evaluation {
    fn new(answer: Answer, rules: &[u8]) -> Self {
        let rules = Rules::of(rules);
        Self { answer, flags: Flags::default(), permissions: Vec::new(), named_refusal: false, rules }
    }
    fn resting_on(mut self, records: &[&Entry<'_>]) -> Self {
        self.permissions = records.iter().map(|entry| Arc::clone(&entry.record.id)).collect();
        self
    }
    fn flagged(mut self, flag: Flag) -> Self {
        self.flags.insert(flag);
        self
    }
}

/// What one evaluation is about.
#[derive(Clone, Copy)]
struct Matter<'a> {
    request: &'a Request<'a>,
    reading: Reading<'a>,
    category: Category,
    person: PersonIx,
    at: Time,
}

/// Whether the purpose must fit too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purposes {
    /// Yes: for opening a cell.
    Fit,
    /// No: for noting dissent under a purpose that does not ask permission.
    Any,
}

/// A record that has standing and fits, with the decision and scope that its exceptions leave.
struct Entry<'a> {
    record: &'a Permission,
    class: Class,
    choice: Choice,
    scope: std::borrow::Cow<'a, Scope>,
    state: State,
}

impl Entry<'_> {
    fn decider(&self) -> Decider {
        self.record.decider
    }
    fn in_force(&self) -> bool {
        matches!(self.state, State::InForce | State::Disputed)
    }
}

/// Rows P2 to P15 for one person.
pub(in crate::sharing) fn evaluate(
    request: &Request<'_>,
    reading: Reading<'_>,
    category: Category,
    person: PersonIx,
) -> Evaluation {
    let matter = Matter { request, reading, category, person, at: request.at };
    let entries = entries(&matter, Purposes::Fit);
    let own = ties::effective(request.world, entries.iter().filter(|e| e.class == Class::Own && e.in_force()));
    if let Some(answer) = own_decision(&matter, &own) {
        return answer;
    }
    let sixteen = request.world.ages(person).sixteen(request.at);
    let competent = !sixteen && request.world.competent(person, category, request.at);
    // From 16 a record of their own, also one that has ended, leaves nothing to a parent's earlier one.
    let spoken = sixteen && entries.iter().any(|entry| entry.class == Class::Own && entry.state != State::Never);
    if competent || spoken {
        // P8: a competent young person's silence is not a parent's to fill.
        let limit = ended(&matter, entries.iter().filter(|e| e.class == Class::Own)).unwrap_or(Limit::PermissionAbsent);
        let silent = Evaluation::new(Answer::Withheld(limit), &[25, 28]);
        let ask = competent && limit == Limit::PermissionAbsent;
        return if ask { silent.flagged(Flag::AskYoungPerson) } else { silent };
    }
    let parents = ties::effective(request.world, entries.iter().filter(|e| e.class == Class::Parent && e.in_force()));
    parents_decision(&matter, &parents).unwrap_or_else(|| {
        let limit = ended(&matter, entries.iter()).unwrap_or(Limit::PermissionAbsent);
        Evaluation::new(Answer::Withheld(limit), &[33, 36])
    })
}

/// Every record of the person that has standing and whose scope fits.
fn entries<'a>(matter: &Matter<'a>, purposes: Purposes) -> Vec<Entry<'a>> {
    let world = matter.request.world;
    let records = world.permissions_about(matter.person).iter().filter_map(|ix| world.permission(*ix));
    let standing = records.filter_map(|record| Some((record, standing::class(matter, record)?)));
    standing
        .filter(|(record, _)| !superseded(matter, record))
        .filter_map(|(record, class)| {
            let (choice, scope) = scope::decision(matter, record, purposes)?;
            let state = life::state(matter, record, class);
            Some(Entry { record, class, choice, scope, state })
        })
        .collect()
}

/// Whether a newer version with standing has taken the record's place (consent paper §4): of the same decider, or of the
/// person themself; one holder of parental responsibility does not replace another's record.
fn superseded(matter: &Matter<'_>, record: &Permission) -> bool {
    let world = matter.request.world;
    let mut others = world.permissions_about(matter.person).iter().filter_map(|ix| world.permission(*ix));
    others.any(|other| {
        other.supersedes.as_deref() == Some(&*record.id)
            && other.valid_from <= matter.at
            && standing::class(matter, other)
                .is_some_and(|class| class == Class::Own || other.decider == record.decider)
    })
}

/// P3, P4, P6, P7: the person's own record (or their attorney's, deputy's, best-interests decision).
fn own_decision(matter: &Matter<'_>, own: &[&Entry<'_>]) -> Option<Evaluation> {
    let refusals: Vec<&Entry<'_>> = own.iter().copied().filter(|e| e.choice == Choice::Refuse).collect();
    if !refusals.is_empty() {
        return Some(refused(matter, &refusals, &[24, 25, 28, 34]));
    }
    if own.is_empty() {
        return None;
    }
    Some(Evaluation::new(Answer::Permitted, &[24, 25, 28]).resting_on(own))
}

fn refused(matter: &Matter<'_>, refusals: &[&Entry<'_>], rules: &[u8]) -> Evaluation {
    let mut answer = Evaluation::new(Answer::Withheld(Limit::PermissionRefused), rules).resting_on(refusals);
    answer.named_refusal = refusals.iter().any(|entry| scope::names_requester(matter, &entry.scope));
    answer
}

/// P9 to P11: holders of parental responsibility, or the council under a care order.
fn parents_decision(matter: &Matter<'_>, parents: &[&Entry<'_>]) -> Option<Evaluation> {
    let of = |choice| parents.iter().copied().filter(move |entry| entry.choice == choice);
    let (permits, unasked): (Vec<_>, Vec<_>) = of(Choice::Permit).partition(|entry| asked(matter, entry.record));
    let refusals: Vec<&Entry<'_>> = of(Choice::Refuse).collect();
    let mut disputed: Vec<_> = permits.iter().copied().filter(|entry| entry.state == State::Disputed).collect();
    if !disputed.is_empty() {
        disputed.extend(&refusals);
        return Some(dispute(matter, &disputed));
    }
    match (permits.is_empty(), refusals.is_empty()) {
        (false, false) => Some(between_holders(matter, &permits, &refusals)),
        (true, false) => Some(refused(matter, &refusals, &[29, 34])),
        (false, true) => Some(Evaluation::new(Answer::Permitted, &[29, 30]).resting_on(&permits)),
        (true, true) if !unasked.is_empty() => {
            // The young person must be asked before a parent's permission counts.
            let absent = Evaluation::new(Answer::Withheld(Limit::PermissionAbsent), &[26]);
            Some(absent.flagged(Flag::AskYoungPerson))
        }
        (true, true) => None,
    }
}

fn dispute(matter: &Matter<'_>, records: &[&Entry<'_>]) -> Evaluation {
    let mut answer = Evaluation::new(Answer::Withheld(Limit::PermissionDisputed), &[29]);
    // A refusal is in force: those whom it names learn nothing of it (sharing rules §10).
    let refusals = records.iter().filter(|entry| entry.choice == Choice::Refuse);
    answer.named_refusal = refusals.into_iter().any(|entry| scope::names_requester(matter, &entry.scope));
    answer.resting_on(records).flagged(Flag::DecideDispute)
}

/// One holder permits, another refuses: disputed until a manager resolved it on one of the records (R29).
fn between_holders(matter: &Matter<'_>, permits: &[&Entry<'_>], refusals: &[&Entry<'_>]) -> Evaluation {
    let all = || permits.iter().chain(refusals);
    let since = all().map(|entry| entry.record.recorded_at).max();
    let kept = all().filter_map(|entry| life::kept_at(matter, entry.record).map(|at| (at, *entry)));
    let latest =
        kept.filter(|(at, _)| Some(*at) >= since).max_by_key(|(at, entry)| (*at, entry.choice == Choice::Refuse));
    match latest {
        Some((_, entry)) if entry.choice == Choice::Permit => {
            Evaluation::new(Answer::Permitted, &[29]).resting_on(&[entry])
        }
        Some((_, entry)) => refused(matter, &[entry], &[29, 34]),
        None => dispute(matter, &all().copied().collect::<Vec<_>>()),
    }
}

/// Whether the young person was asked, where that is needed: 13 to 17, in SXH MHL SUB EXP (facts file paper §8.13).
fn asked(matter: &Matter<'_>, record: &Permission) -> bool {
    let ages = matter.request.world.ages(matter.person);
    let young = ages.thirteen(matter.at) && !ages.adult(matter.at);
    let tender = matches!(matter.category, Category::Sxh | Category::Mhl | Category::Sub | Category::Exp);
    !(young && tender) || record.asked_from.is_some_and(|from| from <= matter.at)
}

/// Whether a permit ever counted: a parent's does not while a young person who should be asked was not.
fn counted(matter: &Matter<'_>, entry: &Entry<'_>) -> bool {
    let young_then = matter.request.world.ages(matter.person).thirteen(entry.record.recorded_at);
    entry.class == Class::Own || !young_then || asked(matter, entry.record)
}

/// P12: how the permit that ended last ended. An ended refusal leaves no trace, nor does a permit that never counted.
fn ended<'a>(matter: &Matter<'_>, entries: impl Iterator<Item = &'a Entry<'a>>) -> Option<Limit> {
    let permits = entries.filter(|entry| entry.choice == Choice::Permit && counted(matter, entry));
    let endings = permits.filter_map(|entry| match entry.state {
        State::Ended(ending, when) => Some((when, ending)),
        State::InForce | State::Disputed | State::Never => None,
    });
    endings.max().map(|(_, ending)| match ending {
        Ending::Expired => Limit::PermissionExpired,
        Ending::Withdrawn => Limit::PermissionWithdrawn,
    })
}

/// Whether a refusal in force fits by everything but purpose (facts file paper §8.25).
pub(in crate::sharing) fn dissent(
    request: &Request<'_>,
    reading: Reading<'_>,
    category: Category,
    person: PersonIx,
) -> bool {
    let matter = Matter { request, reading, category, person, at: request.at };
    let competent = request.world.competent(person, category, request.at);
    let sixteen = request.world.ages(person).sixteen(request.at);
    let entries = entries(&matter, Purposes::Any);
    let live: Vec<&Entry<'_>> = entries
        .iter()
        .filter(|entry| entry.in_force() && (entry.class == Class::Own || sixteen || !competent))
        .collect();
    live.iter().filter(|entry| entry.choice == Choice::Refuse).any(|refusal| {
        // A newer permit of the same decider and scope has replaced it.
        !live.iter().any(|other| {
            other.choice == Choice::Permit
                && other.decider() == refusal.decider()
                && other.record.recorded_at > refusal.record.recorded_at
                && ties::same(&other.scope, &refusal.scope)
        })
    })
}
