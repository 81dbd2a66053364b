"""Coupler's own clients of the gateway protocol, gRPC and REST, against the engine: the same answers from both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from coupler.embedded import EmbeddedEngine, EngineConfig
from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.config import GatewayConfig
from coupler.gateway.connect import connect
from coupler.gateway.protocol import ActivateRequest, Gateway
from coupler.http.engine import Engine
from tests.embedded.bpmn import end, model, start, task
from tests.embedded.rest import PATIENCE_SECONDS
from tests.embedded.served import lease_seconds_left

POLL = ActivateRequest("work", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=20)
NOW = replace(POLL, request_timeout_seconds=-1)
CONTENT = model(start(), task("task", headers={"h": "ä"}), end(), flows="start -> task -> end")


@dataclass
class Subject:
    """A client and the engine behind it."""

    client: Gateway
    engine: EmbeddedEngine
    definition_key: int
    rest: bool


@pytest.fixture(params=["grpc", "grpc and rest", "rest and grpc", "rest"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    engine = EmbeddedEngine(EngineConfig(grpc_port=0, rest_port=0))
    await engine.start()
    grpc, rest = f"http://{engine.grpc_address}", engine.rest_address
    config = {
        "grpc": GatewayConfig(grpc_address=grpc),
        "grpc and rest": GatewayConfig(grpc_address=grpc, rest_address=rest),
        "rest and grpc": GatewayConfig(grpc_address=grpc, rest_address=rest, prefer_rest=True),
        "rest": GatewayConfig(rest_address=rest, prefer_rest=True),
    }[request.param]
    http = Engine()
    client = connect(config, http)
    (process,) = await engine.deploy("p.bpmn", CONTENT)
    yield Subject(client, engine, process.key, rest=request.param != "grpc")
    await client.close()
    await http.close()
    await engine.stop()


async def waiting(subject: Subject, polls: int) -> None:
    """Returns as soon as that many polls wait."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while subject.engine.dispatch.waiting("work") != (polls, 0):
            await asyncio.sleep(0.005)


async def status_of(call: object) -> GatewayStatus:
    with pytest.raises(GatewayError) as caught:
        await call  # type: ignore[misc]
    return caught.value.status


async def test_a_job_arrives_whole(subject: Subject) -> None:
    document = {"big": 9007199254740993, "text": 'ä\n"q"'}
    instance = await subject.engine.create_instance("p", document)
    (job,) = await subject.client.activate(POLL)
    assert (job.type, job.worker, job.retries, job.element_id) == ("work", "w", 3, "task")
    assert (job.process_id, job.process_definition_version) == ("p", 1)
    assert (job.process_instance_key, job.process_definition_key) == (instance, subject.definition_key)
    assert (job.variables, job.custom_headers) == ('{"big":9007199254740993,"text":"ä\\n\\"q\\""}', '{"h":"ä"}')
    assert job.tenant_id == "<default>"
    assert job.deadline_ms > 0


async def test_no_more_jobs_than_asked_for_and_none_twice(subject: Subject) -> None:
    instances = [await subject.engine.create_instance("p") for _ in range(25)]
    got = [job.process_instance_key for _ in range(3) for job in await subject.client.activate(NOW)]
    assert sorted(got) == instances
    assert await subject.client.activate(NOW) == []


async def test_a_long_poll_waits_for_a_job(subject: Subject) -> None:
    poll = asyncio.ensure_future(subject.client.activate(POLL))
    await waiting(subject, 1)
    instance = await subject.engine.create_instance("p")
    assert [job.process_instance_key for job in await poll] == [instance]


async def test_a_cancelled_poll_takes_no_job(subject: Subject) -> None:
    poll = asyncio.ensure_future(subject.client.activate(POLL))
    await waiting(subject, 1)
    poll.cancel()
    await waiting(subject, 0)
    await subject.engine.create_instance("p")
    assert len(await subject.client.activate(NOW)) == 1


async def test_commands_reach_the_job(subject: Subject) -> None:
    instances = [await subject.engine.create_instance("p") for _ in range(4)]
    first, second, third, fourth = await subject.client.activate(NOW)
    client = subject.client

    await client.complete(first.key, '{"x":1.50}')
    await client.fail(second.key, retries=2, message="no: ä", variables='{"error":{"code":"400"}}')
    await client.fail(third.key, retries=0, message="broken")
    await client.throw_error(fourth.key, code="E1", message="why", variables='{"y":1}')

    (again,) = await client.activate(NOW)
    assert (again.key, again.retries, again.variables) == (second.key, 2, '{"error":{"code":"400"}}')
    view = subject.engine.view()
    states = {instance.key: (instance.state, instance.variables) for instance in view.instances}
    assert states[instances[0]] == ("completed", '{"x":1.50}')
    incidents = {incident.process_instance_key: (incident.type, incident.message) for incident in view.incidents}
    assert incidents[instances[2]] == ("JOB_NO_RETRIES", "broken")
    assert incidents[instances[3]][0] == "UNHANDLED_ERROR_EVENT"


async def test_a_backoff_is_kept(subject: Subject) -> None:
    await subject.engine.create_instance("p")
    (job,) = await subject.client.activate(NOW)
    before = time.monotonic()
    await subject.client.fail(job.key, retries=1, message="later", backoff_seconds=0.5)
    (again,) = await subject.client.activate(POLL)
    assert time.monotonic() - before > 0.49
    assert again.retries == 1


async def test_a_lease_is_extended_and_cut(subject: Subject) -> None:
    await subject.engine.create_instance("p")
    (job,) = await subject.client.activate(replace(NOW, lease_seconds=20))
    await subject.client.update_timeout(job.key, 60)
    assert 40 < lease_seconds_left(subject.engine, job.key) < 60.1
    assert await subject.client.activate(NOW) == []
    await subject.client.update_timeout(job.key, 0.1)
    (again,) = await subject.client.activate(POLL)
    assert again.key == job.key


async def test_refusals_have_their_status(subject: Subject) -> None:
    client = subject.client
    await subject.engine.create_instance("p")
    (job,) = await client.activate(NOW)
    await client.fail(job.key, retries=0, message="")
    assert await status_of(client.complete(1, "{}")) is GatewayStatus.NOT_FOUND
    assert await status_of(client.fail(1, retries=0, message="")) is GatewayStatus.NOT_FOUND
    assert await status_of(client.throw_error(1, code="E")) is GatewayStatus.NOT_FOUND
    assert await status_of(client.update_timeout(1, 5)) is GatewayStatus.NOT_FOUND
    assert await status_of(client.complete(job.key, "{}")) is GatewayStatus.REJECTED
    assert await status_of(client.complete(job.key, "[1]")) is GatewayStatus.REJECTED
    assert await status_of(client.activate(replace(NOW, tenant_ids=("blue",)))) is GatewayStatus.REJECTED


async def test_the_topology_is_known(subject: Subject) -> None:
    topology = await subject.client.topology()
    (broker,) = topology.brokers
    (partition,) = broker.partitions
    assert (broker.node_id, broker.address) == (0, subject.engine.grpc_address)
    assert (partition.id, partition.leader, partition.healthy, topology.healthy) == (1, True, True, True)


async def test_the_xml_comes_over_rest(subject: Subject) -> None:
    if not subject.rest:
        assert await status_of(subject.client.process_definition_xml(1)) is GatewayStatus.UNIMPLEMENTED
        return
    assert (await subject.client.process_definition_xml(subject.definition_key)).encode() == CONTENT
    assert await status_of(subject.client.process_definition_xml(1)) is GatewayStatus.NOT_FOUND


async def test_an_engine_that_is_gone_is_unavailable(subject: Subject) -> None:
    await subject.engine.stop()
    assert await status_of(subject.client.activate(NOW)) is GatewayStatus.UNAVAILABLE
