"""The connection pool over aiohttp. The engine imports it (and with it aiohttp) at the first call.

aiohttp does what costs CPU (parsing, pooling, TLS); everything that decides something (redirects, cookies, resends,
decoding, limits, egress) is switched off here and done by the engine.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any, Final, TypeAlias

import aiohttp
from yarl import URL

from coupler.http.bodies import decoded_pieces, read_limited
from coupler.http.calls import Call
from coupler.http.config import HttpConfig
from coupler.http.egress import EgressPolicy
from coupler.http.faults import FAILURES, fault_of
from coupler.http.guards import Attempt, GuardedResolver, GuardedSockets, current_attempt
from coupler.http.messages import TransportError, TransportFault
from coupler.http.resolver import Lookup
from coupler.http.uploads import PIECE_BYTES, watched
from coupler.http.wire import Wire, WireAnswer

log = logging.getLogger(__name__)

DISCARDED_BYTES: Final = 64 * 1024

Answer: TypeAlias = aiohttp.ClientResponse | WireAnswer
"""A response whose headers have arrived and whose body is still to be read."""


def _is_short(body: bytes | AsyncIterable[bytes] | None) -> bool:
    return body is None or (isinstance(body, bytes) and len(body) <= PIECE_BYTES)


class Pool:
    """One aiohttp session with all its policy switched off. To be made and used on one running event loop."""

    def __init__(self, config: HttpConfig, policy: EgressPolicy, lookup: Lookup) -> None:
        connector = aiohttp.TCPConnector(
            limit=config.max_connections,
            limit_per_host=config.max_connections_per_origin,
            keepalive_timeout=config.keep_alive_seconds,
            ttl_dns_cache=config.dns_cache_seconds,
            dns_cache_max_size=config.dns_cache_size,
            resolver=GuardedResolver(policy, lookup),
            socket_factory=GuardedSockets(policy),
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
        self._wire = Wire(self._session, connector, config) if Wire.fits() else None
        if self._wire is None:
            log.info("This version of aiohttp is used by its public face alone, which costs more CPU")

    def _timeout(self, connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
        key = (connect, read)
        timeout = self._timeouts.get(key)
        if timeout is None:
            if len(self._timeouts) > 500:
                self._timeouts.clear()
            timeout = aiohttp.ClientTimeout(total=None, connect=connect or None, sock_read=read or None)
            self._timeouts[key] = timeout
        return timeout

    async def request(self, call: Call) -> Answer:
        """Sends one request and waits for the response's headers. The caller reads or closes the response.

        Raises:
            TransportError: no response.
            EgressDenied: the policy forbids the address.
        """
        resend = call.resend
        while True:
            attempt = Attempt(call.target.host if call.route is None else None)
            token = current_attempt.set(attempt)
            try:
                return await self._attempt(call)
            except FAILURES as error:
                if attempt.denied is not None:
                    raise attempt.denied from error
                fault = fault_of(error, headers_received=False)
                if not resend or attempt.opened or fault.fault is not TransportFault.DISCONNECTED:
                    raise fault from error
                resend = False
            finally:
                current_attempt.reset(token)

    async def _attempt(self, call: Call) -> Answer:
        limits = self._timeout(call.connect_timeout_seconds, call.read_timeout_seconds)
        short = _is_short(call.body)
        if short and call.route is None and self._wire is not None:
            body = call.body if isinstance(call.body, bytes) else b""
            return await self._wire.send(call.method, call.target, call.headers, body, call.tls, limits)
        if short:
            return await self._by_session(call, limits, call.body)
        assert call.body is not None
        async with watched(call.body, call.read_timeout_seconds) as pieces:
            return await self._by_session(call, limits, pieces)

    async def _by_session(
        self, call: Call, limits: aiohttp.ClientTimeout, body: bytes | AsyncIterable[bytes] | None
    ) -> aiohttp.ClientResponse:
        """The public way through aiohttp: for proxies and for bodies that are sent in pieces."""
        headers, route = call.headers, call.route
        proxy: dict[str, Any] = {}
        if route is not None:
            proxy["proxy"] = route.url
            if route.authorization is not None:
                credentials = ("Proxy-Authorization", route.authorization)
                if call.target.scheme == "https":
                    proxy["proxy_headers"] = dict([credentials])  # for the CONNECT alone
                else:
                    headers = [*headers, credentials]
        return await self._session.request(
            call.method,
            URL(call.target.url, encoded=True),
            headers=headers,
            data=body,
            ssl=True if call.tls is None else call.tls,
            timeout=limits,
            allow_redirects=False,
            **proxy,
        )

    async def read(self, answer: Answer, limit: int) -> bytes:
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

    async def pieces(self, answer: Answer, limit: int) -> AsyncGenerator[bytes, None]:
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

    async def discard(self, answer: Answer) -> None:
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


__all__ = ["Answer", "Pool"]
