"""Request bodies: text as it is, other values as JSON, objects as form or multipart where the model says so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from typing import Any, Final
from urllib.parse import quote_plus

from coupler.json import dump_bytes, dumps
from coupler.sdk.http_call.documents import holds_documents, with_base64
from coupler.sdk.http_call.multipart import encode_multipart

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


def media_type(content_type: str) -> str:
    """The type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


_PARAMETER: Final = re.compile(r';\s*([^=;\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_ESCAPED: Final = re.compile(r"\\(.)")


def parameter(content_type: str, name: str) -> str | None:
    """A parameter of a media type, unquoted (RFC 9110, section 5.6.6)."""
    for key, value in _PARAMETER.findall(content_type):
        if key.lower() == name:
            value = value.strip()
            return (_ESCAPED.sub(r"\1", value[1:-1]) if value[:1] == '"' == value[-1:] else value.strip('"')) or None
    return None


def without_nulls(value: Any) -> Any:
    """Drops object members that are null, at any depth; nulls in lists stay."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(element) for element in value]
    return value


def _encoded_text(text: str, content_type: str) -> bytes:
    charset = parameter(content_type, "charset")
    if charset is not None:
        try:
            return text.encode(charset, "replace")
        except (LookupError, ValueError):  # not known, or no charset at all
            pass
    return text.encode()


def _form(fields: dict[str, Any]) -> bytes:
    pieces = []
    for name, value in fields.items():
        if value is None:
            pieces.append(quote_plus(name))
        else:
            pieces.append(f"{quote_plus(name)}={quote_plus(value if isinstance(value, str) else dumps(value))}")
    return "&".join(pieces).encode("ascii")


async def encode_body(
    body: Any, content_type: str, ignore_null_values: bool
) -> tuple[bytes | AsyncIterable[bytes] | None, str]:
    """The bytes of a body and the content type to send them with. ``None`` for no body."""
    if body is None:
        return None, content_type
    if isinstance(body, str):
        return _encoded_text(body, content_type), content_type
    if isinstance(body, dict):
        kind = media_type(content_type)
        if kind == MULTIPART:
            return await encode_multipart(body, content_type, parameter(content_type, "boundary"))
        if ignore_null_values:
            body = without_nulls(body)
        if holds_documents(body):
            body = await with_base64(body)
        if kind == FORM:
            return _form(body), content_type
    elif holds_documents(body):
        body = await with_base64(body)
    return dump_bytes(body), content_type


__all__ = ["FORM", "JSON", "MULTIPART", "encode_body", "media_type", "parameter", "without_nulls"]
