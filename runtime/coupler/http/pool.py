"""The connection pool over aiohttp. The engine imports it (and with it aiohttp) at the first call.

aiohttp does what costs CPU (parsing, pooling, TLS); everything that decides something (redirects, cookies, resends,
decoding, limits, egress) is switched off here and done by the engine.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterable
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from coupler.errors import EgressDenied
from coupler.http.bodies import decoded_pieces, read_limited
from coupler.http.config import HttpConfig
from coupler.http.egress import EgressPolicy
from coupler.http.faults import FAILURES, fault_of
from coupler.http.messages import TransportError, TransportFault
from coupler.http.proxies import Route
from coupler.http.resolver import Lookup
from coupler.http.uploads import PIECE_BYTES, watched

DISCARDED_BYTES: Final = 64 * 1024


class Attempt:
    """One try at sending a request. Code below aiohttp finds it in ``current_attempt`` and leaves its findings here."""

    __slots__ = ("denied", "host", "opened")

    def __init__(self, host: str | None) -> None:
        self.host = host  # None: a proxy is dialled, which the operator chose
        self.opened = False  # a new connection was made, so nothing pooled can have gone stale
        self.denied: EgressDenied | None = None


current_attempt: Final[ContextVar[Attempt | None]] = ContextVar("current_attempt", default=None)


class _GuardedResolver(AbstractResolver):
    """Resolves names; one denied address denies the name."""

    def __init__(self, policy: EgressPolicy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        attempt = current_attempt.get()
        if attempt is None or attempt.host is not None:
            self._policy.check_addresses(host, found)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


class _GuardedSockets:
    """Opens sockets, the last gate: it sees literal addresses and cached names, which no resolver is asked about."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    def __call__(self, address: Any) -> socket.socket:
        family, kind, protocol, _, where = address
        attempt = current_attempt.get()
        if attempt is not None:
            attempt.opened = True
            if attempt.host is not None:
                try:
                    self._policy.check_addresses(attempt.host, (where[0],))
                except EgressDenied as denied:
                    attempt.denied = denied
                    raise PermissionError(f"{where[0]} is denied") from denied
        return socket.socket(family=family, type=kind, proto=protocol)


class Pool:
    """One aiohttp session with all its policy switched off. To be made and used on one running event loop."""

    def __init__(self, config: HttpConfig, policy: EgressPolicy, lookup: Lookup) -> None:
        connector = aiohttp.TCPConnector(
            limit=config.max_connections,
            limit_per_host=config.max_connections_per_origin,
            keepalive_timeout=config.keep_alive_seconds,
            ttl_dns_cache=config.dns_cache_seconds,
            dns_cache_max_size=config.dns_cache_size,
            resolver=_GuardedResolver(policy, lookup),
            socket_factory=_GuardedSockets(policy),
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
        body: bytes | AsyncIterable[bytes] | None,
        tls: ssl.SSLContext | None,
        timeouts: tuple[float | None, float | None],
        host: str,
        route: Route | None,
        resend: bool,
    ) -> aiohttp.ClientResponse:
        """Sends one request and waits for the response's headers. The caller reads or closes the response.

        Args:
            timeouts: Seconds for connecting, and of silence; ``None`` or 0 for no limit.
            host: The host whose addresses the egress policy judges.
            route: The proxy to take.
            resend: Send once more if a pooled connection turns out to be closed.

        Raises:
            TransportError: no response.
            EgressDenied: the policy forbids the address.
        """
        proxy_headers = None
        if route is not None and route.authorization is not None:
            credentials = ("Proxy-Authorization", route.authorization)
            if url.startswith("https:"):
                proxy_headers = dict([credentials])  # for the CONNECT alone
            else:
                headers = [*headers, credentials]
        options: dict[str, Any] = {
            "ssl": True if tls is None else tls,
            "timeout": self._timeout(*timeouts),
            "allow_redirects": False,
        }
        if route is not None:
            options["proxy"], options["proxy_headers"] = route.url, proxy_headers
        while True:
            attempt = Attempt(host if route is None else None)
            token = current_attempt.set(attempt)
            try:
                return await self._attempt(method, url, headers, body, timeouts[1], options)
            except FAILURES as error:
                if attempt.denied is not None:
                    raise attempt.denied from error
                fault = fault_of(error, headers_received=False)
                if not resend or attempt.opened or fault.fault is not TransportFault.DISCONNECTED:
                    raise fault from error
                resend = False
            finally:
                current_attempt.reset(token)

    async def _attempt(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes | AsyncIterable[bytes] | None,
        silence_seconds: float | None,
        options: dict[str, Any],
    ) -> aiohttp.ClientResponse:
        where = URL(url, encoded=True)
        if body is None or (isinstance(body, bytes) and len(body) <= PIECE_BYTES):
            return await self._session.request(method, where, headers=headers, data=body, **options)
        async with watched(body, silence_seconds) as pieces:
            return await self._session.request(method, where, headers=headers, data=pieces, **options)

    async def read(self, answer: aiohttp.ClientResponse, limit: int) -> bytes:
        """Reads and decodes the whole body, and gives the connection back.

        Raises:
            TransportError: the body is broken, stalled or larger than ``limit``.
        """
        encoding = answer.headers.get("Content-Encoding")
        try:
            if encoding is None and 0 < (answer.content_length or 0) <= limit:
                return await answer.content.read()
            return await read_limited(answer.content, encoding, limit)
        except FAILURES as error:
            answer.close()
            raise fault_of(error, headers_received=True) from error
        except BaseException:
            answer.close()
            raise

    async def pieces(self, answer: aiohttp.ClientResponse, limit: int) -> AsyncGenerator[bytes, None]:
        """The decoded body, piece by piece.

        Raises:
            TransportError: as for ``read``.
        """
        try:
            async for piece in decoded_pieces(answer.content, answer.headers.get("Content-Encoding"), limit):
                yield piece
        except FAILURES as error:
            raise fault_of(error, headers_received=True) from error
        finally:
            answer.close()  # a connection whose body was read to its end is back in the pool by now

    async def discard(self, answer: aiohttp.ClientResponse) -> None:
        """Drops a body that nobody wants; a short one is read so that the connection can serve again."""
        try:
            await read_limited(answer.content, None, DISCARDED_BYTES)
        except (*FAILURES, TransportError):
            pass
        finally:
            answer.close()

    async def close(self) -> None:
        """Closes every connection and waits until they are gone."""
        await self._session.close()


__all__ = ["Attempt", "Pool", "current_attempt"]
