"""Processes that are killed, and a gateway that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pyzeebe.errors import ZeebeGatewayUnavailableError

from tests.e2e.bpmn import Model
from tests.e2e.client import Client, connect
from tests.e2e.processes import Engine, Worker, until
from tests.e2e.target import Target

LEASE_SECONDS = 4.0
"""Counted from the activation; a job may wait here a while before its call, so gaps are compared with half of it."""
LEASE = {"CAMUNDA_CLIENT_WORKER_DEFAULTS_TIMEOUT": "PT4S"}


@asynccontextmanager
async def engine_on_a_file(directory: Path) -> AsyncIterator[tuple[Engine, Client]]:
    with Engine(directory) as engine:
        async with connect(engine.address, directory) as client:
            yield engine, client


async def test_what_a_killed_engine_acknowledged_is_there_when_it_comes_back(tmp_path: Path, target: Target) -> None:
    async with engine_on_a_file(tmp_path) as (engine, client):
        # Given an engine that takes instances from several sides, with nobody to serve them
        await client.deploy(Model("kept").rest_task("call", f"{target.url}/ok").from_start_to_end("call"))
        acknowledged: dict[str, int] = {}

        async def start_until_refused(side: int) -> None:
            for number in range(10_000):
                instance = f"k-{side}-{number}"
                acknowledged[instance] = await client.start("kept", id=instance)

        starting = [asyncio.ensure_future(start_until_refused(side)) for side in range(4)]
        await asyncio.to_thread(until, lambda: len(acknowledged) >= 50, "fifty instances")

        # When it is killed in the middle of that and started again, and a worker comes
        engine.kill()
        refusals = await asyncio.gather(*starting, return_exceptions=True)
        assert all(isinstance(refusal, ZeebeGatewayUnavailableError) for refusal in refusals), refusals
        engine.start()
        engine.wait_until_ready()
        with Worker(tmp_path, engine.address):
            # Then every acknowledged instance is served, once
            await client.until_ended(*acknowledged.values())
            assert set(acknowledged) <= set(target.all_calls())
            assert target.gaps() == {}
            assert (await client.run("kept", id="new"))["id"] == "new"


async def test_a_job_whose_engine_is_killed_meanwhile_is_still_completed(tmp_path: Path, target: Target) -> None:
    async with engine_on_a_file(tmp_path) as (engine, client):
        await client.deploy(Model("meanwhile").rest_task("call", f"{target.url}/held").from_start_to_end("call"))
        with Worker(tmp_path, engine.address) as worker:
            # Given a job that runs
            key = await client.start("meanwhile", id="w-1")
            await asyncio.to_thread(until, lambda: target.calls("w-1"), "the call")

            # When the engine is killed, the call ends, and the engine comes back
            engine.kill()
            await asyncio.to_thread(until, lambda: worker.status("/health/ready") == 503, "the worker to notice")
            assert worker.status("/health/live") == 200
            target.release()
            engine.start()

            # Then the result is reported to the new engine, and the call was made once
            await asyncio.to_thread(engine.wait_until_ready)
            await client.until_ended(key)
            assert len(target.calls("w-1")) == 1
            await asyncio.to_thread(worker.wait_until_ready)


async def test_jobs_of_a_killed_worker_are_run_again_when_their_lease_has_ended(tmp_path: Path, target: Target) -> None:
    async with engine_on_a_file(tmp_path) as (engine, client):
        await client.deploy(Model("again").rest_task("call", f"{target.url}/slow/1").from_start_to_end("call"))
        with Worker(tmp_path, engine.address, env=LEASE) as worker:
            # Given calls under way
            running = [asyncio.ensure_future(client.run("again", id=f"a-{i}")) for i in range(40)]
            await asyncio.to_thread(until, lambda: len(target.all_calls()) >= 20, "half of the calls")

            # When the worker is killed and started again
            worker.kill()
            worker.start()
            await asyncio.gather(*running)

        # Then every instance was called, and a second call came no earlier than the lease of the first had ended
        gaps = target.gaps()
        print(f"called more than once, after their lease of {LEASE_SECONDS:g} s: {gaps}")
        assert set(target.all_calls()) == {f"a-{i}" for i in range(40)}
        assert gaps
        assert min(gap for each in gaps.values() for gap in each) >= LEASE_SECONDS / 2


async def test_a_worker_starts_before_its_gateway(tmp_path: Path, target: Target) -> None:
    # Given an address where nothing listens yet
    with Engine(tmp_path) as engine:
        engine.kill()
        with Worker(tmp_path, engine.address, wait_until_ready=False) as worker:
            # When the worker is there first, it lives, but it is not ready
            await asyncio.to_thread(until, lambda: worker.status("/health/ready") == 503, "the worker to answer")
            assert worker.status("/health/live") == 200

            # Then it serves jobs as soon as the gateway comes
            engine.start()
            engine.wait_until_ready()
            await asyncio.to_thread(worker.wait_until_ready)
            async with connect(engine.address, tmp_path) as client:
                await client.deploy(Model("late").rest_task("call", f"{target.url}/ok").from_start_to_end("call"))
                await client.run("late", id="l-1")
        assert len(target.calls("l-1")) == 1


@pytest.mark.slow
async def test_a_gateway_that_is_away_for_twenty_seconds(tmp_path: Path, target: Target) -> None:
    async with engine_on_a_file(tmp_path) as (engine, client):
        model = Model("away").rest_task("call", f"{target.url}/slow/0.5").from_start_to_end("call")
        await client.deploy(model)
        with Worker(tmp_path, engine.address, env=LEASE) as worker:
            # Given jobs under way when the gateway goes
            keys = [await client.start("away", id=f"g-{i}") for i in range(20)]
            await asyncio.to_thread(until, lambda: len(target.all_calls()) >= 10, "half of the calls")
            engine.kill()

            # When it stays away for longer than the leases
            await asyncio.to_thread(until, lambda: worker.status("/health/ready") == 503, "the worker to notice")
            assert worker.status("/health/live") == 200
            await asyncio.sleep(20)
            assert worker.running
            engine.start()
            engine.wait_until_ready()

            # Then all ends well, without a restart of the worker
            await client.until_ended(*keys)
            assert (await client.run("away", id="g-new"))["id"] == "g-new"
            assert set(target.all_calls()) == {f"g-{i}" for i in range(20)} | {"g-new"}
            print(f"called more than once, after their lease of {LEASE_SECONDS:g} s: {target.gaps()}")
