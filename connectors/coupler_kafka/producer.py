"""One started producer of aiokafka: sending, closing, and giving up without delivering later. Imports aiokafka."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    KafkaError,
    MessageSizeTooLargeError,
    UnknownError,
    UnknownTopicOrPartitionError,
)
from aiokafka.partitioner import DefaultPartitioner  # type: ignore[import-untyped]

from coupler_kafka.connection import Connection
from coupler_kafka.diagnosis import explained, spoils_producer
from coupler_kafka.diary import Diary
from coupler_kafka.doubt import doubtful, in_doubt
from coupler_kafka.encoding import Record
from coupler_kafka.topics import Topics

log = logging.getLogger("coupler.connectors.kafka")

_PATIENCE: Final = 3  # times the delivery limit: a record waits for a request that is under way, then for its own


@dataclass(slots=True, frozen=True)
class Sent:
    """Where a record is; -1 where the brokers were not asked to say (``acks=0``)."""

    topic: str
    timestamp: int
    offset: int
    partition: int


class Producer:
    """Serves all jobs of one connection. Made by ``start_producer``; used on one event loop."""

    def __init__(self, client: AIOKafkaProducer, connection: Connection, diary: Diary, unknown_topic_seconds: float):
        self.client = client
        self._connection = connection
        self._diary = diary
        self._topics = Topics(client.client, connection, diary, unknown_topic_seconds)
        self._partitioner = DefaultPartitioner()
        self._limit_seconds = connection.delivery_seconds * (1 if connection.idempotent else _PATIENCE)
        self._aborting: asyncio.Task[None] | None = None
        self.spoilt = False

    async def send(self, record: Record) -> Sent:
        """Sends and waits for the acknowledgement.

        Raises:
            ConnectorError: the record is not in the topic and will not be; or, where the error says so, nobody knows.
        """
        started_at = time.monotonic()
        try:
            return await self._sent(record)
        except (KafkaError, TimeoutError, ValueError, AssertionError) as error:
            self.spoilt = self.spoilt or spoils_producer(error) or self._topics.none_left
            raise explained(error, record.topic, self._diary.since(started_at)) from error

    async def partitions(self, topic: str) -> set[int]:
        """The partitions of a topic.

        Raises:
            ConnectorError: nobody knows it.
        """
        started_at = time.monotonic()
        try:
            await self._topics.wait_for(topic)
        except KafkaError as error:
            raise explained(error, topic, self._diary.since(started_at)) from error
        found: set[int] = self.client.client.cluster.partitions_for_topic(topic)
        return found

    async def close(self, limit_seconds: float) -> None:
        """Lets records that are under way arrive, for as long as the limit; then gives up."""
        stopping = asyncio.ensure_future(self.client.stop())
        await asyncio.wait([stopping], timeout=limit_seconds)
        if not stopping.done():
            stopping.cancel()
            await asyncio.wait([stopping])
            await self.abort("The Kafka producer was closed before the record was acknowledged")
        elif not stopping.cancelled() and stopping.exception() is not None:
            log.warning("A Kafka producer failed to close: %r", stopping.exception())

    async def abort(self, reason: str) -> None:
        """Closes without delivering what waits: those records fail now and do not turn up later.

        aiokafka has no call for this: its ``stop`` delivers first. What is done here is what its own sender does when
        it fails (``Sender._fail_all``), and the order matters: connections first, so that nothing more leaves.
        """
        self.spoilt = True
        client = self.client
        client._closed = True
        waiting = client._message_accumulator
        waiting.fail_all(KafkaError(reason))
        for batches in waiting._batches.values():
            for batch in batches:
                batch._drain_waiter.exception()  # seen: perhaps nobody waits for room in this batch
        await client.client.close()
        with suppress(KafkaError, asyncio.CancelledError):
            await client._sender.close()
        await client.client.close()

    async def _sent(self, record: Record) -> Sent:
        topic = record.topic
        if self.client.client.cluster.partitions_for_topic(topic) is None:
            await self._topics.wait_for(topic)
        timestamp = int(time.time() * 1000)
        acknowledged = await self.client.send(
            topic, value=record.value, key=record.key, timestamp_ms=timestamp, headers=record.headers
        )
        try:
            metadata = await self._delivered(acknowledged)
        except (MessageSizeTooLargeError, UnknownError) as error:
            # The brokers judge a batch as a whole. Alone in one, this record answers for itself only.
            try:
                metadata = await self._delivered(await self._alone(record, timestamp))
            except KafkaError as second:
                raise (doubtful(second) if in_doubt(error) else second) from error
        if metadata is None:
            return Sent(topic, timestamp, -1, -1)
        # Of a batch with the producers' own time, aiokafka reports the time of the first record for all of them.
        at = timestamp if metadata.timestamp_type == 0 else metadata.timestamp
        return Sent(topic, at, metadata.offset, metadata.partition)

    async def _delivered(self, acknowledged: asyncio.Future[Any]) -> Any:
        """Waits for the verdict of aiokafka, which ends the life of a batch itself, except when it is idempotent."""
        limit = asyncio.get_running_loop().call_later(self._limit_seconds, self._expire, acknowledged)
        try:
            return await acknowledged
        finally:
            limit.cancel()

    def _expire(self, acknowledged: asyncio.Future[Any]) -> None:
        if not acknowledged.done() and self._aborting is None:
            self._aborting = asyncio.create_task(
                self.abort("The record was not acknowledged within delivery.timeout.ms")
            )

    async def _alone(self, record: Record, timestamp: int) -> asyncio.Future[Any]:
        cluster = self.client.client.cluster
        batch = self.client.create_batch()
        batch.append(key=record.key, value=record.value, timestamp=timestamp, headers=record.headers)
        batch.close()
        every = list(cluster.partitions_for_topic(record.topic) or ())
        if not every:
            raise UnknownTopicOrPartitionError
        partition = self._partitioner(record.key, every, list(cluster.available_partitions_for_topic(record.topic)))
        return await self.client.send_batch(batch, record.topic, partition=partition)  # type: ignore[no-any-return]


__all__ = ["Producer", "Sent"]
