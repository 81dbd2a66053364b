"""Where a request goes: the parsed address of one hop."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from coupler.http.messages import TransportError, TransportFault

DEFAULT_PORTS = {"http": 80, "https": 443}
_USER: Final = re.compile(r"//[^/]*@")


class Target(NamedTuple):
    """A URL taken apart.

    Attributes:
        scheme: ``http`` or ``https``.
        host: In lower case, without brackets, in its IDNA form.
        port: Also where the URL leaves it to the scheme.
        url: As it is sent.
        authority: The value of the ``Host`` header.
        path: Path and query, the request target (RFC 9112, section 3.2.1).
    """

    scheme: str
    host: str
    port: int
    url: str
    authority: str
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must be equal for credentials to travel along (RFC 6454)."""
        return self.scheme, self.host, self.port


def shown(url: str) -> str:
    """A URL as messages may show it: without what can be a credential, user and query."""
    return _USER.sub("//", url.partition("?")[0], count=1)[:200]


def _invalid(url: str, why: str) -> TransportError:
    return TransportError(TransportFault.INVALID_URL, f"The URL '{shown(url)}' cannot be requested: {why}.")


def _looks_numeric(host: str) -> bool:
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last[:2].lower() == "0x"


def _canonical_host(url: str, host: str) -> str:
    if ":" in host:
        try:
            IPv6Address(host)
        except AddressValueError as error:
            raise _invalid(url, "its host is not an IPv6 address") from error
        return host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise _invalid(url, "its host is not a valid name") from error
    if _looks_numeric(host):
        # "2130706433", "0x7f.1" and "0177.0.0.1" are addresses to the C library; no rule may miss them as names.
        try:
            IPv4Address(host)
        except AddressValueError as error:
            raise _invalid(url, "its host is a number but not a plain IPv4 address") from error
    return host


@lru_cache(maxsize=4096)
def parse_target(url: str) -> Target:
    """Takes a URL apart.

    Raises:
        TransportError: ``INVALID_URL`` with the reason.
    """
    if any(character <= " " or character == "\x7f" or character == "\\" for character in url):
        raise _invalid(url, "it holds a space, a control character or a backslash, which must be percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid(url, str(error)) from error
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise _invalid(url, "it must begin with http:// or https://")
    if parts.username is not None or "@" in parts.netloc:
        raise _invalid(url, "it holds a user name or password; use the authentication of the element instead")
    if not parts.hostname:
        raise _invalid(url, "it has no host")
    host = _canonical_host(url, parts.hostname)
    if host != parts.hostname:
        bare = f"{host}:{port}" if port is not None else host
        url = parts._replace(netloc=bare).geturl()
    if not url.isascii():
        raise _invalid(url, "it holds characters that must be percent-encoded")
    default = DEFAULT_PORTS[scheme]
    authority = f"[{host}]" if ":" in host else host
    if port not in (None, default):
        authority = f"{authority}:{port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, default if port is None else port, url, authority, path)


__all__ = ["Target", "parse_target", "shown"]
