"""Fixtures of the drop-in tests: one engine and one worker, the other system, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.client import Client, connect
from tests.e2e.processes import Engine, Worker
from tests.templates.echo import Echo
from tests.templates.runner import Runner


@pytest.fixture(scope="session")
def dropin_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with a worker."""
    with Engine(tmp_path_factory.mktemp("engine")) as engine:
        documents = str(tmp_path_factory.mktemp("documents"))
        env = {"SECRET_TOKEN": "hunter2-4711", "COUPLER_DOCUMENTS__FOLDER": documents}
        with Worker(tmp_path_factory.mktemp("worker"), engine.address, env=env):
            yield engine


@pytest.fixture(scope="session")
def echo() -> Iterator[Echo]:
    """The other system."""
    with Echo() as echo:
        yield echo


@pytest_asyncio.fixture
async def client(dropin_engine: Engine, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of the engine."""
    async with connect(dropin_engine.address, tmp_path) as client:
        yield client


@pytest.fixture
def run(client: Client, dropin_engine: Engine, request: pytest.FixtureRequest) -> Runner:
    """Runs a task under a process id that is the test's own."""
    name = f"{request.path.stem}-{request.node.name}"
    return Runner(client, dropin_engine, "".join(letter if letter.isalnum() else "-" for letter in name))
