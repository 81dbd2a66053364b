"""The HTTP server that the jobs call, a process of its own: HTTP/1.1 with keep-alive, after a delay that can be set.

Run by ``python -m bench``. It reads just enough HTTP to know where a request ends.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from bench.control import serve
from bench.payload import ANSWER

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_RESPONSE = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(ANSWER)).encode()
    + b"\r\n\r\n"
    + ANSWER
)


class Target:
    """What all connections share."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.requests = 0
        self.connections = 0

    async def set_delay(self, seconds: float) -> dict[str, Any]:
        """Sets the delay of every answer and starts counting anew."""
        self.delay_seconds = seconds
        self.requests = self.connections = 0
        return {}

    async def stats(self) -> dict[str, Any]:
        """Requests and connections since the delay was set."""
        return {"requests": self.requests, "connections": self.connections}


class Connection(asyncio.Protocol):
    """One connection; answers in the order of the requests."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._transport: Any = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts it."""
        self._target.connections += 1
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers every whole request in the buffer."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            self._buffer = self._buffer[size:]
            self._answer()

    def _answer(self) -> None:
        self._target.requests += 1
        if self._target.delay_seconds:
            asyncio.get_running_loop().call_later(self._target.delay_seconds, self._transport.write, _RESPONSE)
        else:
            self._transport.write(_RESPONSE)


async def main() -> None:
    """Serves until standard input ends."""
    target = Target()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(target), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    await serve({"port": port}, {"delay": target.set_delay, "stats": target.stats})


if __name__ == "__main__":
    asyncio.run(main())
