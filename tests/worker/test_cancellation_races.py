"""A cut, a second delivery, a shutdown at every step of a job's life; pauses, closing streams, leases in trouble."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from coupler.errors import ConnectorError, GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Job
from coupler.testing import (
    CompleteCommand,
    FailCommand,
    FakeGateway,
    JobState,
    ManualClock,
    UpdateTimeoutCommand,
)
from coupler.worker.active import Cut, Held, Phase
from coupler.worker.adaptive import AdaptiveConfig
from coupler.worker.lease import LeaseKeeper
from coupler.worker.limits import Slots
from coupler.worker.outcome import Completed
from coupler.worker.report import report
from tests.worker.kit import JOB_TYPE, Kit, connector, registered, working

LEASE_SECONDS = 60.0
STEPS = range(24)  # a job ends within fewer steps of the loop


@dataclass(slots=True)
class Steps:
    """A connector that gives way a few times, then answers or fails."""

    fails: bool
    runs: int = 0

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.runs += 1
        for _ in range(4):
            await asyncio.sleep(0)
        if self.fails:
            raise ConnectorError("no", code="C")
        return {"done": True}


@asynccontextmanager
async def idle_worker(execute: Any, **config: Any) -> AsyncIterator[Kit]:
    """Subscriptions are not open: the test itself delivers jobs."""
    gateway = FakeGateway(clock=ManualClock())
    settings = {"lease_seconds": LEASE_SECONDS, "drain_seconds": 0.0, "start": False, **config}
    async with working(connector(execute), gateway=gateway, **settings) as kit:
        yield kit


async def deliver(kit: Kit, count: int = 1) -> list[Job]:
    """What is available goes to the worker, as from a poll."""
    jobs = await kit.gateway.activate(ActivateRequest(JOB_TYPE, "worker", LEASE_SECONDS, count, (), -1.0))
    channel = kit.worker._channels[JOB_TYPE]
    for job in jobs:
        channel._accept(job, False)
    return jobs


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def settled(kit: Kit) -> None:
    await kit.until(lambda: not kit.worker.running())
    assert kit.worker.subscriptions()[0].active == 0
    assert kit.worker._channels[JOB_TYPE]._total.used == 0


def ends(kit: Kit, key: int) -> list[Any]:
    return [c for c in kit.gateway.commands_for(key) if not isinstance(c, UpdateTimeoutCommand)]


ERROR_EXPRESSION = {"errorExpression": '=if error != null then bpmnError("B", error.message) else null'}


@pytest.mark.parametrize("cut", [Cut.TOO_LONG, Cut.SHUTDOWN, Cut.LEASE_LOST])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("headers", [{}, ERROR_EXPRESSION], ids=["plain", "judged"])
async def test_a_cut_at_every_step_ends_the_job_once(cut: Cut, fails: bool, headers: dict[str, str]) -> None:
    execute = Steps(fails)
    async with idle_worker(execute) as kit:
        for count in STEPS:
            key = kit.gateway.add_job(JOB_TYPE, {}, headers, retries=1)
            await deliver(kit)
            await steps(count)
            for held in kit.worker._active:
                if held.phase is Phase.RUNNING or (cut is Cut.LEASE_LOST and held.phase is Phase.WAITING):
                    held.cut_short(cut)
            await settled(kit)
            commands = ends(kit, key)
            assert len(commands) == 1 or (cut is Cut.LEASE_LOST and not commands), (count, commands)
            if not commands:  # the engine's own: its lease is over
                kit.gateway.advance(LEASE_SECONDS + 1)
                assert kit.gateway.job(key).state is JobState.AVAILABLE
                await kit.gateway.activate(ActivateRequest(JOB_TYPE, "other", LEASE_SECONDS, 1, (), -1.0))
        assert execute.runs <= len(STEPS)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_shutdown_at_every_step_loses_no_job(fails: bool) -> None:
    for count in STEPS:
        async with idle_worker(Steps(fails), max_jobs_active_total=2) as kit:
            keys = [kit.gateway.add_job(JOB_TYPE, {}, ERROR_EXPRESSION, retries=2) for _ in range(5)]
            await deliver(kit, 5)
            await steps(count)
            summary = await kit.worker.drain()
            assert summary.left_behind == 0
            await settled(kit)
            for key in keys:
                assert len(ends(kit, key)) == 1, count
                assert kit.gateway.job(key).state is not JobState.ACTIVE


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("answer", ["good", "busy", "lost"])
async def test_a_second_delivery_at_every_step_is_run_or_adopted(fails: bool, answer: str) -> None:
    execute = Steps(fails)
    async with idle_worker(execute, lease_tick_seconds=60) as kit:
        for count in STEPS:
            if answer != "good":
                status = GatewayStatus.BACKPRESSURE if answer == "busy" else GatewayStatus.UNAVAILABLE
                kit.gateway.faults.inject("fail" if fails else "complete", status, applied=answer == "lost")
            key = kit.gateway.add_job(JOB_TYPE, retries=5)
            await deliver(kit)
            await steps(count)
            kit.gateway.advance(LEASE_SECONDS + 1)  # another activation, unless the job has ended
            await deliver(kit)
            await kit.until(lambda: not kit.worker.running())
            kit.gateway.faults.clear()
            # Then no activation is left that nobody runs
            assert kit.gateway.job(key).state is not JobState.ACTIVE, count
            if not fails:
                assert len(ends(kit, key)) == 1
            execute.fails = False
            while await deliver(kit):
                await kit.until(lambda: not kit.worker.running())
            execute.fails = fails
            assert kit.gateway.job(key).state is JobState.COMPLETED
            await settled(kit)


async def test_a_job_cut_before_its_task_has_begun_is_handed_back() -> None:
    async with idle_worker(Steps(False)) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await deliver(kit)
        await kit.worker.pause(JOB_TYPE)  # in the same tick
        await settled(kit)
        (command,) = ends(kit, key)
        assert isinstance(command, FailCommand)
        assert command.retries == 3


async def test_a_job_that_came_without_retries_is_handed_back_without_an_incident() -> None:
    async with idle_worker(Steps(False)) as kit:
        key = kit.gateway.add_job(JOB_TYPE, retries=0)
        await deliver(kit)
        await kit.worker.pause(JOB_TYPE)
        await settled(kit)
        assert ends(kit, key) == []
        kit.gateway.advance(1.0)
        assert kit.gateway.job(key).state is JobState.AVAILABLE
        assert kit.gateway.job(key).retries == 0


class Gate:
    """Runs until it is let go."""

    def __init__(self) -> None:
        self.runs = 0
        self.open = asyncio.Event()

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.runs += 1
        await self.open.wait()
        return {}


async def test_pause_and_resume_in_quick_succession_leave_one_open_subscription() -> None:
    gate = Gate()
    gate.open.set()
    async with working(connector(gate)) as kit:
        for _ in range(10):
            pausing = asyncio.create_task(kit.worker.pause(JOB_TYPE))
            await asyncio.sleep(0)
            kit.worker.resume(JOB_TYPE)
            await pausing
        await kit.until(lambda: kit.gateway.open_streams == 1)
        assert kit.worker.subscriptions()[0].mode == "stream"
        kit.gateway.add_job(JOB_TYPE)
        await kit.gateway.drain()


async def test_resume_on_the_way_down_opens_nothing() -> None:
    gate = Gate()
    async with working(connector(gate)) as kit:
        kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: gate.runs == 1)
        draining = asyncio.create_task(kit.worker.drain())
        await kit.until(lambda: kit.gateway.open_streams == 0)
        kit.worker.resume(JOB_TYPE)
        late = kit.gateway.add_job(JOB_TYPE)
        await asyncio.sleep(0.05)
        gate.open.set()
        await draining
        assert kit.gateway.open_streams == 0
        assert kit.gateway.job(late).activations == 0


async def test_a_shutdown_while_a_broken_stream_is_being_closed_ends() -> None:
    gateway = FakeGateway()
    gateway.faults.inject("activate", delay_seconds=30, times=None)  # the poll beside the stream hangs
    async with working(connector(Gate()), gateway=gateway) as kit:
        await kit.until(lambda: gateway.open_streams == 1 and bool(gateway.activations))
        gateway.end_streams()
        await steps(5)  # the poll has a moment left for its last answer
        async with asyncio.timeout(10):
            await kit.worker.drain()


async def test_a_gateway_client_that_fails_in_an_unexpected_way_does_not_silence_a_job_type() -> None:
    class Broken(FakeGateway):
        crashes = 3

        async def activate(self, request: ActivateRequest) -> list[Job]:
            if self.crashes:
                self.crashes -= 1
                raise asyncio.CancelledError if self.crashes == 1 else RuntimeError("a bug")
            return await super().activate(request)

    gate = Gate()
    gate.open.set()
    for stream in (True, False):
        gateway = Broken()
        async with working(connector(gate), gateway=gateway, stream_enabled=stream):
            gateway.add_job(JOB_TYPE)
            await gateway.drain()
            assert gateway.crashes == 0


async def test_a_lease_that_cannot_be_extended_for_a_while_goes_on_afterwards() -> None:
    gate = Gate()
    gateway = FakeGateway(clock=ManualClock())
    gateway.faults.inject("update_timeout", GatewayStatus.UNAVAILABLE, times=None)
    async with working(connector(gate), gateway=gateway, lease_seconds=0.2, lease_tick_seconds=0.01) as kit:
        key = gateway.add_job(JOB_TYPE)
        await kit.until(lambda: gate.runs == 1)
        await asyncio.sleep(0.5)  # more than twice the lease, on the worker's clock
        gateway.faults.clear()
        await kit.until(lambda: any(isinstance(c, UpdateTimeoutCommand) for c in gateway.commands_for(key)))
        gate.open.set()
        await gateway.drain()
        assert gate.runs == 1


async def test_not_found_that_was_overtaken_by_a_new_delivery_does_not_cut_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    asked, overtaken = asyncio.Event(), asyncio.Event()

    async def answered_late(job_key: int, lease_seconds: float) -> None:
        asked.set()
        await overtaken.wait()
        raise GatewayError(GatewayStatus.NOT_FOUND, "update_timeout")

    async with idle_worker(gate, lease_tick_seconds=60) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await deliver(kit)
        await kit.until(lambda: gate.runs == 1)
        (held,) = kit.worker._active
        monkeypatch.setattr(kit.gateway, "update_timeout", answered_late)
        extension = asyncio.create_task(kit.worker._keeper._extend(held))
        await asked.wait()
        kit.gateway.advance(LEASE_SECONDS + 1)
        await deliver(kit)
        overtaken.set()
        await extension
        gate.open.set()
        await settled(kit)
        assert [type(c) for c in ends(kit, key)] == [CompleteCommand]
        assert gate.runs == 1


async def test_a_new_delivery_of_a_job_whose_old_thread_still_runs_is_run() -> None:
    release = threading.Event()
    runs = 0

    def blocking(bound: Any, context: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 1:
            release.wait(20)

    async with idle_worker(blocking, lease_tick_seconds=60) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await deliver(kit)
        await kit.until(lambda: runs == 1)
        # Given a lost lease, and a thread that cannot be stopped
        (held,) = kit.worker._active
        held.cut_short(Cut.LEASE_LOST)
        await kit.until(lambda: held.phase is Phase.ENDED)
        # When the engine gives us the job again
        kit.gateway.advance(LEASE_SECONDS + 1)
        await deliver(kit)
        # Then it is run, and completed
        await kit.until(lambda: kit.gateway.job(key).state is JobState.COMPLETED)
        assert runs == 2
        release.set()
        await kit.until(lambda: kit.worker.subscriptions()[0].active == 0)


async def test_a_command_goes_on_when_its_lease_is_extended_meanwhile() -> None:
    gateway = FakeGateway(clock=ManualClock())
    key = gateway.add_job(JOB_TYPE)
    (job,) = await gateway.activate(ActivateRequest(JOB_TYPE, "worker", LEASE_SECONDS, 1, (), -1.0))
    gateway.faults.inject("complete", GatewayStatus.UNAVAILABLE, times=None)
    # Given a command that cannot get through, and a lease that would end before it does
    lease_ends_at = time.monotonic() + 0.3
    held = Held(job, "Echo", LEASE_SECONDS, lease_ends_at, 3600.0, phase=Phase.RUNNING)
    reporting = asyncio.create_task(report(gateway, held, Completed("{}")))
    await asyncio.sleep(0)
    # When the lease is extended
    held.extended_until(time.monotonic() + LEASE_SECONDS)
    await asyncio.sleep(0.6)
    gateway.faults.clear()
    # Then it is repeated until it is taken
    assert await reporting == Completed("{}")
    assert gateway.job(key).state is JobState.COMPLETED


async def test_polls_go_on_when_the_slots_shrink_below_what_they_wait_for() -> None:
    slots = Slots(100)
    assert slots.reserve(95) == 95
    waiting = asyncio.create_task(slots.until_free(10))
    await asyncio.sleep(0)
    slots.resize(5)  # never more than five will be free again
    slots.release(95)
    await asyncio.wait_for(waiting, 10)


async def test_failing_jobs_under_adaptive_limits_are_all_seen_to() -> None:
    adaptive = AdaptiveConfig(enabled=True, window_jobs=5)
    fails = registered(connector(Steps(True)), max_jobs_active=100)
    async with working(fails, adaptive=adaptive) as kit:
        for _ in range(300):
            kit.gateway.add_job(JOB_TYPE, retries=2)
        await kit.gateway.drain(expect_failures=True)


async def test_an_exception_of_the_gateway_client_while_reporting_becomes_a_failure() -> None:
    class Strict(FakeGateway):
        async def complete(self, job_key: int, variables: str) -> None:
            raise ValueError("cannot be encoded")

    gateway = Strict()
    async with working(connector(Steps(False)), gateway=gateway) as kit:
        key = gateway.add_job(JOB_TYPE)
        await gateway.drain(expect_failures=True)
        (command,) = ends(kit, key)
        assert isinstance(command, FailCommand)
        assert (command.retries, "could not be sent" in command.message) == (0, True)


async def test_a_tick_that_fails_does_not_end_the_care_for_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = 0
    tick = LeaseKeeper.tick

    def fails_first(self: LeaseKeeper, now: float) -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 1:
            raise RuntimeError("a bug")
        tick(self, now)

    monkeypatch.setattr(LeaseKeeper, "tick", fails_first)
    gate = Gate()
    async with working(connector(gate), lease_seconds=0.5, lease_tick_seconds=0.02) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        gate.open.set()
        await kit.gateway.drain()
    assert ticks > 1
