"""A gateway in memory, for tests of workers and connectors.

    gateway = FakeGateway()
    key = gateway.add_job("io.camunda:http-json:1", {"url": "http://localhost"})
    ...                                   # run a worker on it
    await gateway.drain()                 # raises the first failure
    assert gateway.job(key).variables == {"status": 200}

It keeps the rules that workers rely on: leases that end, backoff, long polling, streams that get only jobs that became
available while they were open. Time comes from a clock that tests can turn (``ManualClock``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from coupler import json
from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Broker, Job, Partition, StreamRequest, Topology
from coupler.testing.faults import Faults
from coupler.testing.jobs import (
    Command,
    CompleteCommand,
    FailCommand,
    FakeJob,
    ThrowErrorCommand,
    UnexpectedFailure,
    UpdateTimeoutCommand,
)
from coupler.testing.store import JobStore


class ManualClock:
    """A clock that stands still until it is turned (``FakeGateway.advance``)."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeGateway:
    """A ``Gateway`` in memory.

    Args:
        clock: the gateway's clock.
        stream_capacity: how many unread jobs a stream takes before the gateway finds it blocked and keeps jobs for
            polls; by default any number.

    Attributes:
        commands: every command that was applied, in order.
        activations: every request for jobs.
        stream_requests: every request for a stream.
        definitions: BPMN XML by process definition key.
        faults: what shall go wrong, see ``Faults``.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, stream_capacity: int | None = None) -> None:
        self.commands: list[Command] = []
        self.activations: list[ActivateRequest] = []
        self.stream_requests: list[StreamRequest] = []
        self.definitions: dict[int, str] = {}
        self.faults = Faults()
        self.closed = False
        self._clock = clock
        self._store = JobStore(clock, stream_capacity)
        self._streams: set[FakeJobStream] = set()
        self._changed: asyncio.Future[None] | None = None

    def add_job(
        self,
        job_type: str,
        variables: Mapping[str, Any] | str = "{}",
        headers: Mapping[str, str] | str = "{}",
        *,
        retries: int = 3,
        element_id: str = "task",
        process_id: str = "process",
        tenant_id: str = "<default>",
    ) -> int:
        """Makes a job available and returns its key. Variables and headers are values or JSON text."""
        job = self._store.add(
            job_type,
            variables_in=variables if isinstance(variables, str) else json.dumps(variables),
            headers=headers if isinstance(headers, str) else json.dumps(headers),
            retries=retries,
            element_id=element_id,
            process_id=process_id,
            tenant_id=tenant_id,
        )
        self._pulse()
        return job.key

    def job(self, key: int) -> FakeJob:
        """The job as the gateway sees it now."""
        self._store.expire()
        return self._store.jobs[key]

    def commands_for(self, key: int) -> list[Command]:
        """The commands applied to one job, in order."""
        return [command for command in self.commands if command.job_key == key]

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def end_streams(self, error: GatewayError | None = None) -> None:
        """Ends all open streams, as after a restart of the gateway: with an error, or without."""
        for stream in list(self._streams):
            stream.end(error)
        self._pulse()

    def advance(self, seconds: float) -> None:
        """Turns a ``ManualClock``: leases and backoffs end, long polls run out."""
        if not isinstance(self._clock, ManualClock):
            raise TypeError("only a FakeGateway with a ManualClock can be advanced")
        self._clock.now += seconds
        self._pulse()

    async def drain(self, *, timeout_seconds: float = 30.0, expect_failures: bool = False) -> None:
        """Waits until every job is completed, an incident, or ended by a BPMN error.

        Raises:
            UnexpectedFailure: at once, when a job is failed and failures are not expected.
            TimeoutError: jobs are left; the message names them.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    failure = self._store.first_failure
                    if failure is not None and not expect_failures:
                        raise UnexpectedFailure(self._store.jobs[failure.job_key], failure)
                    if not self._store.unfinished:
                        return
                    await self._wait(None)
        except TimeoutError:
            left = [
                f"{job.key} ({job.type}, {job.state.value})" for job in self._store.jobs.values() if not job.finished
            ]
            raise TimeoutError(f"after {timeout_seconds} s these jobs are not finished: {', '.join(left)}") from None

    async def activate(self, request: ActivateRequest) -> list[Job]:
        """Long polling on the gateway's clock."""
        self.activations.append(request)
        await self._enter("activate")
        until = self._clock() + max(0.0, request.request_timeout_seconds)
        while not self.closed:
            jobs = self._store.take(request)
            if jobs or self._clock() >= until:
                return jobs
            await self._wait(until)
        raise _closed()

    def stream(self, request: StreamRequest) -> FakeJobStream:
        """A stream of the jobs that become available while it is open."""
        self.stream_requests.append(request)
        return FakeJobStream(self, request)

    async def complete(self, job_key: int, variables: str) -> None:
        """Finishes an active job."""
        await self._apply("complete", CompleteCommand(job_key, variables))

    async def fail(
        self, job_key: int, *, retries: int, message: str, backoff_seconds: float = 0.0, variables: str | None = None
    ) -> None:
        """Makes an active job available again, after its backoff, or an incident with 0 retries."""
        await self._apply("fail", FailCommand(job_key, retries, message, backoff_seconds, variables))

    async def throw_error(self, job_key: int, *, code: str, message: str = "", variables: str | None = None) -> None:
        """Finishes an active job with a BPMN error."""
        await self._apply("throw_error", ThrowErrorCommand(job_key, code, message, variables))

    async def update_timeout(self, job_key: int, lease_seconds: float) -> None:
        """Moves the end of an active job's lease."""
        await self._apply("update_timeout", UpdateTimeoutCommand(job_key, lease_seconds))

    async def topology(self) -> Topology:
        """One healthy broker."""
        await self._enter("topology")
        return Topology((Broker(0, "localhost:26501", "8.8.0", (Partition(1, True, True),)),), "8.8.0")

    async def process_definition_xml(self, key: int) -> str:
        """A text from ``definitions``."""
        await self._enter("process_definition_xml")
        if key not in self.definitions:
            raise GatewayError(GatewayStatus.NOT_FOUND, f"there is no process definition {key}")
        return self.definitions[key]

    async def close(self) -> None:
        """Ends streams and long polls."""
        self.closed = True
        self.end_streams()

    async def _apply(self, call: str, command: Command) -> None:
        fault = await self._enter(call)
        self._store.apply(command)
        self.commands.append(command)
        self._pulse()
        if fault is not None:
            raise fault

    async def _enter(self, call: str) -> GatewayError | None:
        """Injected faults: raised before the call is applied, or returned to be raised after it."""
        await asyncio.sleep(0)  # a real call gives way, too
        if self.closed:
            raise _closed()
        return await self.faults.strike(call)

    async def _wait(self, until: float | None) -> None:
        """Until something changes, a lease or backoff ends, or ``until``; a ``ManualClock`` never moves by itself."""
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        times = [moment for moment in (until, self._store.next_due()) if moment is not None]
        pause = None if isinstance(self._clock, ManualClock) or not times else max(0.0, min(times) - self._clock())
        await asyncio.wait([self._changed], timeout=pause)

    def _pulse(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


class FakeJobStream:
    """Jobs that became available while this stream was open."""

    def __init__(self, gateway: FakeGateway, request: StreamRequest) -> None:
        self._request = request
        self._gateway = gateway
        self._open = False
        self._done = False
        self._error: GatewayError | None = None

    def __aiter__(self) -> FakeJobStream:
        return self

    async def __anext__(self) -> Job:
        """The next pushed job."""
        if not self._open and not self._done:
            await self._start()
        while not self._done:
            job = self._gateway._store.take_pushed(self._request)
            if job is not None:
                return job
            await self._gateway._wait(None)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        raise StopAsyncIteration

    def end(self, error: GatewayError | None = None) -> None:
        """Ends the stream from the gateway's side."""
        self._done = True
        self._error = error
        if self in self._gateway._streams:
            self._gateway._streams.remove(self)
            self._gateway._store.stream_ended(self._request)
            self._gateway._pulse()

    async def aclose(self) -> None:
        """Ends the stream from the worker's side."""
        if not self._done:
            self.end()

    async def _start(self) -> None:
        self._open = True
        await self._gateway._enter("stream")
        if not self._done:
            self._gateway._streams.add(self)
            self._gateway._store.streams.append(self._request)


def _closed() -> GatewayError:
    return GatewayError(GatewayStatus.UNAVAILABLE, "the gateway client is closed")
