"""The one JSON codec: msgspec, with numbers exact in both directions.

A fraction is read as ``Decimal`` and an integer as ``int``, so that 0.1, 1.50 and 2^53+1 survive a round trip.
Dates and durations are written as ISO 8601 text; dataclasses and pydantic models as objects.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def _unknown(value: object) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="python", by_alias=True)
    to_json = getattr(value, "to_json", None)
    if to_json is not None:
        return to_json()
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_unknown)

Malformed = msgspec.DecodeError


def loads(text: str | bytes) -> Any:
    """Decodes JSON.

    Raises:
        Malformed: with the byte offset of the fault, or a number has an exponent that nothing can hold.
    """
    try:
        return _decoder.decode(text)
    except ArithmeticError:
        raise Malformed("JSON is malformed: the exponent of a number is out of range") from None


def dumps(value: object) -> str:
    """Encodes to compact JSON text.

    Raises:
        TypeError: for a value that has no JSON form.
    """
    return _encoder.encode(value).decode()


def dump_bytes(value: object) -> bytes:
    """Encodes to compact UTF-8 JSON."""
    return _encoder.encode(value)


__all__ = ["Malformed", "dump_bytes", "dumps", "loads"]
