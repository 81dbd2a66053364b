"""A gateway that goes away, is cut off, refuses, loses its answers, or has a wrong clock."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from coupler.errors import GatewayStatus
from coupler.testing import UpdateTimeoutCommand
from tests.e2e.bpmn import REST, Model
from tests.e2e.client import connect
from tests.e2e.processes import Engine
from tests.faults.gateway import RecordingGateway
from tests.faults.rig import PATIENCE_SECONDS, rig, started, worker_of
from tests.faults.table import Row, report
from tests.faults.target import Target
from tests.gateway.grpc_front import until

pytestmark = pytest.mark.faults


@pytest.mark.slow
async def test_gateway_killed_and_restarted(tmp_path: Path) -> None:
    # Given an engine with a file, and instances that call a target
    sent, lease_seconds, away_seconds = 300, 30.0, 2.0  # a lease outlasts the absence, on a busy machine too
    engine = Engine(tmp_path)
    worker = worker_of(tmp_path, engine.address, lease_seconds=lease_seconds, max_jobs_active=20)
    with engine:
        async with Target() as target, connect(engine.address, tmp_path) as client:
            await client.deploy(Model("load").rest_task("call", f"{target.url}/after/0.1").from_start_to_end("call"))
            keys = [await client.start("load", id=f"i-{i}") for i in range(sent)]

            # When a worker calls, the engine is killed while the calls go on, and started again
            async with started(worker):
                await until(lambda: target.total >= sent // 3, PATIENCE_SECONDS)
                engine.kill()
                await asyncio.sleep(away_seconds)
                before = target.total
                engine.start()
                await asyncio.to_thread(engine.wait_until_ready)
                back_at = time.monotonic()
                await until(lambda: target.total > before, PATIENCE_SECONDS)
                recovered = time.monotonic() - back_at

                # Then every instance ends
                await client.until_ended(*keys, patience_seconds=PATIENCE_SECONDS)
            report(
                Row(
                    fault="gateway killed (SIGKILL) and restarted on its file",
                    sent=sent,
                    completed=len(set(target.calls) & {f"i-{i}" for i in range(sent)}),
                    run_twice=target.run_twice,
                    recovered_seconds=recovered,
                    remarks=f"away for {away_seconds:g} s",
                )
            )


async def test_connections_cut_in_the_middle_of_a_message(tmp_path: Path) -> None:
    # Given jobs of 20 KB, in messages that cross a proxy in pieces
    cuts, lease_seconds = 5, 3.0
    async with rig(tmp_path, proxied=True, lease_seconds=lease_seconds) as it:
        assert it.proxy is not None
        recovered = []
        for _ in range(cuts):
            await until(lambda: it.gateway.streams(REST) == 1, PATIENCE_SECONDS)

            # When a message is cut, and with it every connection
            cut = asyncio.ensure_future(it.proxy.cut())
            it.send(100, "/after/0.02", padding=20_000)
            await asyncio.wait_for(cut, PATIENCE_SECONDS)
            cut_at = time.monotonic()

            # Then every job is completed; those that were on their way when their lease has ended
            await it.until_finished()
            recovered.append(it.gateway.first_completed_after(cut_at))
        assert it.gateway.early == []
        remarks = (
            f"{cuts} cuts; {len(it.gateway.expired)} jobs were on their way and came again after their lease of"
            f" {lease_seconds:g} s"
        )
        row = it.row("stream cut in the middle of a message", recovered_seconds=max(recovered), remarks=remarks)
        assert it.proxy.cuts == cuts
        report(row)


async def test_half_of_all_calls_are_refused_with_backpressure(tmp_path: Path) -> None:
    async with rig(tmp_path, lease_seconds=60) as it:
        # Given a gateway that answers every second call with RESOURCE_EXHAUSTED
        for call in ("activate", "stream", "complete", "fail", "update_timeout", "topology"):
            it.gateway.faults.inject(call, GatewayStatus.BACKPRESSURE, times=None, every=2)

        # When jobs are run, some of which fail once
        it.send(900, "/ok")
        it.send(100, "/busy")
        await it.until_finished()
        over_at = time.monotonic()
        it.gateway.faults.clear()
        it.send(1, "/ok")
        await it.until_finished()

        # Then nothing is lost
        recovered = it.gateway.first_completed_after(over_at)
        report(it.row("RESOURCE_EXHAUSTED on half of all calls", recovered_seconds=recovered))
        assert it.gateway.expired == []


async def test_answers_of_commands_are_lost(tmp_path: Path) -> None:
    async with rig(tmp_path, lease_seconds=60) as it:
        # Given a gateway that applies every second command and answers UNAVAILABLE
        for call in ("complete", "fail"):
            it.gateway.faults.inject(call, GatewayStatus.UNAVAILABLE, times=None, every=2, applied=True)

        # When jobs are run, some of which fail once
        it.send(400, "/ok")
        failing = it.send(600, "/busy")
        await it.until_finished()

        # Then a failure has cost one retry, however often it was reported
        report(it.row("answers lost: command applied, client sees UNAVAILABLE"))
        assert {it.gateway.job(key).retries for key in failing} == {2}
        assert it.gateway.expired == []


async def test_answer_of_a_failure_is_lost_while_the_next_activation_is_on_its_way(tmp_path: Path) -> None:
    # Given one slot, and more pushed jobs than it can take, so that they wait in the stream
    async with rig(tmp_path, lease_seconds=60, max_jobs_active=1) as it:
        await until(lambda: it.gateway.streams(REST) == 1, PATIENCE_SECONDS)

        # When a failure is applied and its answer lost: its repetition hits the activation that waits unread
        it.gateway.faults.inject("fail", GatewayStatus.UNAVAILABLE, applied=True, times=5)
        it.send(5, "/busy/0.1")
        it.send(10, "/after/0.2")
        await it.until_finished()
        it.send(20, "/ok")  # behind everything that waits in the stream
        await it.until_finished()

        # Then the deliveries that nobody waits for any more are not run
        report(it.row("answer to FailJob lost while the next activation waits unread"))


@pytest.mark.parametrize("skew_seconds", [-60.0, 60.0])
async def test_clock_skew_of_a_minute(tmp_path: Path, skew_seconds: float) -> None:
    # Given a gateway whose deadlines are off, and calls that take longer than the lease
    sent, lease_seconds = 100, 4.0
    gateway = RecordingGateway(skew_seconds=skew_seconds)
    async with rig(tmp_path, gateway=gateway, lease_seconds=lease_seconds) as it:
        # When they run
        keys = it.send(sent, "/after/6")
        await it.until_finished()

        # Then each lease was extended by our own clock: no job came again, and none was extended without need
        assert gateway.expired == []
        extensions = [sum(isinstance(c, UpdateTimeoutCommand) for c in gateway.commands_for(key)) for key in keys]
        assert min(extensions) >= 1
        assert max(extensions) <= 6, "half of the lease is 2 s: a call of 6 s needs 2 or 3"
        remarks = f"lease {lease_seconds:g} s, calls of 6 s; {min(extensions)} to {max(extensions)} extensions a job"
        report(it.row(f"gateway's clock off by {skew_seconds:+.0f} s", remarks=remarks))
