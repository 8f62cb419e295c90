//! One batch: many jobs in one transaction.
//!
//! Owns the order of writes (effects, entries, tiles, checkpoint, commit) and what each kind of failure means: before the
//! commit was asked for, nothing of the batch exists; from then on, an error means that nobody knows.

use super::append::{self, LogState, Placed, SubjectKeys, number};
use super::faults::{FaultPoint, Timing};
use super::writer::{Prepared, ReadyEntry, Writer};
use super::{CommitError, Receipt, group};
use crate::audit::Entry;
use crate::clock::Moment;
use crate::store::Error;
use crate::store::apply::{Scene, Stopped, apply};
use crate::store::db::{Arg, Tx, statements};
use crate::store::effect::Effect;
use crate::store::join;
use crate::store::log_keys;
use std::time::Duration;

/// How long a commit may take before its outcome counts as unknown.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// A checkpoint is kept for history at least every so many entries, so that damage can be narrowed down.
const CHECKPOINT_ENTRIES: u64 = 256;

statements! {
    SAVEPOINT = "SAVEPOINT job";
    RELEASE = "RELEASE SAVEPOINT job";
    UNDO = "ROLLBACK TO SAVEPOINT job";
    SHARD_MOVE = "UPDATE log_shard SET batches = $2, size = $3, time_last = $4, frontier = $5, note = $6 WHERE origin = $1 AND owner = $7 AND batches = $8";
    CHECKPOINT_KEEP = "INSERT INTO checkpoint (origin, size, note, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT (origin, size) DO UPDATE SET note = excluded.note, made_at = excluded.made_at";
}

/// Why a batch did not end well.
pub(super) enum Broken {
    /// Nothing of it exists; one of its jobs breaks a constraint.
    Job(Error),
    /// Nothing of it exists; the store failed.
    Store(Error),
    /// Another process owns the log.
    Fenced,
    /// The database file is no longer where it was: what was written to it is lost with it.
    Gone,
    /// It may or may not exist.
    Unknown(Box<Outcome>),
}

/// What a batch comes to, once it is known to be durable.
pub(super) struct Outcome {
    pub(super) next: LogState,
    pub(super) note: String,
    pub(super) answers: Vec<Result<Vec<Receipt>, CommitError>>,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Constraint { .. } | Error::Nul { .. }) {
            Self::Job(error)
        } else {
            Self::Store(error)
        }
    }
}

/// Writes the jobs in one transaction; each gets its answer, in order.
pub(super) async fn run(writer: &mut Writer, jobs: &[Prepared]) -> Result<Outcome, Broken> {
    writer.fault(FaultPoint::Begin, Timing::Before)?;
    let mut tx = writer.db.begin().await?;
    writer.fault(FaultPoint::Begin, Timing::After)?;
    let mut next = writer.state.clone();
    let (mut answers, mut all) = (Vec::with_capacity(jobs.len()), Vec::new());
    let now = next.next_time(writer.clock.now());
    let entries: Vec<Answer> = jobs.iter().map(|job| entries_of(writer, job, now)).collect();
    let together = entries.iter().all(Result::is_ok) && group::write(writer, &mut tx, jobs, now).await?;
    for (job, entries) in jobs.iter().zip(entries) {
        let written = match entries {
            Ok(entries) if together && group::is_grouped(job) => Ok(entries),
            Ok(entries) => one(writer, &mut tx, job, entries, now).await?,
            Err(error) => Err(error),
        };
        match written {
            Ok(entries) => {
                let placed = next.place(entries);
                answers.push(Ok(append::receipts(&placed, &writer.origin_text)));
                all.extend(placed);
            }
            Err(error) => answers.push(Err(error)),
        }
    }
    for job in jobs.iter() {
        for effect in &job.effects {
            if let Effect::EraseSealed { key, .. } = effect {
                writer.subjects.lose(key);
                for other in join::into(&mut tx, key).await? {
                    writer.subjects.lose(&other);
                }
            }
        }
    }
    let note = close(writer, &mut tx, &mut next, &all, now).await?;
    let outcome = Outcome { next, note, answers };
    if writer.fault(FaultPoint::Commit, Timing::Before).is_err() {
        return Err(Broken::Unknown(Box::new(outcome)));
    }
    let committed = tokio::time::timeout(COMMIT_TIMEOUT, tx.commit()).await;
    let reported = writer.fault(FaultPoint::Commit, Timing::After);
    match (committed, reported) {
        (Ok(Ok(())), Ok(())) if !writer.lease.in_place() => Err(Broken::Gone),
        (Ok(Ok(())), Ok(())) => Ok(outcome),
        _ => Err(Broken::Unknown(Box::new(outcome))),
    }
}

type Entries = Vec<(ReadyEntry, Entry, String)>;
type Answer = Result<Entries, CommitError>;

/// A job's entries, not yet placed.
fn entries_of(writer: &Writer, job: &Prepared, now: Moment) -> Answer {
    let mut entries = Vec::with_capacity(job.entries.len());
    for ready in &job.entries {
        match ready.sealed.entry(&writer.origin, now) {
            Ok(entry) => entries.push((ready.clone(), entry, append::key_ref(ready.subject.as_deref(), now))),
            Err(_) => return Err(CommitError::Invalid("an entry is too large or its time out of range")),
        }
    }
    Ok(entries)
}

/// Writes one job's effects. A refused job leaves nothing.
async fn one(writer: &Writer, tx: &mut Tx, job: &Prepared, entries: Entries, now: Moment) -> Result<Answer, Broken> {
    writer.fault(FaultPoint::Effects, Timing::Before)?;
    let guarded = job.effects.len() > 1 || job.effects.iter().any(|e| e.step().is_none());
    if guarded {
        mark(tx).await?;
    }
    let mut sealed = job.contents.as_slice();
    let receipt = entries.first().map(|(ready, _, _)| ready.sealed.id());
    for effect in &job.effects {
        let (mine, rest) = sealed.split_at_checked(effect.contents()).unwrap_or((sealed, &[]));
        sealed = rest;
        match apply(tx, &Scene { keys: &writer.keys, now, receipt, sealed: mine }, effect).await {
            Ok(()) => {}
            Err(Stopped::Failed(error)) => return Err(error.into()),
            Err(Stopped::Refused(refusal)) => {
                if guarded {
                    undo(tx).await?;
                }
                return Ok(Err(refusal.into()));
            }
        }
    }
    if guarded {
        keep(tx).await?;
    }
    writer.fault(FaultPoint::Effects, Timing::After)?;
    Ok(Ok(entries))
}

/// From here on what is written can be undone alone.
pub(super) async fn mark(tx: &mut Tx) -> Result<(), Error> {
    tx.execute(&SAVEPOINT, &[]).await.map(drop)
}

/// What was written since the mark stays with the transaction.
pub(super) async fn keep(tx: &mut Tx) -> Result<(), Error> {
    tx.execute(&RELEASE, &[]).await.map(drop)
}

/// Undoes what was written since the mark.
pub(super) async fn undo(tx: &mut Tx) -> Result<(), Error> {
    tx.execute(&UNDO, &[]).await?;
    keep(tx).await
}

/// Writes entries, tiles and the new end of the log; the signed checkpoint.
async fn close(
    writer: &mut Writer,
    tx: &mut Tx,
    next: &mut LogState,
    all: &[Placed],
    now: Moment,
) -> Result<String, Broken> {
    let before = writer.state.frontier.size();
    if !all.is_empty() {
        writer.fault(FaultPoint::Entries, Timing::Before)?;
        let mut subjects = std::mem::replace(&mut writer.subjects, SubjectKeys::new());
        let written = append::write(tx, &writer.keys, &mut subjects, next, &writer.origin, all).await;
        writer.subjects = subjects;
        written?;
        writer.fault(FaultPoint::Entries, Timing::After)?;
    }
    writer.fault(FaultPoint::Shard, Timing::Before)?;
    next.batches = writer.state.batches.saturating_add(1);
    let size = next.frontier.size();
    let note = if size == before && !writer.note.is_empty() {
        writer.note.clone()
    } else {
        let mut note = writer.signer.checkpoint(size, next.frontier.root());
        if let Some(old) = &writer.retires {
            // The overlap: the key that ends and its successor sign the same checkpoint.
            note.add(old.sign(note.text(), 0));
        }
        note.to_text()
    };
    let args = [
        Arg::Text(writer.origin.as_str()),
        Arg::Int(next.batches),
        Arg::Int(number(size)),
        Arg::Int(next.time_last.millis()),
        Arg::Bytes(&next.frontier.to_bytes()),
        Arg::Text(&note),
        Arg::Text(&writer.owner),
        Arg::Int(writer.state.batches),
    ];
    if tx.execute(&SHARD_MOVE, &args).await? != 1 {
        return Err(Broken::Fenced);
    }
    let ends = writer.retires.as_ref().filter(|_| size != before);
    if let Some(old) = ends {
        log_keys::retire(tx, &writer.origin, old.vkey(), (size, &note, now)).await?;
    }
    if ends.is_some() || size.checked_div(CHECKPOINT_ENTRIES) != before.checked_div(CHECKPOINT_ENTRIES) {
        let args =
            [Arg::Text(writer.origin.as_str()), Arg::Int(number(size)), Arg::Text(&note), Arg::Int(now.millis())];
        tx.execute(&CHECKPOINT_KEEP, &args).await?;
    }
    writer.fault(FaultPoint::Shard, Timing::After)?;
    Ok(note)
}
