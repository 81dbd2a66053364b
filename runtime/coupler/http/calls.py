"""One hop, with everything decided: what the engine hands to the pool."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable
from dataclasses import dataclass

from coupler.http.proxies import Route
from coupler.http.targets import Target


@dataclass(slots=True)
class Call:
    """What is sent, and how: everything of a request that the engine has decided."""

    method: str
    target: Target
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterable[bytes] | None
    tls: ssl.SSLContext | None
    connect_timeout_seconds: float | None
    read_timeout_seconds: float | None
    route: Route | None  # the proxy to take
    resend: bool  # once more, if a pooled connection turns out to be closed


__all__ = ["Call"]
