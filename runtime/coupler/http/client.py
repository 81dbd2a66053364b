"""The ``httpx.AsyncClient`` that connector authors get: httpx in front, the engine underneath."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

import httpx

from coupler.errors import EgressDenied, InputError
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

# The engine decodes bodies and has read them whole: what describes the bytes on the wire would mislead httpx.
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


class EngineTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests through the engine, so that pools, proxies, TLS and the egress policy apply."""

    def __init__(self, engine: HttpEngine) -> None:
        self._engine = engine

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request; redirects are httpx's own affair, each hop comes through here."""
        try:
            response = await self._engine.send(
                HttpRequest(
                    request.method,
                    str(request.url.copy_with(username=None, password=None)),
                    [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                    await _body(request),
                    connect_timeout_seconds=_seconds(request, "connect"),
                    read_timeout_seconds=_seconds(request, "read"),
                )
            )
        except TransportError as error:
            raise _ERRORS[error.fault](str(error), request=request) from error
        headers = [(name, value) for name, value in response.headers if name.lower() not in _WIRE_ONLY]
        reason = (response.reason or "").encode("latin-1", "replace")
        return httpx.Response(
            response.status,
            headers=[(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers],
            content=response.body,
            request=request,
            extensions={"reason_phrase": reason, "http_version": b"HTTP/1.1"},
        )


def make_client(engine: HttpEngine) -> httpx.AsyncClient:
    """An httpx client over ``engine``; it follows no redirects unless asked to.

    Errors of the policy (``EgressDenied``, ``InputError``) pass through httpx as they are.
    """
    return httpx.AsyncClient(transport=EngineTransport(engine), trust_env=False, timeout=httpx.Timeout(20.0))


__all__ = ["EgressDenied", "EngineTransport", "InputError", "make_client"]
