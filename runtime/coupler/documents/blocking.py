"""A document's content as a file, for libraries that block."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from coupler.documents.content import Content

T = TypeVar("T")


class ContentFile(io.RawIOBase):
    """Reads in a thread what arrives on an event loop; holds one piece at a time."""

    def __init__(self, opening: AbstractAsyncContextManager[Content], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._opening = opening
        self._loop = loop
        self._content: Content | None = None
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer with what is there, waiting for a piece when nothing is; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(self._on_loop(self._next_piece()))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Ends the transfer."""
        if not self.closed and self._content is not None and not self._loop.is_closed():
            self._on_loop(self._end())
        super().close()

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            work.close()
            raise RuntimeError("file() blocks: on the event loop use stream() or read()")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _next_piece(self) -> bytes:
        if self._content is None:
            self._content = await self._opening.__aenter__()
        while (piece := await anext(self._content.pieces, None)) is not None:
            if piece:
                return piece
        return b""

    async def _end(self) -> None:
        await self._opening.__aexit__(None, None, None)


__all__ = ["ContentFile"]
