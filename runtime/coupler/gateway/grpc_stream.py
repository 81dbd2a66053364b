"""Jobs pushed over gRPC."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from grpc import aio

from coupler.errors import GatewayError
from coupler.gateway.auth import Authorization
from coupler.gateway.channels import ChannelPool, PooledChannel
from coupler.gateway.grpc_calls import END, authorization_value, note_refusal, open_call
from coupler.gateway.messages import job_from, milliseconds
from coupler.gateway.proto import gateway_pb2 as pb
from coupler.gateway.protocol import Job, StreamRequest
from coupler.gateway.status import gateway_error

_STREAM = ("StreamActivatedJobs", pb.ActivatedJob)


class GrpcJobStream:
    """Pushed jobs, see ``JobStream``. Opened by the first read; one read at a time."""

    __slots__ = ("_authorization", "_call", "_closed", "_pool", "_pooled", "_request", "_value")

    def __init__(self, pool: ChannelPool, request: StreamRequest, authorization: Authorization | None = None) -> None:
        self._pool = pool
        self._authorization = authorization
        self._value: str | None = None
        self._request = request
        self._pooled: PooledChannel | None = None
        self._call: Any = None
        self._closed = False

    def __aiter__(self) -> GrpcJobStream:
        return self

    async def __anext__(self) -> Job:
        """The next job.

        Raises:
            GatewayError: the stream broke.
        """
        if self._closed:
            raise StopAsyncIteration
        try:
            if self._call is None:
                await self._open()
                if self._call is None:
                    raise StopAsyncIteration  # closed meanwhile
            message = await self._call.read()
        except GatewayError:
            await self.aclose()
            raise
        except aio.AioRpcError as error:
            await self.aclose()
            note_refusal(error, self._authorization, self._value)
            raise gateway_error(error, "StreamActivatedJobs") from error
        except asyncio.CancelledError:
            ended_by_us = self._closed or self._call is None or self._call.cancelled()
            await self.aclose()
            task = asyncio.current_task()
            if ended_by_us and task is not None and not task.cancelling():
                raise StopAsyncIteration from None
            raise
        if message is END:
            await self.aclose()
            raise StopAsyncIteration
        return job_from(message, time.monotonic())

    async def aclose(self) -> None:
        """Cancels the call. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._call is not None:
            self._call.cancel()
        if self._pooled is not None:
            self._pooled.release()

    async def _open(self) -> None:
        request = self._request
        message = pb.StreamActivatedJobsRequest(
            type=request.type,
            worker=request.worker,
            timeout=milliseconds(request.lease_seconds),
            fetchVariable=request.fetch_variables,
            tenantIds=request.tenant_ids,
        )
        self._value = await authorization_value(self._authorization)
        if not self._closed:
            self._pooled = self._pool.acquire()
            self._call = open_call(self._pooled, _STREAM, message, self._value, None)
