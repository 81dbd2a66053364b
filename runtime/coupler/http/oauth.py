"""OAuth 2.0 access tokens (RFC 6749): fetched once, shared by all jobs, dropped before they expire."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from coupler.errors import ConnectorError, InputError
from coupler.http.answers import structured_or_text
from coupler.http.failures import status_error, transport_failure
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TransportError

TOKEN_ERROR: Final = "OAUTH_TOKEN_ERROR"  # noqa: S105 - an error code
_REFRESH_CODES: Final = {
    "invalid_grant": "OAUTH_REFRESH_TOKEN_EXPIRED",
    "interaction_required": "OAUTH_INTERACTION_REQUIRED",
}


@dataclass(slots=True, frozen=True)
class TokenRequest:
    """What decides which token is meant. With ``refresh_token`` the grant is a refresh, else client credentials."""

    endpoint: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    client_authentication: str = "credentialsBody"
    audience: str | None = None
    scopes: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


def _present(text: str | None) -> bool:
    return text is not None and not text.isspace() and text != ""


def _fields(request: TokenRequest) -> dict[str, str]:
    if request.refresh_token is None:
        fields = {"grant_type": "client_credentials", "audience": request.audience}
    else:
        fields = {"grant_type": "refresh_token", "refresh_token": request.refresh_token}
    fields["scope"] = request.scopes
    if request.refresh_token is not None or request.client_authentication == "credentialsBody":
        fields["client_id"], fields["client_secret"] = request.client_id, request.client_secret
    return {name: value for name, value in fields.items() if value is not None and _present(value)}


def _http_request(request: TokenRequest) -> HttpRequest:
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    if request.refresh_token is None and request.client_authentication == "basicAuthHeader":
        # Not form-encoded first, as RFC 6749, section 2.3.1 would have it: the Java runtime sends the plain pair.
        pair = f"{request.client_id}:{request.client_secret or ''}"
        headers.insert(0, ("Authorization", f"Basic {b64encode(pair.encode()).decode('ascii')}"))
    return HttpRequest("POST", request.endpoint, headers, urlencode(_fields(request)).encode("ascii"))


def _find(value: Any, name: str) -> Any:
    """The first member of that name, at any depth."""
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            found = _find(element, name)
            if found is not None:
                return found
    return None


def _lifetime_seconds(answer: Mapping[str, Any]) -> float:
    lifetime = answer.get("expires_in")
    return float(lifetime) if isinstance(lifetime, int | Decimal) and not isinstance(lifetime, bool) else 0.0


def _refused(answer: Mapping[str, Any]) -> ConnectorError:
    reason = answer.get("error")
    description = answer.get("error_description")
    text = f"{reason}: {description}" if isinstance(description, str) and description else str(reason)
    return ConnectorError(
        f"The token endpoint refused the refresh token: {text}", code=_REFRESH_CODES.get(str(reason), TOKEN_ERROR)
    )


def _read(request: TokenRequest, response: HttpResponse) -> tuple[str, float]:
    answer = structured_or_text(response.body)
    if response.status >= 400:
        raise status_error(response, answer)
    if not isinstance(answer, Mapping):
        raise ConnectorError("The token endpoint did not answer with a JSON object", code=TOKEN_ERROR)
    if request.refresh_token is not None and answer.get("error"):
        raise _refused(answer)
    token = _find(answer, "access_token")
    if not isinstance(token, str) or not token:
        raise ConnectorError("The answer of the token endpoint holds no access_token", code=TOKEN_ERROR)
    return token, _lifetime_seconds(answer)


async def fetch_token(engine: HttpEngine, request: TokenRequest) -> tuple[str, float]:
    """Asks the token endpoint; returns the token and the seconds it lives, 0 when the endpoint does not say.

    Raises:
        ConnectorError: with a code: the status, or one of the ``OAUTH_…`` codes.
        InputError: the request cannot be made.
    """
    if request.client_authentication not in ("basicAuthHeader", "credentialsBody"):
        raise InputError("clientAuthentication must be basicAuthHeader or credentialsBody")
    try:
        response = await engine.send(_http_request(request))
    except TransportError as error:
        raise transport_failure(error) from error
    return _read(request, response)


class TokenCache:
    """Tokens by request. Any number of jobs that need the same token at once cause one call.

    Args:
        skew_seconds: A token is renewed this long before it expires.
        limit: The most tokens kept; the least recently used goes first.
        clock: Monotonic seconds.
    """

    def __init__(
        self, skew_seconds: float = 10.0, limit: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._skew_seconds = skew_seconds
        self._limit = limit
        self._clock = clock
        self._tokens: OrderedDict[TokenRequest, tuple[str, float]] = OrderedDict()
        self._flights: dict[TokenRequest, asyncio.Task[str]] = {}

    async def token(self, engine: HttpEngine, request: TokenRequest) -> str:
        """A valid token, from the cache or the endpoint.

        Raises:
            ConnectorError: as for ``fetch_token``.
        """
        kept = self._tokens.get(request)
        if kept is not None:
            if kept[1] > self._clock():
                self._tokens.move_to_end(request)
                return kept[0]
            del self._tokens[request]
        flight = self._flights.get(request)
        if flight is None:
            flight = asyncio.create_task(self._fetch(engine, request))
            self._flights[request] = flight
            flight.add_done_callback(lambda done: self._landed(request, done))
        # Shielded: a job that is cancelled while it waits must not take the token from the others.
        return await asyncio.shield(flight)

    def evict(self, request: TokenRequest, token: str) -> None:
        """Drops a token that the API refused, unless a newer one has taken its place."""
        kept = self._tokens.get(request)
        if kept is not None and kept[0] == token:
            del self._tokens[request]

    async def close(self) -> None:
        """Ends calls that are under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _fetch(self, engine: HttpEngine, request: TokenRequest) -> str:
        token, lifetime_seconds = await fetch_token(engine, request)
        keep_seconds = lifetime_seconds - self._skew_seconds
        if keep_seconds > 0:
            self._tokens[request] = token, self._clock() + keep_seconds
            if len(self._tokens) > self._limit:
                self._tokens.popitem(last=False)
        return token

    def _landed(self, request: TokenRequest, flight: asyncio.Task[str]) -> None:
        self._flights.pop(request, None)
        if not flight.cancelled():
            flight.exception()  # seen, also when every waiting job has gone meanwhile


__all__ = ["TokenCache", "TokenRequest", "fetch_token"]
