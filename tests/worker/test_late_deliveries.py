"""Deliveries that are read when the job they are for has moved on."""

from __future__ import annotations

from collections import Counter
from typing import Any

from coupler.errors import GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Job
from coupler.testing import FakeGateway
from tests.worker.kit import JOB_TYPE, Kit, connector, working


class Counting:
    """Counts runs; fails the first ``failures`` of them."""

    def __init__(self, failures: int = 0) -> None:
        self.runs: Counter[int] = Counter()
        self._failures = failures

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.runs[context.job_key] += 1
        if self.runs[context.job_key] <= self._failures:
            raise RuntimeError("not yet")
        return {}


async def _deliver(kit: Kit, job: Job) -> None:
    kit.worker._channels[JOB_TYPE]._accept(job, False)
    await kit.until(lambda: not kit.worker.running())


async def _activated(gateway: FakeGateway) -> Job:
    jobs = await gateway.activate(ActivateRequest(JOB_TYPE, "worker", 60.0, 1))
    return jobs[0]


async def test_a_job_that_was_completed_here_is_not_run_again() -> None:
    count = Counting()
    async with working(connector(count), start=False) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        job = await _activated(kit.gateway)
        await _deliver(kit, job)
        assert kit.gateway.job(key).finished

        await _deliver(kit, job)
        assert count.runs[key] == 1
        assert kit.worker.subscriptions()[0].active == 0


async def test_a_job_that_failed_here_is_run_again() -> None:
    count = Counting(failures=1)
    async with working(connector(count), start=False) as kit:
        key = kit.gateway.add_job(JOB_TYPE)
        await _deliver(kit, await _activated(kit.gateway))
        await _deliver(kit, await _activated(kit.gateway))
        assert count.runs[key] == 2
        assert kit.gateway.job(key).finished


async def test_a_completion_that_is_only_presumed_does_not_shut_out_the_next_delivery() -> None:
    # Given a command whose answer is lost, and a job that is gone when it is sent again
    count = Counting()
    async with working(connector(count), start=False) as kit:
        kit.gateway.faults.inject("complete", GatewayStatus.UNAVAILABLE)
        kit.gateway.faults.inject("complete", GatewayStatus.NOT_FOUND)
        key = kit.gateway.add_job(JOB_TYPE)
        job = await _activated(kit.gateway)
        await _deliver(kit, job)
        assert not kit.gateway.job(key).finished

        # When it comes again, then it is run: nobody knows that the first command was applied
        await _deliver(kit, job)
        assert count.runs[key] == 2
        assert kit.gateway.job(key).finished
