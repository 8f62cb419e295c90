//! Starting the committer, and the handle through which jobs reach it.

use super::append::{LogState, SubjectKeys};
use super::fold::Fold;
use super::gather::{Coming, Gather};
use super::lease::Lease;
use super::mirror::{self, Mirror};
use super::standing::{Standing, StandingCell};
use super::writer::{Answer, Prepared, ReadyEntry, Told, Waiting, Writer};
use super::{CommitError, Committed, Draft, JOB_ENTRIES_MAX, Job, Options, QUEUE_JOBS_MAX};
use crate::audit::entry::new_id;
use crate::audit::{Salt, Signer, Vkey};
use crate::clock::{Clock, Moment};
use crate::diagnostic::Diagnostic;
use crate::store::check::Extent;
use crate::store::db::{Arg, Db, statements};
use crate::store::effect::Effect;
use crate::store::entry_index::IndexKeys;
use crate::store::keys::Keys;
use crate::store::log::LogReader;
use crate::store::mark::Mark;
use crate::store::{Error, decided, messages, quarantine};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

statements! {
    SHARD_NEW = "INSERT INTO log_shard (origin, batches, size, time_last, frontier, owner, owned_at, note, verified_size, verified_frontier, verified_at) VALUES ($1, 0, 0, 0, $2, '', 0, $3, 0, $2, 0) ON CONFLICT (origin) DO NOTHING";
    SHARD_OWN = "UPDATE log_shard SET owner = $2, owned_at = $3 WHERE origin = $1";
}

/// Why the committer did not start. A gateway without a committer serves nothing.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// Another process writes this log.
    #[error("another process writes the log {origin}; each gateway needs an origin of its own")]
    InUse {
        /// The log.
        origin: String,
    },
    /// The log is not what was signed; nothing is served until somebody has looked.
    #[error("the audit log {origin} is not sound: {}", findings.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; "))]
    Unsound {
        /// The log.
        origin: String,
        /// What is wrong, and where: `SOL-AUDIT-…`, naming entries by place and id.
        findings: Vec<Diagnostic>,
    },
    /// The key given has been retired: its successor signs this log.
    #[error("the signing key of {origin} was retired; its successor signs this log")]
    Retired {
        /// The log.
        origin: String,
    },
    /// The mirror of the checkpoint cannot be read.
    #[error("the mirror of the checkpoint cannot be read ({0})")]
    Mirror(std::io::ErrorKind),
}

/// Starts committers.
#[derive(Clone, Copy, Debug)]
pub struct Committer;

/// Gives jobs to a running committer. Cheap to clone.
#[derive(Clone)]
pub struct CommitterHandle {
    queue: mpsc::Sender<Told>,
    keys: Keys,
    clock: Clock,
    origin: Arc<str>,
    names: IndexKeys,
    vkey: Arc<Vkey>,
    standing: Arc<StandingCell>,
    gather: Gather,
    owes_check: bool,
}

impl std::fmt::Debug for CommitterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CommitterHandle({})", self.origin)
    }
}

impl Committer {
    /// Takes the log of `signer`'s name, verifies it against its signed checkpoint and the mirror, and starts writing.
    /// The database must be migrated.
    ///
    /// # Errors
    /// [`StartError::InUse`], [`StartError::Unsound`], [`StartError::Retired`], [`StartError::Mirror`], [`StartError::Store`].
    pub async fn start(
        db: Db,
        keys: Keys,
        signer: Signer,
        clock: Clock,
        options: Options,
    ) -> Result<CommitterHandle, StartError> {
        let origin = signer.vkey().name().clone();
        let held = Lease::take(&db, origin.as_str(), options.lease_wait).await?;
        let lease = held.ok_or_else(|| StartError::InUse { origin: origin.as_str().to_owned() })?;
        let empty = crate::audit::Frontier::new();
        let first = signer.checkpoint(0, empty.root()).to_text();
        let mut tx = db.begin().await?;
        tx.execute(&SHARD_NEW, &[Arg::Text(origin.as_str()), Arg::Bytes(&empty.to_bytes()), Arg::Text(&first)]).await?;
        tx.commit().await?;
        let seen = in_mirror(&options)?;
        let reader = LogReader::new(db.clone(), origin.clone());
        if db.retired_keys(&origin).await?.iter().any(|row| row.key.vkey == *signer.vkey()) {
            return Err(StartError::Retired { origin: origin.as_str().to_owned() });
        }
        let former = options.retires.as_ref().map(|old| old.vkey().clone());
        let trusted: Vec<_> = std::iter::once(signer.vkey().clone()).chain(former).collect();
        let at = (&keys, clock.now());
        let ((state, note), owes_check) = end_of(&reader, at, &trusted, seen.as_deref(), &options).await?;
        let indexed = reader.fill_index(&keys).await?;
        if indexed > 0 {
            tracing::info!(indexed, "entries written before there was an index were added to it");
        }
        let random: [u8; 16] = keys.random().map_err(Error::from)?;
        let owner = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        let mut tx = db.begin().await?;
        let args = [Arg::Text(origin.as_str()), Arg::Text(&owner), Arg::Int(clock.now().millis())];
        tx.execute(&SHARD_OWN, &args).await?;
        if !owes_check {
            let mark = Mark { size: state.frontier.size(), root: state.frontier.root(), at: clock.now() };
            mark.set(&mut tx, &keys, &origin).await?;
        }
        tx.commit().await?;
        let mirror = Mirror::start(options.mirror, options.mirror_every, Arc::clone(&options.faults));
        mirror.note(note.clone());
        let origin_text: Arc<str> = Arc::from(origin.as_str());
        let handle_parts = (keys.clone(), clock.clone(), Arc::clone(&origin_text));
        let (vkey, standing) = (Arc::new(signer.vkey().clone()), Arc::new(StandingCell::default()));
        let (fold, gather) = (Fold::start(&db), Gather::default());
        let writer = Writer {
            db,
            keys,
            signer,
            retires: options.retires,
            origin,
            origin_text,
            clock,
            owner,
            state,
            note,
            subjects: SubjectKeys::new(),
            lease,
            faults: options.faults,
            mirror,
            fold,
            gather: gather.clone(),
            standing: Arc::clone(&standing),
        };
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        tokio::spawn(writer.serve(jobs));
        let (keys, clock, origin) = handle_parts;
        let names = IndexKeys::new(&keys);
        Ok(CommitterHandle { queue, keys, clock, origin, names, vkey, standing, gather, owes_check })
    }
}

/// Where a sound log ends, and whether a mark was trusted for it.
async fn end_of(
    reader: &LogReader,
    at: (&Keys, Moment),
    trusted: &[Vkey],
    seen: Option<&[u8]>,
    options: &Options,
) -> Result<((LogState, String), bool), StartError> {
    let marked = match options.trust_mark {
        Some(least) => reader.check_since_mark(at, trusted, seen, least).await?,
        None => None,
    };
    match marked {
        Some(end) => Ok((end, true)),
        None => Ok((whole(reader, trusted, seen, options).await?, false)),
    }
}

/// The check of every byte; where a sound log ends.
async fn whole(
    reader: &LogReader,
    trusted: &[Vkey],
    seen: Option<&[u8]>,
    options: &Options,
) -> Result<(LogState, String), StartError> {
    match reader.check(trusted, seen, Extent::All, &*options.progress).await? {
        Ok(sound) => Ok(sound),
        Err(findings) => {
            let findings = reader.explain(trusted, seen, &findings).await;
            Err(StartError::Unsound { origin: reader.origin().as_str().to_owned(), findings })
        }
    }
}

/// What the mirror of the checkpoint holds, where there is one.
fn in_mirror(options: &Options) -> Result<Option<Vec<u8>>, StartError> {
    let read = options.mirror.as_deref().map(mirror::read).transpose();
    Ok(read.map_err(|e| StartError::Mirror(e.kind()))?.flatten())
}

impl CommitterHandle {
    /// The key that verifies what this log signs.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Makes a job durable. Returns only when it is, or when it is not.
    ///
    /// # Errors
    /// [`CommitError::Refused`] when a precondition does not hold, [`CommitError::Invalid`] when the job cannot be written,
    /// [`CommitError::LogUnavailable`] when the log cannot be: release nothing, and do not assume that nothing was written.
    pub async fn commit(&self, job: Job) -> Result<Committed, CommitError> {
        let coming = self.gather.coming();
        let mut receipts = self.send(self.prepare(job.drafts, job.effects)?, coming).await?.into_iter();
        let receipt = receipts.next().ok_or(CommitError::LogUnavailable)?;
        Ok(Committed { receipt, more: receipts.collect() })
    }

    /// Makes effects durable that no entry is due for (forgetting idempotency answers, seeding a throw-away partnership).
    ///
    /// # Errors
    /// As [`CommitterHandle::commit`].
    pub async fn tidy(&self, effects: Vec<Effect>) -> Result<(), CommitError> {
        let coming = self.gather.coming();
        self.send(self.prepare(Vec::new(), effects)?, coming).await.map(drop)
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the log is being written.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.is_running() { self.standing.get() } else { Standing::Lost }
    }

    /// Whether the start trusted a mark, so that entries before it are still to be read: whoever started it checks the whole log
    /// beside its work, at once.
    #[must_use]
    pub const fn owes_check(&self) -> bool {
        self.owes_check
    }

    /// The log is not what was signed: from now on nothing is written to it, and so nothing is released.
    pub fn condemn(&self) {
        self.standing.set(Standing::Condemned);
    }

    /// Whether the committer runs (it may still be finding out what became of a commit).
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Writes what waits, mirrors the last checkpoint, gives the log back.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.queue.send(Told::Stop(done)).await.is_ok() {
            let _ = stopped.await;
        }
    }

    /// Seals entries and contents in the caller's task, so that the committer only writes.
    fn prepare(&self, drafts: Vec<Draft>, effects: Vec<Effect>) -> Result<Prepared, CommitError> {
        if drafts.len() > JOB_ENTRIES_MAX {
            return Err(CommitError::Invalid("more entries than a job may have"));
        }
        let entries: Vec<ReadyEntry> = drafts.into_iter().map(|draft| self.seal(draft)).collect::<Result<_, _>>()?;
        let mut contents = Vec::new();
        for effect in &effects {
            match effect {
                Effect::Accept(message) => {
                    let records = message.records.iter().map(|record| messages::seal(&self.keys, record));
                    let held = message.quarantined.iter().map(|held| quarantine::seal(&self.keys, held));
                    for sealed in records.chain(held) {
                        contents.push(sealed.map_err(|_| CommitError::Invalid("a record cannot be sealed"))?);
                    }
                }
                Effect::KeepDecided { body } => {
                    let entry = entries.first().ok_or(CommitError::Invalid("a question without an entry"))?;
                    let sealed = decided::seal(&self.keys, entry.sealed.id(), body);
                    contents.push(sealed.map_err(|_| CommitError::Invalid("a question cannot be sealed"))?);
                }
                _ => {}
            }
        }
        Ok(Prepared { entries, effects, contents })
    }

    fn seal(&self, draft: Draft) -> Result<ReadyEntry, CommitError> {
        let random = || CommitError::Invalid("no random bytes");
        let subject = draft.payload().subject.as_ref().map(|p| p.as_str().to_owned());
        let id = match draft.id() {
            Some(chosen) => chosen.clone(),
            None => new_id(self.clock.now(), &self.keys.random().map_err(|_| random())?),
        };
        let salt = Salt::from_bytes(self.keys.random().map_err(|_| random())?);
        let index = self.names.row(draft.payload(), draft.outcome());
        let sealed = draft.seal(id, salt).map_err(|_| CommitError::Invalid("an entry cannot be sealed"))?;
        Ok(ReadyEntry { sealed: Arc::new(sealed), subject, index: Arc::new(index) })
    }

    async fn send(&self, job: Prepared, coming: Coming) -> Answer {
        if self.standing.get() == Standing::Condemned {
            return Err(CommitError::LogUnavailable);
        }
        let (answer, answered) = oneshot::channel();
        let told = Told::Job(Box::new(Waiting { job, answer }));
        self.queue.send(told).await.map_err(|_| CommitError::LogUnavailable)?;
        drop(coming);
        answered.await.map_err(|_| CommitError::LogUnavailable)?
    }
}
