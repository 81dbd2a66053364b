"""A worker on a fake gateway, with connectors made for one test each."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from prometheus_client import CollectorRegistry

from coupler.errors import SecretsUnavailable
from coupler.registry import Registered, Registry
from coupler.sdk import Connector, Input, JobContext
from coupler.sdk.context import Resources
from coupler.secrets.provider import SecretScope
from coupler.secrets.resolution import Secrets
from coupler.telemetry.metrics import JobMetrics
from coupler.testing import FakeGateway, UpdateTimeoutCommand
from coupler.worker.config import WorkerConfig
from coupler.worker.worker import Worker

JOB_TYPE = "test:echo:1"

Execute = Callable[[Any, JobContext], Awaitable[Any]]


class Anything(Input):
    """An input model that takes whatever the test sends."""

    value: Any = None
    number: int = 0


class DictSecrets:
    """A provider over a dict; ``down`` makes it unreachable."""

    name = "dict"

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.down = False

    async def get(self, name: str, scope: SecretScope) -> str | None:
        if self.down:
            raise SecretsUnavailable("dict cannot be reached")
        return self.values.get(name)

    async def close(self) -> None:
        pass


def connector(execute: Any, **attributes: Any) -> Connector[Any]:
    """A connector whose ``execute`` is a function of input and context, or an object with an async ``__call__``."""
    if inspect.iscoroutinefunction(type(execute).__call__):
        execute = execute.__call__
    body = {"type": JOB_TYPE, "name": "Echo", "Input": Anything, **attributes, "execute": staticmethod(execute)}
    return cast("Connector[Any]", type("TestConnector", (Connector,), body)())


def registered(instance: Connector[Any], **overrides: Any) -> Registered:
    """As if the connector had been installed."""
    return Registered("echo", "tests", instance.type, instance.name, instance, **overrides)


@dataclass(slots=True)
class Kit:
    """What a test needs in its hands."""

    gateway: FakeGateway
    worker: Worker
    metrics: JobMetrics

    def outcome_count(self, outcome: str) -> float:
        """The value of ``coupler_jobs_finished_total`` for one outcome."""
        labels = {"job_type": JOB_TYPE, "connector": "Echo", "outcome": outcome}
        return self.metrics.registry.get_sample_value("coupler_jobs_finished_total", labels) or 0.0

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Waits for a condition; the limit is far above what it takes."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.005)

    async def until_extended(self, *keys: int) -> None:
        """Waits until the leases of all these jobs have been extended once more."""

        def extensions(key: int) -> int:
            return sum(isinstance(each, UpdateTimeoutCommand) for each in self.gateway.commands_for(key))

        before = {key: extensions(key) for key in keys}
        await self.until(lambda: all(extensions(key) > before[key] for key in keys))


@asynccontextmanager
async def working(
    *instances: Connector[Any] | Registered,
    gateway: FakeGateway | None = None,
    secrets: DictSecrets | None = None,
    start: bool = True,
    **config: Any,
) -> AsyncIterator[Kit]:
    """A started worker; drained at the end."""
    gateway = gateway or FakeGateway()
    metrics = JobMetrics(CollectorRegistry())
    worker = Worker(
        registry=Registry(i if isinstance(i, Registered) else registered(i) for i in instances),
        gateway=gateway,
        secrets=Secrets([secrets] if secrets else []),
        resources=cast("Resources", None),
        metrics=metrics,
        config=WorkerConfig(**{"drain_seconds": 5.0, **config}),
    )
    if start:
        await worker.start()
    try:
        yield Kit(gateway, worker, metrics)
    finally:
        await worker.drain()
        await gateway.close()


async def echo(bound: Any, context: JobContext) -> Any:
    """Answers the input's value."""
    return bound.value


async def run_one(
    execute: Any = echo,
    variables: Any = None,
    headers: dict[str, str] | None = None,
    *,
    retries: int = 3,
    secrets: DictSecrets | None = None,
    **config: Any,
) -> Any:
    """Runs one job to its first command, and returns the command."""
    instance = execute if isinstance(execute, Connector) else connector(execute)
    async with working(instance, secrets=secrets, **config) as kit:
        key = kit.gateway.add_job(JOB_TYPE, variables if variables is not None else {}, headers or {}, retries=retries)
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        return kit.gateway.commands_for(key)[0]
