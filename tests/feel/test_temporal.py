"""Dates, times and durations: any year, zones, arithmetic, properties, and how they are written."""

from __future__ import annotations

import datetime

import pytest

from coupler import feel
from coupler.feel import calendar
from coupler.feel.temporal import Date, DaysDuration
from coupler.feel.temporal_text import feel_text, iso_text, parse_duration, parse_time
from tests.feel.outcome import outcome

LITERALS = (
    ('@"2024-02-29"', '"2024-02-29"'),
    ('@"2023-02-29"', "null"),
    ('@"10:20:30.5"', '"10:20:30.5"'),
    ('@"10:20:30Z"', '"10:20:30Z"'),
    ('@"2024-02-29T10:20:30+02:00"', '"2024-02-29T10:20:30+02:00"'),
    ('@"2024-02-29T10:20:30@Europe/Berlin"', '"2024-02-29T10:20:30+01:00"'),
    ('@"2024-03-31T02:30:00@Europe/Berlin"', '"2024-03-31T03:30:00+02:00"'),  # in the gap
    ('@"2024-10-27T02:30:00@Europe/Berlin"', '"2024-10-27T02:30:00+02:00"'),  # the earlier of two
    ('string(@"2024-02-29T10:20:30+01:00[Europe/Berlin]")', '"2024-02-29T10:20:30@Europe/Berlin"'),
    ('string(@"2024-02-29T10:20Z[Europe/Berlin]")', '"2024-02-29T11:20:00@Europe/Berlin"'),
    ('string(@"2024-10-27T02:30:00+01:00[Europe/Berlin]" - @"PT1H")', '"2024-10-27T02:30:00@Europe/Berlin"'),
    ('@"2024-02-29T10:20:30+01:00[+02:00]"', '"2024-02-29T11:20:30+02:00"'),
    ('@"2024-02-29T10:20:30[Europe/Berlin]"', "null"),
    ('@"2024-02-29T10:20:30+01:00[Nowhere/X]"', "null"),
    ('@"10:20:30+01:00[Europe/Berlin]"', "null"),
    ('string(@"2024-02-29T10:20:30@+01:00")', '"2024-02-29T10:20:30+01:00"'),
    ('string(@"2024-02-29T10:20:30@Z")', '"2024-02-29T10:20:30Z"'),
    ('string(@"10:20:30@-05:30")', '"10:20:30-05:30"'),
    ('string(@"10:20:30@UTC+01:00")', '"10:20:30@UTC+01:00"'),
    ('@"10:20:30@GMT+1"', "null"),
    ('@"2024-02-29T10:20:30@+01"', "null"),
    ('@"24:00:00"', '"00:00:00"'),
    ('time("24:00")', '"00:00:00"'),
    ('@"24:00:00.0Z"', '"00:00:00Z"'),
    ('@"24:00:00.5"', "null"),
    ('@"2024-02-29T24:00:00"', "null"),
    ('@"P14M"', '"P1Y2M"'),
    ('@"P1DT2H3M4S"', '"PT26H3M4S"'),
    ('@"-P1D"', '"PT-24H"'),
    ('@"PT0S"', '"PT0S"'),
    ('@"P0M"', '"P0D"'),
    ('@"P1W"', "null"),
    ('@"P1DT"', "null"),
    ('@"P"', "null"),
    ('@"nonsense"', "null"),
    ('date("998-12-31")', "null"),
    ('date("01211-12-31")', "null"),
    ('date("+2012-12-02")', "null"),
    ('time("24:00:01")', "null"),
    ('time("07:1:00")', "null"),
    ('time("13:20:00+19:00")', "null"),
    ('time("13:20:00@xyz/abc")', "null"),
    ('time("13:20:00+02:00@Europe/Paris")', "null"),
    ('time("10:20:30@../../etc/passwd")', "null"),
    ('date and time("11:00:00")', "null"),
)

ANY_YEAR = (
    ('string(date("-999999999-12-31"))', '"-999999999-12-31"'),
    ("string(date(999999999, 12, 31))", '"+999999999-12-31"'),
    ("date(1000000000, 1, 1)", "null"),
    ('string(date("99999-12-31") + @"P1D")', '"+100000-01-01"'),
    ('string(@"-2021-01-01T10:10:10+11:00" + @"-P1Y")', '"-2022-01-01T10:10:10+11:00"'),
    ('string(@"-2021-01-01T10:10:10@Australia/Melbourne" + @"-P1D")', '"-2022-12-31T10:10:10@Australia/Melbourne"'),
    ('day of week(date("-0044-03-15"))', '"Thursday"'),
    ('week of year(date("123456-01-04"))', "1"),
    ('date("999999999-12-31") + @"P1D"', "null"),
)

ARITHMETIC = (
    ('@"2024-01-31" + @"P1M"', '"2024-02-29"'),
    ('@"P1M" + @"2024-01-31"', '"2024-02-29"'),
    ('@"2024-01-31" - @"P1Y"', '"2023-01-31"'),
    ('@"2024-01-31" + @"PT25H"', '"2024-02-01"'),
    ('@"2021-01-02" - @"PT1S"', '"2021-01-01"'),
    ('@"2024-03-01" - @"2024-02-01"', '"PT696H"'),
    ('@"2024-02-29T10:20:30Z" - @"2024-02-28T10:20:30Z"', '"PT24H"'),
    ('@"2024-02-29T10:20:30" - @"2024-02-28T10:20:30Z"', "null"),
    ('@"2024-03-30T12:00:00@Europe/Berlin" + @"P1D"', '"2024-03-31T13:00:00+02:00"'),
    ('@"23:00:00" + @"PT2H"', '"01:00:00"'),
    ('@"10:00:00" - @"09:00:00"', '"PT1H"'),
    ('@"10:00:00" - @"11:00:00"', '"PT-1H"'),
    ('@"P1D" + @"PT12H"', '"PT36H"'),
    ('@"P1Y" + @"P1D"', "null"),
    ('@"P1D" * 0.5', '"PT0S"'),
    ('2 * @"P1D"', '"PT48H"'),
    ('@"P1Y11M" * -2.5', '"P-3Y-10M"'),
    ('@"P1D" / 2', '"PT12H"'),
    ('@"P1D" / @"PT12H"', "2"),
    ('@"P1Y" / @"P5M"', "2"),
    ('@"P1D" / 0', "null"),
    ('-@"P1D"', "null"),
    ('@"2024-01-01" + 1', "null"),
)

ORDER = (
    ('@"2024-01-01" < @"2024-02-01"', "true"),
    ('@"2024-01-01" < @"2024-01-01T10:00:00"', "null"),
    ('@"2024-01-01T10:00:00Z" = @"2024-01-01T11:00:00+01:00"', "false"),
    ('@"2024-01-01T10:00:00Z" < @"2024-01-01T10:30:00+01:00"', "false"),
    ('@"2024-01-01T10:00:00Z" < @"2024-01-01T10:00:00"', "null"),
    ('@"PT60M" = @"PT1H"', "true"),
    ('@"P1D" < @"PT25H"', "true"),
    ('@"P1Y" = @"P12M"', "true"),
    ('@"P1Y" < @"P400D"', "null"),
    ('max([@"10:00:00", @"11:00:00"])', '"11:00:00"'),
)

PROPERTIES = (
    ('@"2024-02-29".year', "2024"),
    ('@"2024-02-29".weekday', "4"),
    ('@"2024-02-29".hour', "null"),
    ('@"2024-02-29T10:20:30+02:00".time offset', '"PT2H"'),
    ('@"2024-02-29T10:20:30@Europe/Berlin".timezone', '"Europe/Berlin"'),
    ('@"2024-02-29T10:20:30".time offset', "null"),
    ('@"2024-02-29T10:20:30".day', "29"),
    ('@"P1DT2H3M4S".days', "1"),
    ('@"PT90M".minutes', "30"),
    ('@"-PT90M".hours', "-1"),
    ('@"P14M".months', "2"),
    ('@"P14M".days', "null"),
)


@pytest.mark.parametrize(("text", "expected"), [*LITERALS, *ANY_YEAR, *ARITHMETIC, *ORDER, *PROPERTIES])
def test_temporal_expressions_give(text: str, expected: str) -> None:
    assert outcome(text) == expected


def test_calendar_agrees_with_python_where_python_reaches() -> None:
    epoch = datetime.date(1970, 1, 1).toordinal()
    for ordinal in range(1, datetime.date.max.toordinal(), 997):
        date = datetime.date.fromordinal(ordinal)
        parts = (date.year, date.month, date.day)
        assert calendar.to_epoch_day(*parts) == ordinal - epoch
        assert calendar.from_epoch_day(ordinal - epoch) == parts
        assert Date(*parts).weekday == date.isoweekday()
        assert Date(*parts).day_of_year == date.timetuple().tm_yday


def test_today_is_the_date_of_the_machine() -> None:
    before = datetime.date.today()
    today = feel.evaluate("today()", {})
    assert before <= datetime.date(today.year, today.month, today.day) <= datetime.date.today()


def test_now_is_the_time_of_the_machine() -> None:
    before = datetime.datetime.now(datetime.UTC).timestamp()
    now = feel.evaluate("now()", {})
    assert before - 1e-3 <= now.epoch_nanos / 1e9 <= datetime.datetime.now(datetime.UTC).timestamp() + 1e-3


@pytest.mark.parametrize(
    ("text", "in_feel", "in_json"),
    [
        ("P1DT2H", "P1DT2H", "PT26H"),
        ("-PT90M", "-PT1H30M", "PT-1H-30M"),
        ("PT0.5S", "PT0.5S", "PT0.5S"),
        ("P100M", "P8Y4M", "P8Y4M"),
        ("-P1M", "-P1M", "P-1M"),
        ("PT1000M0.999999999S", "PT16H40M0.999999999S", "PT16H40M0.999999999S"),
    ],
)
def test_durations_are_written_for_feel_and_for_json(text: str, in_feel: str, in_json: str) -> None:
    duration = parse_duration(text)
    assert feel_text(duration) == in_feel
    assert iso_text(duration) == in_json


def test_durations_know_their_seconds() -> None:
    assert DaysDuration(1_500_000_000).seconds == 1.5


def test_zone_of_a_time_has_its_standard_offset() -> None:
    time = parse_time("10:20:30@Europe/Berlin")
    assert time is not None
    assert time.offset == 3600
    assert feel_text(time) == "10:20:30@Europe/Berlin"
    assert iso_text(time) == "10:20:30+01:00"
