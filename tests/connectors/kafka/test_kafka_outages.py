"""A broker that is killed, stopped or frozen under load: what the engine is told is what is in the topic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.kafka.broker import Broker, running
from tests.connectors.kafka.cluster import create_topic, new_topic
from tests.connectors.kafka.delivery import account
from tests.connectors.kafka.stores import World

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path, World().for_broker(tmp_path)) as started:
        yield started


@pytest.fixture
def topic(broker: Broker) -> str:
    return create_topic(broker.servers(), new_topic())


@pytest.mark.parametrize("idempotent", [False, True])
async def test_killed_and_restarted_within_the_limit(broker: Broker, topic: str, idempotent: bool) -> None:
    async def during() -> None:
        for _ in range(2):
            await asyncio.sleep(2)
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(1)
            await asyncio.to_thread(broker.start)
        await asyncio.sleep(2)

    found = await account(
        broker.servers(), topic, during, properties={"enable.idempotence": idempotent}, settle_seconds=1
    )
    print(f"\nkilled twice, idempotent {idempotent}: {found}")
    assert (found.lost, found.late, found.failed) == (0, 0, 0)
    assert found.completed == found.jobs > 1000
    if idempotent:
        assert found.duplicates == 0


async def test_stopped_and_restarted(broker: Broker, topic: str) -> None:
    async def during() -> None:
        await asyncio.sleep(2)
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start)
        await asyncio.sleep(2)

    found = await account(broker.servers(), topic, during, settle_seconds=1)
    print(f"\nstopped and restarted: {found}")
    assert (found.lost, found.late, found.failed) == (0, 0, 0)


@pytest.mark.parametrize("idempotent", [False, True])
async def test_gone_for_longer_than_the_limit(broker: Broker, topic: str, idempotent: bool) -> None:
    """Jobs fail, and what failed does not turn up when the broker is back."""

    async def during() -> None:
        await asyncio.sleep(2)
        await asyncio.to_thread(broker.stop)
        await asyncio.sleep(8)
        await asyncio.to_thread(broker.start)
        await asyncio.sleep(3)

    properties = {"delivery.timeout.ms": 3000, "enable.idempotence": idempotent}
    found = await account(broker.servers(), topic, during, properties=properties, settle_seconds=6)
    print(f"\ngone for too long, idempotent {idempotent}: {found}")
    assert (found.lost, found.late) == (0, 0)
    assert found.failed > 100
    assert found.completed > 100


async def test_frozen_for_longer_than_the_limit(broker: Broker, topic: str) -> None:
    """A request that was on its way when the broker froze is carried out later: nobody can take it back."""

    async def during() -> None:
        await asyncio.sleep(2)
        broker.freeze()
        await asyncio.sleep(8)
        broker.thaw()
        await asyncio.sleep(3)

    found = await account(broker.servers(), topic, during, properties={"delivery.timeout.ms": 3000}, settle_seconds=6)
    print(f"\nfrozen for too long: {found}")
    assert found.lost == 0
    assert found.failed > 100
