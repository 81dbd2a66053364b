"""A server that speaks S3, for all tests, and a connector and a bucket for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from coupler.documents.files import FileDocumentStore
from coupler.documents.service import Documents
from coupler.http.engine import Engine
from coupler_s3 import S3Connector
from tests.connectors.kit import Bench
from tests.connectors.s3.kit import Place


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a moto server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A connector with a document store."""
    engine = Engine()
    store = FileDocumentStore(tmp_path / "documents")
    connector = S3Connector()
    yield Bench(connector, engine, Documents(store, engine))
    await connector.close()
    await engine.close()
    await store.close()


@pytest.fixture
def place(bench: Bench, moto: str) -> Place:
    """A bucket on moto."""
    return Place(bench, moto)
