"""Slots: how many jobs may run at the same time, per job type and in the whole process."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """A counted limit. Who waits for a slot gets it in order of arrival. Belongs to one event loop."""

    __slots__ = ("_free", "_queue", "_thresholds", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        self._thresholds: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return max(0, self._free)

    @property
    def used(self) -> int:
        """Slots that are held."""
        return self.limit - self._free

    def resize(self, limit: int) -> None:
        """Changes the limit. Held slots stay held: a smaller limit takes effect as they are given back."""
        grown = limit - self.limit
        self.limit = limit
        self.release(grown)

    def reserve(self, wanted: int) -> int:
        """Takes up to ``wanted`` slots without waiting; returns how many."""
        taken = min(wanted, self.free)
        self._free -= taken
        return taken

    async def acquire(self) -> None:
        """Takes one slot, waiting for it if need be."""
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the slot was handed over just before the cancellation
            raise

    async def until_free(self, wanted: int) -> None:
        """Waits until ``wanted`` slots (all of them, where the limit is lower) are free at once; takes none."""
        while self._free < min(wanted, self.limit):
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (wanted, reached)
            self._thresholds.append(entry)
            try:
                await reached
            finally:
                if entry in self._thresholds:
                    self._thresholds.remove(entry)

    def release(self, count: int = 1) -> None:
        """Gives slots back: to those who wait in line, then to everybody."""
        self._free += count
        while self._free > 0 and self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                self._free -= 1
        if self._thresholds:
            for wanted, reached in self._thresholds:
                if min(wanted, self.limit) <= self._free and not reached.done():
                    reached.set_result(None)
