"""Request bodies that do not fit a socket's buffer: sent piece by piece under the timeout of silence.

aiohttp starts its read timeout only when the request is out, so a server that stops reading could hold a call for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PIECE_BYTES: Final = 64 * 1024


async def _split(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), PIECE_BYTES):
        yield bytes(view[start : start + PIECE_BYTES])


async def _timed(body: AsyncIterable[bytes], timer: asyncio.Timeout, silence_seconds: float) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    timer.reschedule(loop.time() + silence_seconds)  # aiohttp begins to iterate when the connection is there
    async for piece in body:
        timer.reschedule(loop.time() + silence_seconds)
        yield piece
    timer.reschedule(None)


@asynccontextmanager
async def watched(
    body: bytes | AsyncIterable[bytes], silence_seconds: float | None
) -> AsyncIterator[AsyncIterable[bytes]]:
    """The body as pieces; raises ``TimeoutError`` in the block when a piece takes longer than the silence allowed."""
    source = _split(body) if isinstance(body, bytes) else body
    if not silence_seconds:
        yield source
        return
    async with asyncio.timeout(None) as timer:
        yield _timed(source, timer, silence_seconds)


__all__ = ["PIECE_BYTES", "watched"]
