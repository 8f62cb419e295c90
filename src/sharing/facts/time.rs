//! Times, days and spans as a facts file writes them (facts file paper §1).
//!
//! Owns the reading of a bare date as 00:00 Europe/London, and the London calendar of ages and "28 days" (R84).
//! Refuses a local time without offset. Reads no clock. Read [`Time`] first.

use crate::clock::Moment;
use jiff::tz::TimeZone;
use jiff::{Span as Length, Timestamp, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// The zone whose calendar counts ages, dates, months and days (R84).
const ZONE: &str = "Europe/London";

/// The calendar of ages and expiry (R84); UTC only if the bundled zone table were missing, which a test excludes.
pub(crate) fn london() -> TimeZone {
    TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)
}

/// 00:00 Europe/London at the start of `date`; on the last representable day, the end of time.
pub(crate) fn midnight(zone: &TimeZone, date: civil::Date) -> Time {
    Time(date.to_zoned(zone.clone()).map_or(Timestamp::MAX, |z| z.timestamp()))
}

/// 00:00 Europe/London of the day of `at`.
pub(crate) fn day_start(at: Time) -> Time {
    midnight(&london(), at.date())
}

/// An instant of a facts file: RFC 3339 with offset, or a bare date that stands for 00:00 Europe/London of that day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub(crate) Timestamp);

/// Why a text is no [`Time`] or [`Day`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimeError {
    /// Not the shape at all, or a time of day without an offset.
    #[error("not a date, and not a time with an offset")]
    Shape,
    /// The shape is right but there is no such moment (30 February, 25 o'clock).
    #[error("there is no such moment")]
    NoSuchMoment,
}

impl Time {
    /// Reads `2026-10-06T10:12:00+01:00`, `…Z` or `2026-10-06`.
    ///
    /// # Errors
    /// [`TimeError`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if text.len() == DATE_CHARS {
            return Ok(midnight(&london(), Day::parse(text)?.0));
        }
        if !has_offset(text) {
            return Err(TimeError::Shape);
        }
        // A 60th second would be read as the 59th.
        if text.get(SECOND) == Some("60") {
            return Err(TimeError::NoSuchMoment);
        }
        text.parse().map(Self).map_err(|_| TimeError::NoSuchMoment)
    }
    /// The instant `hours` of elapsed time later; saturates at the end of time.
    #[must_use]
    pub(crate) fn plus_hours(self, hours: i64) -> Self {
        Self(self.0.checked_add(Length::new().hours(hours)).unwrap_or(Timestamp::MAX))
    }
    /// The date this instant falls on in London.
    #[must_use]
    pub(crate) fn date(self) -> civil::Date {
        self.0.to_zoned(london()).date()
    }
    /// 00:00 London of this instant's date a year later; 29 February becomes 1 March.
    #[must_use]
    pub(crate) fn date_in_a_year(self) -> Self {
        Day(self.date()).birthday(1)
    }
    /// The same London time of day a year later; 29 February becomes 1 March.
    #[must_use]
    pub(crate) fn a_year_later(self) -> Self {
        let local = self.0.to_zoned(london());
        let next = Day(local.date()).birthday_date(1).to_datetime(local.time()).to_zoned(london());
        Self(next.map_or(Timestamp::MAX, |z| z.timestamp()))
    }
    /// The same London time of day `days` dates later (not a multiple of 24 hours over a clock change).
    #[must_use]
    pub(crate) fn plus_days(self, days: i64) -> Self {
        let later = self.0.to_zoned(london()).checked_add(Length::new().days(days));
        Self(later.map_or(Timestamp::MAX, |z| z.timestamp()))
    }
}

/// Characters of `2026-10-06`.
const DATE_CHARS: usize = 10;

/// Where the seconds stand in `2026-10-06T10:12:00`.
const SECOND: std::ops::Range<usize> = 17..19;

/// Whether a text of the shape `date T time` ends in `Z` or `±hh:mm`, with hours below 24 (RFC 3339 `time-numoffset`).
fn has_offset(text: &str) -> bool {
    let Some(tail) = text.get(DATE_CHARS..) else { return false };
    if !tail.starts_with('T') {
        return false;
    }
    if tail.ends_with('Z') {
        return true;
    }
    let offset = tail.rfind(['+', '-']).and_then(|at| tail.get(at + 1..)).and_then(|text| text.split_once(':'));
    offset.is_some_and(|(hours, minutes)| {
        let below = |text: &str, limit: u8| text.len() == 2 && text.parse::<u8>().is_ok_and(|value| value < limit);
        below(hours, 24) && below(minutes, 60)
    })
}

impl From<Moment> for Time {
    fn from(moment: Moment) -> Self {
        Self(moment.timestamp())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A calendar day without time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub(crate) civil::Date);

impl Day {
    /// Reads `2026-10-06`.
    ///
    /// # Errors
    /// [`TimeError`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let digits =
            text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
        if text.len() != DATE_CHARS || !digits {
            return Err(TimeError::Shape);
        }
        // A 60th second would be read as the 59th.
        if text.get(SECOND) == Some("60") {
            return Err(TimeError::NoSuchMoment);
        }
        text.parse().map(Self).map_err(|_| TimeError::NoSuchMoment)
    }
    /// The day of this year, month and day, if there is one.
    #[must_use]
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        civil::Date::new(year, month, day).ok().map(Self)
    }
    /// Whether the day has ended in London.
    #[must_use]
    pub fn is_over(self, now: Time) -> bool {
        self.next() <= now
    }
    /// 00:00 London of the day after: the first moment that a period ending with this day no longer holds.
    #[must_use]
    pub(crate) fn next(self) -> Time {
        midnight(&london(), self.0.tomorrow().unwrap_or(civil::Date::MAX))
    }
    /// 00:00 London on the birthday `years` later; 29 February becomes 1 March in a common year (facts file paper §1).
    #[must_use]
    pub(crate) fn birthday(self, years: i16) -> Time {
        midnight(&london(), self.birthday_date(years))
    }
    fn birthday_date(self, years: i16) -> civil::Date {
        let year = self.0.year().saturating_add(years);
        civil::Date::new(year, self.0.month(), self.0.day())
            .or_else(|_| civil::Date::new(year, 3, 1))
            .unwrap_or(civil::Date::MAX)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Day {
    /// A date of birth identifies: it is not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Day(..)")
    }
}

macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    )+};
}
as_text!(Time Day);

/// Half-open span `from` ≤ t < `to`; an absent end is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// First instant; `None` = always.
    pub from: Option<Time>,
    /// First instant after; `None` = open.
    pub to: Option<Time>,
}

impl Span {
    /// Whether `at` lies in the span.
    #[must_use]
    pub fn holds(&self, at: Time) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
    /// The part both spans share.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let to = match (self.to, other.to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { from: self.from.max(other.from), to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap_or(Time(Timestamp::MIN))
    }

    #[test]
    fn the_bundled_zone_table_knows_london() {
        assert_eq!(london().iana_name(), Some(ZONE));
    }

    #[test]
    fn a_bare_date_is_midnight_in_london_also_in_summer() {
        assert_eq!(time("2026-07-01"), time("2026-06-30T23:00:00Z"));
        assert_eq!(time("2026-12-01"), time("2026-12-01T00:00:00Z"));
    }

    #[test]
    fn a_time_without_offset_and_a_day_that_does_not_exist_are_told_apart() {
        assert_eq!(Time::parse("2026-10-06T10:00:00"), Err(TimeError::Shape));
        assert_eq!(Time::parse("2026-02-30T10:00:00Z"), Err(TimeError::NoSuchMoment));
        assert_eq!(Time::parse("2026-02-30"), Err(TimeError::NoSuchMoment));
        assert!(Time::parse("2026-10-06T10:00:00+25:00").is_err());
    }

    #[test]
    fn a_leap_day_child_has_the_birthday_on_the_first_of_march() {
        let born = Day::parse("2012-02-29").ok();
        assert_eq!(born.map(|d| d.birthday(13)), Some(time("2025-03-01")));
        assert_eq!(born.map(|d| d.birthday(16)), Some(time("2028-02-29")));
    }

    #[test]
    fn twenty_eight_days_over_the_clock_change_are_dates_not_hours() {
        assert_eq!(time("2026-10-06T10:00:00+01:00").plus_days(28), time("2026-11-03T10:00:00Z"));
    }
}
