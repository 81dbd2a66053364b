"""Values as text: what the functions ``string`` and ``to json`` write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from coupler.feel.limits import LimitExceeded
from coupler.feel.scope import Run
from coupler.feel.temporal import NANOS, DaysDuration
from coupler.feel.temporal_text import feel_text
from coupler.feel.values import Function, Range, number, type_name


def number_text(value: Any) -> str:
    """A number as ``BigDecimal.toString`` writes it: with its scale, and an exponent only where Java has one."""
    exact = number(value)
    if type(exact) is int:
        return _int_text(exact)
    return str(exact)


def _int_text(value: int) -> str:
    # Python refuses to print integers of more than 4,300 digits.
    return str(value) if abs(value) < 10**4000 else str(Decimal(value))


def plain(run: Run, value: Any) -> str | None:
    """What ``string(value)`` is: a text as it is, null for null."""
    if value is None or type(value) is str:
        return value
    text = _nested(run, value, 0)
    run.check_string(len(text))
    return text


def _nested(run: Run, value: Any, depth: int) -> str:
    run.spend(2)
    if depth > run.limits.nesting_depth:
        raise LimitExceeded("nesting_depth", run.limits.nesting_depth, "the value is nested too deeply")
    kind = type(value)
    if kind is list:
        return f"[{', '.join(_nested(run, item, depth + 1) for item in value)}]"
    if kind is dict:
        entries = ((key, item) for key, item in value.items() if type(item) is not Function)
        return f"{{{', '.join(f'{key}:{_nested(run, item, depth + 1)}' for key, item in entries)}}}"
    if kind is Range:
        return _range_text(run, value, depth)
    return _scalar(run, value)


def _range_text(run: Run, value: Range, depth: int) -> str:
    ends = f"{_nested(run, value.low, depth + 1)}..{_nested(run, value.high, depth + 1)}"
    return f"{'[' if value.low_included else '('}{ends}{']' if value.high_included else ')'}"


def _scalar(run: Run, value: Any) -> str:
    if value is None:
        return "null"
    if type(value) is str:
        run.check_string(len(value))
        return f'"{value}"'
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in (int, float, Decimal):
        return number_text(value)
    if type(value) is Function:
        return f"function({', '.join(value.parameters)})"
    if type(value) is DaysDuration:
        value = DaysDuration(value.nanos // NANOS * NANOS)  # feel-scala writes whole seconds
    return feel_text(value) or type_name(value)


__all__ = ["number_text", "plain"]
