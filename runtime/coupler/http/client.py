"""The ``httpx.AsyncClient`` that connector authors get: httpx in front, the engine underneath."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AsyncExitStack
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from coupler.http.messages import HttpEngine, HttpRequest, TransportError, TransportFault

_ERRORS: Final[dict[TransportFault, type[httpx.TransportError]]] = {
    TransportFault.TIMEOUT: httpx.ReadTimeout,
    TransportFault.CONNECT: httpx.ConnectError,
    TransportFault.TLS: httpx.ConnectError,
    TransportFault.DISCONNECTED: httpx.RemoteProtocolError,
    TransportFault.PROXY: httpx.ProxyError,
    TransportFault.PROTOCOL: httpx.RemoteProtocolError,
    TransportFault.BODY_TOO_LARGE: httpx.ReadError,
    TransportFault.TOO_MANY_REDIRECTS: httpx.RemoteProtocolError,
    TransportFault.INVALID_URL: httpx.UnsupportedProtocol,
}

# The engine decodes bodies: what describes the bytes on the wire would mislead httpx.
_WIRE_ONLY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def _seconds(request: httpx.Request, phase: str) -> float | None:
    value = request.extensions.get("timeout", {}).get(phase)
    return None if value is None else float(value)


async def _body(request: httpx.Request) -> bytes | AsyncIterable[bytes] | None:
    stream = request.stream
    if isinstance(stream, httpx.ByteStream):
        return await request.aread() or None
    assert isinstance(stream, httpx.AsyncByteStream)

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in stream:
            yield piece

    return pieces()


class _LentBody(httpx.AsyncByteStream):
    """The body of a response that the engine lends until the reader is done with it."""

    def __init__(self, pieces: AsyncIterator[bytes], lending: AsyncExitStack, request: httpx.Request) -> None:
        self._pieces = pieces
        self._lending = lending
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                yield piece
        except TransportError as error:
            raise _as_httpx(error, self._request) from error

    async def aclose(self) -> None:
        await self._lending.aclose()


def _as_httpx(error: TransportError, request: httpx.Request) -> httpx.TransportError:
    return _ERRORS[error.fault](str(error), request=request)


class EngineTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests through the engine, so that pools, proxies, TLS and the egress policy apply.

    A call may raise the limit of its response body by ``extensions={"max_body_bytes": …}``, and bring a client identity
    and authorities of its own by ``extensions={"tls": TlsMaterial(…)}``.
    """

    def __init__(self, engine: HttpEngine) -> None:
        self._engine = engine

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request; redirects are httpx's own affair, each hop comes through here."""
        ours = HttpRequest(
            request.method,
            str(request.url.copy_with(username=None, password=None)),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            await _body(request),
            connect_timeout_seconds=_seconds(request, "connect"),
            read_timeout_seconds=_seconds(request, "read"),
            max_body_bytes=request.extensions.get("max_body_bytes"),
            tls=request.extensions.get("tls"),
        )
        lending = AsyncExitStack()
        try:
            response = await lending.enter_async_context(self._engine.stream(ours))
        except TransportError as error:
            raise _as_httpx(error, request) from error
        head = response.head
        return httpx.Response(
            head.status,
            headers=[
                (name.encode("latin-1"), value.encode("utf-8"))
                for name, value in head.headers
                if name.lower() not in _WIRE_ONLY
            ],
            stream=_LentBody(response.pieces, lending, request),
            request=request,
            extensions={"reason_phrase": (head.reason or "").encode("latin-1", "replace"), "http_version": b"HTTP/1.1"},
        )


def make_client(engine: HttpEngine) -> httpx.AsyncClient:
    """An httpx client over ``engine``; it follows no redirects unless asked to, and keeps no cookies.

    Errors of the policy (``EgressDenied``, ``InputError``) pass through httpx as they are.
    """
    # All jobs share the client, so a cookie that it kept would be sent in the name of another job.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        transport=EngineTransport(engine), cookies=no_cookies, trust_env=False, timeout=httpx.Timeout(20.0)
    )


__all__ = ["EngineTransport", "make_client"]
