"""The jobs that this process holds, by key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Any

from coupler.gateway.protocol import Job


class Phase(Enum):
    """Where a held job stands."""

    WAITING = "waiting"  # read from the gateway, no slot yet
    RUNNING = "running"
    REPORTING = "reporting"  # the connector is done, the command is on its way
    FAILING = "reporting a failure"


class Cut(Enum):
    """Why a running job is cut short."""

    LEASE_LOST = "the lease was lost: the job was cancelled, or another worker has it"
    TOO_LONG = "the job ran longer than it may"
    SHUTDOWN = "the runtime is shutting down"
    HANDED_BACK = "not started: handed back to the engine"


@dataclass(slots=True, eq=False)
class Held:
    """One held job. Times are seconds of ``time.monotonic``."""

    job: Job
    connector: str
    lease_seconds: float
    lease_ends_at: float
    max_run_seconds: float
    phase: Phase = Phase.WAITING
    started_at: float = 0.0
    cut: Cut | None = None
    superseded: bool = False
    task: asyncio.Task[None] | None = None
    thread: Future[Any] | None = None

    def cut_short(self, reason: Cut) -> None:
        """Cancels the job's task, once; the reason tells the task what to do about it."""
        if self.cut is None and self.task is not None:
            self.cut = reason
            self.task.cancel()

    def acknowledge_cut(self) -> None:
        """Called by the task once it has seen its cancellation: it goes on to report."""
        if self.task is not None:
            self.task.uncancel()

    def renew(self, job: Job) -> None:
        """Takes a second delivery of the same job as a new lease on the run in progress."""
        self.job.retries = job.retries
        self.lease_ends_at = job.received_at + self.lease_seconds


class ActiveJobs:
    """All held jobs. Decides what a delivery of a key that is already here means."""

    def __init__(self) -> None:
        self._by_key: dict[int, Held] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._by_key.values()))

    def adopt(self, job: Job) -> bool:
        """Whether the job already runs here: then its lease is renewed and it is not run again.

        A job whose failure is being reported is no longer that activation: the engine has taken the FailJob, though its
        answer was lost, or the lease ran out. The report stops, so that it cannot hit the newer activation.
        """
        held = self._by_key.get(job.key)
        if held is None:
            return False
        if held.phase is Phase.FAILING:
            held.superseded = True
            return False
        held.renew(job)
        return True

    def add(self, held: Held) -> None:
        """Starts holding a job."""
        self._by_key[held.job.key] = held
        self._empty.clear()

    def remove(self, held: Held) -> None:
        """Stops holding it, unless the key belongs to a newer activation by now."""
        if self._by_key.get(held.job.key) is held:
            del self._by_key[held.job.key]
        if not self._by_key:
            self._empty.set()

    async def until_empty(self) -> None:
        """Waits until no job is held."""
        await self._empty.wait()


def lease_end(job: Job, lease_seconds: float) -> float:
    """The lease counts from receipt on our own clock; the gateway's may be off by a minute."""
    return (job.received_at or time.monotonic()) + lease_seconds
