"""Long polls and streams over real gRPC."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from coupler.gateway.proto import gateway_pb2 as pb
from tests.embedded.bpmn import one_task
from tests.embedded.served import Served, served

PATIENCE_SECONDS = 20


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    """An engine with one process deployed."""
    async with served() as found:
        await found.engine.deploy("p.bpmn", one_task())
        yield found


def open_stream(gateway: Served, worker: str = "w", timeout: int = 60_000) -> Any:
    """Asks for jobs to be pushed."""
    request = pb.StreamActivatedJobsRequest(type="work", worker=worker, timeout=timeout)
    return gateway.streaming("StreamActivatedJobs", request, pb.ActivatedJob)


async def opened(gateway: Served, streams: int) -> None:
    """Waits until the engine knows that many streams."""
    await until(lambda: gateway.engine.dispatch.waiting("work")[1] == streams)


async def polling(gateway: Served, polls: int, job_type: str = "work") -> None:
    """Waits until the engine knows that many waiting polls."""
    await until(lambda: gateway.engine.dispatch.waiting(job_type)[0] == polls)


async def leased_when_blocked(gateway: Served) -> int:
    """How many jobs are leased once a stream that nobody reads takes no more: ten looks in a row find the same."""
    looks: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(looks) < 10 or not looks[-1] or len(set(looks[-10:])) > 1:
            await asyncio.sleep(0.1)
            looks.append(states(gateway).get("leased", 0))
    return looks[-1]


async def until(condition: Any) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


def states(gateway: Served) -> dict[str, int]:
    """Jobs by state."""
    return dict(gateway.engine.view().jobs)


async def test_a_poll_is_answered_as_soon_as_a_job_comes(gateway: Served) -> None:
    poll = asyncio.create_task(gateway.activate(requestTimeout=60_000))
    await polling(gateway, 1)
    await gateway.engine.create_instance("p", {"x": 1})
    (job,) = await asyncio.wait_for(poll, PATIENCE_SECONDS)
    assert (job.variables, job.worker, job.retries, job.elementId) == ('{"x":1}', "tester", 3, "task")
    assert job.deadline > time.time() * 1000


@pytest.mark.parametrize("request_timeout", [-1, 30])
async def test_a_poll_without_jobs_ends_empty(gateway: Served, request_timeout: int) -> None:
    assert await asyncio.wait_for(gateway.activate(requestTimeout=request_timeout), PATIENCE_SECONDS) == []


async def test_each_of_many_waiting_polls_gets_a_job(gateway: Served) -> None:
    polls = [asyncio.create_task(gateway.activate(max_jobs=1, requestTimeout=60_000)) for _ in range(20)]
    await polling(gateway, 20)
    for _ in range(20):
        await gateway.engine.create_instance("p")
    answers = await asyncio.wait_for(asyncio.gather(*polls), PATIENCE_SECONDS)
    assert len({job.key for jobs in answers for job in jobs}) == 20


async def test_a_poll_that_is_given_up_does_not_take_the_job_along(gateway: Served) -> None:
    first = asyncio.create_task(gateway.activate(requestTimeout=60_000))
    await polling(gateway, 1)
    second = asyncio.create_task(gateway.activate(requestTimeout=60_000))
    await polling(gateway, 2)
    first.cancel()
    await polling(gateway, 1)  # until the engine has heard of it
    await gateway.engine.create_instance("p")
    (job,) = await asyncio.wait_for(second, PATIENCE_SECONDS)
    assert job.retries == 3


async def test_a_large_batch_comes_in_several_messages(gateway: Served) -> None:
    for _ in range(8):
        await gateway.engine.create_instance("p", {"big": "x" * 900_000})
    request = pb.ActivateJobsRequest(type="work", worker="w", timeout=60_000, maxJobsToActivate=10, requestTimeout=-1)
    answers = gateway.streaming("ActivateJobs", request, pb.ActivateJobsResponse)
    sizes = [len(answer.jobs) async for answer in answers]
    assert sum(sizes) == 8
    assert len(sizes) == 8, "one message each: two would be larger than the megabyte that a message may have"


async def test_a_poll_that_is_given_up_half_way_hands_back_what_did_not_go_out(gateway: Served) -> None:
    for _ in range(16):
        await gateway.engine.create_instance("p", {"big": "x" * 900_000})
    request = pb.ActivateJobsRequest(type="work", worker="w", timeout=60_000, maxJobsToActivate=20, requestTimeout=-1)
    poll = gateway.streaming("ActivateJobs", request, pb.ActivateJobsResponse)
    blocked = await leased_when_blocked(gateway)
    assert blocked < 16, "jobs are leased as the client reads"
    poll.cancel()
    await until(lambda: states(gateway)["leased"] == blocked - 1)


async def test_a_stream_gets_new_jobs_and_not_those_from_before(gateway: Served) -> None:
    before = await gateway.engine.create_instance("p")
    stream = open_stream(gateway)
    await opened(gateway, 1)
    after = await gateway.engine.create_instance("p")
    job = await asyncio.wait_for(stream.read(), PATIENCE_SECONDS)
    assert job.processInstanceKey == after
    (polled,) = await gateway.activate()
    assert polled.processInstanceKey == before
    stream.cancel()


async def test_streams_share_the_jobs(gateway: Served) -> None:
    streams = [open_stream(gateway, worker) for worker in "ab"]
    await opened(gateway, 2)
    for _ in range(10):
        await gateway.engine.create_instance("p")
    await until(lambda: states(gateway) == {"leased": 10})
    received: list[int] = []

    async def read(stream: Any) -> None:
        while (job := await stream.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
            received.append(job.key)

    readers = [asyncio.create_task(read(stream)) for stream in streams]
    await until(lambda: len(received) >= 10)
    await gateway.engine.stop()  # ends the streams, once all is written
    await asyncio.wait_for(asyncio.gather(*readers), PATIENCE_SECONDS)
    assert len(set(received)) == len(received) == 10


async def test_a_job_of_a_client_that_does_not_read_stays_for_others(gateway: Served) -> None:
    """One lease waits in the write; what no stream takes is there for a poll."""
    large = {"big": "x" * 100_000}
    stream = open_stream(gateway)
    await opened(gateway, 1)
    for _ in range(100):
        await gateway.engine.create_instance("p", large)
    leased = await leased_when_blocked(gateway)
    assert leased < 90, "the default window of a client is 4 MiB: some 40 of these jobs"
    polled = await gateway.activate(max_jobs=100, requestTimeout=5_000)
    assert len(polled) >= 100 - leased - 1
    stream.cancel()


async def test_a_job_that_was_not_delivered_is_handed_back_at_once(gateway: Served) -> None:
    stream = open_stream(gateway)
    await opened(gateway, 1)
    for _ in range(60):
        await gateway.engine.create_instance("p", {"big": "x" * 100_000})
    blocked = await leased_when_blocked(gateway)
    assert blocked < 60
    stream.cancel()
    await opened(gateway, 0)
    assert states(gateway)["leased"] == blocked - 1, "the one in the write came back, those on the wire wait"
    assert {job.retries for job in await gateway.activate(max_jobs=60)} == {3}


async def test_a_failed_job_is_pushed_again(gateway: Served) -> None:
    stream = open_stream(gateway)
    await opened(gateway, 1)
    await gateway.engine.create_instance("p")
    job = await asyncio.wait_for(stream.read(), PATIENCE_SECONDS)
    fail = pb.FailJobRequest(jobKey=job.key, retries=2, retryBackOff=20, variables='{"seen":1}')
    await gateway.call("FailJob", fail, pb.FailJobResponse)
    again = await asyncio.wait_for(stream.read(), PATIENCE_SECONDS)
    assert (again.key, again.retries, again.variables) == (job.key, 2, '{"seen":1}')
    stream.cancel()


async def test_a_lease_that_ends_makes_the_job_available_again(gateway: Served) -> None:
    await gateway.engine.create_instance("p")
    (job,) = await gateway.activate(timeout=20)
    (again,) = await gateway.activate(requestTimeout=PATIENCE_SECONDS * 1000)
    assert (again.key, again.retries) == (job.key, 3)


async def test_stopping_ends_streams_and_polls(gateway: Served) -> None:
    stream = open_stream(gateway)
    poll = asyncio.create_task(gateway.activate("other", requestTimeout=600_000))
    await opened(gateway, 1)
    await polling(gateway, 1, "other")
    reading = asyncio.create_task(stream.read())
    await asyncio.wait_for(gateway.engine.stop(), PATIENCE_SECONDS)
    assert await asyncio.wait_for(poll, PATIENCE_SECONDS) == []
    assert await asyncio.wait_for(reading, PATIENCE_SECONDS) == grpc.aio.EOF  # type: ignore[attr-defined]


async def test_waiting_costs_nothing(gateway: Served) -> None:
    streams = [open_stream(gateway) for _ in range(5)]
    polls = [asyncio.create_task(gateway.activate(f"type-{n}", requestTimeout=60_000)) for n in range(20)]
    await opened(gateway, 5)
    for n in range(20):
        await polling(gateway, 1, f"type-{n}")
    before = time.process_time()
    await asyncio.sleep(1)
    assert time.process_time() - before < 0.1
    for call in (*streams, *polls):
        call.cancel()
