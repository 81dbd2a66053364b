"""The engine over real gRPC, and the independent client pyzeebe to talk to it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import grpc
import grpc.aio
from pyzeebe import ZeebeClient, ZeebeWorker, create_insecure_channel
from pyzeebe.grpc_internals.zeebe_adapter import ZeebeAdapter

from coupler.embedded import EmbeddedEngine, EngineConfig
from coupler.gateway.proto import gateway_pb2 as pb

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Served:
    """A started engine with a channel to it."""

    engine: EmbeddedEngine
    channel: grpc.aio.Channel
    client: ZeebeClient
    adapter: ZeebeAdapter

    async def call(self, method: str, request: Any, response_type: Any, timeout_seconds: float = 10) -> Any:
        """Any unary call, with our own messages."""
        call = self.channel.unary_unary(
            f"/gateway_protocol.Gateway/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response_type.FromString,
        )
        return await call(request, timeout=timeout_seconds)

    def streaming(self, method: str, request: Any, response_type: Any) -> Any:
        """A call that answers with a stream."""
        call = self.channel.unary_stream(
            f"/gateway_protocol.Gateway/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response_type.FromString,
        )
        return call(request)

    async def activate(self, job_type: str = "work", max_jobs: int = 10, **fields: Any) -> list[Any]:
        """Polls once; returns all jobs of all batches."""
        values = {"timeout": 60_000, "requestTimeout": -1, "worker": "tester", **fields}
        request = pb.ActivateJobsRequest(type=job_type, maxJobsToActivate=max_jobs, **values)
        answers = self.streaming("ActivateJobs", request, pb.ActivateJobsResponse)
        return [job async for answer in answers for job in answer.jobs]


def handles(worker: ZeebeWorker, job_type: str) -> Callable[[F], F]:
    """``worker.task`` with a type that a checker can follow."""
    decorator: Callable[[F], F] = cast(Any, worker).task(task_type=job_type)
    return decorator


def lease_seconds_left(engine: EmbeddedEngine, job_key: int) -> float:
    """How long the lease of a job goes on."""
    job = engine.engine.store.jobs.get(job_key)
    assert job is not None
    assert job.state == "leased"
    assert job.due is not None
    return job.due / 1000 - time.time()


@asynccontextmanager
async def served(db_path: Path | None = None) -> AsyncIterator[Served]:
    """Starts an engine on a free port and stops it in the end."""
    engine = EmbeddedEngine(EngineConfig(grpc_port=0, db_path=db_path))
    await engine.start()
    try:
        async with create_insecure_channel(grpc_address=engine.grpc_address) as channel:
            yield Served(engine, channel, ZeebeClient(channel), ZeebeAdapter(channel))
    finally:
        await engine.stop()
