"""Kafka client properties by their Java names, as process models write them, and what becomes of each.

Later ones win: what the connector fixes, the credentials of the form, then the model's additional properties.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from coupler.sdk import ConnectorError

log = logging.getLogger("coupler.connectors.kafka")

DEFAULTS: Final[Mapping[str, str]] = {
    "acks": "all",
    "client.id": "coupler",
    "delivery.timeout.ms": "45000",
    "enable.idempotence": "false",
    "linger.ms": "0",
    "max.block.ms": "60000",
    "security.protocol": "PLAINTEXT",
    "sasl.mechanism": "GSSAPI",
}
"""Idempotence is off where Java has it on: with it, a record whose job has failed may be delivered much later."""


_SERVER: Final = re.compile(r"(?:[A-Za-z_]+://)?(\[[0-9A-Fa-f:.%\w]+\]|[^\s:/@\[\]]+)(?::([0-9]{1,5}))?")
"""As Java reads it: a protocol may stand in front, and means nothing."""


def text_of(value: Any) -> str:
    """A property's value as text; Java writes booleans in small letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def as_integer(name: str, value: str) -> int:
    """Reads a whole number.

    Raises:
        ConnectorError: it is none.
    """
    try:
        return int(Decimal(value.strip()))
    except (ArithmeticError, ValueError) as error:
        raise ConnectorError(f"Invalid value for the Kafka property {name}: a whole number is needed") from error


def as_boolean(name: str, value: str) -> bool:
    """Reads ``true`` or ``false``.

    Raises:
        ConnectorError: it is neither.
    """
    text = value.strip().lower()
    if text not in ("true", "false"):
        raise ConnectorError(f"Invalid value for the Kafka property {name}: true or false is needed")
    return text == "true"


def _acks(name: str, value: str) -> int:
    text = value.strip().lower()
    if text not in ("all", "-1", "0", "1"):
        raise ConnectorError(f"Invalid value for the Kafka property {name}: all, -1, 0 or 1 is needed")
    return -1 if text == "all" else int(text)


def _compression(name: str, value: str) -> str | None:
    text = value.strip().lower()
    if text not in ("none", "gzip", "snappy", "lz4", "zstd"):
        raise ConnectorError(f"Invalid value for the Kafka property {name}: none, gzip, snappy, lz4 or zstd is needed")
    return None if text == "none" else text


def _text(_name: str, value: str) -> str:
    return value.strip()


def _servers(name: str, value: str) -> list[str]:
    servers: list[str] = []
    for each in (part.strip() for part in value.split(",")):
        if not each:
            continue
        found = _SERVER.fullmatch(each)
        if found is None or not 0 < int(found[2] or 9092) < 65536:
            raise ConnectorError(f"Invalid value for the Kafka property {name}: host:port is needed, more with commas")
        servers.append(f"{found[1]}:{found[2] or 9092}")
    return servers


CLIENT_OPTIONS: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "bootstrap.servers": ("bootstrap_servers", _servers),
    "client.id": ("client_id", _text),
    "acks": ("acks", _acks),
    "compression.type": ("compression_type", _compression),
    "linger.ms": ("linger_ms", as_integer),
    "batch.size": ("max_batch_size", as_integer),
    "max.request.size": ("max_request_size", as_integer),
    "delivery.timeout.ms": ("request_timeout_ms", as_integer),
    "retry.backoff.ms": ("retry_backoff_ms", as_integer),
    "metadata.max.age.ms": ("metadata_max_age_ms", as_integer),
    "connections.max.idle.ms": ("connections_max_idle_ms", as_integer),
    "enable.idempotence": ("enable_idempotence", as_boolean),
}
"""Java name, name in aiokafka, how it is read. The delivery limit is the whole life of a batch there."""

READ_ELSEWHERE: Final = (
    "max.block.ms",
    "security.protocol",
    "sasl.",
    "ssl.",
    "schema.registry.",
    "basic.auth.",
    "bearer.auth.",
    "auto.register.schemas",
    "use.latest.version",
    "normalize.schemas",
    "value.subject.name.strategy",
    "json.fail.invalid.schema",
    "transactional.id",
)
"""Beginnings of names that mean something to another part of the connector."""

WITHOUT_COUNTERPART: Final = frozenset(
    {
        "buffer.memory",
        "client.dns.lookup",
        "default.api.timeout.ms",
        "heartbeat.interval.ms",
        "key.serializer",
        "max.in.flight.requests.per.connection",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "request.timeout.ms",
        "retries",
        "session.timeout.ms",
        "value.serializer",
    }
)
"""Properties that every Java client has and that need no word: this client behaves sensibly without them."""

_MENTIONED_AT_MOST: Final = 1000
_mentioned: set[str] = set()


def mention_ignored(properties: Mapping[str, str]) -> None:
    """Says once in the life of the process which properties have no meaning here."""
    for name in properties:
        known = name in CLIENT_OPTIONS or name in WITHOUT_COUNTERPART or name.startswith(READ_ELSEWHERE)
        if not known and name not in _mentioned and len(_mentioned) < _MENTIONED_AT_MOST:
            _mentioned.add(name)
            log.warning("The Kafka property %.100s has no meaning here and is ignored.", name)


def client_options(properties: Mapping[str, str]) -> dict[str, Any]:
    """The keyword arguments of aiokafka's producer, without security.

    Raises:
        ConnectorError: a value cannot be read.
    """
    return {
        option: read(name, properties[name]) for name, (option, read) in CLIENT_OPTIONS.items() if name in properties
    }


__all__ = [
    "CLIENT_OPTIONS",
    "DEFAULTS",
    "READ_ELSEWHERE",
    "WITHOUT_COUNTERPART",
    "as_boolean",
    "as_integer",
    "client_options",
    "log",
    "mention_ignored",
    "text_of",
]
