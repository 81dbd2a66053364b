"""Coercions of input values, as existing process models rely on them (docs/compatibility.md, "Input binding").

Each function brings one JSON value closer to its declared type and leaves what does not fit for pydantic to report.
A value that pydantic would accept but the rules refuse is replaced by ``REFUSED``, which fits no type.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, cast, get_args, get_origin

from pydantic import BaseModel

_MOST_DIGITS: Final = 400
"""Of a whole number: more would only keep the processor busy."""

Coercion: TypeAlias = Callable[[Any], Any]


class _Refused:
    """Fits no type."""

    def __repr__(self) -> str:
        return "a value that is not allowed here"


REFUSED: Final = _Refused()


def _unwrapped(value: Any) -> Any:
    """A list of exactly one element stands for the element."""
    return value[0] if type(value) is list and len(value) == 1 else value


def to_text(value: Any) -> Any:
    """Numbers and booleans become text, a fraction with the digits it was written with."""
    value = _unwrapped(value)
    if type(value) is str or value is None:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    return value


def to_integer(value: Any) -> Any:
    """Whole numbers in text are read; a fraction loses its decimals; a boolean is refused."""
    value = _unwrapped(value)
    if type(value) is int or value is None:
        return value
    if type(value) is bool:
        return REFUSED
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else REFUSED
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value.adjusted() < _MOST_DIGITS else REFUSED
    if type(value) is str:
        text = value.strip()
        digits = text[1:] if text[:1] in ("-", "+") else text
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < _MOST_DIGITS else (text and REFUSED)
    return value


def to_number(value: Any) -> Any:
    """Numbers in text are read; a boolean is refused."""
    value = _unwrapped(value)
    if type(value) is bool:
        return REFUSED
    return value.strip() if type(value) is str else value


_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def to_boolean(value: Any) -> Any:
    """``true``, ``True`` and ``TRUE`` in text, and whole numbers (0 is false); any other text is refused."""
    value = _unwrapped(value)
    if type(value) is bool or value is None:
        return value
    if type(value) is int:
        return value != 0
    if type(value) is str:
        text = value.strip()
        return _BOOLEANS.get(text, REFUSED) if text else ""
    return REFUSED


def _absent_becomes(default: Any, coercion: Coercion) -> Coercion:
    """Empty text (and, for a type without null, null) becomes ``default``."""

    def coerce(value: Any) -> Any:
        value = coercion(value)
        return default if value is None or value == "" else value

    return coerce


def _choice(members: Mapping[str, Any], ordered: Sequence[Any]) -> Coercion:
    """Enumerated values: by name in any case, or by position."""

    def coerce(value: Any) -> Any:
        value = _unwrapped(value)
        if type(value) is str:
            text = value.strip()
            found = members.get(text.lower())
            if found is None and text.isascii() and text.isdigit():
                found = ordered[int(text)] if len(text) < 5 and int(text) < len(ordered) else None
            return value if found is None else found
        if type(value) is int:
            return ordered[value] if 0 <= value < len(ordered) else REFUSED
        return value

    return coerce


def _enumeration(kind: type[Enum]) -> Coercion:
    ordered = list(kind)
    members: dict[str, Any] = {}
    for member in ordered:
        members[member.name.lower()] = member
        members[str(member.value).lower()] = member
    return _choice(members, ordered)


def _list_of(item: Coercion | None) -> Coercion:
    def coerce(value: Any) -> Any:
        if value is None:
            return value
        if type(value) is not list:
            value = [value]
        return value if item is None else [item(element) for element in value]

    return coerce


def _map_of(item: Coercion | None) -> Coercion:
    def coerce(value: Any) -> Any:
        value = _unwrapped(value)
        if item is None or type(value) is not dict:
            return value
        return {key: item(element) for key, element in value.items()}

    return coerce


_PLAIN: Final[dict[Any, tuple[Coercion, Any]]] = {
    int: (to_integer, 0),
    float: (to_number, 0.0),
    Decimal: (to_number, Decimal(0)),
    bool: (to_boolean, False),
}


def _generic(annotation: Any, origin: Any) -> Coercion | None:
    arguments = get_args(annotation)
    if origin in (list, Sequence, tuple, set, frozenset):
        return _list_of(coercion_for(arguments[0]) if arguments else None)
    if origin in (dict, Mapping):
        return _map_of(coercion_for(arguments[1]) if len(arguments) == 2 else None)
    # A single choice is a discriminator, which decides by its exact text.
    if origin is Literal and len(arguments) > 1 and all(isinstance(choice, str) for choice in arguments):
        return _choice({choice.lower(): choice for choice in arguments}, arguments)
    return None


def _union(arms: tuple[Any, ...]) -> Coercion | None:
    present = [arm for arm in arms if arm is not type(None)]
    if len(present) == 1:
        return coercion_for(present[0], nullable=len(present) < len(arms))
    # Which arm a value belongs to is for pydantic to find out; only the wrapping of objects is undone.
    return _unwrapped if all(_is_model(arm) for arm in present) else None


def _is_model(annotation: Any) -> bool:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def coercion_for(annotation: Any, nullable: bool = False) -> Coercion | None:
    """The coercion for a type annotation, ``None`` when values are taken as they are."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return coercion_for(get_args(annotation)[0], nullable)
    if origin in (Union, types.UnionType):
        return _union(get_args(annotation))
    if annotation is str:
        return to_text
    plain = _PLAIN.get(annotation)
    if plain is not None:
        return _absent_becomes(None if nullable else plain[1], plain[0])
    if origin is not None:
        return _generic(annotation, origin)
    if annotation in (list, tuple, set, frozenset):
        return _list_of(None)
    if annotation is dict:
        return _unwrapped
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enumeration(annotation)
    return _unwrapped if _is_model(annotation) else None


def settled_type(annotation: Any) -> type | None:
    """The type of values that the annotation's coercion leaves alone, so that it need not be asked."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return settled_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        arms = [arm for arm in get_args(annotation) if arm is not type(None)]
        settled = {settled_type(arm) for arm in arms}
        return settled.pop() if len(settled) == 1 else None
    if annotation in (str, int, bool):
        return cast("type", annotation)
    return dict if annotation is dict or _is_model(annotation) else None


__all__ = ["REFUSED", "Coercion", "coercion_for", "settled_type", "to_boolean", "to_integer", "to_number", "to_text"]
