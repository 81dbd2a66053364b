"""Reading ``multipart/form-data`` (RFC 7578) as it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from coupler.errors import InputError

_MAX_HEADER_BYTES: Final = 16 * 1024
_MAX_PARTS: Final = 100


@dataclass(slots=True)
class Part:
    """One part; its pieces must be read before the next part is asked for, or they are skipped."""

    name: str
    file_name: str | None
    content_type: str | None
    pieces: AsyncIterator[bytes]


def boundary_of(content_type: str) -> bytes:
    """The boundary that a ``Content-Type`` names.

    Raises:
        InputError: it is no multipart form, or names none.
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary or len(boundary) > 200:
        raise InputError("The request must be multipart/form-data with a boundary.")
    return boundary.encode("latin-1", "replace")


class Parts:
    """The parts of a body, in order. Holds little more than the boundary's length of it."""

    def __init__(self, source: AsyncIterator[bytes], boundary: bytes) -> None:
        self._source = source
        self._delimiter = b"\r\n--" + boundary
        self._held = bytearray(b"\r\n")  # the first delimiter has no line before it

    async def __aiter__(self) -> AsyncIterator[Part]:
        async for _ in self._until_delimiter():  # the preamble
            pass
        for _ in range(_MAX_PARTS):
            if await self._is_last():
                return
            part = await self._part()
            yield part
            async for _ in part.pieces:
                pass
        raise InputError(f"The form has more than {_MAX_PARTS} parts.")

    async def _part(self) -> Part:
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _MAX_HEADER_BYTES:
                break
            await self._more()
        if not 0 <= end <= _MAX_HEADER_BYTES:
            raise InputError("The headers of a part of the form are too long.")
        message = Message()
        for line in bytes(self._held[:end]).decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip() and name.strip() not in message:
                message[name.strip()] = value.strip()
        del self._held[: end + 4]
        field_name = message.get_param("name", header="Content-Disposition")
        return Part(
            field_name if isinstance(field_name, str) else "",
            message.get_filename(),
            message["Content-Type"],
            self._until_delimiter(),
        )

    async def _until_delimiter(self) -> AsyncIterator[bytes]:
        keep = len(self._delimiter)
        while (end := self._held.find(self._delimiter)) < 0:
            if len(self._held) > keep:
                piece = bytes(self._held[:-keep])
                del self._held[:-keep]
                yield piece
            await self._more()
        piece = bytes(self._held[:end])
        del self._held[: end + keep]
        if piece:
            yield piece

    async def _is_last(self) -> bool:
        while len(self._held) < 2:
            await self._more()
        last = self._held.startswith(b"--")
        if not last:
            while (end := self._held.find(b"\r\n")) < 0:
                await self._more()
            del self._held[: end + 2]
        return last

    async def _more(self) -> None:
        piece = await anext(self._source, None)
        if piece is None:
            raise InputError("The form ends too early.")
        self._held += piece


__all__ = ["Part", "Parts", "boundary_of"]
