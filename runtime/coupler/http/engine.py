"""The engine: one request in, one whole response out, through a pool shared by all jobs.

Order of a call: address taken apart, policy asked, headers completed, sent (once more when a pooled connection had gone
stale), body read under its limit, decoded, and, when the request follows redirects, the next hop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coupler.http import decoding
from coupler.http.config import HttpConfig
from coupler.http.headers import outgoing_headers
from coupler.http.messages import HttpRequest, HttpResponse
from coupler.http.targets import parse_target
from coupler.http.tls import TlsContexts

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from coupler.http.pool import Pool

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_header_names: dict[bytes, str] = {}


def _header_name(raw: bytes) -> str:
    name = _header_names.get(raw)
    if name is None:
        name = raw.decode("latin-1")
        if len(_header_names) < 4096:
            _header_names[raw] = name
    return name


def _header_value(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


class Engine:
    """Sends requests through one pool. Belongs to the event loop on which its first call runs."""

    def __init__(self, config: HttpConfig | None = None) -> None:
        self.config = config or HttpConfig()
        self._contexts = TlsContexts()
        self._pool: Pool | None = None

    def _started(self) -> Pool:
        if self._pool is None:
            # aiohttp is worth 20 MB and a tenth of a second; a worker without HTTP jobs never pays for it.
            from coupler.http.pool import Pool

            self._pool = Pool(self.config)
        return self._pool

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Sends and reads the whole body.

        Raises:
            TransportError: no whole response.
            EgressDenied: a rule forbids the address.
            InputError: a header or the TLS material cannot be used.
        """
        return await self._exchange(request)

    async def _exchange(self, request: HttpRequest) -> HttpResponse:
        pool = self._started()
        target = parse_target(request.url)
        answer = await self._answer(pool, request, target.url)
        headers = [(_header_name(name), _header_value(value)) for name, value in answer.raw_headers]
        limit = self.config.max_body_bytes if request.max_body_bytes is None else request.max_body_bytes
        body = await pool.read(answer, limit)
        return HttpResponse(answer.status, answer.reason or None, headers, body, request.url)

    async def _answer(self, pool: Pool, request: HttpRequest, url: str) -> ClientResponse:
        body, method = request.body, request.method
        if isinstance(body, bytes):
            length: int | None = len(body)
        else:
            length = 0 if body is None and method in BODY_METHODS else None
        return await pool.request(
            method,
            url,
            outgoing_headers(request.headers, self.config.user_agent, decoding.accepted_codings(), length),
            body or None,
            self._contexts.get(request.tls),
            (request.connect_timeout_seconds, request.read_timeout_seconds),
            self.config.resend_stale and method in IDEMPOTENT_METHODS and (body is None or length is not None),
        )

    async def close(self) -> None:
        """Closes every connection. The engine can be used again afterwards, with a new pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


__all__ = ["Engine"]
