"""The jobs that this process holds, by key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from coupler.gateway.protocol import Job

_COMPLETED_KEYS = 5000  # far more than ever wait in a stream


class Phase(Enum):
    """Where a held job stands."""

    WAITING = "waiting"  # read from the gateway, no slot yet
    RUNNING = "running"
    REPORTING = "reporting"  # the connector is done, the command is on its way
    FAILING = "reporting a failure"
    ENDED = "ended"  # nothing is left to report, though a thread or a deaf connector may still run


class Cut(Enum):
    """Why a running job is cut short."""

    LEASE_LOST = "the lease was lost: the job was cancelled, or another worker has it"
    TOO_LONG = "the job ran longer than it may"
    SHUTDOWN = "the runtime is shutting down"
    HANDED_BACK = "not started: handed back to the engine"


class Owner(Protocol):
    """Who sees a job through."""

    def disown(self, held: Held) -> None:
        """Reports for a connector that ignores its cancellation."""
        ...


@dataclass(slots=True, eq=False)
class Held:
    """One held job. Times are seconds of ``time.monotonic``.

    ``begun``: the task has taken its first step; before that a cancellation would end it unseen. ``renewals`` counts
    how often the lease was extended or given to us anew. ``disowned`` reports in place of a connector that is deaf to
    its cancellation. ``completed``: the engine has acknowledged CompleteJob.
    """

    job: Job
    connector: str
    lease_seconds: float
    lease_ends_at: float
    max_run_seconds: float
    phase: Phase = Phase.WAITING
    started_at: float = 0.0
    begun: bool = False
    cut: Cut | None = None
    cut_at: float = 0.0
    renewals: int = 0
    superseded: bool = False
    task: asyncio.Task[None] | None = None
    thread: Future[Any] | None = None
    owner: Owner | None = None
    disowned: asyncio.Task[None] | None = None
    completed: bool = False

    def cut_short(self, reason: Cut) -> None:
        """Cancels the job's task, once; the reason tells the task what to do about it."""
        if self.cut is None and self.task is not None:
            self.cut = reason
            self.cut_at = time.monotonic()
            if self.begun:
                self.task.cancel()

    def acknowledge_cut(self) -> None:
        """Called by the task once it has seen its cancellation: it goes on to report."""
        if self.task is not None:
            self.task.uncancel()

    def renew(self, job: Job) -> None:
        """Takes a second delivery of the same job as a new lease on the run in progress."""
        self.job.retries = job.retries
        self.extended_until(lease_end(job, self.lease_seconds))

    def extended_until(self, lease_ends_at: float) -> None:
        """The lease goes on."""
        self.lease_ends_at = lease_ends_at
        self.renewals += 1

    @property
    def given_up(self) -> bool:
        """Whether a new delivery is none of this run's business: it is over, or as good as over."""
        return self.phase in (Phase.FAILING, Phase.ENDED) or self.cut is Cut.LEASE_LOST


class ActiveJobs:
    """All held jobs. Decides what a delivery of a key that is already here means.

    ``handed_back`` counts those that went back to the engine unstarted.
    """

    def __init__(self) -> None:
        self.handed_back = 0
        self._by_key: dict[int, Held] = {}
        self._superseded: set[Held] = set()  # their keys belong to newer activations, but they have not ended yet
        self._lingering: set[Held] = set()
        self._completed: dict[int, None] = {}  # keys, oldest first
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._by_key) + len(self._superseded)

    def __iter__(self) -> Iterator[Held]:
        return iter((*self._by_key.values(), *self._superseded, *self._lingering))

    def adopt(self, job: Job) -> bool:
        """Whether the job already runs here: then its lease is renewed and it is not run again.

        A job whose failure is being reported is no longer that activation: the engine has taken the FailJob, though its
        answer was lost, or the lease ran out. The report stops, so that it cannot hit the newer activation. The same
        goes for a run that was cut because its lease was lost, and for one that has ended but for its thread.

        A job that was completed here never comes to life again: the delivery had waited in a stream. That happens when
        the answer to a FailJob is lost and its repetition hits the next activation, which is on its way to us.
        """
        if job.key in self._completed:
            return True
        held = self._by_key.get(job.key)
        if held is None:
            return False
        if held.given_up:
            held.superseded = True
            return False
        held.renew(job)
        return True

    def add(self, held: Held) -> None:
        """Starts holding a job."""
        older = self._by_key.get(held.job.key)
        if older is not None:
            self._superseded.add(older)
        self._by_key[held.job.key] = held
        self._empty.clear()

    def remove(self, held: Held) -> None:
        """Stops holding it, unless the key belongs to a newer activation by now."""
        self._lingering.discard(held)
        if self._by_key.get(held.job.key) is held:
            del self._by_key[held.job.key]
        else:
            self._superseded.discard(held)
        self.handed_back += held.cut is Cut.HANDED_BACK
        if held.completed:
            self._remember_completed(held.job.key)
        if not self._by_key and not self._superseded:
            self._empty.set()

    def _remember_completed(self, job_key: int) -> None:
        self._completed[job_key] = None
        if len(self._completed) > _COMPLETED_KEYS:
            del self._completed[next(iter(self._completed))]

    def linger(self, held: Held) -> None:
        """The job is over, but its thread, or a connector deaf to cancellation, still runs: nobody waits for that."""
        self.remove(held)
        self._lingering.add(held)

    async def until_empty(self) -> None:
        """Waits until no job is held; those that linger do not count."""
        await self._empty.wait()


def lease_end(job: Job, lease_seconds: float) -> float:
    """The lease counts from receipt on our own clock; the gateway's may be off by a minute."""
    return (job.received_at or time.monotonic()) + lease_seconds
