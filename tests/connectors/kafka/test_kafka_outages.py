"""A broker that is killed, stopped or frozen under load: what the engine is told is what is in the topic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from coupler.errors import ConnectorError
from coupler.http.engine import Engine
from coupler_kafka import KafkaConnector
from tests.connectors.kafka.broker import USERS, Broker, running
from tests.connectors.kafka.cluster import change_password, create_topic, delete_topic, new_topic
from tests.connectors.kafka.delivery import account
from tests.connectors.kafka.stores import World
from tests.connectors.kit import Bench, Lent

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.slow]

MECHANISMS = ("plain", "scram-sha-256")


def jaas(mechanism: str) -> str:
    module = {"PLAIN": "plain.PlainLoginModule"}[mechanism]
    return f'org.apache.kafka.common.security.{module} required username="alice" password="{USERS["alice"]}";'


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


async def test_killed_for_longer_than_the_limit(broker: Broker, topic: str) -> None:
    """Only what the broker had taken and not acknowledged when it died can be there, and those failures say so."""

    async def during() -> None:
        await asyncio.sleep(2)
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(8)
        await asyncio.to_thread(broker.start)
        await asyncio.sleep(3)

    found = await account(broker.servers(), topic, during, properties={"delivery.timeout.ms": 3000}, settle_seconds=6)
    print(f"\nkilled for too long: {found}")
    assert (found.lost, found.late) == (0, 0)
    assert found.in_doubt <= 4 * 100  # one request: a batch of 16 KiB for each partition
    assert found.failed > 100
    assert found.completed > 100


async def test_a_topic_that_is_deleted_and_made_again(broker: Broker, topic: str) -> None:
    async def during() -> None:
        await asyncio.sleep(2)
        await asyncio.to_thread(delete_topic, broker.servers(), topic)
        await asyncio.sleep(1)
        await asyncio.to_thread(create_topic, broker.servers(), topic)
        await asyncio.sleep(2)

    found = await account(broker.servers(), topic, during, settle_seconds=1)
    print(f"\ntopic deleted and made again: {found}")
    assert (found.late, found.failed) == (0, 0)
    assert found.completed == found.jobs


async def test_sessions_that_end(tmp_path: Path) -> None:
    """A broker that wants a new login every second (KIP-368) costs nothing but that."""
    limit = {f"listener.name.sasl_plaintext.{each}.connections.max.reauth.ms": "1000" for each in MECHANISMS}
    properties = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas("PLAIN")}

    async def during() -> None:
        await asyncio.sleep(5)

    with running(tmp_path, World().for_broker(tmp_path), **limit) as broker:
        topic = await asyncio.to_thread(create_topic, broker.servers(), new_topic())
        found = await account(broker.servers("SASL_PLAINTEXT"), topic, during, properties=properties, reader=broker)
    print(f"\nsessions of one second: {found}")
    assert (found.lost, found.late, found.failed) == (0, 0, 0)


async def test_credentials_that_change_while_connected(tmp_path: Path) -> None:
    """The failure says so, and the next job connects anew."""
    limit = {f"listener.name.sasl_plaintext.{each}.connections.max.reauth.ms": "500" for each in MECHANISMS}
    with running(tmp_path, World().for_broker(tmp_path), **limit) as broker:
        topic = await asyncio.to_thread(create_topic, broker.servers(), new_topic())
        engine, connector = Engine(), KafkaConnector()
        await connector.open(Lent(engine))
        bench = Bench(connector, engine)
        given = {
            "topic": {"bootstrapServers": broker.servers("SASL_PLAINTEXT"), "topicName": topic},
            "message": {"value": "v"},
            "authentication": {"username": "alice", "password": USERS["alice"]},
            "additionalProperties": {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-256",
                "delivery.timeout.ms": 2000,
            },
        }
        await bench.run(given)
        await asyncio.to_thread(change_password, broker.servers(), "alice", "another")
        await asyncio.sleep(1)
        for _ in range(2):
            with pytest.raises(ConnectorError, match="authentication failed"):
                await bench.run(given)
        await bench.run({**given, "authentication": {"username": "alice", "password": "another"}})
        await connector.close()
        await engine.close()


async def test_frozen_for_longer_than_the_limit(broker: Broker, topic: str) -> None:
    """A request that was on its way when the broker froze is carried out later: nobody can take it back. It is said."""

    async def during() -> None:
        await asyncio.sleep(2)
        broker.freeze()
        await asyncio.sleep(8)
        broker.thaw()
        await asyncio.sleep(3)

    found = await account(broker.servers(), topic, during, properties={"delivery.timeout.ms": 3000}, settle_seconds=6)
    print(f"\nfrozen for too long: {found}")
    assert (found.lost, found.late) == (0, 0)
    assert 0 < found.in_doubt <= 4 * 100
    assert found.failed > 100
