"""A proxy between worker and gateway that cuts connections in the middle of a message."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

_LARGE_BYTES = 4000  # more than any frame but those that carry jobs with large variables


class CuttingProxy:
    """Passes bytes on, until it is told to cut.

    Then the next large piece on its way to the worker is passed on by half, and all connections are reset.
    """

    def __init__(self, gateway_port: int) -> None:
        self.port = 0
        self.cuts = 0
        self._gateway_port = gateway_port
        self._armed: asyncio.Future[None] | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut(self) -> None:
        """Waits for the next large piece, and cuts it and all connections."""
        self._armed = asyncio.get_running_loop().create_future()
        await self._armed

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        both = {writer}
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                gateway_reader, gateway_writer = await asyncio.open_connection("localhost", self._gateway_port)
                both.add(gateway_writer)
                self._writers |= both
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass_on(reader, gateway_writer, may_cut=False))
                    group.create_task(self._pass_on(gateway_reader, writer, may_cut=True))
        finally:
            self._tasks.discard(task)
            self._writers -= both
            for each in both:
                each.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, may_cut: bool) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                if may_cut and self._armed is not None and not self._armed.done() and len(piece) > _LARGE_BYTES:
                    writer.write(piece[: len(piece) // 2])
                    await asyncio.sleep(0)
                    self._cut_all()
                    return
                writer.write(piece)
                await writer.drain()
        if writer.can_write_eof() and not writer.transport.is_closing():
            writer.write_eof()

    def _cut_all(self) -> None:
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        if self._armed is not None and not self._armed.done():
            self._armed.set_result(None)
