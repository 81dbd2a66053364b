"""Texts that the engine and people see: cut to a limit, and maps the way the Java runtime prints them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def cut(text: str, limit: int) -> str:
    """At most ``limit`` UTF-16 units, never half a character: what is none, as JSON may spell it, becomes ``?``."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) * 2 <= limit:
        return text
    units = 0
    for index, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > limit:
            return text[:index]
    return text


def java_text(value: Any, limit: int) -> str:
    """``{error={type=…, message=…}}``: monitors look for ``status=400`` in messages. Stops soon after ``limit``."""
    pieces: list[str] = []
    length = 0
    for piece in _pieces(value):
        pieces.append(piece)
        length += len(piece)
        if length > limit:
            break
    return "".join(pieces)


def _pieces(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield "{"
            for index, (key, item) in enumerate(value.items()):
                yield f"{', ' if index else ''}{key}="
                yield from _pieces(item)
            yield "}"
        case list() | tuple():
            yield "["
            for index, item in enumerate(value):
                if index:
                    yield ", "
                yield from _pieces(item)
            yield "]"
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case _:
            yield str(value)
