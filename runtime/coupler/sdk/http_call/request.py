"""From the parts of an element template to a request."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any

from coupler.http.encoding import build_url
from coupler.http.messages import HttpRequest, TlsMaterial
from coupler.sdk.authentication import Authentication, authorization_of, query_parameter_of
from coupler.sdk.http_call.bodies import JSON, encode_body
from coupler.sdk.http_call.input import timeouts


def _headers(authentication: Authentication | None, headers: Mapping[str, str | None] | None) -> list[tuple[str, str]]:
    """Authentication first, then the model's headers, added to it and never replacing it."""
    authorization = authorization_of(authentication)
    lines = [] if authorization is None else [authorization]
    if headers:
        for name, value in headers.items():
            if value is not None or name != "Content-Type":
                lines.append((name, value or ""))
    return lines


def _url(
    url: str, skip_encoding: bool, authentication: Authentication | None, parameters: Mapping[str, str | None] | None
) -> str:
    """The URL with the model's parameters, and the authentication's after them."""
    pairs = list(parameters.items()) if parameters else []
    key = query_parameter_of(authentication)
    if key is not None:
        pairs.append(key)
    return build_url(url, skip_encoding, pairs)


def _content_type_at(lines: list[tuple[str, str]]) -> int | None:
    for index, (name, _) in enumerate(lines):
        if len(name) == 12 and name.lower() == "content-type":
            return index
    return None


async def _encoded(
    body: Any, headers: list[tuple[str, str]], ignore_null_values: bool
) -> bytes | AsyncIterable[bytes] | None:
    """Encodes the body and completes the content type in ``headers``."""
    index = _content_type_at(headers)
    given = JSON if index is None else headers[index][1]
    encoded, content_type = await encode_body(body, given, ignore_null_values)
    if index is None:
        headers.append(("Content-Type", content_type))
    elif content_type is not given:
        headers[index] = headers[index][0], content_type
    return encoded


async def build_request(
    method: str,
    url: str,
    authentication: Authentication | None,
    *,
    headers: Mapping[str, str | None] | None = None,
    parameters: Mapping[str, str | None] | None = None,
    body: Any = None,
    ignore_null_values: bool = False,
    skip_encoding: bool = False,
    connection_timeout_in_seconds: int | None = None,
    read_timeout_in_seconds: int | None = None,
    follow_redirects: bool = False,
    tls: TlsMaterial | None = None,
) -> HttpRequest:
    """A request with everything but what needs a token.

    Args:
        method: As sent.
        url: As the model has it.
        authentication: How the call proves who it is.
        headers: A value of null is sent empty, but a null ``Content-Type`` counts as none.
        parameters: For the query; null is a bare name.
        body: ``None`` for none.
        ignore_null_values: Leave members that are null out of an object.
        skip_encoding: Send the URL as it stands.
        connection_timeout_in_seconds: Default 20, 0 for no limit.
        read_timeout_in_seconds: Default the same as for connecting, 0 for no limit.
        follow_redirects: Follow them.
        tls: Client identity and trust.

    Raises:
        InputError: the URL cannot be requested, or a document in the body cannot be used.
    """
    lines = _headers(authentication, headers)
    encoded = None if body is None else await _encoded(body, lines, ignore_null_values)
    connect, read = timeouts(connection_timeout_in_seconds, read_timeout_in_seconds)
    return HttpRequest(
        method,
        _url(url, skip_encoding, authentication, parameters),
        lines,
        encoded,
        connect_timeout_seconds=connect,
        read_timeout_seconds=read,
        follow_redirects=follow_redirects,
        tls=tls,
    )


__all__ = ["build_request"]
