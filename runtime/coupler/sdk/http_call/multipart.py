"""``multipart/form-data`` bodies (RFC 7578): text parts in UTF-8, documents as files."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from coupler.json import dumps
from coupler.sdk.http_call.documents import SourceDocument, is_document

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?", re.ASCII)
OCTETS: Final = "application/octet-stream"


def _quoted(text: str) -> str:
    """As browsers write names into Content-Disposition (WHATWG HTML, multipart/form-data encoding)."""
    return '"' + text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22") + '"'


def _text_part(name: str, value: Any) -> bytes:
    text = value if isinstance(value, str) else dumps(value)
    return f"Content-Disposition: form-data; name={_quoted(name)}\r\n\r\n{text}".encode()


async def _file_part(name: str, document: SourceDocument) -> bytes:
    metadata = document.metadata
    content_type = metadata.get("contentType")
    if not isinstance(content_type, str) or _MEDIA_TYPE.fullmatch(content_type) is None:
        content_type = OCTETS
    file_name = metadata.get("fileName") or name
    head = (
        f"Content-Disposition: form-data; name={_quoted(name)}; filename={_quoted(str(file_name))}\r\n"
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return head.encode() + await document.read()


async def _parts(fields: dict[str, Any]) -> list[bytes]:
    parts = []
    for name, value in fields.items():
        for element in value if isinstance(value, list) else [value]:
            if is_document(element):
                parts.append(await _file_part(name, element))
            elif element is not None:
                parts.append(_text_part(name, element))
    return parts


async def encode_multipart(fields: dict[str, Any], content_type: str, boundary: str | None) -> tuple[bytes, str]:
    """The body and its content type. A boundary of the model's own is used, its content type sent as it stands."""
    if boundary is None:
        boundary = f"coupler-{secrets.token_hex(16)}"
        content_type = f"multipart/form-data; boundary={boundary}"
    delimiter = f"--{boundary}\r\n".encode()
    body = b"".join(delimiter + part + b"\r\n" for part in await _parts(fields))
    return body + f"--{boundary}--\r\n".encode(), content_type


__all__ = ["encode_multipart"]
