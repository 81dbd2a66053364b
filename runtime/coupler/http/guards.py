"""The egress policy below aiohttp: where names are resolved and sockets opened. Imported with the pool."""

from __future__ import annotations

import socket
from contextvars import ContextVar
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from coupler.errors import EgressDenied
from coupler.http.egress import EgressPolicy
from coupler.http.resolver import Lookup


class Attempt:
    """One try at sending a request. Code below aiohttp finds it in ``current_attempt`` and leaves its findings here."""

    __slots__ = ("denied", "host", "opened")

    def __init__(self, host: str | None) -> None:
        self.host = host  # None: a proxy is dialled, which the operator chose
        self.opened = False  # a new connection was made, so nothing pooled can have gone stale
        self.denied: EgressDenied | None = None


current_attempt: Final[ContextVar[Attempt | None]] = ContextVar("current_attempt", default=None)


class GuardedResolver(AbstractResolver):
    """Resolves names; one denied address denies the name."""

    def __init__(self, policy: EgressPolicy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        attempt = current_attempt.get()
        if attempt is None or attempt.host is not None:
            self._policy.check_addresses(host, found)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


class GuardedSockets:
    """Opens sockets, the last gate: it sees literal addresses and cached names, which no resolver is asked about."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    def __call__(self, address: Any) -> socket.socket:
        family, kind, protocol, _, where = address
        attempt = current_attempt.get()
        if attempt is not None:
            attempt.opened = True
            if attempt.host is not None:
                try:
                    self._policy.check_addresses(attempt.host, (where[0],))
                except EgressDenied as denied:
                    attempt.denied = denied
                    raise PermissionError(f"{where[0]} is denied") from denied
        return socket.socket(family=family, type=kind, proto=protocol)


__all__ = ["Attempt", "GuardedResolver", "GuardedSockets", "current_attempt"]
