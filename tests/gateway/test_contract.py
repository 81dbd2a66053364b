"""What every gateway client does, whatever it speaks: gRPC, REST, and the fake that tests of workers rely on.

Each client talks to a ``FakeGateway``: through a gRPC server, through an HTTP server, or directly.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.config import GatewayConfig
from coupler.gateway.connect import connect
from coupler.gateway.protocol import ActivateRequest, Gateway, StreamRequest
from coupler.http.engine import Engine
from coupler.testing import (
    CompleteCommand,
    FailCommand,
    FakeGateway,
    ThrowErrorCommand,
    UpdateTimeoutCommand,
)
from tests.gateway.grpc_front import GrpcFront, until
from tests.gateway.rest_front import RestFront

POLL = ActivateRequest("t", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=5)
STREAM = StreamRequest("t", "w", lease_seconds=60)
NOW = dataclasses.replace(POLL, request_timeout_seconds=-1)


@dataclasses.dataclass
class Subject:
    """A client, the gateway behind it, and what the client's way of talking cannot do."""

    client: Gateway
    backend: FakeGateway
    streams: bool = True
    definitions: bool = True


@pytest.fixture(params=["grpc", "grpc and rest", "rest and grpc", "rest", "fake"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    backend = FakeGateway()
    if request.param == "fake":
        yield Subject(backend, backend)
        return
    engine = Engine()
    async with GrpcFront(backend) as grpc_front, RestFront(backend) as rest_front:
        grpc, rest = grpc_front.address, rest_front.address
        config = {
            "grpc": GatewayConfig(grpc_address=grpc),
            "grpc and rest": GatewayConfig(grpc_address=grpc, rest_address=rest),
            "rest and grpc": GatewayConfig(grpc_address=grpc, rest_address=rest, prefer_rest=True),
            "rest": GatewayConfig(rest_address=rest, prefer_rest=True),
        }[request.param]
        client = connect(config, engine)
        yield Subject(client, backend, streams=request.param != "rest", definitions=request.param != "grpc")
        await client.close()
        await engine.close()


@pytest.fixture
def streaming(subject: Subject) -> Subject:
    """Clients that can stream; for the others, see that they say so."""
    if not subject.streams:
        pytest.skip("REST alone cannot push jobs")
    return subject


async def test_a_job_arrives_whole(subject: Subject) -> None:
    variables = '{"exact":1.50,"big":9007199254740993,"text":"ä\\n\\"q\\""}'
    key = subject.backend.add_job("t", variables, '{"h":"1"}', retries=7, element_id="call", process_id="order")

    (job,) = await subject.client.activate(POLL)

    assert (job.key, job.type, job.retries, job.worker) == (key, "t", 7, "w")
    assert (job.element_id, job.process_id, job.process_definition_version) == ("call", "order", 1)
    assert (job.process_instance_key, job.element_instance_key) == (key + 1, key + 1)
    assert (job.variables, job.custom_headers) == (variables, '{"h":"1"}')
    assert job.tenant_id == "<default>"
    assert job.process_definition_key == 2251799813685248
    assert job.deadline_ms > 0
    assert job.received_at > 0


async def test_no_more_jobs_than_asked_for_and_none_twice(subject: Subject) -> None:
    keys = [subject.backend.add_job("t") for _ in range(25)]
    got = [job.key for _ in range(3) for job in await subject.client.activate(NOW)]
    assert sorted(got) == keys
    assert await subject.client.activate(NOW) == []
    assert [request.max_jobs for request in subject.backend.activations] == [10] * 4


async def test_only_the_variables_and_tenants_asked_for(subject: Subject) -> None:
    subject.backend.add_job("t", {"a": 1, "b": 2}, tenant_id="blue")
    subject.backend.add_job("t", {"a": 1, "b": 2})
    jobs = await subject.client.activate(dataclasses.replace(NOW, fetch_variables=("a",), tenant_ids=("blue",)))
    assert [(job.variables, job.tenant_id) for job in jobs] == [('{"a":1}', "blue")]


async def test_a_long_poll_waits_for_a_job(subject: Subject) -> None:
    poll = asyncio.ensure_future(subject.client.activate(POLL))
    await until(lambda: len(subject.backend.activations) == 1)
    key = subject.backend.add_job("t")
    assert [job.key for job in await poll] == [key]


async def test_a_long_poll_ends_empty_when_its_time_is_up(subject: Subject) -> None:
    assert await subject.client.activate(dataclasses.replace(POLL, request_timeout_seconds=0.05)) == []


async def test_commands_reach_the_job(subject: Subject) -> None:
    keys = [subject.backend.add_job("t") for _ in range(5)]
    await subject.client.activate(POLL)
    client = subject.client

    await client.complete(keys[0], '{"x":1.50}')
    await client.fail(keys[1], retries=2, message="no: ä", backoff_seconds=1.5, variables='{"error":{"code":"400"}}')
    await client.fail(keys[2], retries=0, message="")
    await client.throw_error(keys[3], code="E1", message="why", variables='{"y":9007199254740993}')
    await client.throw_error(keys[4], code="E2")

    assert subject.backend.commands == [
        CompleteCommand(keys[0], '{"x":1.50}'),
        FailCommand(keys[1], 2, "no: ä", 1.5, '{"error":{"code":"400"}}'),
        FailCommand(keys[2], 0, "", 0.0, None),
        ThrowErrorCommand(keys[3], "E1", "why", '{"y":9007199254740993}'),
        ThrowErrorCommand(keys[4], "E2", "", None),
    ]


async def test_a_lease_is_extended(subject: Subject) -> None:
    key = subject.backend.add_job("t")
    await subject.client.activate(POLL)
    await subject.client.update_timeout(key, 12.25)
    assert subject.backend.commands == [UpdateTimeoutCommand(key, 12.25)]


async def test_a_job_that_is_gone_is_not_found(subject: Subject) -> None:
    client = subject.client
    for command in (
        client.complete(1, "{}"),
        client.fail(1, retries=0, message=""),
        client.throw_error(1, code="E"),
        client.update_timeout(1, 5),
    ):
        with pytest.raises(GatewayError) as caught:
            await command
        assert caught.value.status is GatewayStatus.NOT_FOUND


@pytest.mark.parametrize("status", [s for s in GatewayStatus if s is not GatewayStatus.NOT_FOUND])
async def test_every_status_comes_through(subject: Subject, status: GatewayStatus) -> None:
    client = subject.client
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "activate": lambda: client.activate(POLL),
        "complete": lambda: client.complete(1, "{}"),
        "fail": lambda: client.fail(1, retries=0, message=""),
        "throw_error": lambda: client.throw_error(1, code="E"),
        "update_timeout": lambda: client.update_timeout(1, 5),
        "topology": client.topology,
    }
    for name, call in calls.items():
        subject.backend.faults.inject(name, status)
        with pytest.raises(GatewayError, match="injected") as caught:
            await call()
        assert caught.value.status is status


async def test_the_topology_is_known(subject: Subject) -> None:
    topology = await subject.client.topology()
    (broker,) = topology.brokers
    (partition,) = broker.partitions
    assert (broker.node_id, broker.address, broker.version) == (0, "localhost:26501", "8.8.0")
    assert (partition.id, partition.leader, partition.healthy) == (1, True, True)
    assert (topology.gateway_version, topology.partitions_count, topology.healthy) == ("8.8.0", 1, True)


async def test_a_stream_delivers_what_becomes_available_while_it_is_open(streaming: Subject) -> None:
    async with aclosing(streaming.client.stream(STREAM)) as stream:
        read = asyncio.ensure_future(anext(stream))
        await until(lambda: streaming.backend.open_streams == 1)
        keys = [streaming.backend.add_job("t", {"n": n}) for n in range(20)]
        got = [(await read).key] + [(await anext(stream)).key for _ in range(19)]
        assert got == keys
    await until(lambda: streaming.backend.open_streams == 0)


async def test_a_waiting_read_ends_when_its_stream_is_closed(streaming: Subject) -> None:
    stream = streaming.client.stream(STREAM)
    read = asyncio.ensure_future(anext(stream))
    await until(lambda: streaming.backend.open_streams == 1)
    await stream.aclose()
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await read
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_stream_closed_before_its_first_read_is_never_opened(streaming: Subject) -> None:
    stream = streaming.client.stream(STREAM)
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert streaming.backend.open_streams == 0


@pytest.mark.parametrize("error", [None, GatewayError(GatewayStatus.UNAVAILABLE, "restarting")])
async def test_a_stream_ends_with_the_gateways_error_or_without(streaming: Subject, error: GatewayError | None) -> None:
    stream = streaming.client.stream(STREAM)
    read = asyncio.ensure_future(anext(stream))
    await until(lambda: streaming.backend.open_streams == 1)
    streaming.backend.end_streams(error)
    with pytest.raises(StopAsyncIteration if error is None else GatewayError):
        await read
    await stream.aclose()


async def test_without_grpc_a_stream_says_so(subject: Subject) -> None:
    if subject.streams:
        pytest.skip("this client can stream")
    async with aclosing(subject.client.stream(STREAM)) as stream:
        with pytest.raises(GatewayError, match=r"gateway\.grpc_address") as caught:
            await anext(stream)
    assert caught.value.status is GatewayStatus.UNIMPLEMENTED


async def test_the_definition_xml_needs_rest(subject: Subject) -> None:
    subject.backend.definitions[5] = "<definitions>ä</definitions>"
    if subject.definitions:
        assert await subject.client.process_definition_xml(5) == "<definitions>ä</definitions>"
    with pytest.raises(GatewayError) as caught:
        await subject.client.process_definition_xml(6)
    assert caught.value.status is (GatewayStatus.NOT_FOUND if subject.definitions else GatewayStatus.UNIMPLEMENTED)


async def test_a_closed_client_refuses(subject: Subject) -> None:
    await subject.client.close()
    await subject.client.close()
    for call in (subject.client.activate(POLL), subject.client.complete(1, "{}"), subject.client.topology()):
        with pytest.raises(GatewayError) as caught:
            await call
        assert caught.value.status is GatewayStatus.UNAVAILABLE


async def test_a_cancelled_poll_is_cancelled(subject: Subject) -> None:
    poll = asyncio.ensure_future(subject.client.activate(POLL))
    await until(lambda: len(subject.backend.activations) == 1)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
