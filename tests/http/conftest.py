"""An engine that is closed after the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from coupler.http.engine import Engine


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    yield engine
    await engine.close()
