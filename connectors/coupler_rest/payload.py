"""The request body: text as it is, everything else as JSON, objects as form where the model says so."""

from __future__ import annotations

import codecs
from typing import Any, Final
from urllib.parse import quote_plus

from coupler.sdk.json import dump_bytes, dumps

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


def media_type(content_type: str) -> str:
    """The type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def parameter(content_type: str, name: str) -> str | None:
    """A parameter of a media type, unquoted."""
    for piece in content_type.split(";")[1:]:
        key, _, value = piece.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return None


def without_nulls(value: Any) -> Any:
    """Drops object members that are null, at any depth; nulls in lists stay."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(element) for element in value]
    return value


def _encoded_text(text: str, content_type: str) -> bytes:
    charset = parameter(content_type, "charset") or "utf-8"
    try:
        return text.encode(codecs.lookup(charset).name, "replace")
    except LookupError:
        return text.encode()


def text_of(value: Any) -> str:
    """A form field's text: strings as they are, other values as JSON."""
    return value if isinstance(value, str) else dumps(value)


def _form(fields: dict[str, Any]) -> bytes:
    pieces = [
        quote_plus(name) if value is None else f"{quote_plus(name)}={quote_plus(text_of(value))}"
        for name, value in fields.items()
    ]
    return "&".join(pieces).encode("ascii")


def encode_body(body: Any, content_type: str, ignore_null_values: bool) -> bytes | None:
    """The bytes of a body that holds no documents; ``None`` for none."""
    if body is None:
        return None
    if isinstance(body, str):
        return _encoded_text(body, content_type)
    if isinstance(body, dict):
        if ignore_null_values:
            body = without_nulls(body)
        if media_type(content_type) == FORM:
            return _form(body)
    return dump_bytes(body)


__all__ = ["FORM", "JSON", "MULTIPART", "encode_body", "media_type", "parameter", "text_of", "without_nulls"]
