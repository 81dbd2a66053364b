"""Brings jobs to the workers that wait for them: long polls and streams. Nothing here polls.

An idle stream gets a new job first; while every stream is busy with a client that does not read, a waiting poll does.
A stream takes its next job only when the one before is on its way, so a slow client holds one lease, not many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from coupler.embedded.engine import Engine
from coupler.embedded.job_commands import Activation, ActivationRequest

# Beyond this many, new jobs that no stream has taken yet are left to polls.
_MAX_FRESH = 10_000


@dataclass(slots=True)
class _Demand:
    """Who waits for one job type. The dicts are ordered sets: first come, first served."""

    polls: dict[asyncio.Future[None], None] = field(default_factory=dict)
    idle_streams: dict[asyncio.Future[None], None] = field(default_factory=dict)
    open_streams: int = 0
    fresh: deque[int] = field(default_factory=lambda: deque(maxlen=_MAX_FRESH))  # became ready while a stream was open

    def wake_one(self) -> None:
        for queue in (self.idle_streams, self.polls):
            while queue:
                waiting = next(iter(queue))
                del queue[waiting]
                if not waiting.done():  # cancelled, and its task has not run since
                    waiting.set_result(None)
                    return

    @property
    def unused(self) -> bool:
        return not self.polls and not self.open_streams


class Dispatch:
    """Waiting workers, by job type."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._demand: dict[str, _Demand] = {}
        self._closing = False

    def waiting(self, job_type: str) -> tuple[int, int]:
        """How many polls wait for a job type, and how many streams are open."""
        demand = self._demand.get(job_type)
        return (len(demand.polls), demand.open_streams) if demand else (0, 0)

    def jobs_ready(self, jobs: Sequence[tuple[str, int]]) -> None:
        """Jobs (type, key) can be activated: wakes one waiting worker for each."""
        for job_type, key in jobs:
            demand = self._demand.get(job_type)
            if demand is None:
                continue
            if demand.open_streams:
                demand.fresh.append(key)
            demand.wake_one()

    def close(self) -> None:
        """Ends all polls and streams."""
        self._closing = True
        for demand in list(self._demand.values()):
            while demand.idle_streams or demand.polls:
                demand.wake_one()

    async def poll(self, request: ActivationRequest, wait_seconds: float) -> AsyncGenerator[list[Activation]]:
        """Yields batches of leased jobs, at most ``request.max_jobs`` in all; waits for the first one.

        A batch whose consumer goes away instead of asking for the next one is handed back.
        """
        deadline = asyncio.get_running_loop().time() + wait_seconds
        left, waiting = request.max_jobs, True
        while left > 0 and not self._closing:
            batch = self._engine.jobs.activate(replace(request, max_jobs=left))
            if batch:
                waiting = False
                left -= len(batch)
                with self._delivery(batch):
                    yield batch
            elif not waiting or not await self._wait_for_job(request.type, deadline):
                return

    async def first(self, request: ActivationRequest, wait_seconds: float) -> list[Activation]:
        """One batch of leased jobs, waited for; empty when the time is over. The caller sees to its delivery."""
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while not self._closing:
            batch = self._engine.jobs.activate(request)
            if batch or not await self._wait_for_job(request.type, deadline):
                return batch
        return []

    async def stream(self, request: ActivationRequest) -> AsyncGenerator[Activation]:
        """Yields jobs that become ready from now on, one at a time, until the consumer or the engine goes away."""
        demand = self._demand.setdefault(request.type, _Demand())
        demand.open_streams += 1
        try:
            while not self._closing:
                if not demand.fresh:
                    await self._wait(demand, demand.idle_streams, None)
                    continue
                activation = self._engine.jobs.activate_one(demand.fresh.popleft(), request)
                if activation is not None:
                    with self._delivery([activation]):
                        yield activation
        finally:
            demand.open_streams -= 1
            if not demand.open_streams:
                demand.fresh.clear()
            self._discard_unused(request.type)

    @contextmanager
    def _delivery(self, batch: list[Activation]) -> Iterator[None]:
        """Around a ``yield``: what ends it instead of asking for more means that the batch never arrived."""
        try:
            yield
        except BaseException:
            self._engine.jobs.hand_back(batch)
            raise

    async def _wait_for_job(self, job_type: str, deadline: float) -> bool:
        demand = self._demand.setdefault(job_type, _Demand())
        try:
            return await self._wait(demand, demand.polls, deadline)
        finally:
            self._discard_unused(job_type)

    async def _wait(self, demand: _Demand, queue: dict[asyncio.Future[None], None], deadline: float | None) -> bool:
        """Waits in a queue until woken; a wake-up that comes too late for this one goes to the next."""
        waiting = asyncio.get_running_loop().create_future()
        queue[waiting] = None
        woken = False
        try:
            async with asyncio.timeout_at(deadline):
                await waiting
            woken = True
        except TimeoutError:
            pass
        finally:
            queue.pop(waiting, None)
            if waiting.done() and not waiting.cancelled() and not woken:
                demand.wake_one()
        return woken

    def _discard_unused(self, job_type: str) -> None:
        demand = self._demand.get(job_type)
        if demand is not None and demand.unused:
            del self._demand[job_type]
