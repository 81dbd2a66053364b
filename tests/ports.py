"""Ports for servers that tests start, and start again where they were."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

_dice = random.SystemRandom()


def free_port() -> int:
    """A port that was free a moment ago, for a server that must come back on the same port.

    It lies below those that systems give to outgoing connections: while the server is away, one of them could get it,
    even one to this very port.
    """
    while True:
        port = _dice.randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_ports(count: int) -> list[int]:
    """Several of them, all different."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


__all__ = ["free_port", "free_ports"]
