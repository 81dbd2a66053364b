"""Response bodies: read piece by piece, decoded, never past the limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from coupler.http import decoding
from coupler.http.messages import TransportError, TransportFault


class Source(Protocol):
    """Bytes as they arrive; empty at the end."""

    async def readany(self) -> bytes:
        """The next bytes."""
        ...


def _too_large(limit: int) -> TransportError:
    return TransportError(
        TransportFault.BODY_TOO_LARGE, f"The response body is larger than {limit} bytes", headers_received=True
    )


def _malformed(why: str) -> TransportError:
    return TransportError(TransportFault.PROTOCOL, f"The response body cannot be decoded: {why}", headers_received=True)


async def decoded_pieces(source: Source, encoding: str | None, limit: int) -> AsyncIterator[bytes]:
    """The body's pieces after decoding.

    A coding without a decoder here leaves the bytes as they came; the caller sees it in ``Content-Encoding``.

    Raises:
        TransportError: the body is larger than ``limit`` or does not follow its coding.
    """
    try:
        chain = decoding.decoders(encoding) if encoding else []
    except decoding.UnknownCoding:
        chain = []
    size = 0
    try:
        while data := await source.readany():
            for piece in decoding.decode_pieces(chain, data):
                size += len(piece)
                if size > limit:
                    raise _too_large(limit)
                yield piece
        for decoder in chain:
            decoder.finish()
    except decoding.MalformedContent as error:
        raise _malformed(str(error)) from error


async def read_limited(source: Source, encoding: str | None, limit: int) -> bytes:
    """The whole body after decoding.

    Raises:
        TransportError: as for ``decoded_pieces``.
    """
    pieces = [piece async for piece in decoded_pieces(source, encoding, limit)]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


__all__ = ["Source", "decoded_pieces", "read_limited"]
