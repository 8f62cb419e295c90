//! What an operator may see of the running gateway: counts, ages, sizes and words. Never content, never whom it is about.

use super::Visitor;
use crate::audit::Origin;
use crate::clock::Moment;
use crate::exchange::{ContentState, Failure, Gateway, WitnessStanding};
use crate::ident::{AgencyId, SystemId};
use crate::store::LogReader;
use crate::vocabulary::Role;

/// The state of the gateway.
#[derive(Debug)]
pub struct Operation {
    /// Since when it runs: the end of the log was checked then.
    pub started: Moment,
    /// What waits in mailboxes.
    pub waiting: Vec<Waiting>,
    /// Parts of messages that are held back because whom they are about is not sure, by agency.
    pub held: Vec<(AgencyId, i64)>,
    /// What is not ready, in words; empty when all is well.
    pub unready: Vec<&'static str>,
    /// What became of changes to the content set.
    pub content: ContentState,
    /// The witnesses.
    pub witnesses: Vec<WitnessStanding>,
    /// Milliseconds the clock is behind what it was.
    pub clock_behind: i64,
    /// Entries of the log and the time of the last.
    pub log: Option<(u64, Moment)>,
}

/// A mailbox with something in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Whose.
    pub system: SystemId,
    /// How many items.
    pub items: i64,
    /// Since when the oldest waits.
    pub oldest: Moment,
}

impl Gateway {
    /// The state of the gateway, for a technical administrator.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for every other hat; [`Failure::Store`].
    pub async fn operation(&self, visitor: &Visitor) -> Result<Operation, Failure> {
        if visitor.worn()?.role != Role::Sys {
            return Err(Failure::NotFound);
        }
        let now = self.clock().now();
        let waiting = self.db.mailbox_waiting(now).await?.into_iter();
        let origin = Origin::parse(&self.config().origin).map_err(|_| Failure::Inconsistent("the log's origin"))?;
        let log = LogReader::new(self.db.clone(), origin).shard().await?;
        Ok(Operation {
            started: self.started,
            waiting: waiting.map(|(system, items, oldest)| Waiting { system, items, oldest }).collect(),
            held: self.db.quarantine_counts().await?,
            unready: self.unready().await,
            content: self.content_state(),
            witnesses: self.witness_standings(),
            clock_behind: self.clock_behind(),
            log: log.map(|shard| (shard.size, shard.time_last)),
        })
    }
}
