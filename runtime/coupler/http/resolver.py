"""Names to addresses, every address judged by the egress policy before any is dialled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from coupler.http.egress import EgressPolicy

Lookup: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Finds the addresses of a host for a port. Raises ``OSError`` for a name that is unknown."""


async def system_lookup(host: str, port: int) -> list[str]:
    """Asks the operating system.

    Raises:
        OSError: the name is unknown.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses: list[str] = []
    for _, _, _, _, address in found:
        # A scoped address keeps its zone, or the kernel would not know which link to use.
        zone = f"%{address[3]}" if len(address) == 4 and address[3] else ""
        text = f"{str(address[0]).partition('%')[0]}{zone}"
        if text not in addresses:
            addresses.append(text)
    return addresses


class NameCheck:
    """Judges names that somebody else (a proxy) will resolve: by what they resolve to here, remembered for a while."""

    LIMIT: Final = 1000

    def __init__(self, policy: EgressPolicy, lookup: Lookup, keep_seconds: float) -> None:
        self._policy = policy
        self._lookup = lookup
        self._keep_seconds = keep_seconds
        self._passed: dict[tuple[str, int], float] = {}

    async def check(self, host: str, port: int) -> None:
        """Judges all addresses; a name unknown here passes, because behind a proxy that is the normal case.

        Raises:
            EgressDenied: naming host, address and rule.
        """
        now = asyncio.get_running_loop().time()
        if self._passed.get((host, port), 0.0) > now:
            return
        try:
            found = await self._lookup(host, port)
        except OSError:
            found = []
        self._policy.check_addresses(host, found)
        if len(self._passed) >= self.LIMIT:
            self._passed.clear()
        self._passed[host, port] = now + self._keep_seconds


__all__ = ["Lookup", "NameCheck", "system_lookup"]
