"""Tagged values: ``{"type": …, "value": …}``, JSON that says which FEEL type a value has, for conformance."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from coupler.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, Time
from coupler.feel.temporal_text import feel_text, parse_date, parse_date_time, parse_duration, parse_time
from coupler.feel.text import number_text
from coupler.feel.values import NUMBERS, Function, type_name


def decode(tagged: Mapping[str, Any]) -> Any:
    """The FEEL value that a tagged value describes.

    Raises:
        ValueError: for a type that has no values, or text that is no value of its type.
    """
    kind, value = tagged["type"], tagged.get("value")
    if kind == "null":
        return None
    if kind == "list":
        return [decode(item) for item in value or ()]
    if kind == "context":
        return {key: decode(item) for key, item in (value or {}).items()}
    if kind in ("boolean", "string"):
        return value
    return _scalar(kind, str(value))


def _scalar(kind: str, text: str) -> Any:
    decoded: Any = None
    match kind:
        case "number":
            decoded = _number(text)
        case "date":
            decoded = parse_date(text)
        case "time":
            decoded = parse_time(_with_seconds(text))
        case "date and time":
            decoded = parse_date_time(text)
        case "days and time duration" | "years and months duration":
            decoded = parse_duration(text)
        case _:
            pass
    if decoded is None:
        raise ValueError(f"{text!r} is no {kind}")
    return decoded


def _number(text: str) -> int | Decimal:
    return int(text) if text.lstrip("-").isdigit() else Decimal(text)


def _with_seconds(text: str) -> str:
    # 10:20+02:00 is how java.time shortens 10:20:00+02:00.
    return text if text[5:6] == ":" else f"{text[:5]}:00{text[5:]}"


def encode(value: Any) -> dict[str, Any]:
    """The tagged form of a FEEL value; ``other`` for ranges and functions."""
    kind = type(value)
    if value is None:
        return {"type": "null"}
    if kind is list:
        return {"type": "list", "value": [encode(item) for item in value]}
    if kind is dict:
        return {"type": "context", "value": {k: encode(v) for k, v in value.items() if type(v) is not Function}}
    if kind in (bool, str):
        return {"type": type_name(value), "value": value}
    if kind in NUMBERS:
        return {"type": "number", "value": number_text(value)}
    if kind in (Date, Time, DateTime, DaysDuration, MonthsDuration):
        return {"type": type_name(value), "value": feel_text(value)}
    return {"type": "other", "value": type_name(value)}


__all__ = ["decode", "encode"]
