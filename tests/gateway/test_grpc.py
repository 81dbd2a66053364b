"""The gRPC client against a real gRPC server."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from contextlib import aclosing
from typing import Any

import grpc
import pytest

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.config import GatewayConfig
from coupler.gateway.grpc import GrpcGateway
from coupler.gateway.proto import gateway_pb2 as pb
from coupler.gateway.protocol import ActivateRequest, Job, StreamRequest
from coupler.gateway.retry import retry_command
from tests.gateway.grpc_front import GrpcFront, until

POLL = ActivateRequest("t", "w", lease_seconds=60, max_jobs=10, request_timeout_seconds=5)
STREAM = StreamRequest("t", "w", lease_seconds=60)


async def connected(front: GrpcFront, **settings: Any) -> GrpcGateway:
    config = GatewayConfig(grpc_address=front.address, reconnect_initial_seconds=0.05, reconnect_max_seconds=0.2)
    return GrpcGateway(dataclasses.replace(config, **settings))


async def test_every_field_of_a_job_arrives() -> None:
    async with GrpcFront() as front, aclosing_gateway(front) as gateway:
        sent = pb.ActivatedJob(
            key=1,
            type="t",
            processInstanceKey=2,
            bpmnProcessId="p",
            processDefinitionVersion=3,
            processDefinitionKey=4,
            elementId="e",
            elementInstanceKey=5,
            customHeaders='{"h":"1"}',
            worker="w",
            retries=6,
            deadline=7,
            variables='{"v":0.10}',
        )

        async def answer(_request: Any, context: Any) -> None:
            await context.write(pb.ActivateJobsResponse(jobs=[sent]))

        front.overrides["ActivateJobs"] = answer
        (job,) = await gateway.activate(POLL)

    assert dataclasses.replace(job, received_at=0) == Job(
        key=1,
        type="t",
        process_instance_key=2,
        process_id="p",
        process_definition_version=3,
        process_definition_key=4,
        element_id="e",
        element_instance_key=5,
        custom_headers='{"h":"1"}',
        worker="w",
        retries=6,
        deadline_ms=7,
        variables='{"v":0.10}',
        tenant_id="<default>",
    )
    assert job.received_at > 0


async def test_requests_carry_what_was_asked_and_a_deadline() -> None:
    async with GrpcFront() as front, aclosing_gateway(front) as gateway:
        front.backend.add_job("t", {"a": 1})
        request = ActivateRequest("t", "me", 30.5, 7, ("a", "b"), 2.5, ("one", "<default>"))
        await gateway.activate(request)
        stream = gateway.stream(StreamRequest("t", "me", 30.5, ("a",), ("one",)))
        read = asyncio.ensure_future(anext(stream))
        await until(lambda: bool(front.named("StreamActivatedJobs")))
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await read
        await gateway.topology()

    (poll,) = front.named("ActivateJobs")
    assert poll.request == pb.ActivateJobsRequest(
        type="t",
        worker="me",
        timeout=30500,
        maxJobsToActivate=7,
        fetchVariable=["a", "b"],
        requestTimeout=2500,
        tenantIds=["one", "<default>"],
    )
    assert poll.time_remaining is not None
    assert 2.5 < poll.time_remaining < 4
    (pushed,) = front.named("StreamActivatedJobs")
    assert pushed.request == pb.StreamActivatedJobsRequest(
        type="t", worker="me", timeout=30500, fetchVariable=["a"], tenantIds=["one"]
    )
    assert pushed.time_remaining is None
    (topology,) = front.named("Topology")
    assert topology.time_remaining is not None
    assert topology.time_remaining < 11
    assert str(topology.metadata["user-agent"]).startswith("coupler/")
    assert len({call.peer for call in front.calls}) == 3  # commands, polls and streams do not share a connection


async def test_a_poll_that_hangs_ends_at_its_deadline() -> None:
    async with GrpcFront() as front:
        gateway = await connected(front, request_timeout_offset_seconds=0.05)

        async def hang(_request: Any, _context: Any) -> None:
            await asyncio.sleep(60)

        front.overrides["ActivateJobs"] = hang
        with pytest.raises(GatewayError, match="ActivateJobs: DEADLINE_EXCEEDED") as caught:
            await gateway.activate(dataclasses.replace(POLL, request_timeout_seconds=0.05))
        assert caught.value.status is GatewayStatus.UNAVAILABLE
        await gateway.close()


async def test_jobs_that_arrived_before_a_poll_broke_are_kept() -> None:
    async with GrpcFront() as front, aclosing_gateway(front) as gateway:

        async def half(_request: Any, context: Any) -> None:
            await context.write(pb.ActivateJobsResponse(jobs=[pb.ActivatedJob(key=1)]))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

        front.overrides["ActivateJobs"] = half
        assert [job.key for job in await gateway.activate(POLL)] == [1]


@pytest.mark.parametrize(
    ("code", "details", "status"),
    [
        ("NOT_FOUND", "no such job", GatewayStatus.NOT_FOUND),
        ("RESOURCE_EXHAUSTED", "overloaded", GatewayStatus.BACKPRESSURE),
        ("RESOURCE_EXHAUSTED", "gRPC message exceeds maximum size 4194304: 5000000", GatewayStatus.REJECTED),
        ("RESOURCE_EXHAUSTED", "Received message larger than max (5 vs. 4)", GatewayStatus.REJECTED),
        ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (5 vs. 4)", GatewayStatus.REJECTED),
        ("CANCELLED", "", GatewayStatus.UNAVAILABLE),
        ("DEADLINE_EXCEEDED", "", GatewayStatus.UNAVAILABLE),
        ("ABORTED", "", GatewayStatus.UNAVAILABLE),
        ("UNAVAILABLE", "", GatewayStatus.UNAVAILABLE),
        ("DATA_LOSS", "", GatewayStatus.UNAVAILABLE),
        ("UNIMPLEMENTED", "", GatewayStatus.UNIMPLEMENTED),
        ("UNAUTHENTICATED", "", GatewayStatus.UNAUTHENTICATED),
        ("PERMISSION_DENIED", "", GatewayStatus.UNAUTHENTICATED),
        ("INVALID_ARGUMENT", "not an object", GatewayStatus.REJECTED),
        ("FAILED_PRECONDITION", "", GatewayStatus.REJECTED),
        ("OUT_OF_RANGE", "", GatewayStatus.REJECTED),
        ("INTERNAL", "unexpected", GatewayStatus.REJECTED),
        ("INTERNAL", "Received RST_STREAM with error code 2", GatewayStatus.UNAVAILABLE),
        ("UNKNOWN", "Stream removed", GatewayStatus.UNAVAILABLE),
    ],
)
async def test_codes_become_statuses(code: str, details: str, status: GatewayStatus) -> None:
    async with GrpcFront() as front, aclosing_gateway(front) as gateway:

        async def refuse(_request: Any, context: Any) -> Any:
            await context.abort(grpc.StatusCode[code], details)

        front.overrides["CompleteJob"] = front.overrides["ActivateJobs"] = refuse
        front.overrides["StreamActivatedJobs"] = refuse
        with pytest.raises(GatewayError, match=f"CompleteJob: {code}") as command:
            await gateway.complete(1, "{}")
        with pytest.raises(GatewayError, match=f"ActivateJobs: {code}") as poll:
            await gateway.activate(POLL)
        with pytest.raises(GatewayError, match=f"StreamActivatedJobs: {code}") as stream:
            await anext(gateway.stream(STREAM))

    assert [caught.value.status for caught in (command, poll, stream)] == [status] * 3


async def test_a_gateway_that_does_not_know_a_call_is_reported_as_such() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("localhost:0")
    await server.start()
    gateway = GrpcGateway(GatewayConfig(grpc_address=f"localhost:{port}"))
    try:
        for call in (gateway.update_timeout(1, 5), gateway.throw_error(1, code="x"), anext(gateway.stream(STREAM))):
            with pytest.raises(GatewayError) as caught:
                await call
            assert caught.value.status is GatewayStatus.UNIMPLEMENTED
    finally:
        await gateway.close()
        await server.stop(0)


async def test_a_command_over_the_servers_limit_is_rejected_not_retried() -> None:
    async with (
        GrpcFront(options=[("grpc.max_receive_message_length", 1000)]) as front,
        aclosing_gateway(front) as gateway,
    ):
        with pytest.raises(GatewayError) as caught:
            await gateway.complete(1, '{"x":"' + "y" * 2000 + '"}')
    assert caught.value.status is GatewayStatus.REJECTED


@pytest.mark.parametrize(("window", "most"), [(64, 5), (8192, 80), (16384, 400)])
async def test_an_unread_stream_lets_the_gateway_push_only_a_few_jobs(window: int, most: int) -> None:
    """Expected are 1, about 45 and about 90, with the job that is read. gRPC's own options let 17,000 pass."""
    written = 0

    async def push(_request: Any, context: Any) -> None:
        nonlocal written
        for key in range(5000):
            await context.write(job_of_240_bytes(key + 1))
            written += 1

    async with GrpcFront() as front:
        gateway = await connected(front, stream_window_bytes=window)
        front.overrides["StreamActivatedJobs"] = push
        async with aclosing(gateway.stream(STREAM)) as stream:
            first = await anext(stream)
            before = -1
            while before != written:  # until the server is stuck
                before = written
                await asyncio.sleep(0.3)
            assert first.key == 1
            assert written < most

            # What was held back arrives as soon as it is asked for, in order.
            keys = [(await anext(stream)).key for _ in range(4999)]
            assert keys == list(range(2, 5001))
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        await gateway.close()


async def test_with_the_smallest_window_a_stream_closed_between_two_reads_loses_nothing() -> None:
    written: list[int] = []

    async def push(_request: Any, context: Any) -> None:
        while True:
            await context.write(job_of_240_bytes(len(written) + 1))
            written.append(len(written) + 1)

    async with GrpcFront() as front, aclosing_gateway(front, stream_window_bytes=64) as gateway:
        front.overrides["StreamActivatedJobs"] = push
        read: list[int] = []
        for _ in range(20):
            async with aclosing(gateway.stream(STREAM)) as stream:
                read += [(await anext(stream)).key for _ in range(10)]
                await asyncio.sleep(0.01)
        assert len(read) == 200
        assert written == sorted(set(read))


def job_of_240_bytes(key: int) -> Any:
    return pb.ActivatedJob(key=key, type="t", variables='{"x":"' + "y" * 210 + '"}', customHeaders="{}")


async def test_unread_streams_do_not_hold_up_the_others_on_their_connection() -> None:
    async def push(request: Any, context: Any) -> None:
        for key in range(100 if request.type == "read" else 5000):
            await context.write(pb.ActivatedJob(key=key + 1, variables='{"x":"' + "y" * 180 + '"}'))

    async with GrpcFront() as front, aclosing_gateway(front) as gateway:
        front.overrides["StreamActivatedJobs"] = push
        stuck = [gateway.stream(StreamRequest(f"stuck-{n}", "w", 60)) for n in range(30)]
        for stream in stuck:
            await anext(stream)
        async with asyncio.timeout(20):
            keys = [job.key async for job in gateway.stream(StreamRequest("read", "w", 60))]
        assert len(keys) == 100
        assert len({call.peer for call in front.calls}) == 1
        for stream in stuck:
            await stream.aclose()


async def test_open_calls_are_spread_over_connections() -> None:
    async with GrpcFront() as front:
        gateway = await connected(front, calls_per_channel=5)
        polls = [asyncio.ensure_future(gateway.activate(POLL)) for _ in range(11)]
        await until(lambda: len(front.calls) == 11)
        assert len({call.peer for call in front.calls}) == 3
        for _ in polls:
            front.backend.add_job("t")
        # One poll may take several jobs; the others are cancelled.
        done, pending = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
        assert sum(len(poll.result()) for poll in done) > 0
        for poll in pending:
            poll.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.gather(*(gateway.activate(dataclasses.replace(POLL, request_timeout_seconds=-1)),))
        assert len({call.peer for call in front.calls}) == 3  # ended calls made room
        await gateway.close()


async def test_a_lost_connection_comes_back_by_itself() -> None:
    async with GrpcFront() as front:
        gateway = await connected(front)
        async with aclosing(gateway.stream(STREAM)) as stream:
            read = asyncio.ensure_future(anext(stream))
            await until(lambda: front.backend.open_streams == 1)
            await front.stop()
            with pytest.raises(GatewayError) as broken:
                await read
            with pytest.raises(GatewayError) as refused:
                await gateway.topology()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)  # a broken stream stays ended
        assert (broken.value.status, refused.value.status) == (GatewayStatus.UNAVAILABLE, GatewayStatus.UNAVAILABLE)

        await front.start()
        key = front.backend.add_job("t")

        async def back() -> list[Job]:
            while True:
                try:
                    return await gateway.activate(POLL)
                except GatewayError:
                    await asyncio.sleep(0.02)

        async with asyncio.timeout(20):
            (job,) = await back()
        assert await retry_command(lambda: gateway.complete(job.key, "{}"), time.monotonic() + 20)
        assert front.backend.commands_for(key)
        await gateway.close()


async def test_a_cut_in_the_middle_of_a_command_is_unavailable() -> None:
    async with GrpcFront() as front:
        gateway = await connected(front)
        arrived = asyncio.Event()

        async def hang(_request: Any, _context: Any) -> Any:
            arrived.set()
            await asyncio.sleep(60)

        front.overrides["CompleteJob"] = hang
        command = asyncio.ensure_future(gateway.complete(1, "{}"))
        await arrived.wait()
        await front.stop()
        with pytest.raises(GatewayError) as caught:
            await command
        assert caught.value.status is GatewayStatus.UNAVAILABLE
        await gateway.close()
        await front.start()


async def test_closing_the_client_ends_what_is_in_flight_without_cancelling_its_callers() -> None:
    async with GrpcFront() as front:
        gateway = await connected(front)
        stream = gateway.stream(STREAM)
        poll = asyncio.ensure_future(gateway.activate(POLL))
        read = asyncio.ensure_future(anext(stream))
        await until(lambda: len(front.calls) == 2)

        await gateway.close()
        await gateway.close()

        with pytest.raises(GatewayError, match="closed"):
            await poll
        with pytest.raises((StopAsyncIteration, GatewayError)):
            await read
        with pytest.raises(GatewayError, match="closed"):
            await gateway.complete(1, "{}")
        with pytest.raises(GatewayError, match="closed"):
            await gateway.activate(POLL)
        with pytest.raises(GatewayError, match="closed"):
            await anext(gateway.stream(STREAM))


async def test_cancelling_a_caller_cancels_its_call() -> None:
    async with GrpcFront() as front, aclosing_gateway(front) as gateway:
        stream = gateway.stream(STREAM)
        tasks = [asyncio.ensure_future(gateway.activate(POLL)), asyncio.ensure_future(anext(stream))]
        await until(lambda: len(front.calls) == 2)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        await until(lambda: front.backend.open_streams == 0)


async def test_without_a_rest_address_there_is_no_definition_xml() -> None:
    gateway = GrpcGateway(GatewayConfig())
    with pytest.raises(GatewayError, match=r"gateway\.rest_address") as caught:
        await gateway.process_definition_xml(1)
    assert caught.value.status is GatewayStatus.UNIMPLEMENTED
    await gateway.close()


class aclosing_gateway:  # noqa: N801 - reads like contextlib.aclosing
    """A connected client that is closed at the end."""

    def __init__(self, front: GrpcFront, **settings: Any) -> None:
        self._front = front
        self._settings = settings

    async def __aenter__(self) -> GrpcGateway:
        self._gateway = await connected(self._front, **self._settings)
        return self._gateway

    async def __aexit__(self, *_: object) -> None:
        await self._gateway.close()
