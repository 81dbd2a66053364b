"""Random jobs, outcomes, faults, lost leases, pauses and shutdowns: nothing lost, nothing doubled, no slot leaked.

``COUPLER_CHAOS_SEEDS=1000`` looks longer.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.worker.chaos import Chaos

SEEDS = range(int(os.environ.get("COUPLER_CHAOS_SEEDS", "6")))


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_job_ends_once_without_help_from_a_lease(seed: int) -> None:
    # Given trouble of all kinds, for a while
    chaos = Chaos(seed)
    async with chaos.working() as kit:
        await chaos.rage(kit, 60)
        # When it is over, and the gateway's clock stands still: a job that was lost would stay active for ever
        await chaos.calm(kit)
        await chaos.gateway.drain(expect_failures=True, timeout_seconds=20)
        # Then nothing is held any more
        await kit.until(lambda: not kit.worker.running())
        await kit.until(lambda: sum(status.active for status in kit.worker.subscriptions()) == 0)
        chaos.verify_history()
    chaos.verify_idle(kit)


@pytest.mark.parametrize("seed", SEEDS)
async def test_after_a_shutdown_at_any_moment_no_job_is_active(seed: int) -> None:
    chaos = Chaos(seed + 10_000)
    async with chaos.working() as kit:
        await chaos.rage(kit, chaos.dice.randrange(40))
        chaos.gateway.faults.clear()
        # When the worker is shut down while jobs run, wait, are reported and are on their way
        chaos.add_jobs(chaos.dice.randrange(30))
        for _ in range(chaos.dice.randrange(30)):
            await asyncio.sleep(0)
        pausing = asyncio.create_task(kit.worker.pause("chaos:a:1")) if chaos.dice.random() < 0.3 else None
        if pausing is not None:
            await asyncio.sleep(0)
        summary = await kit.worker.drain()
        if pausing is not None:
            await pausing
        # Then each one has ended or is back, ready for another worker
        assert summary.left_behind == 0
        assert chaos.orphans() == []
        chaos.verify_history()
        chaos.verify_idle(kit)
    # And that one finishes them all
    chaos.gateway.closed = False
    async with chaos.working(drain_seconds=5.0) as kit:
        await chaos.gateway.drain(expect_failures=True, timeout_seconds=20)
        chaos.verify_history()
    chaos.verify_idle(kit)
