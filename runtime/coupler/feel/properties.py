"""What stands behind a dot: entries of contexts, of each item of a list, properties of dates, times and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from coupler.feel.registry import BUILTINS
from coupler.feel.scope import Run
from coupler.feel.temporal import NANOS, Date, DateTime, DaysDuration, MonthsDuration, Time
from coupler.feel.values import Range, type_name

_Properties = Mapping[str, Callable[[Any], Any]]


def _offset(value: Time | DateTime) -> DaysDuration | None:
    return None if value.offset is None else DaysDuration(value.offset * NANOS)


_CLOCK: Final[_Properties] = {
    "hour": lambda value: value.nanos // NANOS // 3600,
    "minute": lambda value: value.nanos // NANOS // 60 % 60,
    "second": lambda value: value.nanos // NANOS % 60,
    "time offset": _offset,
    "timezone": lambda value: value.zone,
}
_DATE: Final[_Properties] = {
    "year": lambda value: value.year,
    "month": lambda value: value.month,
    "day": lambda value: value.day,
    "weekday": lambda value: value.weekday,
}


def _truncated(value: int, unit: int, modulus: int) -> int:
    """Java's / and %: towards zero."""
    result = abs(value) // unit
    if modulus:
        result %= modulus
    return -result if value < 0 else result


def _of_date(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: get(value.date)


PROPERTIES: Final[Mapping[type, _Properties]] = {
    Date: _DATE,
    Time: _CLOCK,
    DateTime: {
        **{name: _of_date(get) for name, get in _DATE.items()},
        **_CLOCK,
    },
    DaysDuration: {
        "days": lambda value: _truncated(value.nanos, 86_400 * NANOS, 0),
        "hours": lambda value: _truncated(value.nanos, 3_600 * NANOS, 24),
        "minutes": lambda value: _truncated(value.nanos, 60 * NANOS, 60),
        "seconds": lambda value: _truncated(value.nanos, NANOS, 60),
    },
    MonthsDuration: {
        "years": lambda value: _truncated(value.months, 12, 0),
        "months": lambda value: _truncated(value.months, 1, 12),
    },
    Range: {
        "start": lambda value: value.low,
        "end": lambda value: value.high,
        "start included": lambda value: value.low_included,
        "end included": lambda value: value.high_included,
    },
}


def member(run: Run, value: Any, name: str, position: int, label: str = "") -> Any:
    """``value.name`` for anything but the straight case of a context that has the entry.

    Args:
        label: what stands in front of the dot, for the warning.
    """
    kind = type(value)
    if kind is dict:
        if name in value:
            return value[name]
        run.warn(position, lambda: _no_entry(name, value, label))
        return None
    if kind is list:
        run.check_list(len(value))
        return [_of_item(run, item, name, position, label) for item in value]
    properties = PROPERTIES.get(kind)
    if properties is not None and name in properties:
        return properties[name](value)
    run.warn(position, lambda: _no_property(name, value, properties, label))
    return None


def _of_item(run: Run, item: Any, name: str, position: int, label: str) -> Any:
    if type(item) is dict and name in item:
        return item[name]
    return member(run, item, name, position, f"an item of {label}" if label else "")


def suggestion(name: str, known: Any) -> str:
    """A question for the nearest known name, or the names there are."""
    names = [str(item) for item in known]
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    if not names:
        return "it is empty"
    shown = ", ".join(f"'{item}'" for item in names[:10])
    return f"there are {shown}" + (" and more" if len(names) > 10 else "")


def near_function(name: str, more: Iterable[str]) -> str:
    """A question for the nearest known function, or where they are listed."""
    near = get_close_matches(name, [*BUILTINS, *more], n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else "docs/feel.md lists all"


def _no_entry(name: str, value: dict[str, Any], label: str) -> str:
    return f"{f'{label}.{name}' if label else repr(name)} is not there: {suggestion(name, value)}"


def _no_property(name: str, value: Any, properties: _Properties | None, label: str) -> str:
    subject = label or "the value"
    if value is None:
        return f"{subject} is null, so '.{name}' of it is null too"
    described = f"{subject} is a {type_name(value)}, which has no '{name}'"
    return f"{described}: {suggestion(name, properties)}" if properties else described


__all__ = ["PROPERTIES", "member", "near_function", "suggestion"]
