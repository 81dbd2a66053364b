"""The short way through aiohttp: its connection pool and its parser, without its request and response objects.

One such pair is made per call otherwise, and costs more CPU than everything else of the call together. The way is for
direct calls with a body that fits a socket's buffer; ``fits`` tells whether the installed aiohttp has what it needs.
"""

from __future__ import annotations

import inspect
import ssl
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from yarl import URL

from coupler.http.config import HttpConfig
from coupler.http.targets import Target

MAX_ORIGINS: Final = 1000
_PARAMETERS: Final = frozenset(
    {
        "skip_payload",
        "read_until_eof",
        "auto_decompress",
        "read_timeout",
        "read_bufsize",
        "max_line_size",
        "max_field_size",
        "max_headers",
    }
)


class WireAnswer:
    """A response whose headers have arrived, with the members of aiohttp's own response that the pool reads."""

    __slots__ = ("_connection", "content", "headers", "raw_headers", "reason", "status")

    def __init__(self, message: Any, content: Any, connection: Connection) -> None:
        self.status: int = message.code
        self.reason: str | None = message.reason
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = message.raw_headers
        self.headers = message.headers
        self.content = content
        self._connection = connection
        if message.upgrade and message.code == 101:
            connection.close()  # it speaks something else from here on
        else:
            content.on_eof(connection.release)

    @property
    def content_length(self) -> int | None:
        """What the server announces."""
        text = self.headers.get("Content-Length")
        return int(text) if text is not None and text.isascii() and text.isdigit() else None

    def close(self) -> None:
        """Gives up a connection whose body has not been read to its end."""
        self._connection.close()


def _head(method: str, target: Target, headers: list[tuple[str, str]]) -> bytes:
    """The request line and headers (RFC 9112, section 3); both are known to be free of line breaks."""
    host = next((value for name, value in headers if len(name) == 4 and name.lower() == "host"), target.authority)
    lines = [f"{method} {target.path} HTTP/1.1\r\nHost: {host}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers if len(name) != 4 or name.lower() != "host"]
    lines.append("\r\n")
    return "".join(lines).encode()


class Wire:
    """Sends over connections of aiohttp's pool."""

    def __init__(self, session: aiohttp.ClientSession, connector: aiohttp.TCPConnector, config: HttpConfig) -> None:
        self._session = session
        self._connector = connector
        self._origins: dict[tuple[str, ssl.SSLContext | None], ClientRequest] = {}
        self._limits: dict[str, Any] = {
            "max_line_size": config.max_header_bytes,
            "max_field_size": config.max_header_bytes,
            "max_headers": config.max_header_count,
        }

    @staticmethod
    def fits() -> bool:
        """Whether the installed aiohttp can be used this way."""
        parameters = set(inspect.signature(ResponseHandler.set_response_params).parameters)
        connect = set(inspect.signature(aiohttp.TCPConnector.connect).parameters)
        return parameters >= _PARAMETERS and connect == {"self", "req", "traces", "timeout"}

    def _origin(self, target: Target, tls: ssl.SSLContext | None) -> ClientRequest:
        """A request that stands for all requests to an origin; the pool asks it where to connect."""
        key = (target.authority if target.scheme == "http" else f"https://{target.authority}", tls)
        request = self._origins.get(key)
        if request is None:
            if len(self._origins) >= MAX_ORIGINS:
                self._origins.clear()
            url = URL(f"{target.scheme}://{target.authority}", encoded=True)
            session = self._session
            request = ClientRequest("GET", url, session=session, ssl=True if tls is None else tls)
            self._origins[key] = request
        return request

    async def _connect(self, target: Target, tls: ssl.SSLContext | None, limits: aiohttp.ClientTimeout) -> Connection:
        """A connection on which nothing has arrived since its last answer: that would be read as the next answer."""
        while True:
            connection = await self._connector.connect(self._origin(target, tls), traces=[], timeout=limits)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()

    async def send(
        self,
        method: str,
        target: Target,
        headers: list[tuple[str, str]],
        body: bytes,
        tls: ssl.SSLContext | None,
        limits: aiohttp.ClientTimeout,
    ) -> WireAnswer:
        """Sends and waits for the headers of the final response.

        Raises:
            ClientError, HttpProcessingError, OSError: as aiohttp raises them.
        """
        message = _head(method, target, headers) + body
        connection = await self._connect(target, tls, limits)
        try:
            protocol = connection.protocol
            if protocol is None or protocol.transport is None:
                raise aiohttp.ServerDisconnectedError
            protocol.set_response_params(
                skip_payload=method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=limits.sock_read,
                read_bufsize=65_536,
                **self._limits,
            )
            protocol.transport.write(message)
            protocol.start_timeout()
            head, content = await protocol.read()
            while 100 <= head.code < 200 and head.code != 101:
                head, content = await protocol.read()
            return WireAnswer(head, content, connection)
        except BaseException:
            connection.close()
            raise


__all__ = ["Wire", "WireAnswer"]
