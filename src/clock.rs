//! Moments in time. Owns the one type for an instant; reads no clock itself except through [`Clock::system`].
//!
//! Floors 0-2 take a [`Moment`] as a parameter; only floors 3 and up hold a [`Clock`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Stored as BIGINT, printed as RFC 3339 UTC with milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment(i64);

impl Moment {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }
    /// The instant `millis` later (or earlier, if negative); saturates.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
    /// Parses RFC 3339 with an offset (`Z` or `+01:00`). A local time without offset is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self(stamp.as_millisecond()))
    }
    /// As a `jiff` timestamp; instants outside jiff's range become the epoch.
    #[must_use]
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp().strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

/// Where floors 3 and up get the time from: the system, a shifted one for the demo story, a settable one for tests.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Set(Arc<AtomicI64>),
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }
    /// A clock that stands still until [`Clock::set`] moves it.
    #[must_use]
    pub fn fixed(at: Moment) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(at.millis()))))
    }
    /// A clock that runs at the machine's pace but starts at `at`: the demo's story time.
    #[must_use]
    pub fn shifted(at: Moment) -> Self {
        let clock = Self(Source::Shifted(Arc::new(AtomicI64::new(0))));
        clock.set(at);
        clock
    }
    /// Moves a fixed or shifted clock to `at`; does nothing to the system clock.
    pub fn set(&self, at: Moment) {
        match &self.0 {
            Source::System => {}
            Source::Set(cell) => cell.store(at.millis(), Ordering::SeqCst),
            Source::Shifted(cell) => cell.store(at.millis().saturating_sub(machine_millis()), Ordering::SeqCst),
        }
    }
    /// Now.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System => Moment(machine_millis()),
            Source::Set(cell) => Moment(cell.load(Ordering::SeqCst)),
            Source::Shifted(cell) => Moment(machine_millis().saturating_add(cell.load(Ordering::SeqCst))),
        }
    }
}

fn machine_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_rfc3339_utc_with_milliseconds() {
        let at = Moment::parse("2026-10-05T10:30:00+01:00");
        assert_eq!(at.map(|m| m.to_string()).as_deref(), Some("2026-10-05T09:30:00.000Z"));
    }

    #[test]
    fn a_local_time_without_offset_is_refused() {
        assert_eq!(Moment::parse("2026-10-05T10:30:00"), None);
    }
}
