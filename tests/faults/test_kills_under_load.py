"""Load, and processes that are killed meanwhile: nothing is lost, and nothing repeated before its lease ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.bpmn import Model
from tests.e2e.client import connect
from tests.e2e.processes import Engine, Worker, until
from tests.e2e.target import Target

pytestmark = [pytest.mark.faults, pytest.mark.slow]

INSTANCES = 400
LEASE_SECONDS = 5.0


async def test_worker_and_engine_are_killed_by_turns(tmp_path: Path) -> None:
    # Given two workers on an engine with a file, and instances that call a slow target
    settings = {"CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT": "PT5S", "CAMUNDA_CLIENT_WORKER_DEFAULTS_MAXJOBSACTIVE": "20"}
    (tmp_path / "second").mkdir()
    with (
        Target() as target,
        Engine(tmp_path) as engine,
        Worker(tmp_path, engine.address, env=settings) as worker,
        Worker(tmp_path / "second", engine.address, env=settings),
    ):
        async with connect(engine.address, tmp_path) as client:
            await client.deploy(Model("load").rest_task("call", f"{target.url}/slow/0.5").from_start_to_end("call"))
            keys = [await client.start("load", id=f"i-{i}") for i in range(INSTANCES)]

            # When both are killed by turns while the calls go on
            for part in (1, 2, 3):
                wanted = INSTANCES * part // 5
                await asyncio.to_thread(until, lambda wanted=wanted: len(target.all_calls()) >= wanted, "more calls")
                for process in (worker, engine):
                    process.kill()
                    await asyncio.sleep(0.5)
                    process.start()
                    await asyncio.to_thread(process.wait_until_ready)

            # Then every instance ends
            await client.until_ended(*keys, patience_seconds=240)

    assert set(target.all_calls()) == {f"i-{i}" for i in range(INSTANCES)}
    gaps = target.gaps()
    print(f"{len(gaps)} of {INSTANCES} called more than once; seconds between, lease {LEASE_SECONDS:g} s: {gaps}")
    assert gaps, "nobody was hit: the kills came too late"
    assert min(gap for each in gaps.values() for gap in each) >= LEASE_SECONDS / 2
