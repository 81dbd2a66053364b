"""A small HTTP server that answers with exactly the bytes a test wants, and remembers exactly the bytes it got."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeAlias

from tests.listener import Listener


@dataclass
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    peer_certificate: object = None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


Handler: TypeAlias = Callable[[Received, asyncio.StreamWriter], Awaitable[bytes | None]]


def reply(
    status: int = 200,
    body: bytes | str = b"",
    headers: Iterable[tuple[str, str]] = (),
    reason: str = "OK",
    *,
    length: int | None = None,
) -> bytes:
    """A whole response; ``length`` lies about the length."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status} {reason}".rstrip() if reason else f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(response: bytes) -> Handler:
    """A handler that gives every request the same answer."""

    async def handler(request: Received, writer: asyncio.StreamWriter) -> bytes:
        return response

    return handler


@dataclass
class Server:
    """Serves on a free port of 127.0.0.1 while the block runs.

    A handler returns the bytes to send, or writes itself and returns ``None``, after which the connection is closed.
    """

    handler: Handler
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _listener: Listener | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        return self.requests[-1]

    async def __aenter__(self) -> Server:
        self._listener = Listener(self._serve, self.tls)
        await self._listener.__aenter__()
        self.port = self._listener.port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        await self._listener.__aexit__(kind, error, trace)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        while True:
            request = await read_request(reader, connection)
            if request is None:
                return
            request.peer_certificate = writer.get_extra_info("peercert")
            self.requests.append(request)
            response = await self.handler(request, writer)
            if response is None:
                return
            writer.write(response)
            await writer.drain()


async def read_request(reader: asyncio.StreamReader, connection: int = 0) -> Received | None:
    """Reads one request; ``None`` at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *rest = head[:-4].decode("utf-8").split("\r\n")
    method, target, _ = first.split(" ")
    headers = []
    for line in rest:
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    request = Received(method, target, headers, b"", connection)
    if "chunked" in (request.one("transfer-encoding") or ""):
        request.body = await _read_chunks(reader)
    else:
        request.body = await reader.readexactly(int(request.one("content-length") or 0))
    return request


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


__all__ = ["Handler", "Received", "Server", "always", "read_request", "reply"]
