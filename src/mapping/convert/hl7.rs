//! Dates, moments and texts as HL7 v2 writes them.
//!
//! `YYYY[MM[DD[HH[MM[SS[.S{1,4}]]]]]][+/-ZZZZ]`, as precise as it is long. Source: HL7 v2.5.1 §2A.21 (DTM), §2.7 (FT).

use super::{Converted, INVALID, ReadResult, Value, WriteResult};
use crate::document::Kind;
use crate::mapping::loss::LossKind;
use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use std::borrow::Cow;

/// Digits of a second that HL7 v2 writes.
const FRACTION_DIGITS_MAX: usize = 4;
/// Digits of a moment down to the second.
const SECOND_DIGITS: usize = 14;

fn one<'t>(text: impl Into<Cow<'t, str>>) -> Value<'t> {
    Value::One(Kind::String, text.into())
}

/// A moment taken apart: digits down to the second, fraction without its point, zone with its sign.
struct Moment<'a> {
    digits: &'a str,
    fraction: &'a str,
    zone: &'a str,
}

impl<'a> Moment<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (clock, zone) = text.split_at(text.find(['+', '-']).unwrap_or(text.len()));
        let (digits, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        let zoned = zone.is_empty() || (zone.len() == 5 && zone.get(1..).is_some_and(all_digits));
        let pointed = clock.contains('.');
        let fits = all_digits(digits)
            && all_digits(fraction)
            && matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | SECOND_DIGITS)
            && pointed != fraction.is_empty()
            && (!pointed || digits.len() == SECOND_DIGITS)
            && fraction.len() <= FRACTION_DIGITS_MAX;
        (fits && zoned).then_some(Self { digits, fraction, zone })
    }
    fn part(&self, from: usize, to: usize) -> Option<i16> {
        self.digits.get(from..to)?.parse().ok()
    }
    /// The day, if it is one of the calendar; months and days not said count as the first.
    fn day(&self) -> Option<civil::Date> {
        let small = |from, to| self.part(from, to).map_or(Some(1), |n| i8::try_from(n).ok());
        civil::Date::new(self.part(0, 4)?, small(4, 6)?, small(6, 8)?).ok()
    }
    fn offset(&self) -> Option<Offset> {
        let (hours, minutes): (i32, i32) = (self.zone.get(1..3)?.parse().ok()?, self.zone.get(3..5)?.parse().ok()?);
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
        if hours > 14 || minutes > 59 {
            return None;
        }
        Offset::from_seconds(if self.zone.starts_with('-') { -seconds } else { seconds }).ok()
    }
}

/// Year, month or day; a time of day is left out and said.
pub(super) fn read_partial(text: &str) -> ReadResult<'static> {
    let moment = Moment::of(text).ok_or(INVALID)?;
    let day = moment.day().ok_or(INVALID)?;
    let whole = format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
    let plain = match moment.digits.len() {
        4 => whole.get(..4),
        6 => whole.get(..7),
        _ => Some(whole.as_str()),
    };
    let plain = plain.unwrap_or(&whole).to_owned();
    Ok(if moment.digits.len() > 8 {
        Converted::noted(one(plain), LossKind::PrecisionReduced, "the time of day is left out")
    } else if moment.zone.is_empty() {
        Converted::exact(one(plain))
    } else {
        Converted::noted(one(plain), LossKind::Normalised, "the zone of a day is left out")
    })
}

pub(super) fn write_partial(text: &str) -> WriteResult<'static> {
    let compact: String = text.chars().filter(|c| *c != '-').collect();
    let read = read_partial(&compact);
    match read {
        Ok(Converted { value: Value::One(_, back), .. }) if back == text => Ok(Converted::exact(compact.into())),
        _ => Err(INVALID),
    }
}

/// A moment; the zone of the mapping applies where the text has none.
pub(super) fn read_instant(text: &str, zone: Option<&TimeZone>) -> ReadResult<'static> {
    let moment = Moment::of(text).ok_or(INVALID)?;
    let low = (LossKind::InvalidValue, "a day without a time of day is no moment");
    let day = moment.day().ok_or(INVALID)?;
    let clock = |from, to| moment.part(from, to).and_then(|n| i8::try_from(n).ok());
    let (hour, minute) = (clock(8, 10).ok_or(low)?, clock(10, 12).ok_or(low)?);
    let time = civil::Time::new(hour, minute, clock(12, 14).unwrap_or(0), 0).map_err(|_| INVALID)?;
    let local = day.to_datetime(time);
    let stamp = |offset: &str, local: civil::DateTime| {
        let point = if moment.fraction.is_empty() { "" } else { "." };
        let (year, month, day) = (local.year(), local.month(), local.day());
        let (hour, minute, second) = (local.hour(), local.minute(), local.second());
        let clock = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        one(format!("{clock}{point}{}{offset}", moment.fraction))
    };
    if moment.zone.is_empty() {
        let zoned = local.to_zoned(zone.ok_or(INVALID)?.clone()).map_err(|_| INVALID)?;
        let value = stamp(&zoned.strftime("%:z").to_string(), zoned.datetime());
        return Ok(Converted::noted(value, LossKind::Normalised, "the zone of this mapping was added"));
    }
    moment.offset().ok_or(INVALID)?;
    let (sign, rest) = moment.zone.split_at(1);
    let (hours, minutes) = rest.split_at(2);
    let value = stamp(&format!("{sign}{hours}:{minutes}"), local);
    Ok(if moment.digits.len() == SECOND_DIGITS {
        Converted::exact(value)
    } else {
        Converted::noted(value, LossKind::Normalised, "seconds were added, which are zero")
    })
}

pub(super) fn write_instant(text: &str) -> WriteResult<'static> {
    text.parse::<jiff::Timestamp>().map_err(|_| INVALID)?;
    let (day, rest) = text.split_once('T').ok_or(INVALID)?;
    let (clock, zone) = rest.split_at(rest.find(['+', '-', 'Z']).ok_or(INVALID)?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let digits: String = day.chars().chain(clock.chars()).filter(char::is_ascii_digit).collect();
    let kept = fraction.get(..fraction.len().min(FRACTION_DIGITS_MAX)).unwrap_or("");
    let point = if kept.is_empty() { "" } else { "." };
    let offset = if zone == "Z" { "+0000".to_owned() } else { zone.replace(':', "") };
    let made = format!("{digits}{point}{kept}{offset}");
    if Moment::of(&made).is_none() {
        return Err(INVALID);
    }
    Ok(if kept.len() < fraction.len() {
        Converted::noted(made.into(), LossKind::PrecisionReduced, "parts of a second")
    } else if zone == "Z" {
        Converted::noted(made.into(), LossKind::Normalised, "the zone of the time")
    } else {
        Converted::exact(made.into())
    })
}

/// `Y` and `N` of table 0136.
pub(super) fn read_bool(text: &str) -> ReadResult<'static> {
    match text {
        "Y" => Ok(Converted::exact(Value::One(Kind::Bool, "true".into()))),
        "N" => Ok(Converted::exact(Value::One(Kind::Bool, "false".into()))),
        _ => Err(INVALID),
    }
}

pub(super) fn write_bool(text: &str) -> WriteResult<'static> {
    match text {
        "true" => Ok(Converted::exact("Y".into())),
        "false" => Ok(Converted::exact("N".into())),
        _ => Err(INVALID),
    }
}

/// Text with line breaks; highlighting and formatting commands, which say how to print it, are left out.
pub(super) fn read_lines(text: &str) -> Converted<Value<'_>> {
    if !text.contains(['\\', '\r']) {
        return Converted::exact(one(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let command = after.split_once('\\').and_then(|(body, tail)| printed(body).map(|p| (p, tail)));
        match command {
            Some((printed, tail)) => {
                plain.push_str(&printed);
                rest = tail;
            }
            None => {
                plain.push('\\');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    let plain = plain.replace("\r\n", "\n").replace('\r', "\n");
    let same = plain == text;
    let value = one(plain);
    if same {
        Converted::exact(value)
    } else {
        Converted::noted(value, LossKind::Normalised, "formatting or line ends")
    }
}

/// What a formatting command leaves behind; `None` when it is none. Source: HL7 v2.5.1 §2.7.6.
fn printed(body: &str) -> Option<String> {
    /// Lines or blanks one command may ask for.
    const TIMES_MAX: usize = 80;
    if matches!(body, "H" | "N") {
        return Some(String::new());
    }
    let command = body.strip_prefix('.')?;
    let (name, number) = command.split_at(command.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(command.len()));
    let times = if number.is_empty() { 1 } else { number.trim_start_matches(['+', '-']).parse::<usize>().ok()? };
    match name {
        "sp" | "br" | "ce" => Some("\n".repeat(if name == "sp" { times.min(TIMES_MAX) } else { 1 })),
        "sk" => Some(" ".repeat(times.min(TIMES_MAX))),
        "fi" | "nf" | "in" | "ti" => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Convert;
    use super::*;
    use proptest::prelude::*;

    fn text(result: ReadResult<'_>) -> Option<(String, Option<LossKind>)> {
        match result.ok()? {
            Converted { value: Value::One(_, text), remark } => Some((text.into_owned(), remark.map(|r| r.0))),
            _ => None,
        }
    }

    #[test]
    fn a_date_is_as_precise_as_it_is_long() {
        for (native, canonical) in [("2014", "2014"), ("201405", "2014-05"), ("20140527", "2014-05-27")] {
            assert_eq!(text(read_partial(native)), Some((canonical.into(), None)));
            assert_eq!(write_partial(canonical).unwrap().value, native);
        }
        let timed = text(read_partial("201405271030")).unwrap();
        assert_eq!(timed, ("2014-05-27".into(), Some(LossKind::PrecisionReduced)));
        for wrong in ["19760121+", "2025-05-05 23:23:32", "20230229", "201413", "", "2014052", "Aug 15, 1942"] {
            assert!(read_partial(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_without_a_zone_is_british_time_in_summer_and_winter() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let read = |t: &str| text(read_instant(t, Some(&zone)));
        let normal = Some(LossKind::Normalised);
        assert_eq!(read("20260304101500"), Some(("2026-03-04T10:15:00+00:00".into(), normal)));
        assert_eq!(read("202607041015"), Some(("2026-07-04T10:15:00+01:00".into(), normal)));
        assert_eq!(read("20260304101500.25+0100"), Some(("2026-03-04T10:15:00.25+01:00".into(), None)));
        assert_eq!(read("20260304"), None);
        assert_eq!(text(read_instant("20260304101500", None)), None);
    }

    #[test]
    fn formatting_is_left_out_and_lines_are_kept() {
        let read = |t: &str| match read_lines(t) {
            Converted { value: Value::One(_, text), remark } => (text.into_owned(), remark.is_some()),
            _ => unreachable!(),
        };
        assert_eq!(read("one\ntwo"), ("one\ntwo".into(), false));
        assert_eq!(read(r"\H\loud\N\.sp2\next"), ("loud.sp2\\next".into(), true));
        assert_eq!(read(r"a\.sp2\b\.in+4\c"), ("a\n\nbc".into(), true));
        assert_eq!(read(r"C:\temp\x"), (r"C:\temp\x".into(), false));
    }

    proptest! {
        #[test]
        fn every_moment_with_a_zone_comes_back(seconds in 0i64..4_000_000_000, hours in -11i32..=14, fraction in "[0-9]{0,4}") {
            let zone = TimeZone::fixed(Offset::from_seconds(hours * 3600).unwrap());
            let local = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(zone);
            let point = if fraction.is_empty() { "" } else { "." };
            let native = format!("{}{point}{fraction}{}", local.strftime("%Y%m%d%H%M%S"), local.strftime("%z"));
            let convert = Convert::named("hl7-instant", Some("Europe/London")).unwrap();
            let read = convert.read(&native, Kind::String).unwrap();
            prop_assert!(read.remark.is_none());
            prop_assert_eq!(&convert.write(&read.value).unwrap().value, &native);
        }
        #[test]
        fn every_day_comes_back(days in 0i32..60_000) {
            let day = civil::date(1900, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let native = day.strftime("%Y%m%d").to_string();
            let convert = Convert::named("hl7-partial-date", None).unwrap();
            let read = convert.read(&native, Kind::String).unwrap();
            prop_assert_eq!(&convert.write(&read.value).unwrap().value, &native);
        }
        #[test]
        fn what_is_read_without_a_remark_is_written_back(text in "[\\PC\\n]{0,40}|[0-9.+-]{4,20}|[.a-z0-9\\\\]{0,20}|[YN]") {
            for name in ["hl7-partial-date", "hl7-instant", "hl7-lines", "hl7-bool"] {
                let convert = Convert::named(name, None).unwrap();
                if let Ok(read) = convert.read(&text, Kind::String) && read.remark.is_none() {
                    prop_assert_eq!(convert.write(&read.value).map(|w| w.value.into_owned()), Ok(text.clone()), "{}", name);
                }
            }
        }
    }
}
