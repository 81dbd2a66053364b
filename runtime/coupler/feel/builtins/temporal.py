"""Functions of dates."""

from __future__ import annotations

from datetime import date as python_date
from datetime import datetime

from coupler.feel import calendar
from coupler.feel.registry import builtin
from coupler.feel.temporal import NANOS, Date, DateTime

_DATE_TYPES = "date | date and time"


@builtin("now()", "The current date and time.")
def _now() -> DateTime:
    now = datetime.now().astimezone()
    seconds = now.hour * 3600 + now.minute * 60 + now.second
    offset = now.utcoffset()
    return DateTime(
        Date(now.year, now.month, now.day),
        seconds * NANOS + now.microsecond * 1000,
        int(offset.total_seconds()) if offset is not None else 0,
    )


@builtin("today()", "The current date.")
def _today() -> Date:
    today = datetime.now().astimezone().date()
    return Date(today.year, today.month, today.day)


def _date(value: Date | DateTime) -> Date:
    return value.date if isinstance(value, DateTime) else value


@builtin(f"day of year(date: {_DATE_TYPES})", "1 to 366.")
def _day_of_year(value: Date | DateTime) -> int:
    return _date(value).day_of_year


@builtin(f"day of week(date: {_DATE_TYPES})", "The English name of the day.")
def _day_of_week(value: Date | DateTime) -> str:
    return calendar.WEEKDAYS[_date(value).weekday - 1]


@builtin(f"month of year(date: {_DATE_TYPES})", "The English name of the month.")
def _month_of_year(value: Date | DateTime) -> str:
    return calendar.MONTHS[_date(value).month - 1]


@builtin(f"week of year(date: {_DATE_TYPES})", "The week by ISO 8601.")
def _week_of_year(value: Date | DateTime) -> int:
    date = _date(value)
    # The calendar repeats every 400 years, weekdays included.
    return python_date(2000 + date.year % 400, date.month, date.day).isocalendar().week


@builtin(f"last day of month(date: {_DATE_TYPES})", "The last date of the same month.", standard=False)
def _last_day_of_month(value: Date | DateTime) -> Date:
    date = _date(value)
    return Date(date.year, date.month, calendar.month_length(date.year, date.month))
