"""The engine: one request in, one whole response out, through a pool shared by all jobs.

Order of a call: address taken apart, policy asked, headers completed, sent (once more when a pooled connection had gone
stale), body read under its limit, decoded, and, when the request follows redirects, the next hop from the top.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from coupler.http import decoding, redirects
from coupler.http.breaker import CircuitBreaker
from coupler.http.calls import Call
from coupler.http.config import HttpConfig
from coupler.http.egress import EgressPolicy
from coupler.http.headers import check_method, outgoing_headers
from coupler.http.messages import HttpRequest, HttpResponse, StreamedResponse, TransportError, TransportFault
from coupler.http.proxies import Proxies
from coupler.http.resolver import Lookup, NameCheck, system_lookup
from coupler.http.targets import Target, parse_target, shown
from coupler.http.tls import TlsContexts
from coupler.telemetry.context import trace_headers

if TYPE_CHECKING:
    from coupler.http.pool import Answer, Pool

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


def _reason(phrase: str | None) -> str | None:
    """A phrase of the status line; aiohttp keeps bytes that are no UTF-8 as halves of characters."""
    if phrase is None or phrase.isascii():
        return phrase
    return _header_value(phrase.encode("utf-8", "surrogateescape"))


def _head(answer: Answer, url: str) -> HttpResponse:
    raw, known = answer.raw_headers, _header_names
    try:
        headers = [(known.get(name) or _header_name(name), value.decode()) for name, value in raw]
    except UnicodeDecodeError:
        headers = [(_header_name(name), _header_value(value)) for name, value in raw]
    return HttpResponse(answer.status, _reason(answer.reason), headers, b"", url)


class Engine:
    """Sends requests through one pool. Belongs to the event loop on which its first call runs.

    Args:
        config: Limits, egress policy and proxies.
        lookup: Finds the addresses of names; the operating system by default.
    """

    def __init__(self, config: HttpConfig | None = None, *, lookup: Lookup = system_lookup) -> None:
        self.config = config or HttpConfig()
        self._policy = EgressPolicy(self.config.egress)
        self._proxies = Proxies(self.config.proxies)
        self._contexts = TlsContexts()
        self._lookup = lookup
        self._names = NameCheck(self._policy, lookup, self.config.dns_cache_seconds)
        self._breaker = CircuitBreaker(self.config.breaker) if self.config.breaker.enabled else None
        self._pool: Pool | None = None

    def _started(self) -> Pool:
        if self._pool is None:
            # aiohttp is worth 20 MB and a tenth of a second; a worker without HTTP jobs never pays for it.
            from coupler.http.pool import Pool

            self._pool = Pool(self.config, self._policy, self._lookup)
        return self._pool

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Sends and reads the whole body.

        Raises:
            TransportError: no whole response.
            EgressDenied: a rule forbids the address.
            InputError: a header or the TLS material cannot be used.
            CircuitOpen: the destination has been failing and is left alone for now.
        """
        pool = self._started()
        answer, response = await self._open(pool, request)
        try:
            response.body = await pool.read(answer, self._limit(request))
        except TransportError as error:
            error.response = response
            raise
        return response

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[StreamedResponse]:
        """Sends and lends the response while its body is still arriving.

        Raises:
            TransportError: no response; also while the body is read.
            EgressDenied: a rule forbids the address.
            InputError: a header or the TLS material cannot be used.
        """
        pool = self._started()
        answer, response = await self._open(pool, request)
        async with aclosing(pool.pieces(answer, self._limit(request))) as pieces:
            try:
                yield StreamedResponse(response, pieces)
            finally:
                answer.close()

    async def check(self, url: str, connected_to: str | None = None) -> None:
        """Asks the egress policy about a URL, for libraries that make their calls by themselves.

        A name is judged by what it resolves to now, and a name that is unknown here passes; with the address that was
        connected to, by that address.

        Raises:
            EgressDenied: a rule forbids the address.
            TransportError: it is no URL that could be called.
        """
        target = parse_target(url)
        if connected_to is not None:
            self._policy.check_addresses(target.host, (connected_to,))
            return
        self._policy.check_url(url)
        self._policy.check_host(target.host)
        await self._names.check(target.host, target.port)

    def _limit(self, request: HttpRequest) -> int:
        return self.config.max_body_bytes if request.max_body_bytes is None else request.max_body_bytes

    async def _open(self, pool: Pool, request: HttpRequest) -> tuple[Answer, HttpResponse]:
        """The final response of a call, redirects followed, its body still to be read."""
        target = parse_target(request.url)
        answer = await self._answer(pool, request, target)
        response = _head(answer, target.url)
        if request.follow_redirects and response.status in redirects.STATUSES:
            return await self._follow(pool, request, target, answer)
        return answer, response

    async def _follow(
        self, pool: Pool, request: HttpRequest, target: Target, answer: Answer
    ) -> tuple[Answer, HttpResponse]:
        seen = {(request.method, target.url)}
        while True:
            response = _head(answer, target.url)
            try:
                following = redirects.next_request(request, target, response)
                if following is None:
                    return answer, response
                await pool.discard(answer)
            except BaseException:
                answer.close()
                raise
            request, target = following, parse_target(following.url)
            self._check_trail(seen, request.method, target)
            answer = await self._answer(pool, request, target)

    def _check_trail(self, seen: set[tuple[str, str]], method: str, target: Target) -> None:
        if (method, target.url) in seen:
            raise TransportError(TransportFault.TOO_MANY_REDIRECTS, f"Circular redirect to '{shown(target.url)}'")
        if len(seen) > self.config.max_redirects:
            raise TransportError(
                TransportFault.TOO_MANY_REDIRECTS,
                f"Maximum redirects ({self.config.max_redirects}) exceeded at '{shown(target.url)}'",
            )
        seen.add((method, target.url))

    async def _answer(self, pool: Pool, request: HttpRequest, target: Target) -> Answer:
        if self._breaker is None:
            return await self._ask(pool, request, target)
        origin = target.origin
        self._breaker.check(origin)
        try:
            answer = await self._ask(pool, request, target)
        except TransportError as error:
            self._breaker.faulted(origin, error.fault)
            raise
        except BaseException:
            self._breaker.dropped(origin)
            raise
        self._breaker.answered(origin, answer.status)
        return answer

    async def _ask(self, pool: Pool, request: HttpRequest, target: Target) -> Answer:
        self._policy.check_url(request.url)
        self._policy.check_host(target.host)
        route = self._proxies.route(target)
        if route is not None:
            await self._names.check(target.host, target.port)
        body, method = request.body, request.method
        check_method(method)
        if isinstance(body, bytes):
            length: int | None = len(body)
        else:
            length = 0 if body is None and method in BODY_METHODS else None
        return await pool.request(
            Call(
                method,
                target,
                outgoing_headers(
                    request.headers, self.config.user_agent, decoding.accepted_codings(), length, trace_headers()
                ),
                body or None,
                self._contexts.get(request.tls),
                request.connect_timeout_seconds,
                request.read_timeout_seconds,
                route,
                self.config.resend_stale and method in IDEMPOTENT_METHODS and (body is None or length is not None),
            )
        )

    async def close(self) -> None:
        """Closes every connection. The engine can be used again afterwards, with a new pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


__all__ = ["Engine"]
