"""The jobs of the fake gateway: what is available, leased, due."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Job, StreamRequest
from coupler.testing.jobs import Command, FailCommand, FakeJob, JobState


class JobStore:
    """Jobs by key, available ones by type, leases and backoffs in a heap."""

    def __init__(self, clock: Callable[[], float], stream_capacity: int | None = None) -> None:
        self.clock = clock
        self.stream_capacity = stream_capacity
        self.jobs: dict[int, FakeJob] = {}
        self.streams: list[StreamRequest] = []  # the open ones, one entry each
        self.unfinished = 0
        self.first_failure: FailCommand | None = None
        self._for_polls: dict[str, dict[int, FakeJob]] = {}
        self._for_streams: dict[str, dict[int, FakeJob]] = {}
        self._due: list[tuple[float, int]] = []
        self._next_key = 2251799813685249

    def add(self, job_type: str, **fields: Any) -> FakeJob:
        """A new available job."""
        job = FakeJob(key=self._next_key, type=job_type, **fields)
        self._next_key += 2
        self.jobs[job.key] = job
        self.unfinished += 1
        self._offer(job)
        return job

    def take(self, request: ActivateRequest) -> list[Job]:
        """Leases jobs to a poll."""
        self.expire()
        waiting = self._for_polls.get(request.type, {}).values()
        chosen = [job for job in waiting if job.matches(request)][: request.max_jobs]
        return [self._lease(job, request) for job in chosen]

    def take_pushed(self, request: StreamRequest) -> Job | None:
        """Leases one job to a stream."""
        self.expire()
        for job in self._for_streams.get(request.type, {}).values():
            if job.matches(request):
                return self._lease(job, request)
        return None

    def apply(self, command: Command) -> None:
        """Applies a command to an active job.

        Raises:
            GatewayError: NOT_FOUND for any other job.
        """
        self.expire()
        job = self.jobs.get(command.job_key)
        if job is None or job.state is not JobState.ACTIVE:
            raise GatewayError(GatewayStatus.NOT_FOUND, f"there is no active job {command.job_key}")
        if isinstance(command, FailCommand) and self.first_failure is None:
            self.first_failure = command
        job.apply(command, self.clock())
        self._settle(job)

    def expire(self) -> None:
        """Makes jobs available again whose lease or backoff has ended."""
        now = self.clock()
        while self._due and self._due[0][0] <= now:
            due_at, key = heapq.heappop(self._due)
            job = self.jobs[key]
            if job.due_at == due_at:  # else it was moved or the job has finished
                job.expire()
                self._offer(job)

    def next_due(self) -> float | None:
        """When the next lease or backoff may end."""
        return self._due[0][0] if self._due else None

    def stream_ended(self, request: StreamRequest) -> None:
        """Jobs meant for a stream that has gone are offered anew."""
        self.streams.remove(request)
        unread = self._for_streams.pop(request.type, {})
        for job in unread.values():
            self._offer(job)

    def _lease(self, job: FakeJob, request: ActivateRequest | StreamRequest) -> Job:
        (self._for_streams if job.pushed else self._for_polls)[job.type].pop(job.key)
        leased = job.activate(request, self.clock())
        self._settle(job)
        return leased

    def _settle(self, job: FakeJob) -> None:
        if job.finished:
            self.unfinished -= 1
        elif job.due_at is not None:
            heapq.heappush(self._due, (job.due_at, job.key))
        else:
            self._offer(job)

    def _offer(self, job: FakeJob) -> None:
        """To a stream when one is open for it and not blocked, else to polls."""
        unread = self._for_streams.setdefault(job.type, {})
        streams = sum(job.matches(request) for request in self.streams)
        job.pushed = streams > 0 and (self.stream_capacity is None or len(unread) < streams * self.stream_capacity)
        (unread if job.pushed else self._for_polls.setdefault(job.type, {}))[job.key] = job
