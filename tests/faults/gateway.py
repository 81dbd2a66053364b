"""A gateway that keeps a record of its leases, and whose clock may be wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass

from coupler.gateway.protocol import ActivateRequest, Job, StreamRequest
from coupler.testing import CompleteCommand, FakeGateway, UpdateTimeoutCommand
from coupler.testing.gateway import FakeJobStream
from coupler.testing.jobs import Command


@dataclass(slots=True)
class Lease:
    """One lease; times are seconds of ``time.monotonic``."""

    given_at: float
    ends_at: float


class RecordingGateway(FakeGateway):
    """Everything that workers can see is ``FakeGateway``'s; the record is for the tests.

    Attributes:
        skew_seconds: how far the deadlines that it sends are off.
        leased: jobs that workers hold now, in their buffers or slots.
        most_leased: the highest that this was.
        completed_at: when jobs were completed, by key.
        expired: seconds between the end of a lease and the next lease of the same job, for jobs that nobody failed.
        early: jobs that were given out a second time before their lease had ended.
    """

    def __init__(self, *, skew_seconds: float = 0.0, stream_capacity: int | None = None) -> None:
        super().__init__(stream_capacity=stream_capacity)
        self.skew_seconds = skew_seconds
        self.leased = 0
        self.most_leased = 0
        self.completed_at: dict[int, float] = {}
        self.expired: list[float] = []
        self.early: list[int] = []
        self._leases: dict[int, Lease] = {}

    async def activate(self, request: ActivateRequest) -> list[Job]:
        """Counts what it hands out."""
        jobs = await super().activate(request)
        for job in jobs:
            self.handed_out(job, request.lease_seconds)
        return jobs

    def stream(self, request: StreamRequest) -> FakeJobStream:
        """Counts what it pushes."""
        self.stream_requests.append(request)
        return _CountingStream(self, request)

    async def _apply(self, call: str, command: Command) -> None:
        """Also where the answer is lost: the command is applied by then."""
        try:
            await super()._apply(call, command)
        finally:
            if self.commands and self.commands[-1] is command:
                self._applied(command)

    def _applied(self, command: Command) -> None:
        now = time.monotonic()
        if isinstance(command, UpdateTimeoutCommand):
            if command.job_key in self._leases:
                self._leases[command.job_key].ends_at = now + command.lease_seconds
            return
        if isinstance(command, CompleteCommand):
            self.completed_at[command.job_key] = now
        if self._leases.pop(command.job_key, None) is not None:
            self.leased -= 1

    def handed_out(self, job: Job, lease_seconds: float) -> None:
        """A lease begins."""
        now = time.monotonic()
        former = self._leases.get(job.key)
        if former is None:
            self.leased += 1
            self.most_leased = max(self.most_leased, self.leased)
        elif now < former.ends_at - 0.05:
            self.early.append(job.key)
        else:
            self.expired.append(now - former.ends_at)
        self._leases[job.key] = Lease(now, now + lease_seconds)
        job.deadline_ms += int(self.skew_seconds * 1000)

    def streams(self, job_type: str) -> int:
        """How many streams of a type are open."""
        return sum(request.type == job_type for request in self._store.streams)

    @property
    def completed(self) -> int:
        """Jobs completed so far."""
        return len(self.completed_at)

    def first_completed_after(self, moment: float) -> float:
        """Seconds from a moment to the next completed job."""
        return min((at for at in self.completed_at.values() if at >= moment), default=float("nan")) - moment


class _CountingStream(FakeJobStream):
    def __init__(self, gateway: RecordingGateway, request: StreamRequest) -> None:
        super().__init__(gateway, request)
        self._recording = gateway
        self._lease_seconds = request.lease_seconds

    async def __anext__(self) -> Job:
        job = await super().__anext__()
        self._recording.handed_out(job, self._lease_seconds)
        return job
