"""The gateway over gRPC, with calls written on the channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from grpc import aio

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.auth import Authorization
from coupler.gateway.channels import ChannelFactory, ChannelPool, stream_options
from coupler.gateway.config import GatewayConfig
from coupler.gateway.grpc_calls import (
    END,
    SERVICE,
    authorization_value,
    metadata_of,
    note_refusal,
    open_call,
    serialize,
)
from coupler.gateway.grpc_stream import GrpcJobStream
from coupler.gateway.messages import job_from, milliseconds, topology_from
from coupler.gateway.proto import gateway_pb2 as pb
from coupler.gateway.protocol import ActivateRequest, Job, StreamRequest, Topology
from coupler.gateway.status import gateway_error

_ACTIVATE = ("ActivateJobs", pb.ActivateJobsResponse)


class GrpcGateway:
    """A ``Gateway`` over gRPC. Must be made and used in one event loop.

    Commands have a connection of their own, so that they never queue behind jobs; long polls and streams are spread
    over as many connections as needed. A lost connection comes back by itself, with backoff, for ever; calls made
    meanwhile fail at once with ``UNAVAILABLE``.
    """

    def __init__(self, config: GatewayConfig, authorization: Authorization | None = None) -> None:
        self._config = config
        self._authorization = authorization
        factory = ChannelFactory(config)
        self._commands = factory()
        self._polls = ChannelPool(factory, config.calls_per_channel)
        self._streams = ChannelPool(factory, config.calls_per_channel, stream_options(config))
        self._closed = False
        self._complete = self._command("CompleteJob", pb.CompleteJobResponse)
        self._fail = self._command("FailJob", pb.FailJobResponse)
        self._throw_error = self._command("ThrowError", pb.ThrowErrorResponse)
        self._update_timeout = self._command("UpdateJobTimeout", pb.UpdateJobTimeoutResponse)
        self._topology = self._command("Topology", pb.TopologyResponse)

    async def activate(self, request: ActivateRequest) -> list[Job]:
        """Long polling. Jobs that arrived before the call broke are returned: their leases run already."""
        pooled = self._polls.acquire()
        jobs: list[Job] = []
        value: str | None = None
        try:
            value = await authorization_value(self._authorization)
            call = open_call(pooled, _ACTIVATE, _activation(request), value, self._deadline(request))
            while (batch := await call.read()) is not END:
                now = time.monotonic()
                jobs.extend([job_from(message, now) for message in batch.jobs])
        except aio.AioRpcError as error:
            note_refusal(error, self._authorization, value)
            if not jobs:
                raise gateway_error(error, "ActivateJobs") from error
        except asyncio.CancelledError:
            self._raise_if_closed("ActivateJobs")
            raise
        finally:
            pooled.release()
        return jobs

    def stream(self, request: StreamRequest) -> GrpcJobStream:
        """Jobs pushed by the gateway; a job crosses only when it is asked for, the rest waits at the gateway."""
        return GrpcJobStream(self._streams, request, self._authorization)

    async def complete(self, job_key: int, variables: str) -> None:
        """CompleteJob."""
        await self._send("CompleteJob", self._complete, pb.CompleteJobRequest(jobKey=job_key, variables=variables))

    async def fail(
        self, job_key: int, *, retries: int, message: str, backoff_seconds: float = 0.0, variables: str | None = None
    ) -> None:
        """FailJob."""
        request = pb.FailJobRequest(
            jobKey=job_key,
            retries=retries,
            errorMessage=message,
            retryBackOff=milliseconds(backoff_seconds),
            variables=variables or "",
        )
        await self._send("FailJob", self._fail, request)

    async def throw_error(self, job_key: int, *, code: str, message: str = "", variables: str | None = None) -> None:
        """ThrowError."""
        request = pb.ThrowErrorRequest(jobKey=job_key, errorCode=code, errorMessage=message, variables=variables or "")
        await self._send("ThrowError", self._throw_error, request)

    async def update_timeout(self, job_key: int, lease_seconds: float) -> None:
        """UpdateJobTimeout."""
        request = pb.UpdateJobTimeoutRequest(jobKey=job_key, timeout=milliseconds(lease_seconds))
        await self._send("UpdateJobTimeout", self._update_timeout, request)

    async def topology(self) -> Topology:
        """Topology."""
        return topology_from(await self._send("Topology", self._topology, pb.TopologyRequest()))

    async def process_definition_xml(self, key: int) -> str:
        """Always fails: the gRPC API cannot say it."""
        raise GatewayError(
            GatewayStatus.UNIMPLEMENTED,
            f"the XML of process definition {key} can be read only over REST: set gateway.rest_address",
        )

    async def close(self) -> None:
        """Closes all connections; calls in flight fail with ``UNAVAILABLE``, streams end."""
        self._closed = True
        await self._polls.close()
        await self._streams.close()
        await self._commands.close(None)
        if self._authorization is not None:
            await self._authorization.close()

    def _command(self, name: str, response: type[Message]) -> Any:
        return self._commands.unary_unary(
            SERVICE + name, request_serializer=serialize, response_deserializer=response.FromString
        )

    async def _send(self, name: str, command: Callable[..., Any], request: Message) -> Any:
        if self._closed:
            raise _closed(name)
        try:
            if self._authorization is None:
                return await command(request, timeout=self._config.request_timeout_seconds)
            return await self._send_authorized(self._authorization, command, request)
        except aio.AioRpcError as error:
            raise gateway_error(error, name) from error
        except asyncio.CancelledError:
            self._raise_if_closed(name)
            raise

    async def _send_authorized(
        self, authorization: Authorization, command: Callable[..., Any], request: Message
    ) -> Any:
        """A refused token is replaced once."""
        timeout = self._config.request_timeout_seconds
        value = await authorization.value()
        try:
            return await command(request, timeout=timeout, metadata=metadata_of(value))
        except aio.AioRpcError as error:
            if not note_refusal(error, authorization, value):
                raise
        return await command(request, timeout=timeout, metadata=metadata_of(await authorization.value()))

    def _deadline(self, request: ActivateRequest) -> float:
        held = request.request_timeout_seconds
        if held <= 0:  # the gateway's own default, or long polling off
            held = self._config.request_timeout_seconds
        return held + self._config.request_timeout_offset_seconds

    def _raise_if_closed(self, name: str) -> None:
        """gRPC ends the calls of a closed channel like cancelled ones; the caller's task was not cancelled, though."""
        task = asyncio.current_task()
        if self._closed and task is not None and not task.cancelling():
            raise _closed(name) from None


def _activation(request: ActivateRequest) -> Message:
    return pb.ActivateJobsRequest(
        type=request.type,
        worker=request.worker,
        timeout=milliseconds(request.lease_seconds),
        maxJobsToActivate=request.max_jobs,
        fetchVariable=request.fetch_variables,
        requestTimeout=milliseconds(request.request_timeout_seconds),
        tenantIds=request.tenant_ids,
    )


def _closed(name: str) -> GatewayError:
    return GatewayError(GatewayStatus.UNAVAILABLE, f"{name}: the gateway client is closed")
