"""A cache whose entries grow old, for answers that cost a call over the network."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Keeps what a loader answered. Callers that want the same key at the same time wait for one call."""

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        *,
        ttl_seconds: float | None,
        max_size: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``ttl_seconds`` ``None``: entries never grow old; 0: nothing is kept, but calls are still shared."""
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._max_size = max_size
        self._clock = clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._loading: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """The kept answer, or a new one. Raises what the loader raises; failures are not kept."""
        entry = self._entries.get(key)
        if entry is not None and (self._ttl_seconds is None or self._clock() - entry[0] < self._ttl_seconds):
            self._entries.move_to_end(key)
            return entry[1]
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._fresh(key), name=f"load {key}")
            task.add_done_callback(_heard)
            self._loading[key] = task
        # Shielded: one caller that is cancelled must not take the answer from the others.
        return await asyncio.shield(task)

    def __contains__(self, key: object) -> bool:
        """Whether there is an entry, however old."""
        return key in self._entries

    def clear(self) -> None:
        """Forgets everything."""
        self._entries.clear()

    async def _fresh(self, key: K) -> V:
        try:
            value = await self._load(key)
            self._entries[key] = (self._clock(), value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_size:
                self._entries.popitem(last=False)
            return value
        finally:
            del self._loading[key]


def _heard(task: asyncio.Task[V]) -> None:
    """A failure that nobody waits for any more is no "exception never retrieved"."""
    if not task.cancelled():
        task.exception()
