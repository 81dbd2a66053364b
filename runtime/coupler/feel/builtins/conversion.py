"""Functions that make a value of one type from another."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel import temporal_text
from coupler.feel.registry import builtin
from coupler.feel.scope import Run
from coupler.feel.temporal import NANOS, Date, DateTime, DaysDuration, MonthsDuration, OutOfRange, Time
from coupler.feel.text import plain
from coupler.feel.zones import MAX_OFFSET_SECONDS, zone_id

_DATE_TYPES: Final = "date | date and time"


@builtin("date(from: string | date | date and time)", "A date from text, or the date of a date and time.")
def _date(value: Any) -> Date | None:
    if isinstance(value, str):
        return temporal_text.parse_date(value)
    return value.date if isinstance(value, DateTime) else value


@builtin("date(year: number, month: number, day: number)", "A date from its parts.")
def _date_of(year: Any, month: Any, day: Any) -> Date | None:
    try:
        return Date(int(year), int(month), int(day))
    except OutOfRange:
        return None


@builtin("time(from: string | date | date and time | time)", "A time from text, or the time of a date and time.")
def _time(value: Any) -> Time | None:
    if isinstance(value, str):
        return temporal_text.parse_time(value)
    if isinstance(value, DateTime):
        return value.time
    return Time(0, 0) if isinstance(value, Date) else None


@builtin(
    "time(hour: number, minute: number, second: number[, offset: days and time duration?])", "A time from its parts."
)
def _time_of(hour: Any, minute: Any, second: Any, offset: DaysDuration | None = None) -> Time | None:
    hours, minutes = int(hour), int(minute)
    nanos = int(Decimal(second) * NANOS)
    if not (0 <= hours <= 23 and 0 <= minutes <= 59 and 0 <= nanos < 60 * NANOS):
        return None
    nanos += (hours * 3600 + minutes * 60) * NANOS
    if offset is None:
        return Time(nanos)
    seconds = offset.nanos // NANOS
    return Time(nanos, seconds) if abs(seconds) <= MAX_OFFSET_SECONDS else None


@builtin("date and time(from: string | date and time)", "A date and time from text.")
def _date_time(value: Any) -> DateTime | None:
    return temporal_text.parse_date_time(value) if isinstance(value, str) else None


@builtin(f"date and time(date: {_DATE_TYPES}, time: time)", "A date with a time.")
def _date_time_of(date: Date | DateTime, time: Time) -> DateTime:
    day = date.date if isinstance(date, DateTime) else date
    if time.zone is not None:
        return DateTime.in_zone(day, time.nanos, time.zone)
    return DateTime(day, time.nanos, time.offset)


@builtin(
    "date and time(date: date and time, timezone: string)",
    "The same instant in another zone; a local time is taken to be there.",
    standard=False,
)
def _date_time_in(date: DateTime, timezone: str) -> DateTime:
    zone = zone_id(timezone)
    if zone is None:
        raise FeelError(f"date and time: there is no time zone '{timezone[:60]}'; one is Europe/Berlin")
    return date.at_zone(zone)


@builtin("duration(from: string)", "A duration from text.")
def _duration(value: str) -> DaysDuration | MonthsDuration | None:
    return temporal_text.parse_duration(value)


@builtin(
    f"years and months duration(from: {_DATE_TYPES}, to: {_DATE_TYPES})", "The whole months from one date to another."
)
def _months_between(start: Date | DateTime, end: Date | DateTime) -> MonthsDuration:
    first = start.date if isinstance(start, DateTime) else start
    last = end.date if isinstance(end, DateTime) else end
    months = (last.year - first.year) * 12 + last.month - first.month
    if months > 0 and last.day < first.day:
        months -= 1
    elif months < 0 and last.day > first.day:
        months += 1
    return MonthsDuration(months)


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,5})?")
_LONGEST_NUMBER: Final = 5_000


def _parsed(run: Run, text: str) -> int | Decimal | None:
    if len(text) > min(_LONGEST_NUMBER, run.limits.number_digits) or not _NUMBER.fullmatch(text):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if abs(value.adjusted()) > run.limits.number_digits:
        return None
    return int(value) if value.as_tuple().exponent == 0 and len(text) < 4_000 else value


@builtin("number(from: string)", "A number from text.")
def _number(run: Run, value: str) -> int | Decimal | None:
    return _parsed(run, value)


@builtin("number(from: string, grouping separator: string)", "The same; the separator is ' ', ',' or '.'.")
def _number_grouped(run: Run, value: str, grouping: str) -> int | Decimal | None:
    return _parsed(run, value.replace(grouping, "")) if grouping in (" ", ",", ".") else None


@builtin(
    "number(from: string, grouping separator: string?, decimal separator: string?)",
    "The same with a decimal separator, ',' or '.', that differs from the grouping separator.",
)
def _number_separated(run: Run, value: str, grouping: str | None, separator: str | None) -> int | Decimal | None:
    if grouping == separator or grouping not in (None, " ", ",", ".") or separator not in (None, ",", "."):
        return None
    if grouping is not None:
        value = value.replace(grouping, "")
    return _parsed(run, value if separator is None else value.replace(separator, "."))


@builtin("string(from: any)", "The value as text.")
def _string(run: Run, value: Any) -> str | None:
    return plain(run, value)
