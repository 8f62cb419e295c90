//! The messages and decisions of one batch, written together: a statement per table instead of a dozen per message and
//! four per decision.
//!
//! Owns when that may be done and what happens when it cannot. It is tried only where the order of the jobs makes no
//! difference: an accepted message adds rows that nobody has seen, a decision adds rows under its own entry, a mailbox step
//! moves an item that was stored before. An item that two different steps of one batch want is a reason not to. Written
//! together is either all or none: whenever one of them would be refused, or breaks a constraint, all are undone to the mark
//! and each is written alone, where it gets its own answer. See `batch`.

use super::batch::{Broken, keep, mark, undo};
use super::faults::{FaultPoint, Timing};
use super::writer::{Prepared, Writer};
use crate::clock::Moment;
use crate::ident::EntryId;
use crate::store::Error;
use crate::store::apply::{Decisions, accept_all, decide_all};
use crate::store::db::Tx;
use crate::store::effect::{Effect, NewMessage};
use crate::store::keys::Sealed;
use crate::store::mailbox::Out;
use crate::store::permission_use::Used;
use std::collections::BTreeMap;

/// Whether a job is one accepted message and nothing else, or one decision and nothing else.
pub(super) fn is_grouped(job: &Prepared) -> bool {
    message(job).is_some() || is_decision(job)
}

/// Writes all such jobs of the batch; false when they are to be written one by one.
pub(super) async fn write(writer: &Writer, tx: &mut Tx, jobs: &[Prepared], now: Moment) -> Result<bool, Broken> {
    let messages: Vec<(&NewMessage, &[Sealed])> = jobs.iter().filter_map(message).collect();
    let mut decisions = Decisions::default();
    let mut grouped = messages.len();
    for job in jobs.iter().filter(|job| is_decision(job)) {
        grouped = grouped.saturating_add(1);
        add(&mut decisions, job);
    }
    if grouped < 2 || !order_is_free(jobs) {
        return Ok(false);
    }
    writer.fault(FaultPoint::Effects, Timing::Before)?;
    mark(tx).await?;
    match both(writer, tx, now, &messages, &decisions).await {
        Ok(true) => {
            keep(tx).await?;
            writer.fault(FaultPoint::Effects, Timing::After)?;
            Ok(true)
        }
        Ok(false) | Err(Error::Constraint { .. } | Error::Nul { .. }) => {
            undo(tx).await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

async fn both(
    writer: &Writer,
    tx: &mut Tx,
    now: Moment,
    messages: &[(&NewMessage, &[Sealed])],
    decisions: &Decisions<'_>,
) -> Result<bool, Error> {
    let accepted = messages.is_empty() || accept_all(tx, &writer.keys, now, messages).await?;
    Ok(accepted && decide_all(tx, now, decisions).await?)
}

fn message(job: &Prepared) -> Option<(&NewMessage, &[Sealed])> {
    match job.effects.as_slice() {
        [Effect::Accept(message)] => Some((message, job.contents.as_slice())),
        _ => None,
    }
}

fn receipt(job: &Prepared) -> Option<&EntryId> {
    job.entries.first().map(|ready| ready.sealed.id())
}

/// An entry with what it was made from, the item it releases, the permissions it rested on: each at most once.
fn is_decision(job: &Prepared) -> bool {
    let count = |of: fn(&Effect) -> bool| job.effects.iter().filter(|effect| of(effect)).count();
    let kept = count(|e| matches!(e, Effect::KeepDecided { .. }));
    let out = count(|e| matches!(e, Effect::Release { .. }));
    let used = count(|e| matches!(e, Effect::RestsOn { .. }));
    let all = kept.saturating_add(out).saturating_add(used);
    all == job.effects.len() && all > 0 && kept <= 1 && out <= 1 && receipt(job).is_some()
}

fn add<'a>(decisions: &mut Decisions<'a>, job: &'a Prepared) {
    let Some(entry) = receipt(job) else { return };
    for effect in &job.effects {
        match effect {
            Effect::KeepDecided { .. } => decisions.kept.extend(job.contents.first().map(|sealed| (entry, sealed))),
            Effect::Release { item, system, digest } => {
                decisions.out.push(Out { item, system, receipt: entry, digest });
            }
            Effect::RestsOn { permissions, system, agency } => {
                decisions.used.push(Used { permissions, entry, system, agency });
            }
            _ => {}
        }
    }
}

/// Whether nothing that one job writes meets what another of them looks at or changes, save that an item may be released
/// several times.
fn order_is_free(jobs: &[Prepared]) -> bool {
    let mut steps: BTreeMap<&str, &'static str> = BTreeMap::new();
    for job in jobs {
        let alone = job.effects.len() == 1;
        for effect in &job.effects {
            let fits = match effect {
                Effect::Accept(_) => alone,
                Effect::KeepDecided { .. } | Effect::RestsOn { .. } => true,
                Effect::Release { item, .. } => *steps.entry(item.as_str()).or_insert(RELEASED) == RELEASED,
                Effect::Ack { item, .. } | Effect::Nack { item, .. } => {
                    *steps.entry(item.as_str()).or_insert(SETTLED) == SETTLED
                }
                other => matches!(other, Effect::Keep { .. } | Effect::KeepRules { .. }),
            };
            if !fits {
                return false;
            }
        }
    }
    true
}

const RELEASED: &str = "released";
const SETTLED: &str = "settled";
