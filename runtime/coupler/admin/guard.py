"""Who may ask the admin server, and who may change something through it."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OPEN = ("/health/", "/actuator/health/", "/metrics", "/actuator/prometheus")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses what comes from elsewhere.

    On loopback only requests for a loopback host are answered. A page of another site can make its own name point to
    127.0.0.1 (DNS rebinding) and would then read what the browser takes for its own server; but its name stands in the
    ``Host`` header.

    With a token everything but probes and metrics needs it: as a bearer token, or, for browsers, as the password of
    basic authentication with any user name. Changes need the token or loopback, and are never made for another site.
    """

    def __init__(self, app: ASGIApp, listens_on: str, token: str | None) -> None:
        self._app = app
        self._loopback = _is_loopback(listens_on)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers it with the reason why not."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._loopback and not _is_loopback(_name(host)):
            return PlainTextResponse("This admin server answers only to localhost.", 421)
        if self._token and not scope["path"].startswith(_OPEN) and not self._knows(headers.get("authorization", "")):
            challenge = {"WWW-Authenticate": 'Basic realm="Coupler: any user, the token as password"'}
            return PlainTextResponse("COUPLER_ADMIN__TOKEN is needed.", 401, challenge)
        return None if scope["method"] in _READING else self._no_change(headers, host)

    def _no_change(self, headers: Headers, host: str) -> PlainTextResponse | None:
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return PlainTextResponse("Nothing is changed for the page of another site.", 403)
        if not (self._loopback or self._token):
            return PlainTextResponse("To change something from elsewhere, set COUPLER_ADMIN__TOKEN.", 403)
        return None

    def _knows(self, authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            value = _password(value)
        return hmac.compare_digest(value.strip().encode(), (self._token or "").encode())


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
