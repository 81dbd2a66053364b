"""The pool: one producer a connection, made once, closed when nobody needs it."""

from __future__ import annotations

import asyncio

import pytest

from coupler.errors import ConnectorError
from coupler.testing import ManualClock
from coupler_kafka.pool import Pool


class Fake:
    """A producer that does nothing but remember."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spoilt = False
        self.closed = 0
        self.limit_seconds = 0.0

    async def close(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self.closed += 1


class Factory:
    """Makes producers, slowly, and counts."""

    def __init__(self) -> None:
        self.made: list[Fake] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self) -> Fake:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.made.append(Fake(str(len(self.made))))
        return self.made[-1]


def pool_of(limit: int = 10, clock: ManualClock | None = None) -> Pool[Fake]:
    return Pool(limit, 600.0, 3.0, clock=clock or ManualClock())


async def use(pool: Pool[Fake], factory: Factory, key: str = "k") -> str:
    async with pool.lend(key, factory) as producer:
        await asyncio.sleep(0)
        return producer.name


async def settled(pool: Pool[Fake]) -> None:
    async with asyncio.timeout(60):
        while pool._closings:  # gather over finished tasks would not let their callbacks run
            await asyncio.sleep(0)


async def test_many_who_come_at_once_get_the_same() -> None:
    pool, factory = pool_of(), Factory()
    factory.gate.clear()
    waiting = [asyncio.create_task(use(pool, factory)) for _ in range(50)]
    await asyncio.sleep(0)
    factory.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"0"}
    assert await use(pool, factory, "other") == "1"
    await pool.close()
    assert [each.closed for each in factory.made] == [1, 1]
    assert factory.made[0].limit_seconds == 3.0


async def test_a_failure_is_everyones_and_is_not_kept() -> None:
    pool, factory = pool_of(), Factory()
    factory.error = ConnectorError("no broker")
    answers = await asyncio.gather(*(use(pool, factory) for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in answers] == ["no broker"] * 3
    factory.error = None
    assert await use(pool, factory) == "0"
    await pool.close()


async def test_a_job_that_is_cancelled_while_it_waits_takes_nothing_from_the_others() -> None:
    pool, factory = pool_of(), Factory()
    factory.gate.clear()
    first = asyncio.create_task(use(pool, factory))
    second = asyncio.create_task(use(pool, factory))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    factory.gate.set()
    assert await second == "0"
    assert first.cancelled()
    await pool.close()


async def test_a_failure_that_nobody_waits_for_is_silent() -> None:
    pool, factory = pool_of(), Factory()
    factory.gate.clear()
    factory.error = ConnectorError("no broker")
    only = asyncio.create_task(use(pool, factory))
    await asyncio.sleep(0)
    only.cancel()
    factory.gate.set()
    await asyncio.wait([only])
    while pool._flights:
        await asyncio.sleep(0)
    await pool.close()


async def test_the_least_recently_used_goes_first() -> None:
    pool, factory = pool_of(limit=2), Factory()
    for key in ("a", "b", "a", "c"):
        await use(pool, factory, key)
    await settled(pool)
    assert [each.closed for each in factory.made] == [0, 1, 0]
    assert len(pool) == 2
    await pool.close()


async def test_what_is_in_use_is_closed_when_its_last_job_is_done() -> None:
    pool, factory = pool_of(limit=1), Factory()
    async with pool.lend("a", factory) as one, pool.lend("b", factory) as two:
        assert len(pool) == 1
        assert (one.closed, two.closed) == (0, 0)
    await settled(pool)
    assert (one.closed, two.closed) == (1, 0)
    await pool.close()


async def test_a_spoilt_producer_is_replaced_and_closed_when_nobody_uses_it() -> None:
    pool, factory = pool_of(), Factory()
    async with pool.lend("k", factory) as first:
        async with pool.lend("k", factory) as same:
            assert same is first
            first.spoilt = True
        assert await use(pool, factory) == "1"
        assert first.closed == 0
    await settled(pool)
    assert (first.closed, factory.made[1].closed) == (1, 0)
    await pool.close()


async def test_idle_producers_are_closed() -> None:
    clock = ManualClock()
    pool, factory = pool_of(clock=clock), Factory()
    await use(pool, factory)
    clock.now += 599
    pool.sweep()
    assert len(pool) == 1
    clock.now += 1
    async with pool.lend("k", factory):
        pool.sweep()
        assert len(pool) == 1
    clock.now += 600
    pool.sweep()
    await settled(pool)
    assert factory.made[0].closed == 1
    await pool.close()


async def test_the_sweeper_runs_by_itself() -> None:
    factory = Factory()
    pool: Pool[Fake] = Pool(10, 0.05, 1.0)
    await use(pool, factory)
    async with asyncio.timeout(10):
        while len(pool):
            await asyncio.sleep(0.01)
    await pool.close()
    assert factory.made[0].closed == 1


async def test_a_closed_pool_gives_nothing() -> None:
    pool, factory = pool_of(), Factory()
    factory.gate.clear()
    waiting = asyncio.create_task(use(pool, factory))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(ConnectorError, match="shut down"):
        await use(pool, factory)
    assert factory.made == []
