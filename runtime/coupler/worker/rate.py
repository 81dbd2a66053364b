"""When a subscription is busy: the rate of arrivals over the last whole second."""

from __future__ import annotations

import time
from collections.abc import Callable


class ArrivalRate:
    """Counts jobs in windows of one second; O(1), no history."""

    __slots__ = ("_clock", "_count", "_limit", "_window_ends_at", "busy")

    def __init__(self, jobs_per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = jobs_per_second
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Starts a new window, not busy."""
        self.busy = False
        self._count = 0
        self._window_ends_at = self._clock() + 1.0

    def add(self, jobs: int = 1) -> None:
        """Counts arrivals; sets ``busy`` once a window of one second saw more than the limit."""
        now = self._clock()
        if now >= self._window_ends_at:
            self._count = 0
            self._window_ends_at = now + 1.0
        self._count += jobs
        if self._count > self._limit:
            self.busy = True
