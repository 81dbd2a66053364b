"""What the REST API refuses because a browser was tricked into sending it."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus

from coupler.embedded.server.rest.asgi import Problem, Request

_READING = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Keeps pages of other sites away: there is no authentication that could.

    A page can make its own name point to 127.0.0.1 (DNS rebinding); its name then stands in the ``Host`` header, and an
    engine on loopback answers to loopback names alone. And a page can send a form anywhere; its ``Origin`` tells.
    """

    def __init__(self, listens_on: str) -> None:
        self._loopback = _is_loopback(listens_on)

    def check(self, request: Request) -> None:
        """Lets a request pass.

        Raises:
            Problem: 421 or 403.
        """
        host = request.headers.get("host", "")
        if self._loopback and not _is_loopback(_name(host)):
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "This engine listens on loopback and answers to localhost.")
        origin = request.headers.get("origin")
        if origin is None or request.method in _READING:
            return
        if origin.partition("://")[2].lower() != host.lower():
            raise Problem(HTTPStatus.FORBIDDEN, "Nothing is changed for the page of another site.")


def _name(host: str) -> str:
    """The host without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
