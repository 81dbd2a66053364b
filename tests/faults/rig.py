"""One fault's surroundings: a gateway on a socket, ``coupler run`` as a process, and the system that jobs call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coupler.testing import JobState
from tests.e2e.bpmn import REST
from tests.e2e.processes import Worker
from tests.faults.gateway import RecordingGateway
from tests.faults.proxy import CuttingProxy
from tests.faults.table import Row
from tests.faults.target import Target
from tests.gateway.grpc_front import GrpcFront

PATIENCE_SECONDS = 120.0
"""Far above what anything here takes; who waits longer has lost something."""


@dataclass(slots=True)
class Rig:
    """What a test needs in its hands."""

    gateway: RecordingGateway
    front: GrpcFront
    proxy: CuttingProxy | None
    target: Target
    worker: Worker
    ids: dict[int, str] = field(default_factory=dict)

    def send(self, count: int, path: str, *, padding: int = 0) -> list[int]:
        """Makes jobs that call a path of the target; returns their keys."""
        keys = []
        for _ in range(count):
            job = f"j-{len(self.ids)}"
            variables = {
                "method": "GET",
                "url": self.target.url + path,
                "authentication": {"type": "noAuth"},
                "headers": {"X-Instance": job},
                "connectionTimeoutInSeconds": 120,
                "readTimeoutInSeconds": 120,
            }
            key = self.gateway.add_job(REST, variables, {"padding": "x" * padding} if padding else {})
            self.ids[key] = job
            keys.append(key)
        return keys

    async def until_finished(self) -> None:
        """Waits until every job is completed or an incident."""
        await self.gateway.drain(timeout_seconds=PATIENCE_SECONDS, expect_failures=True)

    def row(self, fault: str, *, recovered_seconds: float | None = None, remarks: str = "") -> Row:
        """What became of all jobs so far."""
        completed = sum(self.gateway.job(key).state is JobState.COMPLETED for key in self.ids)
        return Row(
            fault=fault,
            sent=len(self.ids),
            completed=completed,
            run_twice=self.target.run_twice,
            recovered_seconds=recovered_seconds,
            remarks=remarks,
        )


@asynccontextmanager
async def rig(
    directory: Path,
    *,
    gateway: RecordingGateway | None = None,
    proxied: bool = False,
    env: Mapping[str, str] | None = None,
    **settings: float,
) -> AsyncIterator[Rig]:
    """A rig with a worker that is ready. ``settings`` are those of the section ``worker``."""
    gateway = gateway or RecordingGateway()
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(GrpcFront(gateway))
        target = await stack.enter_async_context(Target())
        proxy = await stack.enter_async_context(CuttingProxy(front.port)) if proxied else None
        address = f"127.0.0.1:{proxy.port}" if proxy else f"localhost:{front.port}"
        worker = worker_of(directory, address, env=env, **settings)
        await stack.enter_async_context(started(worker))
        yield Rig(gateway, front, proxy, target, worker)


def worker_of(directory: Path, address: str, *, env: Mapping[str, str] | None = None, **settings: float) -> Worker:
    """A worker that has not been started."""
    limits = {
        "COUPLER_HTTP__MAX_CONNECTIONS": "2000",
        "COUPLER_HTTP__MAX_CONNECTIONS_PER_ORIGIN": "2000",
        "COUPLER_WORKER__MAX_JOBS_ACTIVE_TOTAL": "2000",
    }
    wanted = {f"COUPLER_WORKER__{name.upper()}": str(value) for name, value in settings.items()}
    return Worker(directory, address, env=limits | wanted | dict(env or {}))


@asynccontextmanager
async def started(worker: Worker) -> AsyncIterator[Worker]:
    """Starts a worker while this loop serves its gateway; kills it at the end."""
    kind = None
    await asyncio.to_thread(worker.__enter__)
    try:
        yield worker
    except BaseException as error:
        kind = type(error)
        raise
    finally:
        worker.__exit__(kind)


async def restarted(worker: Worker) -> None:
    """Starts it again, and waits until it is ready."""
    worker.start()
    await asyncio.to_thread(worker.wait_until_ready)
