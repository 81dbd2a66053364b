"""The connection pool over aiohttp. The engine imports it (and with it aiohttp) at the first call.

aiohttp does what costs CPU (parsing, pooling, TLS); everything that decides something (redirects, cookies, resends,
decoding, limits, egress) is switched off here and done by the engine.
"""

from __future__ import annotations

import socket
import ssl
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from yarl import URL

from coupler.http.bodies import read_limited
from coupler.http.config import HttpConfig
from coupler.http.faults import FAILURES, fault_of
from coupler.http.messages import TransportFault


class Attempt:
    """What happened while one request was sent; filled from below, read by the engine when it failed."""

    __slots__ = ("opened",)

    def __init__(self) -> None:
        self.opened = False  # a new connection was made, so nothing pooled can have gone stale


current_attempt: Final[ContextVar[Attempt | None]] = ContextVar("current_attempt", default=None)


def _open_socket(address: Any) -> socket.socket:
    attempt = current_attempt.get()
    if attempt is not None:
        attempt.opened = True
    family, kind, protocol, _, _ = address
    return socket.socket(family=family, type=kind, proto=protocol)


class Pool:
    """One aiohttp session with all its policy switched off. To be made and used on one running event loop."""

    def __init__(self, config: HttpConfig) -> None:
        connector = aiohttp.TCPConnector(
            limit=config.max_connections,
            limit_per_host=config.max_connections_per_origin,
            keepalive_timeout=config.keep_alive_seconds,
            ttl_dns_cache=config.dns_cache_seconds,
            dns_cache_max_size=config.dns_cache_size,
            socket_factory=_open_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            max_line_size=config.max_header_bytes,
            max_field_size=config.max_header_bytes,
            max_headers=config.max_header_count,
        )
        # aiohttp would resend idempotent requests on fresh connections as well; the engine decides that itself.
        self._session._retry_connection = False
        self._timeouts: dict[tuple[float | None, float | None], aiohttp.ClientTimeout] = {}

    def _timeout(self, connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
        key = (connect, read)
        timeout = self._timeouts.get(key)
        if timeout is None:
            if len(self._timeouts) > 500:
                self._timeouts.clear()
            timeout = aiohttp.ClientTimeout(total=None, connect=connect or None, sock_read=read or None)
            self._timeouts[key] = timeout
        return timeout

    async def request(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: Any,
        tls: ssl.SSLContext | None,
        timeouts: tuple[float | None, float | None],
        resend: bool,
    ) -> aiohttp.ClientResponse:
        """Sends one request and waits for the response's headers. The caller reads or closes the response.

        Args:
            timeouts: Seconds for connecting, and of silence; ``None`` or 0 for no limit.
            resend: Send once more if a pooled connection turns out to be closed.

        Raises:
            TransportError: no response.
        """
        while True:
            attempt = Attempt()
            token = current_attempt.set(attempt)
            try:
                return await self._session.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=body,
                    ssl=True if tls is None else tls,
                    timeout=self._timeout(*timeouts),
                    allow_redirects=False,
                )
            except FAILURES as error:
                fault = fault_of(error, headers_received=False)
                if not resend or attempt.opened or fault.fault is not TransportFault.DISCONNECTED:
                    raise fault from error
                resend = False
            finally:
                current_attempt.reset(token)

    async def read(self, answer: aiohttp.ClientResponse, limit: int) -> bytes:
        """Reads and decodes the whole body, and gives the connection back.

        Raises:
            TransportError: the body is broken, stalled or larger than ``limit``.
        """
        encoding = answer.headers.get("Content-Encoding")
        try:
            if encoding is None and 0 < (answer.content_length or 0) <= limit:
                return await answer.read()
            return await read_limited(answer.content, encoding, limit)
        except FAILURES as error:
            answer.close()
            raise fault_of(error, headers_received=True) from error
        except BaseException:
            answer.close()
            raise
        finally:
            answer.release()

    async def close(self) -> None:
        """Closes every connection and waits until they are gone."""
        await self._session.close()


__all__ = ["Attempt", "Pool", "current_attempt"]
