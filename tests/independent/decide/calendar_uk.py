"""Moments and Europe/London dates for the second decision procedure.

An instant is a whole number of nanoseconds since 1970 in UTC. Nothing here knows people or permissions.
"""
import datetime as dt
import re

NS = 10**9
HOUR = 3600 * NS
DAY = 24 * HOUR
EPOCH = dt.datetime(1970, 1, 1)
FORM = re.compile(r"^(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d))?$")


def last_sunday(year, month):
    """The last Sunday of a month of 31 days: the clocks change on it at 01:00 UTC."""
    day = dt.date(year, month, 31)
    return day - dt.timedelta((day.weekday() + 1) % 7)


def summer(utc):
    """Whether British Summer Time is kept at a UTC datetime (the rule since 1996)."""
    start = dt.datetime.combine(last_sunday(utc.year, 3), dt.time(1))
    end = dt.datetime.combine(last_sunday(utc.year, 10), dt.time(1))
    return start <= utc < end


def to_utc(instant):
    return EPOCH + dt.timedelta(seconds=instant // NS)


def local(instant):
    """London wall clock of an instant, to the second."""
    utc = to_utc(instant)
    return utc + dt.timedelta(hours=1 if summer(utc) else 0)


def from_local(wall, rest=0):
    """Instant of a London wall clock time (`rest` nanoseconds further); of two, the earlier."""
    for hours in (1, 0):
        utc = wall - dt.timedelta(hours=hours)
        if summer(utc) == (hours == 1):
            break
    return int((utc - EPOCH).total_seconds()) * NS + rest


def midnight(day):
    return from_local(dt.datetime.combine(day, dt.time()))


def parse(text):
    """Instant of an RFC 3339 time, or of 00:00 London for a bare date."""
    day, hour, minute, second, fraction, offset = FORM.match(text).groups()
    date = dt.date.fromisoformat(day)
    if hour is None:
        return midnight(date)
    wall = dt.datetime.combine(date, dt.time(int(hour), int(minute), int(second)))
    shift = 0
    if offset != "Z":
        shift = (int(offset[1:3]) * 60 + int(offset[4:6])) * (1 if offset[0] == "+" else -1)
    utc = wall - dt.timedelta(minutes=shift)
    return int((utc - EPOCH).total_seconds()) * NS + int((fraction or "0").ljust(9, "0"))


def anniversary(day, years):
    """The same day so many years on; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1)


def plus_year(instant):
    """12 months on, on the London calendar, at the same wall clock time."""
    wall = local(instant)
    return from_local(dt.datetime.combine(anniversary(wall.date(), 1), wall.time()), instant % NS)


def plus_days(instant, days):
    """So many London dates on, at the same wall clock time."""
    return from_local(local(instant) + dt.timedelta(days), instant % NS)
