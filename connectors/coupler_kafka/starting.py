"""Connecting a producer: one bootstrap server after the other, and what went wrong in words. Imports aiokafka."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import AuthenticationFailedError, KafkaError  # type: ignore[import-untyped]

from coupler.sdk import ConnectorError
from coupler_kafka.connection import Connection
from coupler_kafka.diagnosis import connection_trouble, is_authentication
from coupler_kafka.diary import Diary, current, listen
from coupler_kafka.doubt import remember_doubts
from coupler_kafka.producer import Producer

_ONE_SERVER_SECONDS: Final = 10.0
"""What one server is given while there are others: a host that is gone answers nothing at all."""


async def start_producer(connection: Connection, security: Mapping[str, Any], unknown_topic_seconds: float) -> Producer:
    """Connects. Runs in a context of its own: its tasks live longer than the job that needed it first.

    Args:
        connection: what to connect to.
        security: keyword arguments of aiokafka that say who we are.
        unknown_topic_seconds: how long a topic that no broker knows is waited for.

    Raises:
        ConnectorError: why no connection could be made.
    """
    listen()
    diary = Diary()
    current.set(diary)
    servers: list[str] = connection.options["bootstrap_servers"]
    began_at = time.monotonic()
    give_up_at = began_at + connection.max_block_seconds
    failures: list[Exception] = []
    untried = random.sample(servers, len(servers))
    while untried and not any(map(is_authentication, failures)):  # a second try may lock the account
        server = untried.pop()
        left_seconds = give_up_at - time.monotonic()
        limit_seconds = min(left_seconds, _ONE_SERVER_SECONDS) if untried else left_seconds
        producer = _unstarted(connection, server, security, diary, unknown_topic_seconds)
        try:
            await _start(producer, connection, limit_seconds)
        except (KafkaError, OSError, AssertionError, ValueError) as error:
            failures = [*diary.since(began_at), *failures, error]
        else:
            return producer
    tokens = security.get("sasl_oauth_token_provider")
    if tokens is not None and any(map(is_authentication, failures)):
        tokens.refused()
    raise ConnectorError(f"Cannot connect to {', '.join(servers)}: {connection_trouble(failures)}") from failures[-1]


def _unstarted(
    connection: Connection, server: str, security: Mapping[str, Any], diary: Diary, unknown_topic_seconds: float
) -> Producer:
    options = {**connection.options, "bootstrap_servers": [server], **security}
    try:
        client = AIOKafkaProducer(**options)
    except (ValueError, RuntimeError, AssertionError) as error:
        raise ConnectorError(f"The Kafka client refuses its properties: {error}") from error
    remember_doubts(client)
    return Producer(client, connection, diary, unknown_topic_seconds)


async def _start(producer: Producer, connection: Connection, limit_seconds: float) -> None:
    """Starts it within the limit, or leaves nothing of it behind."""
    try:
        async with asyncio.timeout(limit_seconds):
            await producer.client.start()
        _refuse_silence(producer.client, connection)
    except BaseException:
        await producer.abort("never started")
        raise


def _refuse_silence(client: AIOKafkaProducer, connection: Connection) -> None:
    """Raises when the cluster has no broker.

    A broker that refuses a token of OAUTHBEARER says so in a message that aiokafka takes for success (RFC 7628, section
    3.2.2); what comes next is an answer without brokers.
    """
    if client.client.cluster.brokers():
        return
    if connection.security.oauth is not None:
        raise AuthenticationFailedError("the broker refuses the token")
    raise KafkaError("no broker stands in the cluster's metadata")


__all__ = ["start_producer"]
