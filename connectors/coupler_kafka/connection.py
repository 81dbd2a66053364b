"""The effective connection of a job: what its producer is made of, and what makes two jobs share one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coupler.sdk import ConnectorError, InputError
from coupler.sdk.json import dump_bytes, dumps
from coupler_kafka.model import KafkaInput
from coupler_kafka.properties import DEFAULTS, as_integer, client_options, mention_ignored, text_of
from coupler_kafka.security import Security, security_of

_KEPT: Final = 256


@dataclass(slots=True, frozen=True)
class Connection:
    """Where a producer connects to, and how.

    ``key`` is equal for connections that can share a producer, ``properties_key`` for those whose other properties are
    equal too. Neither tells anything of the secrets in them.
    """

    key: str
    properties_key: str
    options: Mapping[str, Any] = field(repr=False)
    security: Security
    properties: Mapping[str, str] = field(repr=False)
    max_block_seconds: float
    delivery_seconds: float

    @property
    def idempotent(self) -> bool:
        """Whether the brokers recognise a repeated record."""
        return bool(self.options["enable_idempotence"])


def connection(servers: str, pair: tuple[str, str] | None, additional: Mapping[str, Any]) -> Connection:
    """The connection that comes of servers, credentials and additional properties.

    Raises:
        ConnectorError: a property cannot be read, or one is missing.
        InputError: a property asks for what cannot be had here.
    """
    properties = {**DEFAULTS, "bootstrap.servers": servers}
    if pair is not None:
        properties |= {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}
    properties |= {name: text_of(value) for name, value in additional.items() if value is not None}
    if properties.get("transactional.id", "").strip():
        raise InputError("transactional.id cannot be used: a job sends one record, and no transaction is begun for it")
    mention_ignored(properties)
    options = client_options(properties)
    if not options["bootstrap_servers"]:
        raise ConnectorError("bootstrap.servers names no server")
    security = security_of(properties, pair)
    max_block_seconds = as_integer("max.block.ms", properties["max.block.ms"]) / 1000
    return Connection(
        key=_digest([sorted(options.items()), security, max_block_seconds]),
        properties_key=_digest([sorted(properties.items()), pair]),
        options=options,
        security=security,
        properties=properties,
        max_block_seconds=max_block_seconds,
        delivery_seconds=options["request_timeout_ms"] / 1000,
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(dump_bytes(value)).hexdigest()


class Connections:
    """Remembers the connections of the latest inputs: working one out costs more than sending a record."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], Connection] = OrderedDict()

    def of(self, given: KafkaInput) -> Connection:
        """The connection of an input.

        Raises:
            ConnectorError: as for ``connection``.
            InputError: as for ``connection``.
        """
        credential = given.kafka_connection_configuration or given.authentication
        servers = given.topic.bootstrap_servers or ""
        if given.kafka_connection_configuration is not None:
            servers = given.kafka_connection_configuration.bootstrap_servers
        pair = credential.pair if credential is not None else None
        additional = given.additional_properties or {}
        inputs = (servers, pair, dumps(additional) if additional else "")
        kept = self._kept.get(inputs)
        if kept is None:
            kept = self._kept[inputs] = connection(servers, pair, additional)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(inputs)
        return kept


__all__ = ["Connection", "Connections", "connection"]
