"""The way down, in the order of a ship's: no new cargo, finish the work, count what was cut short."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from coupler.worker.active import ActiveJobs, Cut, Phase
from coupler.worker.channel import Channel

log = logging.getLogger(__name__)

_REPORT_SECONDS = 5.0  # for the last commands, after the deadline
_LAST_SECONDS = 1.0  # for tasks that are cancelled in the end


@dataclass(slots=True, frozen=True)
class DrainSummary:
    """What became of the jobs that were held when the shutdown began."""

    finished: int
    handed_back: int
    cut_short: int
    left_behind: int  # their leases run out by themselves


async def drain(channels: Collection[Channel], active: ActiveJobs, drain_seconds: float) -> DrainSummary:
    """Ends all work within ``drain_seconds`` and a few seconds for the last commands."""
    held_at_first, handed_back_before = set(active), active.handed_back
    # 1. No new jobs: an open stream or poll would go on handing them out. What they brought already goes back.
    await asyncio.gather(*(channel.stop() for channel in channels))
    # 2. Jobs without a slot go back at once: another replica can start them now.
    for held in active:
        if held.phase is Phase.WAITING:
            held.cut_short(Cut.HANDED_BACK)
    running = sum(held.cut is not Cut.HANDED_BACK for held in held_at_first.union(active))
    # 3. Running jobs may finish.
    await _until_empty(active, drain_seconds)
    # 4. The deadline: what still runs is cut short and failed, with one retry less.
    cut = [held for held in active if held.phase is Phase.RUNNING]
    for held in cut:
        held.cut_short(Cut.SHUTDOWN)
    await _until_empty(active, _REPORT_SECONDS)
    # 5. Nobody waits for ever: neither for commands nor for threads that do not end.
    left = [held for held in active if held.phase is not Phase.ENDED]
    await _end_tasks(active)
    summary = DrainSummary(running - len(cut), active.handed_back - handed_back_before, len(cut), len(left))
    log.info(
        "Drained: %d running jobs finished, %d were handed back, %d cut short, %d left to their leases.",
        summary.finished,
        summary.handed_back,
        summary.cut_short,
        summary.left_behind,
    )
    return summary


async def _until_empty(active: ActiveJobs, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await active.until_empty()
    except TimeoutError:
        pass


async def _end_tasks(active: ActiveJobs) -> None:
    """Cancels what is left. A connector that is deaf to it is not waited for."""
    tasks = [task for held in active for task in (held.task, held.disowned) if task is not None]
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_SECONDS):
            for task in tasks:
                task.cancel()
            await active.until_empty()
