"""The mock cluster, and consumers that are not our client: librdkafka's."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient


@dataclass(slots=True)
class Read:
    """A record as a consumer sees it."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int
    offset: int
    timestamp: int


class MockCluster:
    """librdkafka's mock cluster. Topics come into being when they are asked for, with four partitions."""

    def __init__(self, brokers: int = 1) -> None:
        self._client = AdminClient({"test.mock.num.brokers": brokers})
        listed = self._client.list_topics(timeout=10)
        self.servers = ",".join(f"{broker.host}:{broker.port}" for broker in listed.brokers.values())

    def close(self) -> None:
        del self._client


def new_topic(prefix: str = "t") -> str:
    """A name that nobody has used."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def read_all(servers: str, topic: str, at_least: int, seconds: float = 30.0, **config: Any) -> list[Read]:
    """Reads a topic from its beginning until so many records are there and all partitions are at their end."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "auto.offset.reset": "earliest",
            **config,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions}
        consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        wanted = max(at_least, sum(ends.values()))
        found: list[Read] = []
        give_up_at = time.monotonic() + seconds
        while len(found) < wanted and time.monotonic() < give_up_at:
            found += [_read(message) for message in consumer.consume(500, timeout=0.2) if message.error() is None]
        return found
    finally:
        consumer.close()


def _read(message: Message) -> Read:
    headers = [(name, value) for name, value in message.headers() or []]
    return Read(
        message.key(),
        message.value(),
        headers,
        message.partition(),
        message.offset(),
        message.timestamp()[1],
    )
