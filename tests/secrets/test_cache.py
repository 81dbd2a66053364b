from __future__ import annotations

import asyncio
import gc

import pytest

from coupler.secrets.cache import TtlCache


class Loader:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def __call__(self, key: str) -> str:
        self.calls.append(key)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return f"{key}{len(self.calls)}"


async def test_entries_grow_old() -> None:
    now = [0.0]
    load = Loader()
    cache = TtlCache(load, ttl_seconds=10, clock=lambda: now[0])

    assert [await cache.get("a"), await cache.get("a")] == ["a1", "a1"]
    now[0] = 10
    assert await cache.get("a") == "a2"


async def test_callers_share_one_call_and_one_that_leaves_does_not_take_it_along() -> None:
    # Given three callers of one key
    load = Loader()
    load.gate.clear()
    cache = TtlCache(load, ttl_seconds=0)
    callers = [asyncio.ensure_future(cache.get("a")) for _ in range(3)]
    await asyncio.sleep(0)

    # When the first one is cancelled
    callers[0].cancel()
    await asyncio.sleep(0)
    load.gate.set()

    # Then the others have their answer, from one call, and nothing was kept
    assert [await caller for caller in callers[1:]] == ["a1", "a1"]
    assert await cache.get("a") == "a2"


async def test_failures_are_not_kept() -> None:
    load = Loader()
    load.failure = OSError("away")
    cache = TtlCache(load, ttl_seconds=None)
    with pytest.raises(OSError, match="away"):
        await cache.get("a")

    load.failure = None
    assert await cache.get("a") == "a2"


async def test_a_failure_that_nobody_waits_for_is_not_reported() -> None:
    load = Loader()
    load.gate.clear()
    load.failure = OSError("away")
    caller = asyncio.ensure_future(TtlCache(load, ttl_seconds=None).get("a"))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    load.gate.set()
    await asyncio.sleep(0.01)
    gc.collect()  # an exception that was never retrieved would be reported here, and fail the test


async def test_the_oldest_entries_give_way() -> None:
    load = Loader()
    cache = TtlCache(load, ttl_seconds=None, max_size=2)
    for key in ("a", "b", "a", "c"):
        await cache.get(key)

    assert "b" not in cache
    assert await cache.get("a") == "a1"
    cache.clear()
    assert await cache.get("a") == "a4"
