"""The topics that one producer knows of. Imports aiokafka."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from aiokafka.errors import (  # type: ignore[import-untyped]
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from coupler_kafka.connection import Connection
from coupler_kafka.diagnosis import is_authentication
from coupler_kafka.diary import Diary

_LONGEST_PAUSE_SECONDS: Final = 2.0


class Topics:
    """Waits for topics that are new to the producer, and forgets those that nobody knows.

    aiokafka would ask ten times a second, and go on asking for an unknown topic for as long as the producer lives.
    """

    def __init__(self, client: Any, connection: Connection, diary: Diary, unknown_seconds: float) -> None:
        self._client = client
        self._diary = diary
        self._unknown_seconds = unknown_seconds
        self._limit_seconds = connection.max_block_seconds
        self._pause_seconds = connection.options.get("retry_backoff_ms", 100) / 1000
        self._wanted: dict[str, int] = {}  # not confirmed by the brokers yet, and how many wait for each
        self._confirmed: set[str] = set()
        self.none_left = False
        """Nothing can be forgotten any more: aiokafka takes an empty list for all topics of the cluster."""

    async def wait_for(self, topic: str) -> None:
        """Returns when the brokers know the topic.

        Raises:
            UnknownTopicOrPartitionError: they do not.
            TopicAuthorizationFailedError: it is not for us.
            TimeoutError: ``max.block.ms`` is over without an answer.
        KafkaError: the brokers refuse the login.
        """
        self._wanted[topic] = self._wanted.get(topic, 0) + 1
        try:
            async with asyncio.timeout(self._limit_seconds):
                await self._ask_for(topic)
            self._confirmed.add(topic)
        except UnknownTopicOrPartitionError:
            self._confirmed.discard(topic)
            raise
        finally:
            self._wanted[topic] -= 1
            if not self._wanted[topic]:
                del self._wanted[topic]
            if topic not in self._confirmed:
                self._forget()

    async def _ask_for(self, topic: str) -> None:
        cluster = self._client.cluster
        started_at = time.monotonic()
        unknown_since: float | None = None
        pause_seconds = self._pause_seconds
        self._client.add_topic(topic)
        while True:
            answered = await self._client.force_metadata_update()
            if cluster.partitions_for_topic(topic) is not None:
                return
            if topic in cluster.unauthorized_topics:
                raise TopicAuthorizationFailedError(topic)
            refusal = next(filter(is_authentication, self._diary.since(started_at)), None)
            if refusal is not None:
                raise refusal
            if answered:
                unknown_since = unknown_since or time.monotonic()
                if time.monotonic() - unknown_since > self._unknown_seconds:
                    raise UnknownTopicOrPartitionError
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _forget(self) -> None:
        remaining = self._confirmed | self._wanted.keys()
        if remaining:
            self._client.set_topics(remaining)
        else:
            self.none_left = True


__all__ = ["Topics"]
