"""How late the event loop comes while something runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Lag:
    """Seconds by which a sleep of ``every_seconds`` was longer than that."""

    def __init__(self, every_seconds: float = 0.005) -> None:
        self.every_seconds = every_seconds
        self.seconds: list[float] = []

    async def probe(self) -> None:
        """Measures until it is cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(self.every_seconds)
            self.seconds.append(time.perf_counter() - before - self.every_seconds)

    def at(self, share: float) -> float:
        """A percentile, in milliseconds; ``share`` of 1 is the worst."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@asynccontextmanager
async def measured() -> AsyncIterator[Lag]:
    """Measures while the block runs."""
    lag = Lag()
    task = asyncio.create_task(lag.probe())
    try:
        yield lag
    finally:
        task.cancel()


__all__ = ["Lag", "measured"]
