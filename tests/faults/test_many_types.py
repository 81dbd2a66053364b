"""200 connectors in one worker."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import plugins
from tests.faults.gateway import RecordingGateway
from tests.faults.measure import cpu_seconds, rss_mib
from tests.faults.rig import PATIENCE_SECONDS, started, worker_of
from tests.faults.table import Row, report
from tests.gateway.grpc_front import GrpcFront, until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="CPU and memory are read from /proc"),
]

FEW, MANY = 5, 200
IDLE_CPU = 0.01
FIRST_JOB_SECONDS = 1.0
"""Both are what is wanted. As with all timing, ten times as much fails the test."""

SETTLE_SECONDS = 45.0  # polls beside a new stream are frequent at first
IDLE_SECONDS = 10.0

SOURCE = f"""
from coupler.sdk import Connector, Input


class Nothing(Input):
    pass


async def execute(self, input, context):
    return {{}}


for number in range({MANY}):
    body = {{"type": f"example:many:{{number}}", "name": f"Many {{number}}", "Input": Nothing, "execute": execute}}
    globals()[f"Many{{number}}"] = type(f"Many{{number}}", (Connector,), body)
"""


@dataclass(slots=True, frozen=True)
class Measured:
    """What one worker took."""

    completed: int
    run_twice: int
    slowest_seconds: float
    idle_cpu: float
    rss_mib: float


async def test_200_connector_types(tmp_path: Path) -> None:
    # Given a worker with five types, and one with 200
    few = await _measured(tmp_path / "few", FEW, 0.0)
    many = await _measured(tmp_path / "many", MANY, SETTLE_SECONDS)

    # When each type gets its first job, then it is run at once, and the types cost next to nothing
    remarks = (
        f"first job of each after {many.slowest_seconds:.2f} s at most; idle CPU {many.idle_cpu:.1%} of a core;"
        f" RSS {many.rss_mib:.0f} MiB, with {FEW} types {few.rss_mib:.0f} MiB"
    )
    report(
        Row(
            fault=f"{MANY} connector types",
            sent=MANY,
            completed=many.completed,
            run_twice=many.run_twice,
            remarks=remarks,
        )
    )
    assert many.rss_mib <= 1.3 * few.rss_mib
    assert many.idle_cpu <= 10 * IDLE_CPU
    assert many.slowest_seconds <= 10 * FIRST_JOB_SECONDS


async def _measured(directory: Path, count: int, settle_seconds: float) -> Measured:
    directory.mkdir()
    entry_points = "\n".join(f"many{number} = many:Many{number}" for number in range(count))
    site = plugins.install(directory, "many", entry_points, SOURCE)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    gateway = RecordingGateway()
    async with GrpcFront(gateway) as front:
        worker = worker_of(directory, f"localhost:{front.port}", env={"PYTHONPATH": path})
        async with started(worker):
            types = [f"example:many:{number}" for number in range(count)]
            await until(lambda: all(gateway.streams(each) == 1 for each in types), PATIENCE_SECONDS)
            added_at = {}
            for each in types:
                added_at[gateway.add_job(each)] = time.monotonic()
                await asyncio.sleep(0.01)
            await gateway.drain(timeout_seconds=PATIENCE_SECONDS)
            await asyncio.sleep(settle_seconds)
            before = cpu_seconds(worker.pid)
            await asyncio.sleep(IDLE_SECONDS)
            return Measured(
                completed=gateway.completed,
                run_twice=sum(gateway.job(key).activations - 1 for key in added_at),
                slowest_seconds=max(gateway.completed_at[key] - at for key, at in added_at.items()),
                idle_cpu=(cpu_seconds(worker.pid) - before) / IDLE_SECONDS,
                rss_mib=rss_mib(worker.pid),
            )
