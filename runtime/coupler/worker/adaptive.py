"""Adaptive concurrency: fewer slots while a target is slow or failing, more again as it recovers.

Additive increase, multiplicative decrease, as in TCP. "Slow" is relative: recent latency is compared with what is usual
for this job type, so nothing has to be told about the target.
"""

from __future__ import annotations

from dataclasses import dataclass

from coupler.worker.limits import Slots


@dataclass(slots=True, frozen=True, kw_only=True)
class AdaptiveConfig:
    """When and how far slots shrink and grow."""

    enabled: bool = False
    min_jobs_active: int = 1
    """Never fewer slots than this."""
    window_jobs: int = 20
    """Finished jobs per decision."""
    latency_factor: float = 2.0
    """Shrink when the window's mean latency is above the usual one by this factor."""
    error_ratio: float = 0.25
    """Shrink when more than this share of the window failed."""
    shrink_factor: float = 0.7
    """Share of the slots that is left after a shrink."""
    usual_weight: float = 0.05
    """How fast the usual latency follows: the share of each healthy window in it."""


class AdaptiveLimit:
    """Steers the slots of one job type by how its jobs end. O(1) per job."""

    __slots__ = ("_config", "_failed", "_jobs", "_max", "_seconds", "_slots", "usual_seconds")

    def __init__(self, slots: Slots, config: AdaptiveConfig) -> None:
        self._slots = slots
        self._config = config
        self._max = slots.limit
        self.usual_seconds: float | None = None
        self._forget()

    def finished(self, seconds: float, *, failed: bool) -> None:
        """Takes note of one finished job; every ``window_jobs`` jobs the slots are reconsidered."""
        self._jobs += 1
        self._seconds += seconds
        self._failed += failed
        if self._jobs >= self._config.window_jobs:
            self._decide()
            self._forget()

    def _decide(self) -> None:
        config = self._config
        mean = self._seconds / self._jobs
        usual = mean if self.usual_seconds is None else self.usual_seconds
        failing = self._failed / self._jobs > config.error_ratio
        if failing or mean > usual * config.latency_factor:
            limit = max(config.min_jobs_active, int(self._slots.limit * config.shrink_factor))
        else:
            limit = min(self._max, self._slots.limit + 1)
            usual += (mean - usual) * config.usual_weight
        if not failing:
            self.usual_seconds = usual
        if limit != self._slots.limit:
            self._slots.resize(limit)

    def _forget(self) -> None:
        self._jobs = 0
        self._failed = 0
        self._seconds = 0.0
