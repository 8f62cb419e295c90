//! The accepted messages of one batch, written together: a statement per table instead of a dozen per message.
//!
//! Owns when that may be done and what happens when it cannot. It is tried only where the order of the jobs makes no
//! difference: an accepted message adds rows that nobody has seen, a mailbox step moves an item that was stored before.
//! Written together is either every message or none: whenever one of them would be refused, or breaks a constraint, all are
//! undone to the mark and each is written alone, where it gets its own answer. See `batch`.

use super::batch::{Broken, keep, mark, undo};
use super::faults::{FaultPoint, Timing};
use super::writer::{Prepared, Writer};
use crate::clock::Moment;
use crate::store::Error;
use crate::store::apply::accept_all;
use crate::store::db::Tx;
use crate::store::effect::{Effect, NewMessage};
use crate::store::keys::Sealed;

/// Whether a job is one accepted message and nothing else.
pub(super) fn is_accept(job: &Prepared) -> bool {
    message(job).is_some()
}

/// Writes all accepted messages of the batch; false when they are to be written one by one.
pub(super) async fn accept(writer: &Writer, tx: &mut Tx, jobs: &[Prepared], now: Moment) -> Result<bool, Broken> {
    let all: Vec<(&NewMessage, &[Sealed])> = jobs.iter().filter_map(message).collect();
    if all.len() < 2 || !jobs.iter().all(order_is_free) {
        return Ok(false);
    }
    writer.fault(FaultPoint::Effects, Timing::Before)?;
    mark(tx).await?;
    match accept_all(tx, &writer.keys, now, &all).await {
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

fn message(job: &Prepared) -> Option<(&NewMessage, &[Sealed])> {
    match job.effects.as_slice() {
        [Effect::Accept(message)] => Some((message, job.contents.as_slice())),
        _ => None,
    }
}

/// Whether what a job writes does not meet what an accepted message writes.
fn order_is_free(job: &Prepared) -> bool {
    match job.effects.as_slice() {
        [] | [Effect::Accept(_)] => true,
        [step] => step.step().is_some() && !matches!(step, Effect::Return { .. }),
        _ => false,
    }
}
