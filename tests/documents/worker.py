"""One job through a worker whose documents are given."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from prometheus_client import CollectorRegistry

from coupler.documents.service import Documents
from coupler.registry import Registered, Registry
from coupler.sdk import Connector, Input
from coupler.sdk.context import Resources
from coupler.secrets.resolution import Secrets
from coupler.telemetry.metrics import JobMetrics
from coupler.testing import FakeGateway
from coupler.worker.config import WorkerConfig
from coupler.worker.worker import Worker

JOB_TYPE = "test:documents:1"


class Nothing(Input):
    """An input model that wants nothing."""


async def run_job(
    execute: Any,
    documents: Documents,
    variables: Any = None,
    headers: dict[str, str] | None = None,
    *,
    model: type[Input] = Nothing,
    retries: int = 3,
) -> Any:
    """Runs a job to its first command, and returns the command."""
    body = {"type": JOB_TYPE, "name": "Documents", "Input": model, "execute": staticmethod(execute)}
    connector = cast("Connector[Any]", type("TestConnector", (Connector,), body)())
    gateway = FakeGateway()
    worker = Worker(
        registry=Registry([Registered("documents", "tests", JOB_TYPE, "Documents", connector)]),
        gateway=gateway,
        secrets=Secrets([]),
        resources=cast("Resources", None),
        metrics=JobMetrics(CollectorRegistry()),
        config=WorkerConfig(drain_seconds=5.0),
        documents=documents,
    )
    await worker.start()
    try:
        key = gateway.add_job(JOB_TYPE, variables or {}, headers or {}, retries=retries)
        async with asyncio.timeout(20):
            while not gateway.commands_for(key):
                await asyncio.sleep(0.005)
        return gateway.commands_for(key)[0]
    finally:
        await worker.drain()
        await gateway.close()
