"""Masking of secret values in everything that leaves the process."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
CIRCULAR = "[circular reference]"
_SHORT = 4  # below this, encoded forms would hit innocent text; the value itself is masked at any length


class Masker:
    """Replaces secret values, also in the encodings in which they travel, by ``***``.

    The encodings are worked out at the first use, since most jobs end well and never ask, and kept for the next job
    with the same secrets. Plain searches, not one regular expression: a large text is read at the speed of memory.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[str]) -> None:
        self._values = frozenset(value for value in values if value)

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._values)

    def mask(self, text: str) -> str:
        """The text without secrets."""
        if not self._values or not text:
            return text
        for form in _all_forms(self._values):
            if form in text:
                text = text.replace(form, MASK)
        return text

    def mask_value(self, value: Any) -> Any:
        """A copy of a JSON-like value without secrets in its strings, keys and numbers.

        A container that contains itself becomes ``"[circular reference]"``.
        """
        return self._walk(value, ()) if self._values else value

    def _walk(self, value: Any, above: tuple[int, ...]) -> Any:
        match value:
            case str():
                return self.mask(value)
            case None | bool():
                return value
            case int() | float() | Decimal():
                return MASK if str(value) in self._values else value
            case dict() | list() | tuple():
                return self._walk_container(value, above)
            case _:
                masked = self.mask(str(value))
                return value if masked == str(value) else masked

    def _walk_container(self, value: Any, above: tuple[int, ...]) -> Any:
        if id(value) in above:
            return CIRCULAR
        inside = (*above, id(value))
        if isinstance(value, dict):
            return {self._key(key): self._walk(item, inside) for key, item in value.items()}
        return [self._walk(item, inside) for item in value]

    def _key(self, key: Any) -> Any:
        return self.mask(key) if isinstance(key, str) else key


NOTHING_TO_MASK = Masker(())


@lru_cache(maxsize=256)
def _all_forms(values: frozenset[str]) -> tuple[str, ...]:
    """Longest first, so that a secret that is part of another one does not leave the rest of it behind."""
    forms = {form for value in values for form in _forms(value)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _forms(value: str) -> Iterator[str]:
    yield value
    stripped = value.strip()
    if stripped:
        yield stripped  # as header values and form fields arrive
    if len(stripped) < _SHORT:
        return
    for plain in {value, stripped}:
        yield from _escaped(plain)
        yield from _base64(plain)
    for line in value.splitlines():
        if len(line.strip()) >= 2 * _SHORT:
            yield line.strip()


def _escaped(value: str) -> Iterator[str]:
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1]
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    yield html.escape(value)
    yield html.escape(value, quote=False)
    raw = value.encode("utf-8", "surrogatepass")
    for safe in ("", "/", "/:@"):
        encoded = quote(raw, safe=safe)
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    yield quote_plus(raw)


def _base64(value: str) -> Iterator[str]:
    """The value in base64, at each of the three offsets where it can stand inside a longer encoded text."""
    raw = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        first = (0, 2, 3)[offset]  # characters that mix in what stands before
        last = len(encoded) - ((offset + len(raw)) % 3 != 0)  # and the one that mixes in what follows
        inner = encoded[first:last]
        if len(inner) >= _SHORT:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
