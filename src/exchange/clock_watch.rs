//! A clock that steps back: noticed, logged once, and no override is honoured until it has caught up.
//!
//! Owns the highest moment this gateway has acted at, its own entries included. Times in the log never go back whatever the
//! clock does; what a wrong clock could do is make an override that is over look live, so those are refused meanwhile.
//!
//! # Source
//! Solent audit paper §1 (`clock-skew`) and §4.

use super::{Failure, Gateway};
use crate::audit::payload::Payload;
use crate::audit::{Draft, Event, Origin, Outcome};
use crate::ident::AccountId;
use crate::store::{Job, LogReader};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// A step back of less than this is what a clock that is being disciplined does, in milliseconds.
const STEP_MILLIS: i64 = 2_000;
/// Who is named as actor.
const ACTOR: &str = "system:gateway";

/// What is remembered of the clock.
#[derive(Default, Debug)]
pub(super) struct ClockWatch {
    highest: AtomicI64,
    told: AtomicBool,
}

impl Gateway {
    /// Milliseconds the clock is behind the highest moment acted at; 0 when it is not, or by little.
    pub(super) fn clock_behind(&self) -> i64 {
        let now = self.clock().now().millis();
        let behind = self.clock_watch.highest.fetch_max(now, Ordering::SeqCst).saturating_sub(now);
        if behind >= STEP_MILLIS { behind } else { 0 }
    }

    /// Looks at the clock; a step back becomes one `clock-skew` entry.
    ///
    /// # Errors
    /// [`Failure::Store`], [`Failure::LogUnavailable`].
    pub async fn watch_clock(&self) -> Result<(), Failure> {
        if self.clock_watch.highest.load(Ordering::SeqCst) == 0 {
            let origin = Origin::parse(&self.config().origin).map_err(|_| Failure::Inconsistent("the log's origin"))?;
            let last = LogReader::new(self.db.clone(), origin).shard().await?.map_or(0, |s| s.time_last.millis());
            self.clock_watch.highest.fetch_max(last, Ordering::SeqCst);
        }
        let behind = self.clock_behind();
        if behind == 0 {
            self.clock_watch.told.store(false, Ordering::SeqCst);
            return Ok(());
        }
        if self.clock_watch.told.load(Ordering::SeqCst) {
            return Ok(());
        }
        tracing::error!(
            behind_millis = behind,
            "the clock has stepped back; no override is honoured until it has caught up"
        );
        let mut payload = Payload::new(Event::ClockSkew);
        payload.actor = Some(AccountId::new(ACTOR));
        let seconds = u32::try_from(behind.div_euclid(1_000)).unwrap_or(u32::MAX);
        payload.counts.insert("seconds_behind".to_owned(), seconds);
        self.committer.commit(Job::new(Draft::new(Outcome::Error, payload))).await?;
        self.clock_watch.told.store(true, Ordering::SeqCst);
        Ok(())
    }
}
