"""A GraphQL connector on an engine, closed after the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from coupler.documents.files import FileDocumentStore
from coupler.documents.service import Documents
from coupler.http.engine import Engine
from coupler_graphql import GraphQLConnector
from tests.connectors.kit import Bench


@pytest_asyncio.fixture
async def graphql(tmp_path: Path) -> AsyncIterator[Bench]:
    engine = Engine()
    connector = GraphQLConnector()
    yield Bench(connector, engine, Documents(FileDocumentStore(tmp_path / "documents"), engine))
    await connector.close()
    await engine.close()
