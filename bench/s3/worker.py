"""A worker with the S3 and the REST connector on a gateway in memory, and jobs for both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from bench.s3 import rclone
from coupler.documents.files import FileDocumentStore
from coupler.documents.service import Documents
from coupler.http.engine import Engine
from coupler.registry import Registered, Registry
from coupler.sdk import Connector
from coupler.secrets.resolution import Secrets
from coupler.telemetry.metrics import JobMetrics
from coupler.testing import FakeGateway
from coupler.worker.config import WorkerConfig
from coupler.worker.worker import Worker
from coupler_rest import RestConnector
from coupler_s3 import S3Connector

BUCKET: Final = "bench"
CONCURRENT: Final = 200
REST_JOBS_PER_SECOND: Final = 100


class Lent:
    """What the runtime lends."""

    def __init__(self) -> None:
        self.http_engine = Engine()

    def http(self) -> Any:
        """Nobody asks for it here."""
        raise NotImplementedError


def registered(name: str, connector: Connector[Any]) -> Registered:
    """As if it had been installed."""
    return Registered(name, "bench", connector.type, connector.name, connector)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[tuple[FakeGateway, Documents]]:
    """A worker with both connectors."""
    lent, store = Lent(), FileDocumentStore(folder / "documents")
    documents = Documents(store, lent.http_engine)
    registry = Registry([registered("s3", S3Connector()), registered("rest", RestConnector())])
    gateway = FakeGateway()
    worker = Worker(
        registry=registry,
        gateway=gateway,
        secrets=Secrets([]),
        resources=lent,
        metrics=JobMetrics(CollectorRegistry()),
        config=WorkerConfig(max_jobs_active=CONCURRENT, drain_seconds=30.0),
        documents=documents,
    )
    await registry.open_all(lent)
    await worker.start()
    try:
        yield gateway, documents
    finally:
        await worker.drain()
        await registry.close_all()
        await gateway.close()
        await lent.http_engine.close()
        await store.close()


def s3_job(gateway: FakeGateway, url: str, action: str, **given: Any) -> int:
    """Adds a job; its key."""
    variables = {
        "actionDiscriminator": action,
        "authentication": {"accessKey": rclone.ACCESS_KEY, "secretKey": rclone.SECRET_KEY},
        "configuration": {"region": "us-east-1", "endpoint": url},
        "action": {"bucket": BUCKET, **given},
    }
    return gateway.add_job(S3Connector.type, variables, {"resultVariable": "result"})


async def rest_jobs(gateway: FakeGateway, port: int) -> None:
    """Adds jobs until it is cancelled."""
    variables = {"url": f"http://127.0.0.1:{port}/orders", "method": "POST", "body": {"id": 1}}
    while True:
        gateway.add_job(RestConnector.type, variables)
        await asyncio.sleep(1 / REST_JOBS_PER_SECOND)


def inline(content: str) -> dict[str, str]:
    """A document that stands in the variables."""
    return {"camunda.document.type": "inline", "content": content, "name": "x.txt", "contentType": "text/plain"}


__all__ = ["BUCKET", "CONCURRENT", "REST_JOBS_PER_SECOND", "inline", "rest_jobs", "s3_job", "working"]
