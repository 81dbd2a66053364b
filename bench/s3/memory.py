"""The resident memory of this process, sampled while something runs (Linux only)."""

from __future__ import annotations

import os
import threading
from types import TracebackType

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Resident memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * _PAGE


class Sampled:
    """Samples every 50 ms while the block runs."""

    def __init__(self, every_seconds: float = 0.05) -> None:
        self._every_seconds = every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.start_bytes = 0
        self.peak_bytes = 0
        self.samples = 0

    @property
    def growth_mib(self) -> float:
        """How much more there was at the peak than at the start."""
        return (self.peak_bytes - self.start_bytes) / 2**20

    def __enter__(self) -> Sampled:
        self.start_bytes = self.peak_bytes = resident_bytes()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(self._every_seconds):
            self.samples += 1
            self.peak_bytes = max(self.peak_bytes, resident_bytes())
