"""Keys, values and headers as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coupler.sdk.json import dump_bytes

_NULL: Final = b"null"


@dataclass(slots=True, frozen=True)
class Record:
    """What is sent. A null key and a null value stay null."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def plain_bytes(value: Any) -> bytes:
    """Text as it is, everything else as compact JSON."""
    return value.encode() if type(value) is str else dump_bytes(value)


def key_bytes(key: Any, *, null_as_text: bool) -> bytes | None:
    """The key; a missing one is null, or the text that the Java runtime makes of it."""
    if key is None:
        return _NULL if null_as_text else None
    return plain_bytes(key)


def header_pairs(headers: Mapping[str, str] | None, added: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """The model's headers, and those of ``added`` about which the model says nothing itself."""
    pairs = [(name, value.encode()) for name, value in headers.items()] if headers else []
    for name, value in added.items():
        if not headers or name not in headers:
            pairs.append((name, value.encode()))
    return pairs


__all__ = ["Record", "header_pairs", "key_bytes", "plain_bytes"]
