"""FEEL values as plain Python that JSON can hold, with numbers exact and dates as text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel.limits import DEFAULT, LimitExceeded, Limits
from coupler.feel.temporal import DateTime
from coupler.feel.temporal_text import iso_text
from coupler.feel.values import Function, type_name

_AS_THEY_ARE: Final = frozenset((str, int, bool, type(None)))


def to_json(value: Any, limits: Limits = DEFAULT, *, zones: bool = False) -> Any:
    """A value as dicts, lists, texts, booleans, None, ints and Decimals.

    Dates and times become ISO 8601 text, durations as java.time prints them (``PT24H``, ``P1Y2M``). Functions are no
    entries of a context: what it defines for itself is left out. ``zones`` writes the zone behind the offset of a date
    and time, ``…+01:00[Europe/Berlin]``, as the function ``to json`` does.

    Raises:
        FeelError: for any other function and for a range, which JSON has no room for.
        LimitExceeded: ``result_size`` or ``nesting_depth``; parts that are shared count each time.
    """
    return _Conversion(limits, zones=zones).convert(value, 0)


class _Conversion:
    __slots__ = ("left", "limits", "zones")

    def __init__(self, limits: Limits, *, zones: bool) -> None:
        self.limits = limits
        self.zones = zones
        self.left = limits.result_size

    def convert(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        if kind is dict:
            self._charge(len(value), depth)
            return {
                key: item if type(item) in _AS_THEY_ARE else self.convert(item, depth + 1)
                for key, item in value.items()
                if type(item) is not Function
            }
        if kind is list:
            self._charge(len(value), depth)
            return [item if type(item) in _AS_THEY_ARE else self.convert(item, depth + 1) for item in value]
        if self.zones and kind is DateTime and value.zone is not None:
            return f"{iso_text(value)}[{value.zone}]"
        return _scalar(value)

    def _charge(self, size: int, depth: int) -> None:
        self.left -= size + 1
        if self.left < 0:
            raise LimitExceeded("result_size", self.limits.result_size)
        if depth > self.limits.nesting_depth:
            raise LimitExceeded("nesting_depth", self.limits.nesting_depth, "the result is nested too deeply")


def _scalar(value: Any) -> Any:
    if type(value) is Decimal:
        return int(value) if value.as_tuple().exponent == 0 else value
    text = iso_text(value)
    if text is not None:
        return text
    if type(value) is float:
        return value
    raise FeelError(f"a {type_name(value)} cannot be part of a result")


__all__ = ["to_json"]
