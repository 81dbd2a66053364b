"""Fixtures of the end-to-end tests: one engine and one worker for all of them, a target and a client for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e import processes
from tests.e2e.client import Client, connect
from tests.e2e.processes import Engine, Worker
from tests.e2e.target import Target


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine."""
    with Engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="session")
def worker(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker on that engine."""
    with Worker(tmp_path_factory.mktemp("worker"), engine.address, env={"SECRET_TOKEN": "hunter2-4711"}) as worker:
        yield worker


@pytest.fixture
def target() -> Iterator[Target]:
    """The other system."""
    with Target() as target:
        yield target


@pytest_asyncio.fixture
async def client(engine: Engine, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of the shared engine."""
    async with connect(engine.address, tmp_path) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Puts the logs of all processes into the report of a failure."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {process.name}", process.log()[-20_000:]) for process in processes.alive]
    processes.alive[:] = [process for process in processes.alive if process.running]
    return report
