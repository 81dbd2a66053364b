"""One producer: its end, its memory of troubles, and what it leaves behind."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any

import pytest

from coupler.errors import ConnectorError
from coupler_kafka.connection import connection
from coupler_kafka.diary import Diary, current, listen
from coupler_kafka.encoding import Record
from coupler_kafka.producer import Producer
from coupler_kafka.settings import KafkaSettings
from coupler_kafka.starting import start_producer
from tests.connectors.kafka.cluster import MockCluster, new_topic
from tests.connectors.kit import Bench

PLAINTEXT = {"security_protocol": "PLAINTEXT"}


async def producer_for(servers: str, **properties: Any) -> Producer:
    named = {name.replace("_", "."): value for name, value in properties.items()}
    # In a task, as the pool does: the diary is found through the context of the producer's tasks.
    return await asyncio.create_task(start_producer(connection(servers, None, named), PLAINTEXT, 1.0))


def record(topic: str) -> Record:
    return Record(topic, b"k", b"v", [])


async def test_closing_lets_what_lingers_arrive(cluster: MockCluster) -> None:
    producer = await producer_for(cluster.servers, linger_ms=200)
    sending = asyncio.create_task(producer.send(record(new_topic())))
    await asyncio.sleep(0.05)
    await producer.close(10.0)
    assert (await sending).offset == 0


@pytest.mark.parametrize("idempotent", [False, True])
async def test_closing_without_brokers_ends_and_says_so(idempotent: bool) -> None:
    """Records that cannot be delivered within the limit fail, and nothing is left to deliver them later."""
    mock = MockCluster()
    topic = new_topic()
    producer = await producer_for(mock.servers, enable_idempotence=idempotent, linger_ms=3_000)
    await asyncio.wait([asyncio.create_task(producer.partitions(topic))])
    sending = asyncio.create_task(producer.send(record(topic)))
    await asyncio.sleep(0.1)
    mock.close()
    started_at = time.monotonic()
    await producer.close(0.5)
    assert time.monotonic() - started_at < 10
    with pytest.raises(ConnectorError, match="closed before the record was acknowledged"):
        await sending


async def test_a_job_that_is_cancelled_leaves_the_producer_as_it_was(cluster: MockCluster) -> None:
    producer = await producer_for(cluster.servers, linger_ms=100)
    topic = new_topic()
    await producer.send(record(topic))
    sending = [asyncio.create_task(producer.send(record(topic))) for _ in range(10)]
    await asyncio.sleep(0.02)
    for each in sending[::2]:
        each.cancel()
    await asyncio.wait(sending)
    assert [each.cancelled() for each in sending] == [True, False] * 5
    assert not producer.spoilt
    await producer.close(10.0)


async def test_an_idempotent_producer_gives_up_at_the_limit() -> None:
    mock = MockCluster()
    topic = new_topic()
    producer = await producer_for(mock.servers, enable_idempotence=True, delivery_timeout_ms=700)
    await producer.send(record(topic))
    mock.close()
    answers = await asyncio.gather(*(producer.send(record(topic)) for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectorError] * 5
    assert producer.spoilt
    with pytest.raises(ConnectorError):
        await producer.send(record(topic))
    await producer.close(1.0)


async def test_a_producer_whose_brokers_have_gone_is_replaced(kafka: Bench) -> None:
    """aiokafka keeps to the brokers it knows; a new producer asks the bootstrap servers again."""
    mock = MockCluster()
    given = {
        "topic": {"bootstrapServers": mock.servers, "topicName": new_topic()},
        "message": {"value": "v"},
        "additionalProperties": {"delivery.timeout.ms": 500},
    }
    await kafka.run(given)
    mock.close()
    with pytest.raises(ConnectorError, match="unreachable: connection refused"):
        await kafka.run(given)
    assert len(kafka.connector._pool) == 0  # type: ignore[attr-defined]
    with pytest.raises(ConnectorError, match="Cannot connect to"):
        await kafka.run(given)


async def test_many_connections_leave_no_sockets_behind(kafka: Bench, cluster: MockCluster) -> None:
    kafka.connector._pool._limit = 3  # type: ignore[attr-defined]
    topic = {"bootstrapServers": cluster.servers, "topicName": new_topic()}
    await kafka.run({"topic": topic, "message": {"value": "v"}})
    before = len(os.listdir("/proc/self/fd"))
    for start in range(0, 40, 10):
        await asyncio.gather(
            *(
                kafka.run(
                    {
                        "topic": topic,
                        "message": {"value": "v"},
                        "additionalProperties": {"client.id": f"client-{number}"},
                    }
                )
                for number in range(start, start + 10)
            )
        )
    pool = kafka.connector._pool  # type: ignore[attr-defined]
    async with asyncio.timeout(60):
        while pool._closings:
            await asyncio.sleep(0.01)
    assert len(pool) == 3
    assert len(os.listdir("/proc/self/fd")) <= before + 3 * 4


async def test_a_batch_size_of_nothing(kafka: Bench, cluster: MockCluster) -> None:
    """Java sends every record alone then; so do we."""
    given = {
        "topic": {"bootstrapServers": cluster.servers, "topicName": new_topic()},
        "message": {"key": "k", "value": "v"},
        "additionalProperties": {"batch.size": 0},
    }
    answers = await asyncio.gather(*(kafka.run(given) for _ in range(5)))
    assert sorted(answer["offset"] for answer in answers) == [0, 1, 2, 3, 4]


async def test_a_listener_that_never_answers(kafka: Bench) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    given = {
        "topic": {"bootstrapServers": address, "topicName": "t"},
        "message": {"value": "v"},
        "additionalProperties": {"max.block.ms": 300},
    }
    with pytest.raises(ConnectorError, match="unreachable: no answer in time"):
        await kafka.run(given)
    server.close()


async def test_servers_that_do_not_answer_do_not_hold_up_the_others(
    kafka: Bench, cluster: MockCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr("coupler_kafka.starting._ONE_SERVER_SECONDS", 0.1)
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    silent = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    one = cluster.servers.split(",")[0]
    for number in range(6):  # their order is random
        given = {
            "topic": {"bootstrapServers": f"{silent},{silent},127.0.0.1:1,{one}", "topicName": new_topic()},
            "message": {"value": "v"},
            "additionalProperties": {"client.id": f"c{number}", "max.block.ms": 10_000},
        }
        await kafka.run(given)
    server.close()


async def test_a_listener_that_is_no_broker(kafka: Bench) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n" * 10)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    given = {"topic": {"bootstrapServers": address, "topicName": "t"}, "message": {"value": "v"}}
    with pytest.raises(ConnectorError, match="Cannot connect to"):
        await kafka.run({**given, "additionalProperties": {"max.block.ms": 2000}})
    server.close()


def test_a_diary_keeps_the_latest_and_lets_a_line_through_once_a_minute() -> None:
    now = [100.0]
    diary = Diary(clock=lambda: now[0])

    def note(error: Exception) -> bool:
        return diary.note(logging.LogRecord("aiokafka", logging.ERROR, "", 0, "Unable: %s", (error,), None))

    first, second = OSError("first"), OSError("second")
    assert note(first)
    now[0] += 30
    assert not note(second)
    assert diary.since(0.0) == [second, first]
    assert diary.since(110.0) == [second]
    now[0] += 31
    assert note(first)


def test_lines_of_others_pass(caplog: pytest.LogCaptureFixture) -> None:
    listen()
    listen()
    log = logging.getLogger("aiokafka")
    assert len(log.filters) == 1
    assert current.get() is None
    for _ in range(3):
        log.warning("a consumer of somebody else")
    assert len(caplog.records) == 3


def test_settings_have_limits() -> None:
    for wrong in ({"max_producers": 0}, {"idle_seconds": 0}, {"close_seconds": -1}, {"check": {"topic": "t"}}):
        with pytest.raises(ValueError, match="validation error"):
            KafkaSettings.model_validate(wrong)
