"""The cases of a job's life that usually get forgotten: one test per row of the table in docs/architecture.md."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from coupler.errors import GatewayStatus
from coupler.gateway.protocol import Job
from coupler.secrets.masking import Masker
from coupler.testing import CompleteCommand, FailCommand, FakeGateway, ManualClock, UpdateTimeoutCommand
from coupler.worker.active import ActiveJobs, Held, Phase
from tests.worker.kit import JOB_TYPE, DictSecrets, connector, registered, run_one, working


class Gate:
    """A connector that waits until it is let go, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.cancelled = 0
        self.open = asyncio.Event()

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.runs += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {"done": True}


async def test_same_key_delivered_again_is_adopted_as_a_renewed_lease() -> None:
    # Given a running job whose lease the gateway regards as over, so that it hands the job out again
    gate = Gate()
    async with working(connector(gate), lease_seconds=0.3, lease_tick_seconds=60, stream_enabled=False) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: kit.gateway.job(key).activations >= 3)
        # When it ends
        gate.open.set()
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        # Then it was run once, and completed
        assert gate.runs == 1
        assert isinstance(kit.gateway.commands_for(key)[0], CompleteCommand)


async def test_lease_lost_cancels_the_connector_and_sends_no_command() -> None:
    gate = Gate()
    gateway = FakeGateway()
    gateway.faults.inject("update_timeout", GatewayStatus.NOT_FOUND)
    async with working(connector(gate), gateway=gateway, lease_seconds=0.4, lease_tick_seconds=0.05) as kit:
        key = gateway.add_job(JOB_TYPE)
        await kit.until(lambda: gate.cancelled == 1)
        await kit.until(lambda: kit.outcome_count("abandoned") == 1)
        assert [c for c in gateway.commands_for(key) if not isinstance(c, UpdateTimeoutCommand)] == []
        gate.open.set()


async def test_long_job_keeps_its_lease_and_runs_once() -> None:
    gate, gateway = Gate(), FakeGateway(clock=ManualClock())
    async with working(connector(gate), gateway=gateway, lease_seconds=0.5, lease_tick_seconds=0.05) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        # When most of a lease goes by after each extension: without any of them the lease would be over
        for _ in range(3):
            await kit.until_extended(key)
            gateway.advance(0.4)
        gate.open.set()
        await kit.gateway.drain()
        assert gate.runs == 1
        assert kit.gateway.job(key).activations == 1


async def test_extend_answered_unimplemented_runs_on_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    gateway = FakeGateway()
    gateway.faults.inject("update_timeout", GatewayStatus.UNIMPLEMENTED, times=None)
    async with working(connector(gate), gateway=gateway, lease_seconds=60, lease_tick_seconds=0.02) as kit:
        key = gateway.add_job(JOB_TYPE)
        await kit.until(lambda: gate.runs == 1)
        kit.worker._active._by_key[key].lease_ends_at = time.monotonic() + 20  # past its half-life
        with caplog.at_level(logging.WARNING):
            await kit.until(lambda: "cannot extend leases" in caplog.text)
            await asyncio.sleep(0.1)
        gate.open.set()
        await gateway.drain()
        assert caplog.text.count("cannot extend leases") == 1
        assert gate.cancelled == 0


async def test_job_older_than_the_longest_run_is_cut_and_failed() -> None:
    gate = Gate()
    command = await run_one(gate, max_execution_seconds=0.1, lease_tick_seconds=0.02)
    assert isinstance(command, FailCommand)
    assert command.retries == 2
    assert "ran longer than 0.1 s" in command.message
    assert gate.cancelled >= 1


async def test_job_timeout_header_caps_the_run() -> None:
    gate = Gate()
    async with working(connector(gate), lease_tick_seconds=0.02) as kit:
        key = kit.gateway.add_job(JOB_TYPE, headers={"jobTimeout": "PT0.2S"})
        await kit.until(lambda: any(isinstance(c, FailCommand) for c in kit.gateway.commands_for(key)))
        commands = kit.gateway.commands_for(key)
        assert commands[0] == UpdateTimeoutCommand(key, 0.2)
        failure = next(c for c in commands if isinstance(c, FailCommand))
        assert "ran longer than 0.2 s" in failure.message


async def test_thread_that_cannot_be_cancelled_keeps_its_slot_and_its_result_is_dropped() -> None:
    started, release = threading.Event(), threading.Event()

    def blocking(bound: Any, context: Any) -> Any:
        started.set()
        release.wait(20)
        return {"late": True}

    async with working(connector(blocking), max_execution_seconds=0.1, lease_tick_seconds=0.02) as kit:
        key = kit.gateway.add_job(JOB_TYPE, retries=1)
        await kit.until(started.is_set)
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        # Failed already, but the slot is taken until the thread ends
        assert isinstance(kit.gateway.commands_for(key)[0], FailCommand)
        await asyncio.sleep(0.05)
        assert kit.worker.subscriptions()[0].active == 1
        release.set()
        await kit.until(lambda: kit.worker.subscriptions()[0].active == 0)
        assert len(kit.gateway.commands_for(key)) == 1


async def test_secret_provider_unreachable_keeps_retries_with_a_generic_text() -> None:
    secrets = DictSecrets({"TOKEN": "s3cret"})
    secrets.down = True
    command = await run_one(variables={"value": "{{secrets.TOKEN}}"}, secrets=secrets)
    assert isinstance(command, FailCommand)
    assert command.retries == 2


async def test_secret_not_there_is_an_incident_that_names_it() -> None:
    command = await run_one(variables={"value": "{{secrets.MISSING}}"}, secrets=DictSecrets({}))
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert "Secret with name 'MISSING' is not available" in command.message


async def test_masking_that_fails_gives_a_generic_text_and_still_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Masker, text: str) -> str:
        raise RuntimeError("masking is broken")

    async def leak(bound: Any, context: Any) -> Any:
        raise ValueError(f"leaked {bound.value}")

    monkeypatch.setattr(Masker, "mask", broken)
    command = await run_one(leak, {"value": "{{secrets.TOKEN}}"}, secrets=DictSecrets({"TOKEN": "s3cret"}))
    assert isinstance(command, FailCommand)
    assert "s3cret" not in command.message + (command.variables or "")
    assert "The reason is not shown" in command.message


async def test_command_refused_for_good_becomes_a_failure_that_says_so() -> None:
    gateway = FakeGateway()
    gateway.faults.inject("complete", GatewayStatus.REJECTED, message="larger than the maximum")

    async def answer(bound: Any, context: Any) -> Any:
        return {"text": "x" * 1000}

    async with working(connector(answer), gateway=gateway) as kit:
        key = gateway.add_job(JOB_TYPE, headers={"resultVariable": "r"})
        await kit.until(lambda: bool(gateway.commands_for(key)))
        command = gateway.commands_for(key)[0]
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert command.variables is None
    assert "refused its 1017 bytes" in command.message
    assert "larger than the maximum" in command.message


async def test_lost_answer_to_a_failure_stops_at_a_newer_activation() -> None:
    # Given a FailJob that is applied while its answer is lost
    runs = 0

    async def fail_once(bound: Any, context: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("first time")
        return {}

    gateway = FakeGateway()
    gateway.faults.inject("fail", GatewayStatus.UNAVAILABLE, applied=True)
    async with working(connector(fail_once), gateway=gateway) as kit:
        key = gateway.add_job(JOB_TYPE)
        await gateway.drain(expect_failures=True)
        # Then the second activation runs, and the first one's report does not fail it again
        await kit.until(lambda: len(kit.worker.running()) == 0)
        kinds = [type(command) for command in gateway.commands_for(key)]
    assert runs == 2
    assert kinds == [FailCommand, CompleteCommand]


async def test_connector_paused_hands_back_what_was_not_started_with_unchanged_retries() -> None:
    gate = Gate()
    async with working(connector(gate), max_jobs_active_total=1, max_jobs_active=5, stream_enabled=False) as kit:
        first = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: gate.runs == 1)
        # Given a job that was read and waits for the process's only slot
        waiting = Job(
            first + 1000, JOB_TYPE, 1, "process", 1, 1, "task", 1, "{}", "w", 3, 0, "{}", received_at=time.monotonic()
        )
        kit.worker._channels[JOB_TYPE]._accept(waiting, False)
        kit.gateway.faults.inject("fail", applied=True)
        await kit.worker.pause(JOB_TYPE)
        await kit.until(lambda: len(kit.worker.running()) == 1)
        assert gate.runs == 1
        assert kit.worker.subscriptions()[0].mode == "paused"
        gate.open.set()
        await kit.gateway.drain()
        # And it goes on when it is resumed
        second = kit.gateway.add_job(JOB_TYPE)
        kit.worker.resume(JOB_TYPE)
        await kit.until(lambda: bool(kit.gateway.commands_for(second)))


async def test_clock_skew_does_not_shorten_the_lease() -> None:
    gate = Gate()
    async with working(connector(gate), lease_seconds=60.0, lease_tick_seconds=0.02) as kit:
        job = Job(
            7, JOB_TYPE, 1, "p", 1, 1, "t", 1, "{}", "w", 3, deadline_ms=1, variables="{}", received_at=time.monotonic()
        )
        kit.worker._channels[JOB_TYPE]._accept(job, False)
        await asyncio.sleep(0.1)
        assert gate.cancelled == 0
        held = kit.worker._active._by_key[7]
        assert held.lease_ends_at == pytest.approx(job.received_at + 60.0)
        gate.open.set()


def test_newer_activation_supersedes_a_failure_under_way_but_not_a_run() -> None:
    active = ActiveJobs()
    job = Job(1, JOB_TYPE, 1, "p", 1, 1, "t", 1, "{}", "w", 3, 0, "{}", received_at=10.0)
    held = Held(job, "Echo", 60.0, 70.0, 3600.0, phase=Phase.RUNNING)
    active.add(held)
    again = Job(1, JOB_TYPE, 1, "p", 1, 1, "t", 1, "{}", "w", 2, 0, "{}", received_at=20.0)
    assert active.adopt(again)
    assert (held.lease_ends_at, held.job.retries) == (80.0, 2)
    held.phase = Phase.FAILING
    assert not active.adopt(again)
    assert held.superseded


async def test_slots_of_a_type_are_a_hard_limit_with_stream_and_poll_together() -> None:
    running = peak = 0

    async def count(bound: Any, context: Any) -> Any:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.002)
        running -= 1
        return {}

    gateway = FakeGateway()
    for _ in range(50):
        gateway.add_job(JOB_TYPE)
    async with working(registered(connector(count), max_jobs_active=3), gateway=gateway):
        for _ in range(150):
            gateway.add_job(JOB_TYPE)
            await asyncio.sleep(0)
        await gateway.drain()
    assert peak == 3
