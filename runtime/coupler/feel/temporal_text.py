"""Dates, times and durations from text and to text.

Two ways to write: as the FEEL function ``string`` does (``P1DT2H``, ``10:20:30@Europe/Berlin``), and as JSON has it
in the Java runtime (``PT26H``, ``10:20:30+01:00``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from coupler.feel.temporal import DAY_NANOS, NANOS, Date, DateTime, DaysDuration, MonthsDuration, OutOfRange, Time
from coupler.feel.zones import MAX_OFFSET_SECONDS, offset_text, standard_offset, zone_id

_DATE_PART: Final = r"(-?(?:[1-9]\d{0,4})?\d{4})-(\d\d)-(\d\d)"
_OFFSET_PART: Final = r"(?:([+-])(\d\d):(\d\d)|(Z)|@(.+))"
_DATE = re.compile(_DATE_PART, re.ASCII)
_LOCAL_TIME = re.compile(r"T?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?", re.ASCII)
_OFFSET_TIME = re.compile(r"T?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?" + _OFFSET_PART, re.ASCII)
_DATE_TIME = re.compile(_DATE_PART + r"T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?" + f"{_OFFSET_PART}?", re.ASCII)
_ZONED = re.compile(r"(.+(?:Z|[+-]\d\d:\d\d))\[([^\[\]]+)\]", re.ASCII)
_END_OF_DAY = re.compile(r"T?24:00(?::00(?:\.0+)?)?(?![\d:.])", re.ASCII)
_MONTHS = re.compile(r"(-?)P(-?)(?:(\d+)Y)?(-?)(?:(\d+)M)?", re.ASCII)
_DAYS = re.compile(r"(-?)P(-?)(?:(\d+)D)?(?:T(-?)(?:(\d+)H)?(-?)(?:(\d+)M)?(-?)(?:(\d+)(?:\.(\d{0,9}))?S)?)?", re.ASCII)
_LONGEST: Final = 60  # no date, time or duration needs more characters


def parse_date(text: str) -> Date | None:
    """``2024-02-29``; None for anything else."""
    found = _DATE.fullmatch(text[:_LONGEST])
    return _date(found[1], found[2], found[3]) if found and len(text) < _LONGEST else None


def _date(year: str, month: str, day: str) -> Date | None:
    try:
        return Date(int(year), int(month), int(day))
    except OutOfRange:
        return None


def _nanos(hour: str, minute: str, second: str | None, fraction: str | None) -> int | None:
    h, m, s = int(hour), int(minute), int(second or 0)
    if h > 23 or m > 59 or s > 59:
        return None
    return (h * 3600 + m * 60 + s) * NANOS + int((fraction or "0").ljust(9, "0"))


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> int | None:
    seconds = int(hours or 0) * 3600 + int(minutes or 0) * 60
    if seconds > MAX_OFFSET_SECONDS or int(minutes or 0) > 59:
        return None
    return -seconds if sign == "-" else seconds


def _time_in(nanos: int, zone: str) -> Time | None:
    known = zone_id(zone, strict=True)
    if known is None or isinstance(known, int):
        return None if known is None else Time(nanos, known)
    return Time(nanos, standard_offset(known), known)


def parse_time(text: str) -> Time | None:
    """``10:20:30``, with a fraction, an offset or ``@zone``; None for anything else."""
    if len(text) > _LONGEST:
        return None
    found = _OFFSET_TIME.fullmatch(text) or _LOCAL_TIME.fullmatch(text)
    if found is None:
        return None
    parts = found.groups()
    nanos = 0 if _END_OF_DAY.match(text) else _nanos(*parts[:4])
    if nanos is None:
        return None
    if len(parts) == 4:
        return Time(nanos)
    sign, hours, minutes, _, zone = parts[4:]
    if zone is not None:
        return _time_in(nanos, zone)
    offset = _offset(sign, hours, minutes)
    return None if offset is None else Time(nanos, offset)


def parse_date_time(text: str) -> DateTime | None:
    """``2024-02-29T10:20:30`` with an offset, ``@zone`` or both (``+01:00[zone]``), or a date alone; else None."""
    if len(text) > _LONGEST + 30:
        return None
    date = parse_date(text)
    if date is not None:
        return DateTime(date, 0)
    zoned = _ZONED.fullmatch(text)
    if zoned is not None:
        moment, zone = parse_date_time(zoned[1]), zone_id(zoned[2], strict=True)
        return None if moment is None or zone is None else moment.at_zone(zone)
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    date, nanos = _date(found[1], found[2], found[3]), _nanos(found[4], found[5], found[6], found[7])
    if date is None or nanos is None:
        return None
    return _with_offset(date, nanos, found.groups()[7:])


def _with_offset(date: Date, nanos: int, parts: tuple[str | None, ...]) -> DateTime | None:
    sign, hours, minutes, z, zone = parts
    if zone is not None:
        known = zone_id(zone, strict=True)
        return None if known is None else DateTime(date, nanos).at_zone(known)
    if sign is None and z is None:
        return DateTime(date, nanos)
    offset = _offset(sign, hours, minutes)
    return None if offset is None else DateTime(date, nanos, offset)


def _signed(sign: str, digits: str | None) -> int:
    return 0 if digits is None else int(sign + digits)


def parse_duration(text: str) -> DaysDuration | MonthsDuration | None:
    """An ISO 8601 duration of years and months, or of days and a time; None for a mix and for weeks."""
    if len(text) > _LONGEST:
        return None
    try:
        found = _MONTHS.fullmatch(text)
        if found is not None:
            return _months(found)
        found = _DAYS.fullmatch(text)
        return None if found is None else _days(found, text)
    except OutOfRange:
        return None


def _months(found: re.Match[str]) -> MonthsDuration | None:
    if found[3] is None and found[5] is None:
        return None
    years, months = _signed(found[2], found[3]), _signed(found[4] if found[3] else found[2] or found[4], found[5])
    if abs(years) > 2**31 - 1 or abs(months) > 2**31 - 1:
        return None
    return MonthsDuration((years * 12 + months) * (-1 if found[1] else 1))


def _days(found: re.Match[str], text: str) -> DaysDuration | None:
    if text.endswith(("P", "T")):
        return None
    seconds = (
        _signed(found[2], found[3]) * 86400 + _signed(found[4], found[5]) * 3600 + _signed(found[6], found[7]) * 60
    )
    nanos = (seconds + _signed(found[8], found[9])) * NANOS
    if found[10]:
        fraction = int(found[10].ljust(9, "0"))
        nanos += -fraction if found[8] else fraction
    return DaysDuration(-nanos if found[1] else nanos)


def temporal_literal(text: str) -> Any:
    """The value of ``@"…"``: whichever kind reads; else None."""
    return parse_duration(text) or parse_date(text) or parse_time(text) or parse_date_time(text)


# Calls with a text are literals: date("2024-02-29").
TEMPORAL_LITERALS: Final[Mapping[str, Callable[[str], Any]]] = {
    "date": parse_date,
    "time": parse_time,
    "date and time": parse_date_time,
    "duration": parse_duration,
}


def _clock(nanos: int) -> str:
    seconds, fraction = divmod(nanos, NANOS)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:09}".rstrip("0") if fraction else text


def _suffix(value: Time | DateTime) -> str:
    if value.zone is not None:
        return f"@{value.zone}"
    return "" if value.offset is None else offset_text(value.offset)


def _year(year: int) -> str:
    return f"-{-year:04}" if year < 0 else f"{year:04}"


def _date_text(date: Date, *, plus: bool) -> str:
    sign = "+" if plus and date.year > 9999 else ""
    return f"{sign}{_year(date.year)}-{date.month:02}-{date.day:02}"


def _months_text(value: MonthsDuration) -> str:
    years, months = divmod(abs(value.months), 12)
    if not value.months:
        return "P0Y"
    return ("-P" if value.months < 0 else "P") + (f"{years}Y" if years else "") + (f"{months}M" if months else "")


def _seconds_text(seconds: int, fraction: int) -> str:
    return f"{seconds}.{fraction:09}".rstrip("0") if fraction else str(seconds)


def _days_text(value: DaysDuration) -> str:
    if not value.nanos:
        return "P0D"
    seconds, fraction = divmod(abs(value.nanos), NANOS)
    days, rest = divmod(seconds, 86400)
    clock = (f"{rest // 3600}H" if rest // 3600 else "") + (f"{rest // 60 % 60}M" if rest // 60 % 60 else "")
    if rest % 60 or fraction:
        clock += _seconds_text(rest % 60, fraction) + "S"
    return ("-P" if value.nanos < 0 else "P") + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def feel_text(value: object) -> str | None:
    """As the function ``string`` writes it; None for a value that is no date, time or duration."""
    match value:
        case Date():
            return _date_text(value, plus=True)
        case Time():
            return _clock(value.nanos) + _suffix(value)
        case DateTime():
            return f"{_date_text(value.date, plus=False)}T{_clock(value.nanos)}{_suffix(value)}"
        case DaysDuration():
            return _days_text(value)
        case MonthsDuration():
            return _months_text(value)
        case _:
            return None


def _iso_months(value: MonthsDuration) -> str:
    sign = "-" if value.months < 0 else ""
    years, months = divmod(abs(value.months), 12)
    text = (f"{sign}{years}Y" if years else "") + (f"{sign}{months}M" if months else "")
    return f"P{text or '0D'}"


def _iso_days(value: DaysDuration) -> str:
    sign = "-" if value.nanos < 0 else ""
    seconds, fraction = divmod(abs(value.nanos), NANOS)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    text = (f"{sign}{hours}H" if hours else "") + (f"{sign}{minutes}M" if minutes else "")
    if seconds % 60 or fraction:
        text += f"{sign}{_seconds_text(seconds % 60, fraction)}S"
    return f"PT{text or '0S'}"


def iso_text(value: object) -> str | None:
    """As it stands in JSON; None for a value that is no date, time or duration."""
    match value:
        case Date():
            return _date_text(value, plus=True)
        case Time():
            return _clock(value.nanos) + ("" if value.offset is None else offset_text(value.offset))
        case DateTime():
            offset = "" if value.offset is None else offset_text(value.offset)
            return f"{_date_text(value.date, plus=True)}T{_clock(value.nanos)}{offset}"
        case DaysDuration():
            return _iso_days(value)
        case MonthsDuration():
            return _iso_months(value)
        case _:
            return None


__all__ = [
    "DAY_NANOS",
    "TEMPORAL_LITERALS",
    "feel_text",
    "iso_text",
    "parse_date",
    "parse_date_time",
    "parse_duration",
    "parse_time",
    "temporal_literal",
]
