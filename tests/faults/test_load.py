"""More jobs than slots: memory, buffers and leases under load."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.processes import Server
from coupler.testing import JobState
from tests.e2e.processes import until as wait_until
from tests.faults.gateway import RecordingGateway
from tests.faults.measure import peak_rss_mib
from tests.faults.rig import PATIENCE_SECONDS, rig, worker_of
from tests.faults.table import Row, report
from tests.gateway.grpc_front import until

pytestmark = pytest.mark.faults

SLOTS = 10
MOST_UNREAD = 80

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@linux
@pytest.mark.slow
@pytest.mark.parametrize("stream_only", [False, True])
def test_50000_queued_jobs_take_no_more_memory_than_5000(tmp_path: Path, stream_only: bool) -> None:
    # Given a gateway and a target that keep up
    with _servers() as (gateway, target):
        env = {"COUPLER_WORKER__POLL_ENABLED": str(not stream_only).lower(), "COUPLER_LOG__LEVEL": "WARNING"}
        with worker_of(tmp_path, f"127.0.0.1:{gateway.port}", env=env, max_jobs_active=100) as worker:
            wait_until(lambda: gateway.ask("state")["streams"], "the stream to be open")

            # When 5,000 jobs are queued at once, and then ten times as many
            sizes = (5_000, 20_000 if stream_only else 50_000)
            peaks = []
            for jobs in sizes:
                result = gateway.ask(
                    "load", jobs=jobs, rate=0.0, limit_seconds=PATIENCE_SECONDS * 2, stream_only=stream_only
                )
                assert (result["finished"], result["failed"]) == (jobs, 0), result
                peaks.append(peak_rss_mib(worker.pid))

        # Then they wait at the gateway
        calls = target.ask("stats")["requests"]
        way = "streamed" if stream_only else "stream and polls"
        report(
            Row(
                fault=f"{sizes[1]:,} jobs queued at once ({way})",
                sent=sum(sizes),
                completed=sum(sizes),
                run_twice=calls - sum(sizes),
                remarks=f"largest RSS {peaks[1]:.0f} MiB; with 5,000 it was {peaks[0]:.0f} MiB",
            )
        )
        assert peaks[1] <= peaks[0] + 20


@pytest.mark.parametrize("stream_capacity", [None, 30])
async def test_5000_jobs_pushed_at_10_slots(tmp_path: Path, stream_capacity: int | None) -> None:
    # Given a worker with ten slots and leases that are shorter than the whole takes
    lease_seconds = 10.0
    gateway = RecordingGateway(stream_capacity=stream_capacity)
    async with rig(tmp_path, gateway=gateway, lease_seconds=lease_seconds, max_jobs_active=SLOTS) as it:
        await until(lambda: gateway.open_streams > 0, PATIENCE_SECONDS)

        # When 5,000 jobs are pushed
        keys = it.send(5000, "/after/0.03")
        await it.until_finished()

        # Then few of them wait unread at any time, and no lease runs out
        unread = gateway.most_leased - SLOTS
        assert unread <= MOST_UNREAD
        assert gateway.expired == []
        assert {gateway.job(key).activations for key in keys} == {1}
        pushed = sum(gateway.job(key).pushed for key in keys)
        blocked = "never blocked" if stream_capacity is None else f"blocked at {stream_capacity} unread jobs"
        remarks = f"{pushed} pushed, the rest polled; at most {unread} unread in the client; lease {lease_seconds:g} s"
        report(it.row(f"5,000 jobs pushed at {SLOTS} slots, stream {blocked}", remarks=remarks))


async def test_a_changing_rate_through_stream_and_polls(tmp_path: Path) -> None:
    # Given a gateway that finds a stream blocked by 30 unread jobs
    gateway = RecordingGateway(stream_capacity=30)
    async with rig(tmp_path, gateway=gateway, lease_seconds=60, max_jobs_active=SLOTS) as it:
        # When quiet and bursts take turns
        for burst in (50, 800, 200):
            for _ in range(20):
                it.send(1, "/ok")
                await asyncio.sleep(0.02)
            for _ in range(burst // 10):
                it.send(10, "/ok")
                await asyncio.sleep(0.002)
            await it.until_finished()
        gateway.end_streams()
        it.send(100, "/ok")
        await it.until_finished()

        # Then both ways are used, and nothing is lost or doubled on the border
        jobs = [gateway.job(key) for key in it.ids]
        assert all(job.state is JobState.COMPLETED and job.activations == 1 for job in jobs)
        pushed = sum(job.pushed for job in jobs)
        assert 0 < pushed < len(jobs)
        assert gateway.expired == []
        report(it.row("a changing rate, stream and polls", remarks=f"{pushed} pushed, {len(jobs) - pushed} polled"))


@contextmanager
def _servers() -> Iterator[tuple[Server, Server]]:
    target = Server("bench.target")
    try:
        gateway = Server("bench.gateway", BENCH_TARGET=f"http://127.0.0.1:{target.port}")
        try:
            yield gateway, target
        finally:
            gateway.stop()
    finally:
        target.stop()
