"""The end of a worker: SIGTERM drains."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import plugins
from tests.e2e.bpmn import Model
from tests.e2e.client import connect
from tests.e2e.processes import Engine, Worker, until
from tests.e2e.target import Target


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine whose jobs no other worker takes."""
    with Engine(tmp_path) as engine:
        yield engine


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_running_jobs_finish_before_the_worker_ends(
    own_engine: Engine, target: Target, tmp_path: Path, number: signal.Signals
) -> None:
    async with connect(own_engine.address, tmp_path) as client:
        await client.deploy(Model("drained").rest_task("call", f"{target.url}/held").from_start_to_end("call"))
        with Worker(tmp_path, own_engine.address) as worker:
            # Given jobs that run
            running = [asyncio.ensure_future(client.run("drained", id=f"d-{i}")) for i in range(10)]
            await asyncio.to_thread(until, lambda: len(target.all_calls()) == 10, "ten calls")

            # When the worker is asked to end
            worker.signal(number)
            await asyncio.to_thread(until, lambda: worker.status("/health/ready") == 503, "the worker to say not ready")

            # Then it takes no more jobs, but finishes those that run
            later = asyncio.ensure_future(client.run("drained", id="later"))
            await asyncio.sleep(1)
            assert worker.running
            assert "later" not in target.all_calls()
            target.release()
            await asyncio.gather(*running)
            assert await asyncio.to_thread(worker.wait) == 0
            assert "Traceback" not in worker.log()

            # And the next worker takes what came meanwhile
            worker.start()
            await later
        assert all(len(calls) == 1 for calls in target.all_calls().values())


async def test_a_job_that_does_not_end_in_time_is_failed_with_one_retry_less(
    own_engine: Engine, target: Target, tmp_path: Path
) -> None:
    async with connect(own_engine.address, tmp_path) as client:
        # Given a call that outlasts the time to drain
        headers = {"resultExpression": "={retries: job.retries}"}
        model = Model("cut").rest_task("call", f"{target.url}/held", method="POST", headers=headers, retries=3)
        await client.deploy(model.from_start_to_end("call"))
        with Worker(tmp_path, own_engine.address, env={"COUPLER_WORKER__DRAIN_SECONDS": "1"}) as worker:
            running = asyncio.ensure_future(client.run("cut", id="t-1"))
            await asyncio.to_thread(until, lambda: target.calls("t-1"), "the call")

            # When the worker is asked to end
            started = time.monotonic()
            assert await asyncio.to_thread(worker.terminate) == 0
            assert time.monotonic() - started >= 0.9

            # Then the next worker finds the job at once, without waiting for its lease of five minutes
            target.release()
            worker.start()
            assert (await running)["retries"] == 2
        assert len(target.calls("t-1")) == 2


async def test_a_worker_without_jobs_ends_at_once(own_engine: Engine, tmp_path: Path) -> None:
    with Worker(tmp_path, own_engine.address, env={"COUPLER_WORKER__DRAIN_SECONDS": "300"}) as worker:
        assert worker.terminate() == 0


async def test_a_worker_ends_while_its_gateway_is_away(own_engine: Engine, tmp_path: Path) -> None:
    with Worker(tmp_path, own_engine.address) as worker:
        own_engine.kill()
        until(lambda: worker.status("/health/ready") == 503, "the worker to notice")
        assert worker.terminate() == 0
        assert "Traceback" not in worker.log()


def test_an_engine_ends_on_sigterm(own_engine: Engine) -> None:
    assert own_engine.terminate() == 0
    assert "Traceback" not in own_engine.log()


_DEAF = """
import asyncio
from coupler.sdk import Connector, Input

class Deaf(Connector[Input]):
    type, name, Input = "example:deaf:1", "Deaf", Input

    async def execute(self, input, context):
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
"""


async def test_a_connector_that_swallows_every_cancellation_does_not_keep_the_process(
    own_engine: Engine, tmp_path: Path
) -> None:
    site = plugins.install(tmp_path, "deaf", "deaf = deaf:Deaf", _DEAF)
    env = {"COUPLER_WORKER__DRAIN_SECONDS": "1", "PYTHONPATH": str(site)}
    async with connect(own_engine.address, tmp_path) as client:
        # Given a job whose connector cannot be stopped
        await client.deploy(Model("deaf").task("call", "example:deaf:1").from_start_to_end("call"))
        with Worker(tmp_path, own_engine.address, env=env) as worker:
            running = asyncio.ensure_future(client.run("deaf"))
            activated = "coupler_jobs_activated_total"
            await asyncio.to_thread(until, lambda: worker.metric(activated, job_type="example:deaf:1") == 1, "the job")

            # When the worker is asked to end, then it does
            worker.signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait) == 0
            assert "ignore their cancellation" in worker.log()
            running.cancel()
