"""The mock cluster, and consumers that are not our client: librdkafka's."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from confluent_kafka.cimpl import NewTopic


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
        del self._client  # the cluster goes with its client


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
    headers = [(str(pair[0]), bytes(pair[1] or b"")) for pair in message.headers() or []]  # type: ignore[arg-type]
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return Read(message.key(), message.value(), headers, partition, offset, message.timestamp()[1])


def create_topic(servers: str, name: str, partitions: int = 4, **config: str) -> str:
    """Makes a topic, and waits until it is there."""
    admin = AdminClient({"bootstrap.servers": servers})
    (made,) = admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values()
    made.result(30)
    give_up_at = time.monotonic() + 30
    while name not in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < give_up_at, f"the topic {name} did not appear"
        time.sleep(0.05)
    return name


def delete_topic(servers: str, name: str) -> None:
    """Deletes it, and waits until it is gone."""
    admin = AdminClient({"bootstrap.servers": servers})
    (gone,) = admin.delete_topics([name]).values()
    gone.result(30)
    give_up_at = time.monotonic() + 30
    while name in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < give_up_at, f"the topic {name} did not go"
        time.sleep(0.05)


def change_password(servers: str, user: str, password: str) -> None:
    """Gives a SCRAM user another password."""
    admin = AdminClient({"bootstrap.servers": servers})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    changes: list[Any] = [UserScramCredentialUpsertion(user, info, password.encode())]
    for each in admin.alter_user_scram_credentials(changes).values():
        each.result(30)
