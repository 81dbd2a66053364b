"""``multipart/form-data`` bodies (RFC 7578): text parts in UTF-8, documents as files."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final

from coupler.json import dumps
from coupler.sdk.documents import Document

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;[^\r\n]*)?", re.ASCII)
OCTETS: Final = "application/octet-stream"
IN_MEMORY_BYTES: Final = 1024 * 1024


def _quoted(text: str) -> str:
    """As browsers write names into Content-Disposition (WHATWG HTML, multipart/form-data)."""
    return '"' + text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22") + '"'


def _text_part(name: str, value: Any) -> bytes:
    text = value if isinstance(value, str) else dumps(value)
    return f"Content-Disposition: form-data; name={_quoted(name)}\r\n\r\n{text}".encode()


def _file_head(name: str, document: Document) -> bytes:
    content_type = document.content_type or OCTETS
    if _MEDIA_TYPE.fullmatch(content_type) is None:
        content_type = OCTETS
    return (
        f"Content-Disposition: form-data; name={_quoted(name)}; filename={_quoted(document.file_name or name)}\r\n"
        f"Content-Type: {content_type}\r\n\r\n"
    ).encode()


class MultipartBody:
    """The parts, written anew each time the body is iterated; documents are passed on as they arrive."""

    def __init__(self, fields: dict[str, Any], boundary: str) -> None:
        self._parts = [
            (name, element)
            for name, value in fields.items()
            for element in (value if isinstance(value, list) else [value])
            if element is not None
        ]
        self._boundary = boundary

    @property
    def is_small(self) -> bool:
        """Whether the body may be built in memory, which lets it go out with its length."""
        sizes = [document.size for _, document in self._parts if isinstance(document, Document)]
        known = [size for size in sizes if size is not None]
        return len(known) == len(sizes) and sum(known) <= IN_MEMORY_BYTES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        delimiter = f"--{self._boundary}\r\n".encode()
        for name, value in self._parts:
            if isinstance(value, Document):
                async with value.open() as content:  # the metadata are complete from here on
                    yield delimiter + _file_head(name, value)
                    async for piece in content.pieces:
                        yield piece
                yield b"\r\n"
            else:
                yield delimiter + _text_part(name, value) + b"\r\n"
        yield f"--{self._boundary}--\r\n".encode()


async def encode_multipart(
    fields: dict[str, Any], content_type: str, boundary: str | None
) -> tuple[bytes | AsyncIterable[bytes], str]:
    """The body and its content type. A boundary of the model's own is used, its content type sent as it stands."""
    if boundary is None:
        boundary = f"coupler-{secrets.token_hex(16)}"
        content_type = f"multipart/form-data; boundary={boundary}"
    body = MultipartBody(fields, boundary)
    if body.is_small:
        return b"".join([piece async for piece in body]), content_type
    return body, content_type


__all__ = ["encode_multipart"]
