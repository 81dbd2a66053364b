"""A document's content on its way: pieces of bytes, never the whole unless somebody asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Final

from coupler.documents.reference import Metadata
from coupler.errors import InputError

PIECE_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Content:
    """An opened document: the metadata, now complete, and the pieces, to be read once."""

    metadata: Metadata
    pieces: AsyncIterator[bytes]


class ContentTooLarge(InputError):
    """The content is larger than may be held in memory."""


async def read_all(pieces: AsyncIterable[bytes], limit: int) -> bytes:
    """Joins the pieces; stops reading as soon as they are more than ``limit`` bytes.

    Raises:
        ContentTooLarge: they are.
    """
    found: list[bytes] = []
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > limit:
            raise ContentTooLarge(
                f"The document is larger than the {limit} bytes that may be held in memory. Pass its reference on."
            )
        found.append(piece)
    return found[0] if len(found) == 1 else b"".join(found)


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    """Content in memory, piece by piece."""
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]


__all__ = ["PIECE_BYTES", "Content", "ContentTooLarge", "in_pieces", "read_all"]
