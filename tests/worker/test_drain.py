"""The way down: finish, hand back, cut short."""

from __future__ import annotations

import asyncio
from typing import Any

from coupler import json
from coupler.gateway.protocol import ActivateRequest
from coupler.testing import CompleteCommand, FailCommand
from coupler.worker.drain import DrainSummary
from tests.worker.kit import JOB_TYPE, Kit, connector, working


async def slow(bound: Any, context: Any) -> Any:
    await asyncio.sleep(0.2)
    return {}


def until_set(release: asyncio.Event) -> Any:
    """A connector whose jobs run until the test lets them end."""

    async def execute(bound: Any, context: Any) -> Any:
        await release.wait()
        return {}

    return connector(execute)


def failures(kit: Kit, keys: list[int]) -> list[FailCommand]:
    return [c for key in keys for c in kit.gateway.commands_for(key) if isinstance(c, FailCommand)]


async def endless(bound: Any, context: Any) -> Any:
    await asyncio.Event().wait()


async def test_running_jobs_finish_and_no_new_ones_are_taken() -> None:
    release = asyncio.Event()
    async with working(until_set(release)) as kit:
        keys = [kit.gateway.add_job(JOB_TYPE) for _ in range(5)]
        await kit.until(lambda: len(kit.worker.running()) == 5 and kit.gateway.open_streams == 1)
        draining = asyncio.create_task(kit.worker.drain())
        await kit.until(lambda: kit.gateway.open_streams == 0)
        late = kit.gateway.add_job(JOB_TYPE)
        release.set()
        summary = await draining
        assert summary == DrainSummary(finished=5, handed_back=0, cut_short=0, left_behind=0)
        assert all(isinstance(kit.gateway.commands_for(key)[0], CompleteCommand) for key in keys)
        assert kit.gateway.commands_for(late) == []
        assert kit.worker.draining
        assert not kit.worker.ready
        assert await kit.worker.drain() is summary  # idempotent


async def test_jobs_without_a_slot_are_handed_back_with_unchanged_retries() -> None:
    release = asyncio.Event()
    async with working(until_set(release), max_jobs_active_total=2, start=False) as kit:
        keys = [kit.gateway.add_job(JOB_TYPE) for _ in range(8)]
        for job in await kit.gateway.activate(ActivateRequest(JOB_TYPE, "worker", 60.0, 8)):
            kit.worker._channels[JOB_TYPE]._accept(job, False)
        await kit.until(lambda: sum(job.state == "running" for job in kit.worker.running()) == 2)
        draining = asyncio.create_task(kit.worker.drain())
        await kit.until(lambda: len(failures(kit, keys)) == 6)
        release.set()
        assert await draining == DrainSummary(finished=2, handed_back=6, cut_short=0, left_behind=0)
        back = failures(kit, keys)
        assert [command.retries for command in back] == [3] * 6
        assert all("handed back" in command.message for command in back)


async def test_jobs_that_were_pushed_and_not_yet_read_count_as_handed_back() -> None:
    release = asyncio.Event()
    async with working(until_set(release), max_jobs_active=2) as kit:
        await kit.until(lambda: kit.gateway.open_streams == 1)
        keys = [kit.gateway.add_job(JOB_TYPE) for _ in range(20)]
        await kit.until(lambda: len(kit.worker.running()) == 2)
        draining = asyncio.create_task(kit.worker.drain())
        await kit.until(lambda: len(failures(kit, keys)) == 18)
        release.set()
        assert await draining == DrainSummary(finished=2, handed_back=18, cut_short=0, left_behind=0)
        assert len(failures(kit, keys)) == 18


async def test_what_still_runs_at_the_deadline_is_cut_short_with_one_retry_less() -> None:
    async with working(connector(endless), drain_seconds=0.1) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: len(kit.worker.running()) == 1)
        summary = await kit.worker.drain()
        assert summary.cut_short == 1
        command = kit.gateway.commands_for(key)[0]
        assert isinstance(command, FailCommand)
        assert command.retries == 2
        assert json.loads(command.variables or "")["error"]["code"] == "SHUTDOWN"


async def test_a_repeatable_call_that_is_cut_short_keeps_its_retries() -> None:
    async with working(connector(endless, repeatable=True), drain_seconds=0.1) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: len(kit.worker.running()) == 1)
        await kit.worker.drain()
        command = kit.gateway.commands_for(key)[0]
        assert isinstance(command, FailCommand)
        assert command.retries == 3


async def test_a_connector_that_swallows_its_cancellation_does_not_hold_up_the_shutdown() -> None:
    async def stubborn(bound: Any, context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"ignored": "the cancellation"}

    async with working(connector(stubborn), drain_seconds=0.1) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: len(kit.worker.running()) == 1)
        async with asyncio.timeout(10):
            await kit.worker.drain()
        assert isinstance(kit.gateway.commands_for(key)[0], CompleteCommand)


async def test_metrics_and_recent_jobs_tell_how_jobs_ended() -> None:
    async with working(connector(slow)) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.gateway.drain()
        await kit.until(lambda: kit.outcome_count("completed") == 1)
        finished = kit.worker.recent()[0]
        assert (finished.job_key, finished.outcome, finished.connector) == (key, "completed", "Echo")
        assert finished.duration_seconds >= 0.2
