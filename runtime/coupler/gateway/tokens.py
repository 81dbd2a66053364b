"""Access tokens by the OAuth 2.0 client credentials grant (RFC 6749 section 4.4)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from coupler import json
from coupler.errors import ConfigError, CouplerError, GatewayError, GatewayStatus
from coupler.gateway.auth_config import AuthConfig
from coupler.gateway.retry import Backoff
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TlsMaterial

log = logging.getLogger(__name__)

_DISCOVERY = "/.well-known/openid-configuration"
_DEFAULT_LIFE_SECONDS = 300.0  # of a token that does not say how long it lives
_REFRESH_SECONDS = 60.0  # before the end, or in the last fifth of a short life
_REFUSED_YOUNG_SECONDS = 10.0
_FORM = ("content-type", "application/x-www-form-urlencoded")
_JSON = ("accept", "application/json")


class TokenSource:
    """One token for all calls: fetched once however many wait for it, and again before it ends.

    While a token is valid, a refresh runs in the background and its failure is only logged. After a failure the
    identity provider is left alone for a while; calls without a token fail with the same error meanwhile.
    """

    def __init__(self, config: AuthConfig, engine: HttpEngine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._engine = engine
        self._clock = clock
        self._tls = _tls(config)
        self._token_url = config.token_url
        self._token: str | None = None
        self._refresh_at = 0.0
        self._ends_at = 0.0
        self._fetched_at = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self._backoff = Backoff(0.5, 30.0, factor=2.0)
        self._not_before = 0.0
        self._error: GatewayError | None = None

    async def token(self) -> str:
        """A token that is valid now.

        Raises:
            GatewayError: ``UNAUTHENTICATED`` when the identity provider refuses the client, ``UNAVAILABLE`` when it
                cannot be reached.
        """
        now = self._clock()
        if self._token is not None and now < self._ends_at:
            if now >= self._refresh_at:
                self._start_fetching(now)
            return self._token
        if not self._start_fetching(now):
            raise self._failure()
        assert self._fetching is not None
        await asyncio.shield(self._fetching)
        if self._token is None or self._error is not None:
            raise self._failure()
        return self._token

    def forget(self, token: str) -> bool:
        """The gateway refused this token. Returns whether another one is worth a try.

        A token that is refused as soon as it is there means a wrong setting, and the identity provider shall not be
        asked for one more with every call.
        """
        if token != self._token:
            return self._token is not None
        if self._clock() - self._fetched_at < _REFUSED_YOUNG_SECONDS:
            return False
        self._token = None
        return True

    async def close(self) -> None:
        """Stops a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _failure(self) -> GatewayError:
        """A new error each time: one object raised in many tasks would collect all their tracebacks."""
        error = self._error
        if error is None:
            return GatewayError(GatewayStatus.UNAVAILABLE, "there is no access token for the cluster")
        return GatewayError(error.status, error.message)

    def _start_fetching(self, now: float) -> bool:
        """Whether a fetch is under way now; not within the pause after a failure."""
        if self._fetching is not None and not self._fetching.done():
            return True
        if now < self._not_before:
            return False
        self._fetching = asyncio.create_task(self._fetch())
        return True

    async def _fetch(self) -> None:
        """Never raises: the outcome stands in ``_token`` or ``_error``."""
        try:
            token, life_seconds = await self._request()
        except GatewayError as error:
            self._error = error
            pause = self._backoff.next()
            self._not_before = self._clock() + pause
            log.warning("No access token for the cluster, next attempt in %.1f s: %s", pause, error)
            return
        self._token, self._error, self._not_before = token, None, 0.0
        self._backoff.reset()
        now = self._clock()
        self._fetched_at = now
        self._ends_at = now + life_seconds
        self._refresh_at = self._ends_at - min(_REFRESH_SECONDS, life_seconds / 5)

    async def _request(self) -> tuple[str, float]:
        """The token and its life in seconds."""
        if self._token_url is None:
            self._token_url = await self._discover()
        config = self._config
        form = {
            "grant_type": "client_credentials",
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "audience": config.audience,
            "scope": config.scope,
            "resource": config.resource,
        }
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        answer = await self._send(HttpRequest("POST", self._token_url, [_FORM, _JSON], body))
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise GatewayError(GatewayStatus.UNAVAILABLE, f"{self._token_url} answered without an access_token")
        return token, _life(answer.get("expires_in"))

    async def _discover(self) -> str:
        url = (self._config.issuer_url or "").rstrip("/") + _DISCOVERY
        found = (await self._send(HttpRequest("GET", url, [_JSON]))).get("token_endpoint")
        if not isinstance(found, str):
            raise GatewayError(GatewayStatus.UNAVAILABLE, f"{url} does not name a token_endpoint")
        return found

    async def _send(self, request: HttpRequest) -> dict[str, Any]:
        request.connect_timeout_seconds = request.read_timeout_seconds = self._config.timeout_seconds
        request.tls = self._tls
        try:
            response = await self._engine.send(request)
        except CouplerError as error:
            raise GatewayError(
                GatewayStatus.UNAVAILABLE, f"the identity provider {request.url} cannot be reached: {error}"
            ) from error
        return _checked(request.url, response)


def _checked(url: str, response: HttpResponse) -> dict[str, Any]:
    try:
        content = json.loads(response.body)
    except json.Malformed:
        content = None
    answer: dict[str, Any] = content if isinstance(content, dict) else {}
    if response.status == 200 and answer:
        return answer
    refused = 400 <= response.status < 500 and response.status not in (408, 429)
    status = GatewayStatus.UNAUTHENTICATED if refused else GatewayStatus.UNAVAILABLE
    # RFC 6749 section 5.2; nothing else of the body, which might repeat what was sent.
    reason = " ".join(str(answer[name]) for name in ("error", "error_description") if answer.get(name))
    raise GatewayError(status, f"the identity provider {url} answered {response.status} {reason}".rstrip())


def _life(expires_in: object) -> float:
    try:
        seconds = float(str(expires_in))
    except ValueError:
        return _DEFAULT_LIFE_SECONDS
    return seconds if seconds > 0 else _DEFAULT_LIFE_SECONDS


def _tls(config: AuthConfig) -> TlsMaterial | None:
    if config.ca_certificate_path is None:
        return None
    try:
        return TlsMaterial(trusted_certificates=config.ca_certificate_path.read_text())
    except OSError as error:
        raise ConfigError(f"gateway.auth.ca_certificate_path cannot be read: {error.strerror}") from error
