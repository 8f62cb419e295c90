//! Dates and moments. A date carries its own precision and is never padded.

use super::{Converted, INVALID, ReadResult, Value, WriteResult};
use crate::document::Kind;
use crate::mapping::loss::LossKind;
use jiff::civil;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// How a full date is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `2015-03-27`.
    Iso,
    /// `27/03/2015`.
    DayFirst,
    /// `20150327`.
    Compact,
    /// Read in any of the three forms, which cannot be taken for one another; written `2015-03-27`.
    Any,
}

impl Layout {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "yyyy-mm-dd" => Ok(Self::Iso),
            "dd/mm/yyyy" => Ok(Self::DayFirst),
            "yyyymmdd" => Ok(Self::Compact),
            "any" => Ok(Self::Any),
            _ => Err("this date layout is none of yyyy-mm-dd, dd/mm/yyyy, yyyymmdd and any".to_owned()),
        }
    }
}

fn one<'t>(text: impl Into<Cow<'t, str>>) -> Value<'t> {
    Value::One(Kind::String, text.into())
}

/// A date that exists, from three groups of digits of fixed length.
fn date(year: &str, month: &str, day: &str) -> Option<civil::Date> {
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !(digits(year) && digits(month) && digits(day)) {
        return None;
    }
    civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn iso(text: &str) -> Option<civil::Date> {
    let mut parts = text.split('-');
    let found = date(parts.next()?, parts.next()?, parts.next()?)?;
    parts.next().is_none().then_some(found)
}

pub(super) fn read_date<'t>(text: &'t str, layout: &Layout) -> ReadResult<'t> {
    if *layout == Layout::Any {
        let other = || [Layout::DayFirst, Layout::Compact].iter().find_map(|l| in_layout(text, l));
        return match in_layout(text, &Layout::Iso) {
            Some(_) => Ok(Converted::exact(one(text))),
            None => other()
                .map(|day| Converted::noted(one(day.to_string()), LossKind::Normalised, "written as yyyy-mm-dd"))
                .ok_or(INVALID),
        };
    }
    let day = in_layout(text, layout).ok_or(INVALID)?;
    // Four, two and two digits: the record's own form, letter for letter.
    Ok(Converted::exact(if *layout == Layout::Iso { one(text) } else { one(day.to_string()) }))
}

fn in_layout(text: &str, layout: &Layout) -> Option<civil::Date> {
    match layout {
        Layout::Iso | Layout::Any => iso(text),
        Layout::DayFirst => {
            let parts: Vec<&str> = text.split('/').collect();
            match parts.as_slice() {
                [d, m, y] => date(y, m, d),
                _ => None,
            }
        }
        Layout::Compact => match (text.get(..4), text.get(4..6), text.get(6..)) {
            (Some(y), Some(m), Some(d)) => date(y, m, d),
            _ => None,
        },
    }
}

pub(super) fn write_date<'t>(text: &'t str, layout: &Layout) -> WriteResult<'t> {
    let Some(found) = iso(text) else {
        return Err((LossKind::InvalidValue, "the format needs a full date and the record has less"));
    };
    Ok(Converted::exact(match layout {
        Layout::Iso | Layout::Any => Cow::Borrowed(text),
        Layout::DayFirst => found.strftime("%d/%m/%Y").to_string().into(),
        Layout::Compact => found.strftime("%Y%m%d").to_string().into(),
    }))
}

/// `2014`, `2014-05` or `2014-05-27`.
fn is_partial(text: &str) -> bool {
    match text.len() {
        4 => date(text, "01", "01").is_some(),
        7 => iso(&format!("{text}-01")).is_some(),
        _ => iso(text).is_some(),
    }
}

/// Years, months and days stay as they are; the time of a moment is left out.
pub(super) fn read_partial(text: &str) -> ReadResult<'_> {
    if is_partial(text) {
        return Ok(Converted::exact(one(text)));
    }
    let day = text.split('T').next().unwrap_or("");
    if text.contains('T') && iso(day).is_some() && text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(Converted::noted(one(day), LossKind::PrecisionReduced, "the time of day is left out"));
    }
    Err(INVALID)
}

/// Whether the text is a moment in the record's own form: `T`, seconds, and `Z` or an offset.
fn is_moment(text: &str) -> bool {
    let Some((day, time)) = text.split_once('T') else { return false };
    let zone = time.find(['+', '-', 'Z']);
    let shape = zone.is_some_and(|at| {
        let clock = time.get(..at).unwrap_or("");
        let offset = time.get(at..).unwrap_or("");
        clock.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
            && clock.len() >= 8
            && (offset == "Z" || (offset.len() == 6 && offset.as_bytes().get(3) == Some(&b':')))
    });
    shape && iso(day).is_some() && text.parse::<jiff::Timestamp>().is_ok()
}

pub(super) fn read_instant<'t>(text: &'t str, zone: Option<&TimeZone>) -> ReadResult<'t> {
    if is_moment(text) {
        let value = one(text);
        // With a zone parameter the format writes local times: the offset would not come back as it was.
        return Ok(match zone {
            Some(_) => Converted::noted(value, LossKind::Normalised, "the offset of the time"),
            None => Converted::exact(value),
        });
    }
    let (Some(zone), Ok(local)) = (zone, text.parse::<civil::DateTime>()) else { return Err(INVALID) };
    let moment = local.to_zoned(zone.clone()).map_err(|_| INVALID)?;
    let stamped = moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    if moment.strftime("%Y-%m-%dT%H:%M:%S").to_string() != text {
        return Ok(Converted::noted(
            one(stamped),
            LossKind::Normalised,
            "a local time that does not exist or is written otherwise",
        ));
    }
    Ok(Converted::exact(one(stamped)))
}

pub(super) fn write_instant<'t>(text: &'t str, zone: Option<&TimeZone>) -> WriteResult<'t> {
    let Some(zone) = zone else { return Ok(Converted::exact(text.into())) };
    let stamp: jiff::Timestamp = text.parse().map_err(|_| INVALID)?;
    let local = stamp.to_zoned(zone.clone());
    let written = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if local.subsec_nanosecond() != 0 {
        return Ok(Converted::noted(written.into(), LossKind::PrecisionReduced, "parts of a second"));
    }
    Ok(Converted::exact(written.into()))
}

/// `dd/mm/yyyy hh:mm`, with or without seconds, as desktop programs export it.
pub(super) fn read_local(text: &str, zone: &TimeZone) -> ReadResult<'static> {
    let parsed = ["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"].iter().find_map(|f| civil::DateTime::strptime(f, text).ok());
    let moment = parsed.ok_or(INVALID)?.to_zoned(zone.clone()).map_err(|_| INVALID)?;
    let stamped = one(moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    if moment.strftime("%d/%m/%Y %H:%M").to_string() == text {
        return Ok(Converted::exact(stamped));
    }
    Ok(Converted::noted(stamped, LossKind::Normalised, "a local time that does not exist or is written otherwise"))
}

pub(super) fn write_local(text: &str, zone: &TimeZone) -> WriteResult<'static> {
    let stamp: jiff::Timestamp = text.parse().map_err(|_| INVALID)?;
    let local = stamp.to_zoned(zone.clone());
    let written = local.strftime("%d/%m/%Y %H:%M").to_string();
    if local.second() != 0 || local.subsec_nanosecond() != 0 {
        return Ok(Converted::noted(written.into(), LossKind::PrecisionReduced, "seconds"));
    }
    Ok(Converted::exact(written.into()))
}

pub(super) fn read_either(text: &str) -> ReadResult<'_> {
    if is_partial(text) || is_moment(text) { Ok(Converted::exact(one(text))) } else { Err(INVALID) }
}

#[cfg(test)]
mod tests {
    use super::super::Convert;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        assert!(read_date("2023-02-29", &Layout::Iso).is_err());
        assert!(read_partial("2014-13").is_err());
        assert_eq!(read_date("27/03/2015", &Layout::DayFirst).unwrap().value, one("2015-03-27"));
    }

    #[test]
    fn a_time_of_day_is_left_out_and_said() {
        let read = read_partial("2020-05-03T10:00:00Z").unwrap();
        assert_eq!((read.value, read.remark.map(|r| r.0)), (one("2020-05-03"), Some(LossKind::PrecisionReduced)));
    }

    #[test]
    fn a_local_time_gets_the_offset_of_its_zone() {
        let zone = TimeZone::get("Europe/London").unwrap();
        assert_eq!(read_instant("2026-05-12T09:30:00", Some(&zone)).unwrap().value, one("2026-05-12T09:30:00+01:00"));
        assert_eq!(write_instant("2026-05-12T08:30:00Z", Some(&zone)).unwrap().value, "2026-05-12T09:30:00");
        assert!(read_instant("2026-05-12T09:30:00", None).is_err());
    }

    #[test]
    fn a_desktop_time_gets_the_offset_of_its_zone_and_comes_back() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let read = read_local("12/05/2026 09:30", &zone).unwrap();
        assert_eq!((read.value, read.remark), (one("2026-05-12T09:30:00+01:00"), None));
        assert_eq!(write_local("2026-05-12T08:30:00Z", &zone).unwrap().value, "12/05/2026 09:30");
        assert!(read_local("2026-05-12T09:30", &zone).is_err() && read_local("31/02/2026 09:30", &zone).is_err());
        assert!(read_local("12/05/2026 09:30:10", &zone).unwrap().remark.is_some());
    }

    proptest! {
        #[test]
        fn every_date_survives_every_layout(days in 0i32..50_000) {
            let day = civil::date(1900, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap().to_string();
            for layout in ["yyyy-mm-dd", "dd/mm/yyyy", "yyyymmdd"] {
                let convert = Convert::named("date", Some(layout)).unwrap();
                let value = Value::One(Kind::String, day.as_str().into());
                let native = convert.write(&value).unwrap().value;
                prop_assert_eq!(convert.read(&native, Kind::String).unwrap().value, Value::One(Kind::String, day.as_str().into()));
            }
        }
    }
}
