"""The final URL: re-encoded as process models expect it, parameters appended.

The rules (docs/compatibility-rest.md, "URL") come from the Java runtime: the URL is decoded and encoded again, so that
a model may hold spaces, umlauts and braces; an encoded slash or plus keeps its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from coupler.errors import InputError
from coupler.http.targets import shown

_UNCHANGED: Final = re.compile(r"https?://[A-Za-z0-9.\-]+(?::\d+)?(?:/[A-Za-z0-9\-_.~!*'()@:$&,;=]*)*")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9\-_.~]*")
_PATH_SAFE: Final = "-_.~!*'()@:$&,;="
_QUERY_SAFE: Final = "-_.~!*'()@:$,;/?"


def _segment(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=_PATH_SAFE)


def _query_part(text: str, safe: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe=safe)


def _pairs(query: str) -> list[tuple[str, str]]:
    """Name and value of each parameter; the value begins with its ``=`` unless there is none."""
    pairs = []
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        if piece:
            pairs.append((name, equals + value))
    return pairs


def _encoded_query(query: str) -> str:
    """Repeated names come together at the place of the first; ``name=`` loses its ``=``."""
    grouped: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        encoded = _query_part(value[1:], _QUERY_SAFE)
        grouped.setdefault(_query_part(name, _QUERY_SAFE), []).append(f"={encoded}" if encoded else "")
    return "&".join(name + value for name, values in grouped.items() for value in values)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _invalid(url) from error
    if parts.scheme not in ("http", "https") or not host:
        raise _invalid(url)
    return parts


def _invalid(url: str) -> InputError:
    return InputError(
        f"Invalid URL: The URL '{shown(url)}' cannot be parsed as a valid HTTP request. "
        "It needs http:// or https:// and a host."
    )


@lru_cache(maxsize=2048)
def encode_url(url: str) -> str:
    """Decodes and re-encodes a URL; one with broken percent escapes is left as it is.

    Raises:
        InputError: there is no scheme or no host.
    """
    if _UNCHANGED.fullmatch(url) is not None:
        return url
    parts = _split(url)
    if _BROKEN_ESCAPE.search(url) is not None:
        return url
    path = "/".join(_segment(segment) for segment in parts.path.split("/"))
    query = _encoded_query(parts.query) if parts.query else ""
    return parts._replace(path=path, query=query, fragment="").geturl()


def _strict(text: str) -> str:
    return text if _UNRESERVED.fullmatch(text) is not None else quote(text, safe="")


def append_parameters(url: str, parameters: Iterable[tuple[str, str | None]]) -> str:
    """Adds query parameters: all but unreserved characters are escaped, also in the query that is already there."""
    added = [_strict(name) if value is None else f"{_strict(name)}={_strict(value)}" for name, value in parameters]
    if not added:
        return url
    base, _, query = url.partition("#")[0].partition("?")
    present = [
        _query_part(name, "") + (f"={_query_part(value[1:], '')}" if value else "") for name, value in _pairs(query)
    ]
    return f"{base}?{'&'.join([*present, *added])}"


def build_url(url: str, skip_encoding: bool, parameters: Iterable[tuple[str, str | None]]) -> str:
    """The URL as it is sent.

    Raises:
        InputError: it has no scheme or no host.
    """
    if skip_encoding:
        _split(url)
    else:
        url = encode_url(url)
    return append_parameters(url, parameters)


__all__ = ["append_parameters", "build_url", "encode_url"]
