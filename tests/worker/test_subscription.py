"""Stream and polls together, and nothing lost in between."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Any

import pytest

from coupler.errors import GatewayError, GatewayStatus
from coupler.testing import FailCommand, FakeGateway, JobState
from tests.worker.kit import JOB_TYPE, connector, registered, working


class Counting:
    """A connector that counts runs by job key."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.by_key: Counter[int] = Counter()
        self._seconds = seconds

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.by_key[context.job_key] += 1
        await asyncio.sleep(self._seconds)
        return {}


async def test_jobs_from_before_the_stream_are_polled_and_new_ones_pushed() -> None:
    count = Counting()
    gateway = FakeGateway()
    old = gateway.add_job(JOB_TYPE)
    async with working(connector(count), gateway=gateway) as kit:
        await gateway.drain()
        await kit.until(lambda: gateway.open_streams == 1)
        polls = len(gateway.activations)
        new = gateway.add_job(JOB_TYPE)
        await gateway.drain()
        assert gateway.job(new).pushed
        assert not gateway.job(old).pushed
        assert polls >= 1
    assert set(count.by_key.values()) == {1}


async def test_only_declared_variables_are_asked_for() -> None:
    instance = registered(connector(Counting()), input_variables=("url", "body"))
    async with working(instance) as kit:
        await kit.until(lambda: bool(kit.gateway.activations) and bool(kit.gateway.stream_requests))
        assert tuple(kit.gateway.activations[0].fetch_variables) == ("url", "body")
        assert tuple(kit.gateway.stream_requests[0].fetch_variables) == ("url", "body")


@pytest.mark.parametrize(("tenants", "named"), [((), ("<default>",)), (("blue", "red"), ("blue", "red"))])
async def test_every_request_for_jobs_names_its_tenants(tenants: tuple[str, ...], named: tuple[str, ...]) -> None:
    async with working(connector(Counting()), tenant_ids=tenants) as kit:
        await kit.until(lambda: bool(kit.gateway.activations) and bool(kit.gateway.stream_requests))
        assert tuple(kit.gateway.activations[0].tenant_ids) == named
        assert tuple(kit.gateway.stream_requests[0].tenant_ids) == named


async def test_a_changing_rate_goes_through_stream_and_polls_with_nothing_lost_or_doubled() -> None:
    count = Counting(0.001)
    gateway = FakeGateway()
    keys = [gateway.add_job(JOB_TYPE) for _ in range(300)]  # older than the stream: these are polled
    async with working(registered(connector(count), max_jobs_active=10), gateway=gateway) as kit:
        for _ in range(3):  # quiet, a burst, quiet, ...
            await kit.until(lambda: gateway.open_streams == 1)
            keys.append(gateway.add_job(JOB_TYPE))
            await asyncio.sleep(0.02)
            for _ in range(300):
                keys.append(gateway.add_job(JOB_TYPE))
                if len(keys) % 10 == 0:
                    await asyncio.sleep(0.001)
            await gateway.drain()
        assert [count.by_key[key] for key in keys] == [1] * len(keys)
        assert any(gateway.job(key).pushed for key in keys)
        assert not all(gateway.job(key).pushed for key in keys)


async def test_older_jobs_are_polled_although_the_stream_is_never_empty() -> None:
    count = Counting(0.001)
    gateway = FakeGateway()
    old = [gateway.add_job(JOB_TYPE) for _ in range(50)]
    async with working(registered(connector(count), max_jobs_active=10), gateway=gateway) as kit:
        await kit.until(lambda: gateway.open_streams == 1)
        pushed = 0
        while not all(gateway.job(key).finished for key in old):
            for _ in range(20):  # more than ten slots can take
                gateway.add_job(JOB_TYPE)
                pushed += 1
            await asyncio.sleep(0.001)
            assert pushed < 100_000, "the stream starves the polls"


async def test_jobs_pushed_before_a_shutdown_are_read_out_and_handed_back() -> None:
    gateway = FakeGateway()
    release = asyncio.Event()

    async def held(bound: Any, context: Any) -> Any:
        await release.wait()
        return {}

    async with working(registered(connector(held), max_jobs_active=2), gateway=gateway) as kit:
        await kit.until(lambda: gateway.open_streams == 1)
        keys = [gateway.add_job(JOB_TYPE) for _ in range(20)]
        await kit.until(lambda: len(kit.worker.running()) == 2)
        draining = asyncio.create_task(kit.worker.drain())
        await kit.until(lambda: sum(bool(gateway.commands_for(key)) for key in keys) == 18)
        release.set()
        assert (await draining).finished == 2
        back = [c for key in keys for c in gateway.commands_for(key) if isinstance(c, FailCommand)]
        assert [command.retries for command in back] == [3] * 18
        active = [key for key in keys if gateway.job(key).state is JobState.ACTIVE]
        assert active == []


@pytest.mark.parametrize("stream_enabled", [True, False])
async def test_the_last_tenth_of_the_slots_is_used_although_nothing_ends(stream_enabled: bool) -> None:
    # Given 20 slots, and calls that take all of them but one
    async def endless(bound: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    gateway = FakeGateway(stream_capacity=1)
    instance = registered(connector(endless), max_jobs_active=20)
    async with working(instance, gateway=gateway, stream_enabled=stream_enabled, drain_seconds=0.1) as kit:
        for _ in range(19):
            gateway.add_job(JOB_TYPE)
        await kit.until(lambda: len(kit.worker.running()) == 19)
        await asyncio.sleep(0.5)  # a poll is waiting for slots

        # When one more job comes, then it runs
        gateway.add_job(JOB_TYPE)
        await kit.until(lambda: len(kit.worker.running()) == 20)


async def test_no_lease_runs_out_in_a_stream_that_is_not_read() -> None:
    # Given a slot that is taken for longer than a lease, and jobs that are pushed meanwhile
    released = asyncio.Event()
    runs: Counter[int] = Counter()

    async def held(bound: Any, context: Any) -> Any:
        runs[context.job_key] += 1
        await released.wait()
        return {}

    gateway = FakeGateway()
    instance = registered(connector(held), max_jobs_active=1)
    async with working(instance, gateway=gateway, lease_seconds=4.0, lease_tick_seconds=0.05) as kit:
        await kit.until(lambda: gateway.open_streams == 1)
        keys = [gateway.add_job(JOB_TYPE) for _ in range(6)]

        # When nothing was read for a while, then the stream is read out and closed, and the leases are kept alive
        await kit.until(lambda: len(kit.worker.running()) == 6 and gateway.open_streams == 0)
        for _ in range(2):
            await kit.until_extended(*keys)
        assert gateway.open_streams == 0
        assert [gateway.job(key).activations for key in keys] == [1] * 6

        # And it is opened again when slots are free
        released.set()
        await gateway.drain()
        await kit.until(lambda: gateway.open_streams == 1)
    assert [runs[key] for key in keys] == [1] * 6


async def test_a_stream_that_ends_without_an_error_is_opened_again() -> None:
    async with working(connector(Counting())) as kit:
        await kit.until(lambda: kit.gateway.open_streams == 1)
        kit.gateway.end_streams()
        await kit.until(lambda: len(kit.gateway.stream_requests) >= 2 and kit.gateway.open_streams == 1)


async def test_while_the_stream_is_broken_polls_run_fast() -> None:
    count = Counting()
    gateway = FakeGateway()
    gateway.faults.inject("stream", GatewayStatus.UNAVAILABLE, times=None)
    async with working(connector(count), gateway=gateway) as kit:
        for _ in range(5):
            started_at = time.monotonic()
            gateway.add_job(JOB_TYPE)
            await gateway.drain()
            assert time.monotonic() - started_at < 10
        gateway.faults.clear()
        await kit.until(lambda: gateway.open_streams == 1)


async def test_a_gateway_that_cannot_stream_is_polled_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    gateway = FakeGateway()
    gateway.faults.inject("stream", GatewayStatus.UNIMPLEMENTED, times=None)
    with caplog.at_level(logging.WARNING):
        async with working(connector(Counting()), gateway=gateway, request_timeout_seconds=0.05):
            for _ in range(20):
                gateway.add_job(JOB_TYPE)
                await gateway.drain()
    assert len(gateway.stream_requests) == 1
    assert caplog.text.count("cannot push jobs") == 1


async def test_backpressure_on_half_of_all_calls_loses_nothing() -> None:
    count = Counting()
    gateway = FakeGateway()
    for call in ("activate", "complete"):
        gateway.faults.inject(call, GatewayStatus.BACKPRESSURE, times=None, every=2)
    keys = [gateway.add_job(JOB_TYPE) for _ in range(100)]
    async with working(connector(count), gateway=gateway, stream_enabled=False):
        await gateway.drain()
    assert [count.by_key[key] for key in keys] == [1] * 100


async def test_polls_that_come_back_empty_at_once_are_repeated_no_faster_than_every_100_ms() -> None:
    gateway = FakeGateway()
    before = time.monotonic()
    async with working(
        connector(Counting()), gateway=gateway, stream_enabled=False, request_timeout_seconds=-1.0
    ) as kit:
        await kit.until(lambda: len(gateway.activations) >= 6)
        assert time.monotonic() - before > 0.45


async def test_an_idle_stream_is_polled_beside_less_and_less() -> None:
    gateway = FakeGateway()
    before = time.monotonic()
    async with working(connector(Counting()), gateway=gateway) as kit:
        await kit.until(lambda: len(gateway.activations) >= 6)
        assert time.monotonic() - before > 1.0  # at 0, 0.1, 0.26, 0.52, 0.93, 1.59 s …


async def test_a_gateway_that_is_away_makes_the_subscription_unready_until_it_is_back() -> None:
    gateway = FakeGateway()
    gateway.faults.inject("activate", GatewayStatus.UNAVAILABLE, times=None)
    gateway.faults.inject("stream", GatewayStatus.UNAVAILABLE, times=None)
    async with working(connector(Counting()), gateway=gateway) as kit:
        await kit.until(lambda: kit.worker.subscriptions()[0].last_error != "")
        assert not kit.worker.ready
        gateway.faults.clear()
        await kit.until(lambda: kit.worker.ready)
        assert kit.worker.subscriptions()[0].last_error == ""


async def test_a_stream_is_read_only_while_a_slot_is_free() -> None:
    # Given 5,000 jobs pushed at a worker with 10 slots
    gateway = FakeGateway()
    held = asyncio.Event()

    async def wait(bound: Any, context: Any) -> Any:
        await held.wait()
        return {}

    async with working(registered(connector(wait), max_jobs_active=10), gateway=gateway) as kit:
        await kit.until(lambda: gateway.open_streams == 1)
        for _ in range(5000):
            gateway.add_job(JOB_TYPE)
        await kit.until(lambda: kit.worker.subscriptions()[0].active == 10)
        await asyncio.sleep(0.05)
        # Then it took no more than it can run
        assert len(kit.worker.running()) == 10
        held.set()
        await gateway.drain()


async def test_a_shutdown_during_a_pause_loses_nothing_that_the_pause_is_reading_out() -> None:
    gateway = FakeGateway()
    async with working(registered(connector(Counting(0.3)), max_jobs_active=2), gateway=gateway) as kit:
        await kit.until(lambda: gateway.open_streams == 1)
        keys = [gateway.add_job(JOB_TYPE) for _ in range(20)]
        await kit.until(lambda: len(kit.worker.running()) == 2)
        pausing = asyncio.create_task(kit.worker.pause(JOB_TYPE))
        await asyncio.sleep(0.01)  # the pause has read all jobs, and waits for more
        await kit.worker.drain()
        await pausing
        assert [key for key in keys if gateway.job(key).state is JobState.ACTIVE] == []


async def test_a_poll_whose_answer_is_on_its_way_at_shutdown_loses_no_job() -> None:
    gateway = FakeGateway()
    async with working(connector(Counting()), gateway=gateway, stream_enabled=False, request_timeout_seconds=60) as kit:
        await kit.until(lambda: len(gateway.activations) == 1)
        draining = asyncio.create_task(kit.worker.drain())
        await asyncio.sleep(0.01)
        key = gateway.add_job(JOB_TYPE)  # answered while the worker is closing the poll
        await draining
        assert [type(c) for c in gateway.commands_for(key)] in ([], [FailCommand])
        assert gateway.job(key).state is JobState.AVAILABLE


async def test_a_poll_that_is_held_open_makes_its_subscription_ready() -> None:
    async with working(connector(Counting()), stream_enabled=False, request_timeout_seconds=600) as kit:
        await kit.until(lambda: kit.worker.ready)


async def test_a_stream_alone_is_ready_once_it_stands() -> None:
    async with working(connector(Counting()), poll_enabled=False) as kit:
        await kit.until(lambda: kit.worker.ready)
        key = kit.gateway.add_job(JOB_TYPE)
        await kit.until(lambda: kit.gateway.job(key).finished)
        assert kit.gateway.activations == []


async def test_errors_of_the_stream_are_shown() -> None:
    async with working(connector(Counting())) as kit:
        await kit.until(lambda: kit.gateway.open_streams == 1)
        kit.gateway.faults.inject("stream", GatewayStatus.UNAVAILABLE, times=None)
        kit.gateway.faults.inject("activate", GatewayStatus.UNAVAILABLE, times=None)
        kit.gateway.end_streams(GatewayError(GatewayStatus.UNAVAILABLE, "connection reset"))
        await kit.until(lambda: not kit.worker.subscriptions()[0].ready)
