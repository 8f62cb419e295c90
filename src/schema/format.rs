//! The formats a scalar may be declared to have, and what each means.
//!
//! Check digits are not here: a number that fails its check digit is still what the sender wrote, so the mapping reports
//! it and the record keeps it (canonical record §2 rule 12).

/// Every format name a schema may use.
pub const FORMATS: &[&str] = &["date", "partial-date", "instant", "date-time-local", "fhir-date-time", "year", "uri"];

/// One of [`FORMATS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A full date.
    Date,
    /// Year, month or day.
    PartialDate,
    /// A moment with a zone.
    Instant,
    /// A moment, with or without a zone.
    LocalTime,
    /// A date, or a moment with a zone.
    FhirDateTime,
    /// A year.
    Year,
    /// A URI.
    Uri,
}

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date" => Self::Date,
            "partial-date" => Self::PartialDate,
            "instant" => Self::Instant,
            "date-time-local" => Self::LocalTime,
            "fhir-date-time" => Self::FhirDateTime,
            "year" => Self::Year,
            "uri" => Self::Uri,
            _ => return None,
        })
    }

    /// What a person is told was expected.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Date => "a date, YYYY-MM-DD",
            Self::PartialDate => "a date: YYYY, YYYY-MM or YYYY-MM-DD",
            Self::Instant => "a date and time with seconds and a zone",
            Self::LocalTime => "a date and time, YYYY-MM-DDThh:mm:ss",
            Self::FhirDateTime => "a date, or a date and time with a zone",
            Self::Year => "a year, YYYY",
            Self::Uri => "a URI without spaces",
        }
    }

    /// Whether a text is of this format.
    ///
    /// # Source
    /// XML Schema Part 2 §3.2.7 and §3.2.9 (dateTime, date), §3.2.11 (gYear); FHIR R4 §2.24.0.1 (date, dateTime, instant).
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        match self {
            Self::Date => text.len() == 10 && is_date(text),
            Self::PartialDate => is_partial(text),
            Self::Instant => split_time(text).is_some_and(|(day, time)| is_date(day) && is_time(time, Zone::Required)),
            Self::LocalTime => {
                split_time(text).is_some_and(|(day, time)| is_date(day) && is_time(time, Zone::Optional))
            }
            Self::FhirDateTime => match split_time(text) {
                Some((day, time)) => is_date(day) && is_time(time, Zone::Required),
                None => is_partial(text),
            },
            Self::Year => digits(text, 4).is_some(),
            Self::Uri => !text.is_empty() && !spaced(text),
        }
    }
}

/// Whether a text has white space or control characters.
fn spaced(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|b| b <= b' ' || b == 0x7F);
    }
    text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Required,
    Optional,
}

fn split_time(text: &str) -> Option<(&str, &str)> {
    text.split_once('T')
}

fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn is_partial(text: &str) -> bool {
    match text.len() {
        4 => digits(text, 4).is_some(),
        7 => text.as_bytes().get(4..7).is_some_and(is_month) && digits(text.get(..4).unwrap_or(""), 4).is_some(),
        10 => is_date(text),
        _ => false,
    }
}

/// `-01` to `-12`.
fn is_month(text: &[u8]) -> bool {
    matches!(text, [b'-', b'0', b'1'..=b'9'] | [b'-', b'1', b'0'..=b'2'])
}

/// A day that exists in the Gregorian calendar.
fn is_date(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    if ![y1, y2, y3, y4, m1, m2, d1, d2].iter().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let two = |tens: &u8, ones: &u8| u32::from(tens & 15) * 10 + u32::from(ones & 15);
    let (y, m, d) = (two(y1, y2) * 100 + two(y3, y4), two(m1, m2), two(d1, d2));
    let leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let last = match m {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&d)
}

/// `hh:mm:ss`, a fraction, a zone. 24:00:00 is not taken; a leap second is.
fn is_time(text: &str, zone: Zone) -> bool {
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = text.as_bytes() else { return false };
    if !(below([*h1, *h2], 23) && below([*m1, *m2], 59) && below([*s1, *s2], 60)) {
        return false;
    }
    let rest = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            match rest.get(digits..) {
                Some(after) if digits > 0 => after,
                _ => return false,
            }
        }
        _ => rest,
    };
    match rest {
        [] => zone == Zone::Optional,
        [b'Z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => below([*h1, *h2], 14) && below([*m1, *m2], 59),
        _ => false,
    }
}

/// Two digits that say no more than this.
fn below(digits: [u8; 2], most: u8) -> bool {
    let [tens, ones] = digits;
    tens.is_ascii_digit() && ones.is_ascii_digit() && (tens & 15) * 10 + (ones & 15) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(name: &str, text: &str) -> bool {
        Format::named(name).unwrap().holds(text)
    }

    #[test]
    fn only_days_that_exist_are_dates() {
        assert!(holds("date", "2024-02-29") && holds("date", "2000-02-29"));
        for wrong in ["2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-4-1", "2024-04-31", "20240401"] {
            assert!(!holds("date", wrong), "{wrong}");
        }
    }

    #[test]
    fn partial_dates_have_their_own_precision() {
        assert!(["2014", "2014-05", "2014-05-27"].iter().all(|t| holds("partial-date", t)));
        assert!(["14", "2014-5", "2014-13", "2014-05-32", ""].iter().all(|t| !holds("partial-date", t)));
    }

    #[test]
    fn an_instant_has_seconds_and_a_zone() {
        assert!(["2026-10-05T09:30:00Z", "2026-10-05T09:30:00.123+01:00"].iter().all(|t| holds("instant", t)));
        assert!(
            ["2026-10-05", "2026-10-05T09:30Z", "2026-10-05T09:30:00", "2026-10-05T25:30:00Z", "2026-10-05T09:30:00.Z"]
                .iter()
                .all(|t| !holds("instant", t))
        );
        assert!(holds("date-time-local", "2026-05-12T09:30:00") && !holds("fhir-date-time", "2026-05-12T09:30:00"));
        assert!(holds("fhir-date-time", "2026-05") && holds("fhir-date-time", "2026-05-12T09:30:00Z"));
    }

    #[test]
    fn text_outside_ascii_never_panics() {
        for name in FORMATS {
            for text in ["é", "２０２４", "2024-02-2é", "T", "2024-02-29Té", "2024-01-01T+é", "\u{0}"] {
                let _ = holds(name, text);
            }
        }
    }
}
