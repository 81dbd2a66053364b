"""Whether a tagged value is the one that a case expects.

Numbers within 1e-8 relative, durations by value, times by local part plus offset or zone; an expected null is met by
null or by an error; a list of one is its item when the decision's type is simple (DMN's own coercion).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

Tagged = dict[str, Any]

_TOLERANCE: Final = Decimal("1e-8")
_SIMPLE: Final = frozenset(
    (
        "string",
        "number",
        "boolean",
        "date",
        "time",
        "date and time",
        "dateTime",
        "days and time duration",
        "years and months duration",
        "dayTimeDuration",
        "yearMonthDuration",
    )
)
_DURATION = re.compile(
    r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d*)?)S)?)?",
)
_MOMENT = re.compile(
    r"(?:([+-]?\d{4,})-(\d\d)-(\d\d))?T?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d*))?)?)?"
    r"(Z|z|UTC|[+-]\d\d:\d\d(?::\d\d)?)?(?:@([\w/+\-]+)|\[([\w/+\-]+)\])?"
)
_UTC: Final = frozenset(("Z", "UTC", "Etc/UTC", "GMT"))


def meets(expected: Tagged, actual: Tagged | None, result_type: str | None) -> bool:
    """Whether ``actual`` (None for an error) is what is expected."""
    if actual is None or actual["type"] == "null":
        return bool(expected["type"] == "null")
    return same(expected, actual) or same(expected, _coerced(actual, result_type))


def _coerced(value: Tagged, result_type: str | None) -> Tagged:
    simple = result_type is not None and result_type.split(":")[-1] in _SIMPLE
    if simple and value["type"] == "list" and len(value["value"]) == 1:
        item: Tagged = value["value"][0]
        return item
    return value


def same(expected: Tagged, actual: Tagged) -> bool:
    """Whether two tagged values are the same."""
    kind = expected["type"]
    if kind != actual["type"]:
        return _both_no_time(expected, actual)
    if kind == "null":
        return True
    left, right = expected["value"], actual["value"]
    if kind == "list":
        return len(left) == len(right) and all(map(same, left, right))
    if kind == "context":
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return _same_scalar(kind, left, right)


def _both_no_time(expected: Tagged, actual: Tagged) -> bool:
    kinds = {expected["type"], actual["type"]}
    if kinds != {"years and months duration", "days and time duration"}:
        return False
    return all(_duration(value["value"]) == (0, Decimal(0)) for value in (expected, actual))


def _same_scalar(kind: str, left: Any, right: Any) -> bool:
    if kind == "number":
        return _same_number(left, right)
    if kind.endswith("duration"):
        return left == right or _duration(left) == _duration(right) is not None
    if kind in ("date", "time", "date and time"):
        return _same_moment(left, right)
    return bool(left == right)


def _same_number(left: Any, right: Any) -> bool:
    try:
        a, b = Decimal(str(left)), Decimal(str(right))
    except InvalidOperation:
        return False
    return abs(a - b) <= _TOLERANCE * max(abs(a), abs(b), Decimal(1))


def _duration(text: str) -> tuple[int, Decimal] | None:
    """Months and seconds."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    sign = -1 if found[1] else 1
    years, months, days, hours, minutes, seconds = (Decimal(part or 0) for part in found.groups()[1:])
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    return int(years * 12 + months) * sign, total * sign


def _same_moment(left: str, right: str) -> bool:
    a, b = _moment(left), _moment(right)
    if a is None or b is None or a[0] != b[0]:
        return a is b is None and left == right
    (_, offset, zone), (_, other_offset, other_zone) = a, b
    if offset is not None and other_offset is not None:
        return offset == other_offset
    return (
        zone == other_zone
        if zone is not None and other_zone is not None
        else (offset, zone) == (other_offset, other_zone)
    )


def _moment(text: str) -> tuple[object, int | None, str | None] | None:
    """The local part, the offset in seconds and the zone."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset, *zones = found.groups()
    date = (int(year or 0), month, day)
    clock = (int(hour or 0), int(minute or 0), int(second or 0), (fraction or "").rstrip("0"))
    zone = zones[0] or zones[1]
    if offset is None and zone in _UTC:
        return (date, clock), 0, None
    return (date, clock), _offset(offset), zone


def _offset(offset: str | None) -> int | None:
    if offset is None:
        return None
    if offset in ("Z", "z", "UTC"):
        return 0
    hours, minutes, *seconds = (int(part) for part in offset[1:].split(":"))
    total = hours * 3_600 + minutes * 60 + (seconds[0] if seconds else 0)
    return -total if offset[0] == "-" else total


__all__ = ["Tagged", "meets", "same"]
