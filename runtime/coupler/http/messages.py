"""Requests and responses of the HTTP engine, and the seam itself.

Slotted and plain on purpose: one of each is made per job, and building httpx's models costs more than the call.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from coupler.errors import CouplerError


@dataclass(slots=True, frozen=True)
class TlsMaterial:
    """Client identity and trust of one call, as PEM text; hashable, so that contexts can be cached by it."""

    certificate: str | None = None
    private_key: str | None = field(default=None, repr=False)
    private_key_password: str | None = field(default=None, repr=False)
    trusted_certificates: str | None = None  # replaces the default authorities


@dataclass(slots=True)
class HttpRequest:
    """One call. ``url`` is sent as it stands, already encoded; headers are sent in order, repeats included.

    A body of pieces that is an iterator can be sent once; one that can be iterated again is sent again after a redirect
    that asks for it.
    """

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterable[bytes] | None = None
    connect_timeout_seconds: float | None = 20.0  # None: no limit
    read_timeout_seconds: float | None = 20.0  # the longest silence while waiting for (more) bytes; None: no limit
    max_body_bytes: int | None = None  # None: the engine's own limit
    follow_redirects: bool = False
    tls: TlsMaterial | None = None


@dataclass(slots=True)
class HttpResponse:
    """One answer. Header names keep the server's spelling, and a repeated header stands once for each time it was sent.

    ``body`` is decoded from its content encoding; ``reason`` is empty when the status line has no phrase, and
    ``None`` where there is no status line.
    """

    status: int
    reason: str | None
    headers: list[tuple[str, str]]
    body: bytes
    url: str  # the last hop's

    def header(self, name: str) -> str | None:
        """The first value of a header, by name in any case."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None


@dataclass(slots=True)
class StreamedResponse:
    """An answer whose body is still arriving. ``head.body`` is empty; ``pieces`` can be read once, while it is lent."""

    head: HttpResponse
    pieces: AsyncIterator[bytes]


class TransportFault(Enum):
    """Why no (whole) response arrived."""

    TIMEOUT = "timeout"
    CONNECT = "connect"  # refused, unreachable, unknown host
    TLS = "tls"
    DISCONNECTED = "disconnected"  # reset, closed early
    PROXY = "proxy"
    PROTOCOL = "protocol"  # not HTTP, or broken HTTP
    BODY_TOO_LARGE = "body too large"
    TOO_MANY_REDIRECTS = "too many redirects"
    INVALID_URL = "invalid URL"


class TransportError(CouplerError):
    """No (whole) response arrived. ``headers_received`` tells a broken body from a call without any answer.

    ``response`` holds what did arrive (status and headers, no body), also a proxy's refusal.
    """

    def __init__(
        self,
        fault: TransportFault,
        message: str,
        *,
        headers_received: bool = False,
        response: HttpResponse | None = None,
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.headers_received = headers_received
        self.response = response


class HttpEngine(Protocol):
    """Sends requests through pools, proxies, TLS contexts and the egress policy shared by all jobs."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Sends and reads the whole body.

        Raises:
            TransportError: no whole response.
            EgressDenied: a rule forbids the address.
        """
        ...

    async def check(self, url: str, connected_to: str | None = None) -> None:
        """Asks the egress policy about a URL, for libraries that make their calls by themselves.

        Args:
            url: where the call goes.
            connected_to: the address that the library has connected to for it, where that is known: it alone is judged.

        Raises:
            EgressDenied: a rule forbids the address.
            TransportError: it is no URL that could be called.
        """
        ...

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[StreamedResponse]:
        """Sends and lends the response while its body is still arriving.

        Raises:
            TransportError: no response; also while the body is read.
            EgressDenied: a rule forbids the address.
        """
        ...
