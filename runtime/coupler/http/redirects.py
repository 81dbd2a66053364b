"""Redirects (RFC 9110, section 15.4): the next request, with nothing secret in it for another origin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urljoin

from coupler.http.messages import HttpRequest, HttpResponse, TlsMaterial, TransportError, TransportFault
from coupler.http.targets import Target, parse_target

STATUSES: Final = frozenset({301, 302, 303, 307, 308})

# Any other header that a model sends could be a credential under any name: it stays with the origin it was meant for.
_HARMLESS: Final = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-type",
        "pragma",
        "user-agent",
    }
)
_OF_THE_BODY: Final = frozenset({"content-type", "content-encoding", "content-language", "content-location"})
_ALREADY_ENCODED: Final = "!#$%&'()*+,/:;=?@[]~"


def _method_after(status: int, method: str) -> str:
    if status == 303:
        return method if method == "HEAD" else "GET"
    return "GET" if status in (301, 302) and method == "POST" else method


def _without(headers: Iterable[tuple[str, str]], names: frozenset[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in names]


def _for_other_origin(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() in _HARMLESS]


def _destination(current: str, location: str) -> Target:
    try:
        return parse_target(urljoin(current, quote(location.strip(), safe=_ALREADY_ENCODED)))
    except (TransportError, ValueError) as error:
        why = str(error) if isinstance(error, TransportError) else "it is not a URL"
        raise TransportError(
            TransportFault.PROTOCOL, f"The server redirects to an address that cannot be requested: {why}"
        ) from error


def next_request(request: HttpRequest, target: Target, response: HttpResponse) -> HttpRequest | None:
    """The request that follows a redirect, ``None`` when the response is the final one.

    Raises:
        TransportError: the place it points to cannot be requested, or the body cannot be sent a second time.
    """
    location = response.header("location")
    if response.status not in STATUSES or not location:
        return None
    destination = _destination(target.url, location)
    method = _method_after(response.status, request.method)
    headers = _without(request.headers, frozenset({"host"}))
    body = request.body
    if method != request.method:
        headers, body = _without(headers, _OF_THE_BODY), None
    elif isinstance(body, AsyncIterator):  # an iterable that is no iterator can begin again
        raise TransportError(
            TransportFault.PROTOCOL, "The redirect asks for the request body again, which was streamed and is gone"
        )
    tls = request.tls
    if destination.origin != target.origin:
        headers = _for_other_origin(headers)
        tls = None if tls is None else TlsMaterial(trusted_certificates=tls.trusted_certificates)
    return replace(request, method=method, url=destination.url, headers=headers, body=body, tls=tls)


__all__ = ["STATUSES", "next_request"]
