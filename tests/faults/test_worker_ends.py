"""The end of a worker that has 1,000 jobs in flight."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from pathlib import Path

import pytest

from coupler.testing import FailCommand, JobState
from tests.faults.gateway import RecordingGateway
from tests.faults.rig import PATIENCE_SECONDS, restarted, rig
from tests.faults.table import report
from tests.gateway.grpc_front import until

pytestmark = pytest.mark.faults

IN_FLIGHT = 1000


async def test_worker_killed_with_1000_jobs_in_flight(tmp_path: Path) -> None:
    lease_seconds = 5.0
    async with rig(tmp_path, lease_seconds=lease_seconds, max_jobs_active=IN_FLIGHT) as it:
        # Given calls that wait for their answers
        it.send(IN_FLIGHT, "/held/1")
        await until(lambda: it.target.running == IN_FLIGHT, PATIENCE_SECONDS)

        # When the worker is killed, and started again
        it.worker.kill()
        killed_at = time.monotonic()
        it.target.release("1")
        await restarted(it.worker)
        await it.until_finished()

        # Then every job is run a second time, and none before its lease had ended
        assert it.gateway.early == []
        assert len(it.gateway.expired) == IN_FLIGHT
        assert len(it.target.gaps()) == IN_FLIGHT
        recovered = it.gateway.first_completed_after(killed_at)
        remarks = f"the {IN_FLIGHT} in flight, each after the end of its lease of {lease_seconds:g} s"
        row = it.row(f"worker killed (SIGKILL), {IN_FLIGHT} in flight", recovered_seconds=recovered, remarks=remarks)
        report(row, may_run_twice=IN_FLIGHT)


@pytest.mark.parametrize(("drain_seconds", "released"), [(2.0, ""), (10.0, "2"), (60.0, "12")])
async def test_worker_terminated_with_1000_jobs_in_flight(tmp_path: Path, drain_seconds: float, released: str) -> None:
    # Given 1,000 jobs that run, and 200 that wait for slots, some of them in the stream
    gateway = RecordingGateway(stream_capacity=60)
    async with rig(
        tmp_path, gateway=gateway, lease_seconds=300, max_jobs_active=IN_FLIGHT, drain_seconds=drain_seconds
    ) as it:
        it.send(400, "/held/1")
        it.send(600, "/held/2")
        await until(lambda: it.target.running == IN_FLIGHT, PATIENCE_SECONDS)
        it.send(200, "/held/1")
        await asyncio.sleep(0.5)

        # When the worker is asked to end
        asked_at = time.monotonic()
        it.worker.signal(signal.SIGTERM)
        ended = asyncio.ensure_future(asyncio.to_thread(it.worker.wait))
        await asyncio.wait({ended}, timeout=min(5.0, drain_seconds) / 2)
        it.target.release(*released)
        code = await ended
        took_seconds = time.monotonic() - asked_at

        # Then it says what became of each job, the gateway says the same, and nothing is left to a lease of 5 minutes
        assert code == 0
        assert took_seconds < 10 * (drain_seconds + 5)
        assert "Traceback" not in it.worker.log()
        summary = re.search(
            r"Drained: (\d+) running jobs finished, (\d+) were handed back, (\d+) cut short, (\d+) left",
            it.worker.log(),
        )
        assert summary
        finished, handed_back, cut_short, left = map(int, summary.groups())
        failures = [command for command in gateway.commands if isinstance(command, FailCommand)]
        assert left == 0
        assert gateway.leased == 0
        assert finished == gateway.completed == sum({"1": 400, "2": 600}[group] for group in released)
        assert finished + cut_short == IN_FLIGHT
        assert cut_short == sum(command.retries == 2 for command in failures)
        assert handed_back == sum(command.retries == 3 for command in failures)
        assert cut_short + handed_back == len(failures)
        assert all(gateway.job(key).state in (JobState.AVAILABLE, JobState.COMPLETED) for key in it.ids)

        # And the next worker finds what is left at once
        called_before = {job: len(calls) for job, calls in it.target.calls.items()}
        it.target.release("1", "2")
        started_at = time.monotonic()
        await restarted(it.worker)
        await it.until_finished()
        again = sum(len(calls) > called_before.get(job, len(calls)) for job, calls in it.target.calls.items())
        assert again == cut_short
        report(
            it.row(
                f"worker terminated (SIGTERM), {IN_FLIGHT} in flight, {drain_seconds:g} s to drain",
                recovered_seconds=gateway.first_completed_after(started_at),
                remarks=f"exit 0 after {took_seconds:.1f} s; {finished} finished, {cut_short} cut short and failed"
                f" with one retry less (these ran again), {handed_back} handed back unstarted",
            ),
            may_run_twice=cut_short,
        )
