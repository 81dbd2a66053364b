"""Which proxy a call takes, and how the runtime identifies itself to it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple

from coupler.http.config import Proxy, ProxyConfig
from coupler.http.targets import Target


class Route(NamedTuple):
    """A proxy as the pool needs it: its URL and the value of ``Proxy-Authorization``."""

    url: str
    authorization: str | None


def _route(proxy: Proxy) -> Route:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    authorization = None
    if proxy.user is not None:
        credentials = f"{proxy.user}:{proxy.password or ''}".encode()
        authorization = f"Basic {b64encode(credentials).decode('ascii')}"
    return Route(f"{proxy.scheme}://{host}:{proxy.port}", authorization)


class Proxies:
    """Routes by the target's scheme, with the hosts that are reached directly."""

    def __init__(self, config: ProxyConfig) -> None:
        self._routes = {
            scheme: _route(proxy)
            for scheme, proxy in (("http", config.http), ("https", config.https))
            if proxy is not None
        }
        pieces = [re.escape(pattern).replace(r"\*", ".*") for pattern in config.non_proxy_hosts]
        self._direct = re.compile("|".join(pieces)) if pieces else None
        self._is_direct = lru_cache(maxsize=1024)(self._matches)

    def _matches(self, host: str) -> bool:
        return self._direct is not None and self._direct.fullmatch(host) is not None

    def route(self, target: Target) -> Route | None:
        """The proxy for a target; ``None`` for a direct connection."""
        route = self._routes.get(target.scheme)
        return None if route is None or self._is_direct(target.host) else route


__all__ = ["Proxies", "Route"]
