from __future__ import annotations

import asyncio

import pytest

from coupler.worker.limits import Slots


async def test_a_slot_goes_to_who_waited_first() -> None:
    slots = Slots(1)
    await slots.acquire()
    order: list[int] = []

    async def take(number: int) -> None:
        await slots.acquire()
        order.append(number)
        slots.release()

    tasks = [asyncio.create_task(take(n)) for n in range(3)]
    await asyncio.sleep(0)
    slots.release()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    assert slots.free == 1


async def test_a_waiter_that_is_cancelled_passes_its_slot_on() -> None:
    slots = Slots(1)
    await slots.acquire()
    task = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    slots.release()  # handed to the task, which has not run yet
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slots.free == 1


async def test_reserve_takes_what_there_is() -> None:
    slots = Slots(3)
    assert slots.reserve(2) == 2
    assert slots.reserve(5) == 1
    assert slots.reserve(1) == 0
    assert slots.used == 3


async def test_until_free_waits_for_a_number_without_taking() -> None:
    slots = Slots(4)
    slots.reserve(4)
    waiting = asyncio.create_task(slots.until_free(2))
    await asyncio.sleep(0)
    slots.release()
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release()
    await waiting
    assert slots.free == 2


async def test_until_free_never_waits_for_more_than_there_are() -> None:
    slots = Slots(2)
    await asyncio.wait_for(slots.until_free(10), 1)


async def test_who_waits_for_a_slot_comes_before_who_waits_for_a_number() -> None:
    slots = Slots(2)
    slots.reserve(2)
    number = asyncio.create_task(slots.until_free(1))
    taker = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    slots.release()
    await taker
    assert not number.done()
    slots.release()
    await number
