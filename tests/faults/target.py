"""The other system, when it misbehaves: a server on raw sockets that counts the calls it gets, by job.

It runs on the event loop of the test. A call carries the id of its job in the header ``X-Instance``.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

_BODY = b'{"answer": 42}'
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(slots=True)
class Call:
    """One call as it arrived. ``refused``: it got no good answer, on purpose, so the model asks for another one."""

    at: float  # seconds, time.monotonic()
    refused: bool = False


@dataclass(slots=True, frozen=True)
class _Exchange:
    """What an answer needs to know."""

    argument: str
    writer: asyncio.StreamWriter


@dataclass(slots=True)
class Target:
    """Answers by path.

    ``/ok``           200
    ``/after/0.5``    200, after that many seconds
    ``/held/1``       200, once ``release("1")`` was called
    ``/trickle/0.5``  200, its bytes spread over that many seconds
    ``/busy/0.5``     503 after that many seconds the first time a job calls, then 200
    ``/reset``        the connection is reset the first time a job calls, then 200
    ``/half``         half an answer and a FIN the first time a job calls, then 200
    ``/fin``          200 for a connection to be kept, and a FIN right behind it
    """

    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    running: int = 0
    released: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=2048)
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def release(self, *groups: str) -> None:
        """Lets the held calls of these groups go, and those to come."""
        for group in groups:
            self.released[group].set()

    @property
    def total(self) -> int:
        """Calls so far."""
        return sum(map(len, self.calls.values()))

    @property
    def run_twice(self) -> int:
        """Calls beyond the first one of a job, those not counted that were refused on purpose."""
        taken = (sum(not call.refused for call in calls) for calls in self.calls.values())
        return sum(max(0, count - 1) for count in taken)

    def gaps(self) -> list[float]:
        """Seconds between the calls of each job that called more than once, shortest first."""
        return sorted(
            later.at - earlier.at for calls in self.calls.values() for earlier, later in itertools.pairwise(calls)
        )

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    await self._exchange(await reader.readuntil(b"\r\n\r\n"), writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _exchange(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        found = re.match(rb"GET /(\w+)/?([\d.]*) .*?\r\nx-instance: ([^\r]*)", head, re.DOTALL | re.IGNORECASE)
        assert found, head
        path, argument, job = (part.decode() for part in found.groups())
        call = Call(time.monotonic())
        calls = self.calls[job]
        calls.append(call)
        self.running += 1
        try:
            call.refused = path in _REFUSALS and len(calls) == 1
            answer = _REFUSALS[path] if call.refused else _ANSWERS.get(path, Target._ok)
            await answer(self, _Exchange(argument, writer))
            await writer.drain()
        finally:
            self.running -= 1

    async def _ok(self, exchange: _Exchange) -> None:
        exchange.writer.write(_HEAD % len(_BODY) + _BODY)

    async def _after(self, exchange: _Exchange) -> None:
        await asyncio.sleep(float(exchange.argument))
        await self._ok(exchange)

    async def _held(self, exchange: _Exchange) -> None:
        await self.released[exchange.argument].wait()
        await self._ok(exchange)

    async def _trickle(self, exchange: _Exchange) -> None:
        answer = _HEAD % len(_BODY) + _BODY
        for start in range(0, len(answer), 10):
            exchange.writer.write(answer[start : start + 10])
            await asyncio.sleep(float(exchange.argument) * 10 / len(answer))

    async def _busy(self, exchange: _Exchange) -> None:
        await asyncio.sleep(float(exchange.argument or 0))
        exchange.writer.write(_BUSY)

    async def _reset(self, exchange: _Exchange) -> None:
        exchange.writer.transport.abort()
        raise ConnectionResetError

    async def _half(self, exchange: _Exchange) -> None:
        exchange.writer.write(_HEAD % len(_BODY) + _BODY[:5])
        exchange.writer.write_eof()

    async def _fin(self, exchange: _Exchange) -> None:
        await self._ok(exchange)
        exchange.writer.write_eof()


_Answer = Callable[[Target, _Exchange], Awaitable[None]]

_ANSWERS: dict[str, _Answer] = {
    "after": Target._after,
    "held": Target._held,
    "trickle": Target._trickle,
    "fin": Target._fin,
}
_REFUSALS: dict[str, _Answer] = {  # what the first call of a job gets
    "busy": Target._busy,
    "reset": Target._reset,
    "half": Target._half,
}
