"""REST calls that take their time: long polling, waiting for the end of an instance, clients that hang up."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.embedded.bpmn import model, one_task, start
from tests.embedded.rest import PATIENCE_SECONDS, Rest, rest_served

POLL = {"type": "work", "timeout": 600_000, "maxJobsToActivate": 10, "requestTimeout": 60_000}


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    """An engine with one process deployed."""
    async with rest_served() as found:
        await found.deploy(one_task())
        yield found


async def waiting(rest: Rest, polls: int, job_type: str = "work") -> None:
    """Returns as soon as that many polls wait."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while rest.engine.dispatch.waiting(job_type) != (polls, 0):
            await asyncio.sleep(0.005)


async def test_a_poll_is_answered_when_a_job_comes(rest: Rest) -> None:
    poll = asyncio.create_task(rest.post("/jobs/activation", POLL))
    await waiting(rest, 1)
    instance = await rest.start()
    assert [job["processInstanceKey"] for job in (await poll)["jobs"]] == [instance]


async def test_each_job_goes_to_one_of_many_polls(rest: Rest) -> None:
    polls = [asyncio.create_task(rest.post("/jobs/activation", {**POLL, "maxJobsToActivate": 1})) for _ in range(20)]
    await waiting(rest, 20)
    instances = [await rest.start() for _ in range(20)]
    answers = [await poll for poll in polls]
    assert sorted(job["processInstanceKey"] for answer in answers for job in answer["jobs"]) == sorted(instances)


async def test_a_poll_ends_empty_when_its_time_is_up(rest: Rest) -> None:
    before = time.monotonic()
    assert await rest.post("/jobs/activation", {**POLL, "requestTimeout": 300}) == {"jobs": []}
    assert time.monotonic() - before >= 0.3
    await waiting(rest, 0)


async def test_a_client_that_hangs_up_waits_no_more_and_gets_no_job(rest: Rest) -> None:
    poll = asyncio.create_task(rest.post("/jobs/activation", POLL))
    await waiting(rest, 1)
    poll.cancel()
    await waiting(rest, 0)
    await rest.start()
    assert (await rest.job())["retries"] == 3


async def test_a_job_whose_client_is_gone_when_it_comes_is_handed_back(rest: Rest) -> None:
    # Given a poll whose client hangs up in the very moment in which its job comes
    port = httpx.URL(str(rest.engine.rest_address)).port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(POLL).encode()
    head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(b"POST /v2/jobs/activation HTTP/1.1\r\n" + head.encode() + body)
    await writer.drain()
    await waiting(rest, 1)
    definition = rest.engine.engine.definitions.latest("p")
    rest.engine.engine.create_instance(definition, {})
    writer.transport.abort()

    # Then somebody else gets the job, long before the lease ends
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (jobs := await rest.jobs()):
            await asyncio.sleep(0.01)
    assert [job["retries"] for job in jobs] == [3]


async def test_batches_stay_small_enough_for_clients(rest: Rest) -> None:
    text = "x" * 700_000
    for _ in range(3):
        await rest.start(text=text)
    found: list[Any] = []
    while jobs := await rest.jobs():
        assert len(jobs) == 1
        found += jobs
    assert [job["variables"] for job in found] == [{"text": text}] * 3


async def test_the_end_of_an_instance_is_waited_for(rest: Rest) -> None:
    wish = {"processDefinitionId": "p", "variables": {"a": 1, "b": 2}, "awaitCompletion": True}
    running = asyncio.create_task(rest.post("/process-instances", {**wish, "fetchVariables": ["b", "c"]}))
    (job,) = await rest.jobs(requestTimeout=int(PATIENCE_SECONDS * 1_000))
    await rest.post(f"/jobs/{job['jobKey']}/completion", {"variables": {"c": 3}}, 204)
    answer = await running
    assert (answer["variables"], answer["processInstanceKey"]) == ({"b": 2, "c": 3}, job["processInstanceKey"])


async def test_an_instance_that_ends_at_once(rest: Rest) -> None:
    await rest.deploy(model(start(), flows="", process_id="q"))
    wish = {"processDefinitionId": "q", "variables": {"a": 1}, "awaitCompletion": True}
    assert (await rest.post("/process-instances", wish))["variables"] == {"a": 1}


async def test_an_instance_that_takes_too_long_goes_on(rest: Rest) -> None:
    wish = {"processDefinitionId": "p", "awaitCompletion": True, "requestTimeout": 100}
    problem = await rest.post("/process-instances", wish, 504)
    assert "it goes on" in problem["detail"]
    assert rest.engine.view().active_instances == 1


async def test_an_instance_that_is_cancelled_meanwhile(rest: Rest) -> None:
    wish = {"processDefinitionId": "p", "awaitCompletion": True}
    running = asyncio.create_task(rest.post("/process-instances", wish, 409))
    (job,) = await rest.jobs(requestTimeout=int(PATIENCE_SECONDS * 1_000))
    await rest.post(f"/process-instances/{job['processInstanceKey']}/cancellation", None, 204)
    assert "terminated" in (await running)["detail"]


async def test_an_engine_that_stops_keeps_nobody_waiting(rest: Rest) -> None:
    poll = asyncio.create_task(rest.post("/jobs/activation", {**POLL, "type": "other"}))
    running = asyncio.create_task(
        rest.post("/process-instances", {"processDefinitionId": "p", "awaitCompletion": True}, 503)
    )
    await rest.jobs(requestTimeout=int(PATIENCE_SECONDS * 1_000))
    await waiting(rest, 1, "other")
    before = time.monotonic()
    await rest.engine.stop()
    assert (await poll) == {"jobs": []}
    assert (await running)["detail"] == "The engine is stopping."
    assert time.monotonic() - before < 10
