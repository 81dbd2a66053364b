"""The value of a record by its schema strategy."""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any, Final

from coupler.sdk import ConnectorError
from coupler.sdk.json import dump_bytes
from coupler_kafka.avro import avro_schema
from coupler_kafka.connection import Connection
from coupler_kafka.encoding import plain_bytes
from coupler_kafka.json_schema import check_json, json_schema_title
from coupler_kafka.lenient_json import read_json
from coupler_kafka.model import InlineSchema, KafkaInput, NoSchema, RegistrySchema
from coupler_kafka.registry import Registry
from coupler_kafka.registry_options import RegistryOptions, registry_options

_HEAD: Final = struct.Struct(">bI")
"""A zero, then the id of the schema."""
_KEPT: Final = 256


class Values:
    """Encodes values; knows the registries."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._options: OrderedDict[tuple[str, str], RegistryOptions] = OrderedDict()

    async def encode(self, given: KafkaInput, effective: Connection) -> bytes:
        """The bytes of the value.

        Raises:
            ConnectorError: it does not fit its schema, or the registry cannot be asked.
        """
        value = given.message.value
        strategy = given.strategy
        match strategy:
            case None | NoSchema():
                return plain_bytes(value)
            case InlineSchema():
                return avro_schema(strategy.schema_text, refuse_unknown=True).encode(_parsed(value))
            case RegistrySchema():
                return await self._framed(strategy, _parsed(value), given.topic.topic_name, effective)

    async def _framed(self, strategy: RegistrySchema, value: Any, topic: str, effective: Connection) -> bytes:
        if not isinstance(value, dict):
            raise ConnectorError("Message value must be a map for a schema based message")
        options = self._options_of(strategy.schema_registry_url, effective)
        subject = _subject(options, strategy, topic)
        if strategy.schema_type == "avro":
            avro_schema(strategy.schema_text, refuse_unknown=False)  # nonsense is not registered
            known = await self._registry.known(options, subject, strategy.schema_text, "AVRO")
            payload = avro_schema(known.text, refuse_unknown=False).encode(value)
        else:
            payload = dump_bytes(value)
            known = await self._registry.known(options, subject, strategy.schema_text, "JSON")
            if options.check_json:
                check_json(known.text, payload)
        return _HEAD.pack(0, known.id) + payload

    def _options_of(self, url: str, effective: Connection) -> RegistryOptions:
        key = (url, effective.properties_key)
        options = self._options.get(key)
        if options is None:
            options = registry_options(url, effective.properties, effective.security.credentials)
            self._options[key] = options
            if len(self._options) > _KEPT:
                self._options.popitem(last=False)
        return options


def _parsed(value: Any) -> Any:
    return read_json(value) if isinstance(value, str) else value


def _subject(options: RegistryOptions, strategy: RegistrySchema, topic: str) -> str:
    if options.subject == "TopicNameStrategy":
        return f"{topic}-value"
    if strategy.schema_type == "avro":
        name = avro_schema(strategy.schema_text, refuse_unknown=False).name
    else:
        name = json_schema_title(strategy.schema_text)
    if not name:
        raise ConnectorError(f"{options.subject} needs a schema with a name (Avro) or a title (JSON Schema)")
    return name if options.subject == "RecordNameStrategy" else f"{topic}-{name}"


__all__ = ["Values"]
