"""The upload of one document as ``multipart/form-data`` (RFC 7578), streamed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, AsyncIterator

from coupler.documents.names import header_safe


def _quoted(name: str) -> str:
    """A file name within quotes, as browsers write it: no way out of the header."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


class Watched:
    """Content that is still arriving, and why it stopped: an upload that broke is not always the store's fault."""

    def __init__(self, content: AsyncIterable[bytes]) -> None:
        self._content = content
        self.failure: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._content:
                yield piece
        except Exception as error:
            self.failure = error
            raise


class Upload:
    """The two parts ``metadata`` and ``file``, and what surrounds them."""

    def __init__(self, metadata: bytes, file_name: str, content_type: str) -> None:
        self._boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={self._boundary}"
        self._head = (
            (
                f"--{self._boundary}\r\n"
                'Content-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
            ).encode()
            + metadata
            + (
                f"\r\n--{self._boundary}\r\n"
                f'Content-Disposition: form-data; name="file"; filename="{_quoted(file_name)}"\r\n'
                f"Content-Type: {header_safe(content_type)}\r\n\r\n"
            ).encode()
        )
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()

    def whole(self, content: bytes) -> bytes:
        """The body around content in memory."""
        return b"".join((self._head, content, self._tail))

    async def streamed(self, content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The body around content that is still arriving."""
        yield self._head
        async for piece in content:
            if piece:
                yield piece
        yield self._tail


__all__ = ["Upload", "Watched"]
