"""Settings of a deployment, under ``COUPLER_CONNECTORS__KAFKA__…``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt


class CheckedConnection(BaseModel):
    """The cluster that a connection test is made with; jobs name their own.

    Attributes:
        bootstrap_servers: ``host:port``, more than one with commas.
        topic: A topic that must be there.
        username: For SASL, with ``password``.
        password: For SASL, with ``username``.
        properties: Kafka client properties by their Java names.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    bootstrap_servers: str
    topic: str | None = None
    username: str | None = None
    password: str | None = None
    properties: dict[str, Any] = Field(default_factory=dict)


class KafkaSettings(BaseModel):
    """Settings of the Kafka connector.

    Attributes:
        max_producers: Connections to clusters that are kept; the least recently used goes first.
        idle_seconds: A producer that has sent nothing for so long is closed.
        close_seconds: The most time that closing takes at shutdown.
        unknown_topic_seconds: How long a topic that no broker knows is waited for, within ``max.block.ms``.
        idempotency_key: Send the job key in the record header ``idempotency-key``. A single element asks for it with
            the task header ``idempotencyKey`` = ``true``.
        null_key_as_text: Send the four letters ``null`` as the key of records without a key, as the Java runtime does.
        check: The cluster that a connection test is made with.
    """

    max_producers: PositiveInt = 64
    idle_seconds: PositiveFloat = 600.0
    close_seconds: NonNegativeFloat = 10.0
    unknown_topic_seconds: NonNegativeFloat = 10.0
    idempotency_key: bool = False
    null_key_as_text: bool = False
    check: CheckedConnection | None = None


__all__ = ["CheckedConnection", "KafkaSettings"]
