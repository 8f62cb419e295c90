//! The committer's task: takes jobs, batches them, answers them, and finds out what happened when it does not know.

use super::append::{LogState, SubjectKeys};
use super::batch::{self, Broken, Outcome};
use super::faults::{FaultPoint, Faults, Timing};
use super::fold::Fold;
use super::gather::{self, Gather};
use super::lease::{self, Lease};
use super::mirror::Mirror;
use super::standing::{Standing, StandingCell};
use super::{BATCH_JOBS_MAX, CommitError, Receipt};
use crate::audit::{Origin, Sealed, Signer};
use crate::clock::Clock;
use crate::store::Error;
use crate::store::db::{Arg, Db, statements};
use crate::store::effect::Effect;
use crate::store::entry_index::IndexRow;
use crate::store::keys::{Keys, Sealed as SealedContent};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// First pause between two attempts to find out what became of a commit; doubled up to the next.
const RECOVERY_FIRST: Duration = Duration::from_millis(20);
/// Longest such pause.
const RECOVERY_LONGEST: Duration = Duration::from_secs(2);
/// How often an idle committer looks whether it still holds its lock.
const HEARTBEAT: Duration = Duration::from_secs(5);

statements! {
    SHARD_LOCKED = "SELECT owner, batches FROM log_shard WHERE origin = $1", "SELECT owner, batches FROM log_shard WHERE origin = $1 FOR UPDATE";
}

/// A job ready for the committer: entries sealed, contents encrypted.
pub(super) struct Prepared {
    pub(super) entries: Vec<ReadyEntry>,
    pub(super) effects: Vec<Effect>,
    pub(super) contents: Vec<SealedContent>,
}

/// An entry sealed, with whom its sealed part is about and what the index is to say of it.
#[derive(Clone)]
pub(super) struct ReadyEntry {
    pub(super) sealed: Arc<Sealed>,
    pub(super) subject: Option<String>,
    pub(super) index: Arc<IndexRow>,
}

/// A job and whom to answer.
pub(super) struct Waiting {
    pub(super) job: Prepared,
    pub(super) answer: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Vec<Receipt>, CommitError>;

/// What the committer is told.
pub(super) enum Told {
    Job(Box<Waiting>),
    Stop(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) keys: Keys,
    pub(super) signer: Signer,
    /// The key that ends with the next batch.
    pub(super) retires: Option<Arc<Signer>>,
    pub(super) origin: Origin,
    pub(super) origin_text: Arc<str>,
    pub(super) clock: Clock,
    pub(super) owner: String,
    pub(super) state: LogState,
    pub(super) note: String,
    pub(super) subjects: SubjectKeys,
    pub(super) lease: Lease,
    pub(super) faults: Arc<dyn Faults>,
    pub(super) mirror: Mirror,
    pub(super) fold: Fold,
    pub(super) gather: Gather,
    pub(super) standing: Arc<StandingCell>,
}

/// A batch whose outcome is not known, and whom to answer.
type Pending = (Box<Outcome>, Vec<oneshot::Sender<Answer>>);

/// Whether the committer knows where its log ends.
enum Footing {
    Sure,
    /// A batch (if any) may or may not be there; its jobs wait for the answer.
    Unsure {
        batch: Option<Pending>,
        pause: Duration,
        /// When it looks again, however many jobs come meanwhile.
        at: Instant,
    },
    /// Another process owns the log: nothing can be written until a restart.
    Lost,
}

impl Footing {
    fn unsure(batch: Option<Pending>, pause: Duration) -> Self {
        let now = Instant::now();
        Self::Unsure { batch, pause, at: now.checked_add(pause).unwrap_or(now) }
    }
}

impl Writer {
    pub(super) async fn serve(mut self, mut queue: mpsc::Receiver<Told>) {
        let mut footing = Footing::Sure;
        loop {
            footing = match footing {
                Footing::Sure => match tokio::time::timeout(HEARTBEAT, queue.recv()).await {
                    Ok(Some(Told::Job(first))) => match self.round(*first, &mut queue).await {
                        (footing, None) => footing,
                        (_, Some(done)) => return self.stop(Some(done)).await,
                    },
                    Ok(Some(Told::Stop(done))) => return self.stop(Some(done)).await,
                    Ok(None) => return self.stop(None).await,
                    Err(_) if !self.lease.in_place() => self.after(Broken::Gone, Vec::new()),
                    // Nobody may come while writing fails: an empty batch shows when it works again.
                    Err(_) if self.standing.get() == Standing::Failing => self.write(Vec::new()).await,
                    Err(_) if self.lease.alive().await => Footing::Sure,
                    Err(_) => Footing::unsure(None, RECOVERY_FIRST),
                },
                Footing::Unsure { batch, pause, at } => match tokio::time::timeout_at(at, queue.recv()).await {
                    Err(_) => self.find_out(batch, pause).await,
                    Ok(None) => return self.stop(None).await,
                    Ok(Some(told)) => match refuse(told) {
                        Some(done) => return self.stop(Some(done)).await,
                        None if Instant::now() >= at => self.find_out(batch, pause).await,
                        None => Footing::Unsure { batch, pause, at },
                    },
                },
                Footing::Lost => match queue.recv().await.map(refuse) {
                    Some(None) => Footing::Lost,
                    Some(Some(done)) => return self.stop(Some(done)).await,
                    None => return self.stop(None).await,
                },
            };
        }
    }

    async fn stop(self, done: Option<oneshot::Sender<()>>) {
        self.mirror.stop().await;
        self.fold.stop().await;
        drop(self.lease);
        if let Some(done) = done {
            let _ = done.send(());
        }
    }

    /// Takes what waits, and what comes at the same moment, and writes it; whom to tell if it was told to stop meanwhile.
    async fn round(
        &mut self,
        first: Waiting,
        queue: &mut mpsc::Receiver<Told>,
    ) -> (Footing, Option<oneshot::Sender<()>>) {
        let mut waiting = vec![first];
        let mut stop = None;
        let began = Instant::now();
        let mut before = 0;
        // Tasks that were answered together run one after the other: each look lets all that are ready run once.
        while waiting.len() < BATCH_JOBS_MAX && stop.is_none() {
            let nobody = before == waiting.len() && self.gather.complete();
            if nobody || began.elapsed() >= gather::LONGEST {
                break;
            }
            before = waiting.len();
            tokio::task::yield_now().await;
            while waiting.len() < BATCH_JOBS_MAX && stop.is_none() {
                match queue.try_recv() {
                    Ok(Told::Job(more)) => waiting.push(*more),
                    Ok(Told::Stop(done)) => stop = Some(done),
                    Err(_) => break,
                }
            }
        }
        (self.write(waiting).await, stop)
    }

    async fn write(&mut self, waiting: Vec<Waiting>) -> Footing {
        self.fold.before_batch(&self.db).await;
        let (jobs, answers): (Vec<Prepared>, Vec<_>) = waiting.into_iter().map(|w| (w.job, w.answer)).unzip();
        match batch::run(self, &jobs).await {
            Ok(outcome) => {
                let results = self.adopt(outcome);
                reply(answers, results);
                Footing::Sure
            }
            Err(Broken::Job(_)) if jobs.len() > 1 => self.one_by_one(jobs, answers).await,
            Err(broken) => self.after(broken, answers),
        }
    }

    /// One job of a batch breaks a constraint: each gets its own transaction, so that only that one fails.
    async fn one_by_one(&mut self, jobs: Vec<Prepared>, answers: Vec<oneshot::Sender<Answer>>) -> Footing {
        self.subjects.forget();
        let mut rest = jobs.into_iter().zip(answers);
        while let Some((job, answer)) = rest.next() {
            let footing = match batch::run(self, &[job]).await {
                Ok(outcome) => {
                    let results = self.adopt(outcome);
                    reply(vec![answer], results);
                    Footing::Sure
                }
                Err(broken) => self.after(broken, vec![answer]),
            };
            if !matches!(footing, Footing::Sure) {
                rest.for_each(|(_, answer)| drop(answer.send(Err(CommitError::LogUnavailable))));
                return footing;
            }
        }
        Footing::Sure
    }

    fn after(&mut self, broken: Broken, answers: Vec<oneshot::Sender<Answer>>) -> Footing {
        match broken {
            Broken::Job(error) => {
                self.subjects.forget();
                let at = match error {
                    Error::Constraint { at } | Error::Nul { at } => at,
                    _ => "job",
                };
                answers.into_iter().for_each(|answer| drop(answer.send(Err(CommitError::Invalid(at)))));
                Footing::Sure
            }
            Broken::Store(error) => {
                tracing::error!(%error, "the store failed; nothing of the batch was written");
                self.standing.set(Standing::Failing);
                self.subjects.forget();
                answers.into_iter().for_each(|answer| drop(answer.send(Err(CommitError::LogUnavailable))));
                Footing::Sure
            }
            Broken::Fenced => {
                tracing::error!("another process owns this log; nothing can be written until a restart");
                self.standing.set(Standing::Lost);
                answers.into_iter().for_each(|answer| drop(answer.send(Err(CommitError::LogUnavailable))));
                Footing::Lost
            }
            Broken::Gone => {
                tracing::error!("the database file was removed or replaced; nothing can be written until a restart");
                self.standing.set(Standing::Lost);
                answers.into_iter().for_each(|answer| drop(answer.send(Err(CommitError::LogUnavailable))));
                Footing::Lost
            }
            Broken::Unknown(outcome) => {
                tracing::error!("the outcome of a commit is not known; disclosing stops until the log was read again");
                self.standing.set(Standing::Failing);
                Footing::unsure(Some((outcome, answers)), RECOVERY_FIRST)
            }
        }
    }

    /// The batch is durable.
    fn adopt(&mut self, outcome: Outcome) -> Vec<Answer> {
        if self.standing.set(Standing::Writing) != Standing::Writing {
            tracing::info!("the audit log is written again");
        }
        self.subjects.keep();
        self.fold.after_batch();
        if outcome.next.frontier.size() > self.state.frontier.size() {
            self.retires = None;
        }
        if outcome.note != self.note {
            self.mirror.note(outcome.note.clone());
        }
        self.state = outcome.next;
        self.note = outcome.note;
        outcome.answers
    }

    /// Reads the log again. The row lock waits for a commit that is still under way, so that what is read is final.
    async fn find_out(&mut self, batch: Option<Pending>, pause: Duration) -> Footing {
        let again = pause.saturating_mul(2).clamp(RECOVERY_FIRST, RECOVERY_LONGEST);
        let Ok((owner, batches)) = self.where_it_ends().await else {
            return Footing::unsure(batch.map(|pending| let_go(pending, again)), again);
        };
        if owner != self.owner {
            return self.after(Broken::Fenced, batch.into_iter().flat_map(|(_, answers)| answers).collect());
        }
        if batches == self.state.batches {
            self.subjects.forget();
            // Not yet `Writing`: the next batch shows whether it works again.
            let lost = batch.into_iter().flat_map(|(_, answers)| answers);
            lost.for_each(|answer| drop(answer.send(Err(CommitError::LogUnavailable))));
            return Footing::Sure;
        }
        match batch {
            Some((outcome, answers)) if outcome.next.batches == batches => {
                let results = self.adopt(*outcome);
                reply(answers, results);
                Footing::Sure
            }
            other => self.after(Broken::Fenced, other.into_iter().flat_map(|(_, answers)| answers).collect()),
        }
    }

    async fn where_it_ends(&mut self) -> Result<(String, i64), Error> {
        self.db.renew_writer().await;
        if !self.lease.alive().await {
            let lost = Error::Database { at: "lease", kind: "held by another process".to_owned() };
            self.lease = Lease::take(&self.db, self.origin.as_str(), lease::WAIT).await?.ok_or(lost)?;
        }
        let mut tx = self.db.begin().await?;
        let row = tx.fetch_one(&SHARD_LOCKED, &[Arg::Text(self.origin.as_str())]).await?;
        let row = row.ok_or(Error::Corrupt { at: "log", what: "the shard's row" })?;
        let found = (row.text(0, "owner")?, row.int(1, "batches")?);
        tx.rollback().await?;
        Ok(found)
    }

    /// Whether a test makes this write fail.
    pub(super) fn fault(&self, point: FaultPoint, timing: Timing) -> Result<(), Error> {
        match self.faults.at(point, timing) {
            None => Ok(()),
            Some(_) => Err(Error::Database { at: "injected", kind: "injected fault".to_owned() }),
        }
    }
}

/// Whoever has waited through every shorter pause is told that the log is not available; what became of their jobs is
/// still found out.
fn let_go((outcome, answers): Pending, pause: Duration) -> Pending {
    if pause < RECOVERY_LONGEST {
        return (outcome, answers);
    }
    answers.into_iter().for_each(|answer| drop(answer.send(Err(CommitError::LogUnavailable))));
    (outcome, Vec::new())
}

fn reply(answers: Vec<oneshot::Sender<Answer>>, results: Vec<Answer>) {
    answers.into_iter().zip(results).for_each(|(answer, result)| drop(answer.send(result)));
}

/// Refuses a job; whom to tell when it was the order to stop.
fn refuse(told: Told) -> Option<oneshot::Sender<()>> {
    match told {
        Told::Job(waiting) => {
            let _ = waiting.answer.send(Err(CommitError::LogUnavailable));
            None
        }
        Told::Stop(done) => Some(done),
    }
}
