"""An engine that is closed after the test, with both ways through aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from coupler.http.engine import Engine
from coupler.http.wire import Wire


@pytest_asyncio.fixture(params=["wire", "session"])
async def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    assert Wire.fits(), "the installed aiohttp should allow the short way"
    if request.param == "session":
        monkeypatch.setattr(Wire, "fits", staticmethod(lambda: False))
    engine = Engine()
    yield engine
    await engine.close()
