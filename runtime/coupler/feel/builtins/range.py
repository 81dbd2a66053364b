"""Functions of ranges and points (Allen's interval algebra, as the DMN standard lists it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coupler.feel.registry import builtin
from coupler.feel.values import Range, order_keys


def _order(left: Any, right: Any) -> int:
    """-1, 0 or 1."""
    keys = None if type(left) is str else order_keys(left, right)  # feel-scala has no ranges of strings here
    if keys is None:
        raise _Incomparable
    return int(keys[0] > keys[1]) - int(keys[0] < keys[1])


class _Incomparable(Exception):
    pass


_Rule = Callable[[Any, Any], bool]


def _define(name: str, summary: str, **rules: _Rule) -> None:
    """Registers the rules of one function by the kinds of its arguments, point or range, in the order of trying."""

    def function(first: Any, second: Any) -> bool | None:
        kinds = f"{_kind(first)}_{_kind(second)}"
        rule = rules.get(kinds)
        if rule is None or first is None or second is None:
            return None
        try:
            return rule(first, second)
        except _Incomparable:
            return None

    for kinds in rules:
        first, second = kinds.split("_")
        names = (f"{first}1", f"{second}2") if first == second else (first, second)
        builtin(f"{name}({names[0]}: any, {names[1]}: any)", summary)(function)


def _kind(value: Any) -> str:
    return "range" if type(value) is Range else "point"


def _low_first(a: Range, b: Range) -> bool:
    """Whether a begins before b does, or with it."""
    order = _order(a.low, b.low)
    return order < 0 or (order == 0 and (a.low_included or not b.low_included))


def _high_last(a: Range, b: Range) -> bool:
    """Whether a ends after b does, or with it."""
    order = _order(a.high, b.high)
    return order > 0 or (order == 0 and (a.high_included or not b.high_included))


def _reaches(a: Range, b: Range) -> bool:
    """Whether a ends where b has already begun."""
    order = _order(a.high, b.low)
    return order > 0 or (order == 0 and a.high_included and b.low_included)


def _same_low(a: Range, b: Range) -> bool:
    return _order(a.low, b.low) == 0 and a.low_included == b.low_included


def _same_high(a: Range, b: Range) -> bool:
    return _order(a.high, b.high) == 0 and a.high_included == b.high_included


def _point_before(point: Any, a: Range) -> bool:
    order = _order(point, a.low)
    return order < 0 or (order == 0 and not a.low_included)


def _point_after(point: Any, a: Range) -> bool:
    order = _order(point, a.high)
    return order > 0 or (order == 0 and not a.high_included)


def _holds(a: Range, point: Any) -> bool:
    return not _point_before(point, a) and not _point_after(point, a)


def _covers(a: Range, b: Range) -> bool:
    return _low_first(a, b) and _high_last(a, b)


def _overlap(a: Range, b: Range) -> bool:
    return _reaches(a, b) and _reaches(b, a)


def _overlaps_before(a: Range, b: Range) -> bool:
    return _low_first(a, b) and not _same_low(a, b) and _reaches(a, b) and _high_last(b, a)


def _begins(a: Range, point: Any) -> bool:
    return _order(a.low, point) == 0 and a.low_included


def _ends(a: Range, point: Any) -> bool:
    return _order(a.high, point) == 0 and a.high_included


_define(
    "before",
    "Whether the first ends before the second begins.",
    point_point=lambda a, b: _order(a, b) < 0,
    point_range=_point_before,
    range_point=lambda a, point: _point_after(point, a),
    range_range=lambda a, b: not _reaches(a, b),
)
_define(
    "after",
    "Whether the first begins after the second ends.",
    point_point=lambda a, b: _order(a, b) > 0,
    point_range=_point_after,
    range_point=lambda a, point: _point_before(point, a),
    range_range=lambda a, b: not _reaches(b, a),
)
_define(
    "meets",
    "Whether the first ends where the second begins.",
    range_range=lambda a, b: a.high_included and b.low_included and _order(a.high, b.low) == 0,
)
_define(
    "met by",
    "Whether the first begins where the second ends.",
    range_range=lambda a, b: a.low_included and b.high_included and _order(a.low, b.high) == 0,
)
_define("overlaps", "Whether the two have anything in common.", range_range=_overlap)
_define("overlaps before", "Whether the first overlaps the beginning of the second.", range_range=_overlaps_before)
_define(
    "overlaps after",
    "Whether the first overlaps the end of the second.",
    range_range=lambda a, b: _reaches(b, a) and _low_first(b, a) and _high_last(a, b) and not _same_high(a, b),
)
_define(
    "finishes",
    "Whether the first ends where the second ends.",
    point_range=lambda point, a: _ends(a, point),
    range_range=lambda a, b: _same_high(a, b) and _low_first(b, a),
)
_define(
    "finished by",
    "Whether the second ends where the first ends.",
    range_point=_ends,
    range_range=lambda a, b: _same_high(a, b) and _low_first(a, b),
)
_define("includes", "Whether the second lies within the first.", range_point=_holds, range_range=_covers)
_define(
    "during",
    "Whether the first lies within the second.",
    point_range=lambda point, a: _holds(a, point),
    range_range=lambda a, b: _covers(b, a),
)
_define(
    "starts",
    "Whether the first begins where the second begins.",
    point_range=lambda point, a: _begins(a, point),
    range_range=lambda a, b: _same_low(a, b) and _high_last(b, a),
)
_define(
    "started by",
    "Whether the second begins where the first begins.",
    range_point=_begins,
    range_range=lambda a, b: _same_low(a, b) and _high_last(a, b),
)
_define(
    "coincides",
    "Whether the two are the same.",
    point_point=lambda a, b: _order(a, b) == 0,
    range_range=lambda a, b: _same_low(a, b) and _same_high(a, b),
)
