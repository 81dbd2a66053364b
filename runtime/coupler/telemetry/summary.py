"""One line about many jobs, instead of one line a job."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from coupler.telemetry.metrics import JobMetrics

log = logging.getLogger(__name__)


class Summary:
    """Tells every so often how many jobs ended and how; silent while nothing happens."""

    def __init__(self, metrics: JobMetrics, running: Callable[[], int]) -> None:
        self._metrics = metrics
        self._running = running
        self._told = self._counts()

    async def run(self, every_seconds: float) -> None:
        """Runs until it is cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.tell(every_seconds)

    def tell(self, seconds: float) -> None:
        """Logs what was new since the last time."""
        counts = self._counts()
        new = {outcome: count - self._told.get(outcome, 0) for outcome, count in counts.items()}
        self._told = counts
        ended = {outcome: int(count) for outcome, count in new.items() if count}
        if ended:
            parts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(ended.items()))
            log.info("%d jobs ended in %g s: %s; %d are held.", sum(ended.values()), seconds, parts, self._running())

    def _counts(self) -> dict[str, float]:
        counts: dict[str, float] = {}
        for family in self._metrics.finished.collect():
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    outcome = sample.labels["outcome"]
                    counts[outcome] = counts.get(outcome, 0) + sample.value
        return counts
