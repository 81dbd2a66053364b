"""The fake gateway keeps the rules that workers rely on."""

from __future__ import annotations

import asyncio

import pytest

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, StreamRequest
from coupler.testing import FakeGateway, JobState, ManualClock, UnexpectedFailure

POLL = ActivateRequest("t", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=-1)
LONG_POLL = ActivateRequest("t", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=30)


def manual() -> FakeGateway:
    return FakeGateway(clock=ManualClock())


async def test_a_lease_that_ends_makes_the_job_available_with_its_retries() -> None:
    gateway = manual()
    key = gateway.add_job("t", {"a": 1}, retries=5)
    await gateway.activate(POLL)

    gateway.advance(59)
    assert await gateway.activate(POLL) == []
    gateway.advance(1)
    (again,) = await gateway.activate(POLL)

    assert (again.key, again.retries, gateway.job(key).activations) == (key, 5, 2)


async def test_update_timeout_moves_the_end_of_the_lease() -> None:
    gateway = manual()
    key = gateway.add_job("t")
    await gateway.activate(POLL)
    gateway.advance(50)
    await gateway.update_timeout(key, 60)
    gateway.advance(50)
    assert gateway.job(key).state is JobState.ACTIVE
    gateway.advance(10)
    assert gateway.job(key).state is JobState.AVAILABLE


async def test_a_failed_job_comes_back_after_its_backoff_and_is_an_incident_at_zero_retries() -> None:
    gateway = manual()
    key = gateway.add_job("t")
    await gateway.activate(POLL)
    await gateway.fail(key, retries=1, message="no", backoff_seconds=5)

    assert await gateway.activate(POLL) == []
    gateway.advance(5)
    (job,) = await gateway.activate(POLL)
    assert job.retries == 1
    await gateway.fail(key, retries=0, message="no")

    assert gateway.job(key).state is JobState.INCIDENT


async def test_a_finished_job_is_not_found() -> None:
    gateway = FakeGateway()
    key = gateway.add_job("t")
    await gateway.activate(POLL)
    await gateway.complete(key, '{"x":1}')
    with pytest.raises(GatewayError) as caught:
        await gateway.complete(key, "{}")
    assert caught.value.status is GatewayStatus.NOT_FOUND
    assert gateway.job(key).variables == {"x": 1}
    assert len(gateway.commands_for(key)) == 1


async def test_long_poll_returns_when_a_job_arrives_or_the_time_is_up() -> None:
    gateway = manual()
    poll = asyncio.ensure_future(gateway.activate(LONG_POLL))
    await asyncio.sleep(0.01)
    assert not poll.done()
    key = gateway.add_job("t")
    assert [job.key for job in await poll] == [key]

    empty = asyncio.ensure_future(gateway.activate(LONG_POLL))
    await asyncio.sleep(0.01)
    gateway.advance(30)
    assert await empty == []


async def test_long_poll_on_the_real_clock_sees_a_backoff_end() -> None:
    gateway = FakeGateway()
    key = gateway.add_job("t")
    await gateway.activate(POLL)
    await gateway.fail(key, retries=1, message="no", backoff_seconds=0.02)
    (job,) = await gateway.activate(LONG_POLL)
    assert job.key == key


async def test_a_stream_gets_only_jobs_that_became_available_while_it_was_open() -> None:
    gateway = FakeGateway()
    before = gateway.add_job("t")
    stream = gateway.stream(StreamRequest("t", "w", 60))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    after = gateway.add_job("t")

    assert (await first).key == after
    assert [job.key for job in await gateway.activate(POLL)] == [before]
    await stream.aclose()
    assert gateway.open_streams == 0


async def test_unread_jobs_of_a_closed_stream_go_to_polls() -> None:
    gateway = FakeGateway()
    stream = gateway.stream(StreamRequest("t", "w", 60))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    gateway.add_job("t")
    second = gateway.add_job("t")
    await first
    assert await gateway.activate(POLL) == []
    await stream.aclose()
    assert [job.key for job in await gateway.activate(POLL)] == [second]


async def test_a_blocked_stream_leaves_jobs_to_polls() -> None:
    gateway = FakeGateway(stream_capacity=2)
    stream = gateway.stream(StreamRequest("t", "w", 60))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    keys = [gateway.add_job("t") for _ in range(5)]

    assert (await first).key == keys[0]
    assert [job.key for job in await gateway.activate(POLL)] == keys[2:]
    assert (await anext(stream)).key == keys[1]
    await stream.aclose()


async def test_streams_end_with_an_error_or_without() -> None:
    gateway = FakeGateway()
    for error in (None, GatewayError(GatewayStatus.UNAVAILABLE, "gone")):
        stream = gateway.stream(StreamRequest("t", "w", 60))
        read = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.01)
        gateway.end_streams(error)
        with pytest.raises((StopAsyncIteration, GatewayError)) as caught:
            await read
        assert isinstance(caught.value, GatewayError) is (error is not None)


async def test_faults_strike_by_call_count_and_after_application() -> None:
    gateway = FakeGateway()
    key = gateway.add_job("t")
    gateway.faults.inject("activate", GatewayStatus.BACKPRESSURE, times=None, every=2)
    await gateway.activate(POLL)
    with pytest.raises(GatewayError):
        await gateway.activate(POLL)
    gateway.faults.clear()
    gateway.faults.inject("complete", GatewayStatus.UNAVAILABLE, applied=True)

    with pytest.raises(GatewayError):
        await gateway.complete(key, "{}")

    assert gateway.job(key).state is JobState.COMPLETED
    with pytest.raises(ValueError, match="no call 'finish'"):
        gateway.faults.inject("finish")


async def test_drain_fails_at_once_with_the_first_failure() -> None:
    gateway = FakeGateway()
    gateway.add_job("t")
    key = gateway.add_job("t")
    await gateway.activate(POLL)
    drained = asyncio.ensure_future(gateway.drain())
    await asyncio.sleep(0)
    await gateway.fail(key, retries=2, message="boom")
    with pytest.raises(UnexpectedFailure, match="boom"):
        await drained


async def test_drain_names_what_is_left() -> None:
    gateway = FakeGateway()
    key = gateway.add_job("t")
    with pytest.raises(TimeoutError, match=rf"{key} \(t, available\)"):
        await gateway.drain(timeout_seconds=0.01)
    await gateway.activate(POLL)
    await gateway.complete(key, "{}")
    await gateway.drain()


async def test_only_fetched_variables_and_own_tenants() -> None:
    gateway = FakeGateway()
    gateway.add_job("t", {"a": 1, "b": 2})
    gateway.add_job("t", tenant_id="other")
    jobs = await gateway.activate(ActivateRequest("t", "w", 60, 10, fetch_variables=("a",)))
    assert [(job.variables, job.tenant_id) for job in jobs] == [('{"a":1}', "<default>")]
    jobs = await gateway.activate(ActivateRequest("t", "w", 60, 10, tenant_ids=("other",)))
    assert [job.tenant_id for job in jobs] == ["other"]
