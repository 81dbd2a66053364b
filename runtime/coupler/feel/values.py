"""Values: what the Python types mean in FEEL, when two are equal, and which can be ordered.

    null                None                       list       list
    boolean             bool                       context    dict
    number              int, Decimal               range      Range
    string              str                        function   Function
    date                Date                       time, date and time, durations: coupler.feel.temporal

A float, which may come from outside, is read as the decimal that it prints as.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from coupler.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, Time

NUMBERS: Final = frozenset((int, Decimal, float))
_TEMPORAL: Final = frozenset((Date, Time, DateTime, DaysDuration, MonthsDuration))


@dataclass(frozen=True, slots=True)
class Range:
    """Everything between two values, which may themselves be part of it."""

    low: Any
    high: Any
    low_included: bool
    high_included: bool


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function that an expression defines."""

    parameters: tuple[str, ...]
    invoke: Callable[[Sequence[Any]], Any]


_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    float: "number",
    str: "string",
    list: "list",
    dict: "context",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    DaysDuration: "days and time duration",
    MonthsDuration: "years and months duration",
    Range: "range",
    Function: "function",
}


def type_name(value: object) -> str:
    """The FEEL name of a value's type."""
    return _TYPE_NAMES.get(type(value), "unknown")


def number(value: Any) -> int | Decimal:
    """A number without binary fractions."""
    if type(value) is not float:
        return value  # type: ignore[no-any-return]
    return Decimal(repr(value))


def negated(value: int | Decimal) -> int | Decimal:
    """Minus the number, with all its digits: Python's ``-`` rounds decimals to 28."""
    return value.copy_negate() if isinstance(value, Decimal) and value else -value


def is_local(value: Time | DateTime) -> bool:
    """Whether a time has no offset."""
    return value.offset is None


def equal(left: Any, right: Any, spend: Callable[[int], None]) -> bool | None:
    """Whether two values are equal; None when they cannot be compared.

    Args:
        spend: charges the budget, because values may share parts and so be larger than they look.
    """
    kind, other = type(left), type(right)
    if kind is other:
        if kind is list:
            return _equal_lists(left, right, spend)
        if kind is dict:
            return _equal_contexts(left, right, spend)
        if kind is Time or kind is DateTime:
            return None if is_local(left) != is_local(right) else left == right
        if kind is Function:
            return None
        return left == right  # type: ignore[no-any-return]
    if left is None or right is None:
        return False
    if kind in NUMBERS and other in NUMBERS:
        return number(left) == number(right)
    return None


def _equal_lists(left: list[Any], right: list[Any], spend: Callable[[int], None]) -> bool:
    spend(len(left) + 1)
    return len(left) == len(right) and all(equal(a, b, spend) is True for a, b in zip(left, right, strict=True))


def _equal_contexts(left: dict[str, Any], right: dict[str, Any], spend: Callable[[int], None]) -> bool:
    spend(len(left) + 1)
    return left.keys() == right.keys() and all(equal(value, right[key], spend) is True for key, value in left.items())


def order_keys(left: Any, right: Any) -> tuple[Any, Any] | None:
    """What to compare two values by, or None when they have no order."""
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        return number(left), number(right)
    if kind is not other:
        return None
    if kind is str:
        return (left, right) if left.isascii() and right.isascii() else (_utf16(left), _utf16(right))
    if kind not in _TEMPORAL or (kind in (Time, DateTime) and is_local(left) != is_local(right)):
        return None
    return left.order, right.order


def _utf16(text: str) -> bytes:
    # Java compares strings by UTF-16 units, Python by code points.
    return text.encode("utf-16-be", "surrogatepass")


__all__ = ["NUMBERS", "Function", "Range", "equal", "is_local", "negated", "number", "order_keys", "type_name"]
