"""What the HTTP engine may be told: limits, egress policy and proxies, as frozen values.

The layers below the composition root never see settings; whoever builds an ``Engine`` fills these in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from coupler import __version__

MEBIBYTE: Final = 1024 * 1024


@dataclass(slots=True, frozen=True)
class BlockRule:
    """One entry of the URL block list.

    ``kind`` is ``URL`` (substring), ``PORT`` (numbers, comma separated) or ``REGEX`` (full match).
    """

    kind: str
    value: str
    name: str | None = None


@dataclass(slots=True, frozen=True)
class EgressConfig:
    """Where calls may go.

    Ranges are CIDR texts. Link-local and cloud metadata addresses are denied unless ``allow_ranges`` or
    ``allow_hosts`` names them. ``validate_hosts`` turns on the full host check of the Java runtime (loopback, private
    and reserved ranges denied unless allowed); without it only the always-denied ranges, ``deny_ranges`` and
    ``allow_private_ranges`` count.
    """

    block_rules: tuple[BlockRule, ...] = ()
    validate_hosts: bool = False
    allow_hosts: tuple[str, ...] = ()
    allow_ranges: tuple[str, ...] = ()
    deny_ranges: tuple[str, ...] = ()
    allow_private_ranges: bool = True
    allow_loopback: bool = True


@dataclass(slots=True, frozen=True)
class Proxy:
    """A forward proxy for one scheme of target."""

    host: str
    port: int
    scheme: str = "http"
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(slots=True, frozen=True)
class ProxyConfig:
    """Proxies by the target's scheme, and the hosts reached without one (``*`` is a wildcard, case counts)."""

    http: Proxy | None = None
    https: Proxy | None = None
    non_proxy_hosts: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class BreakerConfig:
    """When a destination (scheme, host, port) that keeps failing is left alone; off by default.

    Attributes:
        enabled: Whether circuits open at all.
        window_calls: Calls per decision.
        failure_ratio: A circuit opens when more than this share of a window failed (5xx, timeouts, no connection).
        open_seconds: How long it stays open before one call tries again.
    """

    enabled: bool = False
    window_calls: int = 20
    failure_ratio: float = 0.5
    open_seconds: float = 30.0


@dataclass(slots=True, frozen=True)
class HttpConfig:
    """Every limit of the engine.

    Attributes:
        max_connections: Open connections in all; further calls wait within their connect timeout. 0: no limit.
        max_connections_per_origin: The same for one scheme, host and port. 0: no limit.
        keep_alive_seconds: How long an idle connection is kept.
        dns_cache_seconds: How long a resolved name is kept.
        dns_cache_size: How many names are kept.
        max_body_bytes: The largest response body, after decoding, that is read into memory.
        max_header_count: The most header lines of one response.
        max_header_bytes: The longest single header line or status line.
        max_redirects: The most hops followed for one call.
        resend_stale: Send an idempotent request once more when a pooled connection turns out closed.
        user_agent: Sent unless the request has its own.
        egress: Where calls may go.
        proxies: Forward proxies.
        breaker: Circuit breakers, one per destination.
    """

    max_connections: int = 1000
    max_connections_per_origin: int = 500
    keep_alive_seconds: float = 15.0
    dns_cache_seconds: int = 10
    dns_cache_size: int = 1000
    max_body_bytes: int = 50 * MEBIBYTE
    max_header_count: int = 1000
    max_header_bytes: int = 64 * 1024
    max_redirects: int = 50
    resend_stale: bool = True
    user_agent: str = f"coupler/{__version__}"
    egress: EgressConfig = EgressConfig()
    proxies: ProxyConfig = ProxyConfig()
    breaker: BreakerConfig = BreakerConfig()


__all__ = ["BlockRule", "BreakerConfig", "EgressConfig", "HttpConfig", "Proxy", "ProxyConfig"]
