"""A gRPC server in front of a ``FakeGateway``: real sockets, the real protocol, one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import aio

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.proto import gateway_pb2 as pb
from coupler.gateway.protocol import ActivateRequest, Job, StreamRequest
from coupler.testing import FakeGateway

CODES = {
    GatewayStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    GatewayStatus.BACKPRESSURE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    GatewayStatus.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    GatewayStatus.UNIMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    GatewayStatus.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    GatewayStatus.REJECTED: grpc.StatusCode.INVALID_ARGUMENT,
}

Handler = Callable[[Any, Any], Any]


@dataclass(slots=True, frozen=True)
class Call:
    """One call as the server saw it."""

    name: str
    request: Any
    metadata: dict[str, str | bytes]
    time_remaining: float | None
    peer: str


class GrpcFront:
    """Serves a ``FakeGateway``. ``overrides`` replaces single calls by ``async def handler(request, context)``."""

    def __init__(
        self,
        backend: FakeGateway | None = None,
        *,
        credentials: grpc.ServerCredentials | None = None,
        options: list[tuple[str, Any]] | None = None,
    ) -> None:
        self.backend = backend or FakeGateway()
        self.calls: list[Call] = []
        self.overrides: dict[str, Handler] = {}
        self.port = 0
        self._credentials = credentials
        self._options = options or []
        self._server: Any = None

    @property
    def address(self) -> str:
        """The URL to connect to."""
        return f"{'https' if self._credentials else 'http'}://localhost:{self.port}"

    async def __aenter__(self) -> GrpcFront:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens on a free port, or on the one it had before."""
        self._server = aio.server(options=[("grpc.so_reuseport", 0), *self._options])
        self._server.add_generic_rpc_handlers([_handlers(self)])
        target = f"localhost:{self.port}"
        if self._credentials is None:
            self.port = self._server.add_insecure_port(target)
        else:
            self.port = self._server.add_secure_port(target, self._credentials)
        await self._server.start()

    async def stop(self) -> None:
        """Cuts all connections."""
        await self._server.stop(0)

    def named(self, name: str) -> list[Call]:
        """The calls of one RPC."""
        return [call for call in self.calls if call.name == name]

    async def unary(self, name: str, request: Any, context: Any) -> Any:
        """Any unary call."""
        self._record(name, request, context)
        try:
            if name in self.overrides:
                return await self.overrides[name](request, context)
            return await _UNARY[name](self.backend, request)
        except GatewayError as error:
            return await context.abort(CODES[error.status], str(error))

    async def activate(self, request: Any, context: Any) -> None:
        """ActivateJobs."""
        self._record("ActivateJobs", request, context)
        try:
            if "ActivateJobs" in self.overrides:
                await self.overrides["ActivateJobs"](request, context)
                return
            jobs = await self.backend.activate(_activation(request))
        except GatewayError as error:
            await context.abort(CODES[error.status], str(error))
        else:
            for start in range(0, len(jobs), 3):  # more than one batch, to see that all are read
                await context.write(pb.ActivateJobsResponse(jobs=[message_from(j) for j in jobs[start : start + 3]]))

    async def stream(self, request: Any, context: Any) -> None:
        """StreamActivatedJobs."""
        self._record("StreamActivatedJobs", request, context)
        try:
            if "StreamActivatedJobs" in self.overrides:
                await self.overrides["StreamActivatedJobs"](request, context)
                return
            async for job in self._pushed(request):
                await context.write(message_from(job))
        except GatewayError as error:
            await context.abort(CODES[error.status], str(error))

    async def _pushed(self, request: Any) -> AsyncIterator[Job]:
        wanted = StreamRequest(
            request.type, request.worker, request.timeout / 1000, tuple(request.fetchVariable), tuple(request.tenantIds)
        )
        async with aclosing(self.backend.stream(wanted)) as jobs:
            async for job in jobs:
                yield job

    def _record(self, name: str, request: Any, context: Any) -> None:
        metadata = dict(context.invocation_metadata())
        self.calls.append(Call(name, request, metadata, context.time_remaining(), context.peer()))


def _handlers(front: GrpcFront) -> Any:
    handlers: dict[str, Any] = {name: _unary_handler(front, name) for name in _UNARY}
    handlers["ActivateJobs"] = _stream_handler(front.activate, pb.ActivateJobsRequest)
    handlers["StreamActivatedJobs"] = _stream_handler(front.stream, pb.StreamActivatedJobsRequest)
    return grpc.method_handlers_generic_handler("gateway_protocol.Gateway", handlers)


def _unary_handler(front: GrpcFront, name: str) -> Any:
    async def unary(request: Any, context: Any) -> Any:
        return await front.unary(name, request, context)

    return grpc.unary_unary_rpc_method_handler(
        unary,
        request_deserializer=getattr(pb, f"{name}Request").FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _stream_handler(handler: Handler, request: Any) -> Any:
    return grpc.unary_stream_rpc_method_handler(
        handler,
        request_deserializer=request.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


def _activation(request: Any) -> ActivateRequest:
    return ActivateRequest(
        request.type,
        request.worker,
        request.timeout / 1000,
        request.maxJobsToActivate,
        tuple(request.fetchVariable),
        request.requestTimeout / 1000,
        tuple(request.tenantIds),
    )


def message_from(job: Job) -> Any:
    """A job as it travels."""
    return pb.ActivatedJob(
        key=job.key,
        type=job.type,
        processInstanceKey=job.process_instance_key,
        bpmnProcessId=job.process_id,
        processDefinitionVersion=job.process_definition_version,
        processDefinitionKey=job.process_definition_key,
        elementId=job.element_id,
        elementInstanceKey=job.element_instance_key,
        customHeaders=job.custom_headers,
        worker=job.worker,
        retries=job.retries,
        deadline=job.deadline_ms,
        variables=job.variables,
        tenantId=job.tenant_id,
    )


async def _complete(backend: FakeGateway, request: Any) -> Any:
    await backend.complete(request.jobKey, request.variables)
    return pb.CompleteJobResponse()


async def _fail(backend: FakeGateway, request: Any) -> Any:
    await backend.fail(
        request.jobKey,
        retries=request.retries,
        message=request.errorMessage,
        backoff_seconds=request.retryBackOff / 1000,
        variables=request.variables or None,
    )
    return pb.FailJobResponse()


async def _throw_error(backend: FakeGateway, request: Any) -> Any:
    await backend.throw_error(
        request.jobKey, code=request.errorCode, message=request.errorMessage, variables=request.variables or None
    )
    return pb.ThrowErrorResponse()


async def _update_timeout(backend: FakeGateway, request: Any) -> Any:
    await backend.update_timeout(request.jobKey, request.timeout / 1000)
    return pb.UpdateJobTimeoutResponse()


async def _topology(backend: FakeGateway, _request: Any) -> Any:
    topology = await backend.topology()
    brokers = []
    for broker in topology.brokers:
        host, _, port = broker.address.rpartition(":")
        partitions = [
            pb.Partition(
                partitionId=p.id, role="LEADER" if p.leader else "FOLLOWER", health="HEALTHY" if p.healthy else "DEAD"
            )
            for p in broker.partitions
        ]
        brokers.append(
            pb.BrokerInfo(
                nodeId=broker.node_id, host=host, port=int(port), version=broker.version, partitions=partitions
            )
        )
    return pb.TopologyResponse(
        brokers=brokers,
        clusterSize=len(brokers),
        partitionsCount=topology.partitions_count,
        gatewayVersion=topology.gateway_version,
    )


_UNARY: dict[str, Callable[[FakeGateway, Any], Awaitable[Any]]] = {
    "CompleteJob": _complete,
    "FailJob": _fail,
    "ThrowError": _throw_error,
    "UpdateJobTimeout": _update_timeout,
    "Topology": _topology,
}


async def until(condition: Callable[[], bool], limit_seconds: float = 20.0) -> None:
    """Waits for something that is about to happen."""
    async with asyncio.timeout(limit_seconds):
        while not condition():
            await asyncio.sleep(0.005)
