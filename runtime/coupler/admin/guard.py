"""Keeps other web sites from reading an admin server on this machine."""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class HostGuard:
    """On loopback, answers only requests for a loopback host.

    A page of another site can make its own name point to 127.0.0.1 (DNS rebinding) and would then read what the browser
    takes for its own server. Its name stands in the ``Host`` header, though.
    """

    def __init__(self, app: ASGIApp, listens_on: str) -> None:
        self._app = app
        self._guarded = _is_loopback(listens_on)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a foreign host with 421."""
        if self._guarded and scope["type"] == "http" and not _is_loopback(_host(Headers(scope=scope).get("host", ""))):
            answer = PlainTextResponse("This admin server answers only to localhost.", status_code=421)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _host(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
