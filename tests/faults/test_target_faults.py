"""A system that answers slowly, resets connections, or closes them by half."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.rig import rig
from tests.faults.table import report

pytestmark = pytest.mark.faults


async def test_target_answers_slowly(tmp_path: Path) -> None:
    # Given answers that come in pieces of 10 bytes, over longer than the lease, which is extended at half of it
    async with rig(tmp_path, lease_seconds=8, max_jobs_active=400) as it:
        # When there are more jobs than slots
        it.send(800, "/trickle/12")
        await it.until_finished()

        # Then all wait their turn
        assert it.gateway.expired == []
        report(it.row("target answers in pieces, for 12 s", remarks="lease 8 s, 400 slots"))


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/reset", "target resets the connection"),
        ("/half", "target sends half an answer and a FIN"),
        ("/busy", "target answers 503"),
    ],
)
async def test_target_breaks_off(tmp_path: Path, path: str, what: str) -> None:
    async with rig(tmp_path, lease_seconds=60) as it:
        # Given a target that breaks off the first call of each job
        keys = it.send(500, path)
        await it.until_finished()
        over_at = time.monotonic()
        it.send(1, "/ok")
        await it.until_finished()

        # Then each costs one retry, and the second call is the last
        assert {it.gateway.job(key).retries for key in keys} == {2}
        assert {len(it.target.calls[it.ids[key]]) for key in keys} == {2}
        assert it.gateway.expired == []
        recovered = it.gateway.first_completed_after(over_at)
        report(it.row(what, recovered_seconds=recovered, remarks="one retry spent by each job"))


async def test_target_closes_kept_connections(tmp_path: Path) -> None:
    async with rig(tmp_path, lease_seconds=60, max_jobs_active=20) as it:
        # Given a target that promises to keep a connection and closes its half of it
        it.send(1000, "/fin")
        await it.until_finished()

        # Then no call is lost on a connection that is closed
        report(it.row("target half-closes connections that it had promised to keep"))
        assert it.gateway.expired == []
