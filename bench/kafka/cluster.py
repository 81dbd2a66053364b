"""The benchmark's Kafka, a process of its own: librdkafka's mock cluster. Run by ``python -m bench.kafka``."""

from __future__ import annotations

import asyncio
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.control import serve


async def main() -> None:
    """Serves until standard input ends."""
    client = AdminClient({"test.mock.num.brokers": 1, "log_level": 0})
    brokers = client.list_topics(timeout=10).brokers.values()
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    async def count(topic: str) -> dict[str, Any]:
        """How many records a topic has."""
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench"})
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, each), timeout=10)[1] for each in partitions]
        consumer.close()
        return {"records": sum(ends)}

    async def where() -> dict[str, Any]:
        """The bootstrap servers."""
        return {"servers": servers}

    await serve({"port": 0}, {"where": where, "count": count})


if __name__ == "__main__":
    asyncio.run(main())
