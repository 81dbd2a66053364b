"""Whatever a connector puts into the variables of an error, in a form that can be sent."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from coupler import json
from coupler.secrets.masking import CIRCULAR

_MAX_DEPTH = 100
_LEFT_OUT = "[left out: a {type} without a JSON form]"


def describable(value: Any) -> Any:
    """The value as plain JSON values; what has no JSON form is told as text, so that the rest is not lost with it."""
    try:
        return json.loads(json.dump_bytes(value))
    except Exception:  # noqa: BLE001 - part by part, then
        return _part(value, ())


def _part(value: Any, above: tuple[int, ...]) -> Any:
    if id(value) in above:
        return CIRCULAR
    inside = (*above, id(value))
    if len(inside) > _MAX_DEPTH:
        return _LEFT_OUT.format(type=type(value).__name__)
    match value:
        case dict():
            return {_text(str(key)): _part(item, inside) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_part(item, inside) for item in value]
        case str():
            return _text(value)
        case _:
            return _leaf(value)


def _leaf(value: Any) -> Any:
    with suppress(Exception):  # then as text
        return json.loads(json.dump_bytes(value))
    try:
        return _text(str(value))
    except Exception:  # noqa: BLE001 - not even that
        return _LEFT_OUT.format(type=type(value).__name__)


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
