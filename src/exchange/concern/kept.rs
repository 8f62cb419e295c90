//! How concerns are kept, found and changed: sealed, one version after the other, each change logged.

use super::{About, Concern, Status};
use crate::audit::payload::{Change, Dataset, Payload};
use crate::audit::{Draft, Event, Outcome as Logged};
use crate::clock::Moment;
use crate::exchange::visit::account::kept;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::ident::{AgencyId, MessageId};
use crate::store::{CommitError, Effect, Job, Kept, KeptKind, Refusal};

/// How long a concern is kept, in milliseconds: a school year and the next, then the school's own record stands alone.
const KEPT_MILLIS: i64 = 2 * 366 * 86_400_000;

/// Who does something with a concern, as the log names them.
pub(super) trait Author {
    /// An entry of theirs.
    fn entry(&self, event: Event) -> Payload;
}

impl Author for Visitor {
    fn entry(&self, event: Event) -> Payload {
        self.payload(event)
    }
}

/// A concern with the version it was read at.
pub(super) struct Found {
    pub concern: Concern,
    pub version: i64,
}

impl Gateway {
    /// A concern by its id, whoever's it is.
    pub(super) async fn concern(&self, id: &str) -> Result<Found, Failure> {
        let row = self.db.kept(&self.keys, KeptKind::Concern, id, self.clock().now()).await?;
        found(&row.ok_or(Failure::NotFound)?)
    }

    /// The concerns of a school, newest change first.
    pub(super) async fn concerns_of(&self, school: &AgencyId) -> Result<Vec<Concern>, Failure> {
        let rows = self.db.kept_of(&self.keys, KeptKind::Concern, school.as_str(), self.clock().now()).await?;
        rows.iter().map(|row| found(row).map(|f| f.concern)).collect()
    }

    /// Every concern, newest change first.
    pub(super) async fn concerns(&self) -> Result<Vec<Concern>, Failure> {
        let rows = self.db.kept_all(&self.keys, KeptKind::Concern, self.clock().now()).await?;
        rows.iter().map(|row| found(row).map(|f| f.concern)).collect()
    }

    /// Writes a concern as version `was` + 1, with its entry. Somebody else's change in between makes it
    /// [`Failure::Conflict`]: nothing is overwritten unseen.
    pub(super) async fn keep_concern(
        &self,
        author: &impl Author,
        concern: &Concern,
        was: i64,
        event: Event,
    ) -> Result<(), Failure> {
        self.keep_concern_with(author, concern, was, event, Vec::new()).await
    }

    /// The same, with what is kept beside it.
    pub(super) async fn keep_concern_with(
        &self,
        author: &impl Author,
        concern: &Concern,
        was: i64,
        event: Event,
        beside: Vec<Effect>,
    ) -> Result<(), Failure> {
        let body = serde_json::to_vec(concern).map_err(|_| Failure::Inconsistent("a concern cannot be written"))?;
        let ends = ends(concern);
        let kept = kept(KeptKind::Concern, concern.id.clone(), concern.school.as_str(), body, ends);
        let job = Job::new(concern_entry(author, concern, event)).with_effect(Effect::Keep { kept, was: Some(was) });
        let job = beside.into_iter().fold(job, Job::with_effect);
        match self.committer.commit(job).await {
            Ok(_) => Ok(()),
            Err(CommitError::Refused(Refusal::KeptChanged { .. })) => Err(Failure::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    /// Logs that a concern was read; nothing of it may be shown before.
    pub(super) async fn concern_was_read(&self, author: &impl Author, concern: &Concern) -> Result<(), Failure> {
        self.committer.commit(Job::new(concern_entry(author, concern, Event::View))).await?;
        Ok(())
    }
}

/// An entry about a concern: its id and status, never a word of it. A child's person is not looked up for it (R83).
fn concern_entry(author: &impl Author, concern: &Concern, event: Event) -> Draft {
    let mut payload = author.entry(event);
    payload.dataset = Some(Dataset { message: Some(MessageId::new(concern.id.clone())), ..Dataset::default() });
    let named = matches!(concern.about, About::Named(_));
    payload.reason = Some(reason(named, concern.status));
    // Codes only: which answer, how it ended, how long the surgery had.
    if let Some(decided) = &concern.decided {
        let ended = concern.outcome.map_or("open", super::Outcome::word);
        let what = format!("answer {} outcome {ended}", decided.answer.word());
        payload.change = Some(Change { what, before: None, after: None });
    }
    let minutes = concern.due_at.saturating_sub(concern.submitted_at).div_euclid(60_000);
    payload.counts.insert("due_minutes".to_owned(), u32::try_from(minutes).unwrap_or(0));
    Draft::new(Logged::Allow, payload)
}

/// What an entry about a concern gives as its reason.
fn reason(named: bool, status: Status) -> String {
    format!("concern {} {}", if named { "named" } else { "no-names" }, status.word())
}

/// Every reason that an entry about a concern can give.
pub(in crate::exchange) fn reasons() -> Vec<String> {
    [true, false].into_iter().flat_map(|named| Status::ALL.iter().map(move |status| reason(named, *status))).collect()
}

/// When a concern and what is kept beside it are no longer there.
pub(super) fn ends(concern: &Concern) -> Moment {
    Moment::from_millis(concern.submitted_at.saturating_add(KEPT_MILLIS))
}

fn found(row: &Kept) -> Result<Found, Failure> {
    let concern = serde_json::from_slice(&row.body).map_err(|_| Failure::Inconsistent("a concern cannot be read"))?;
    Ok(Found { concern, version: row.version })
}
