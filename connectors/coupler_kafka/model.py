"""The input of the Kafka connector, as every version of its element template writes it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from coupler.sdk import Input
from coupler.sdk.json import dumps
from coupler.sdk.template import Choice, Template, Variant, When


def _not_blank(value: str) -> str:
    if not value or value.isspace():
        raise ValueError("must not be blank")
    return value


def _not_empty(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _schema_text(value: Any) -> Any:
    """A schema that a FEEL expression gives as a context is as good as its text."""
    return dumps(value) if isinstance(value, dict | list) else value


def _blank(value: str | None) -> bool:
    return value is None or value.strip() == ""


_SchemaText = Annotated[str, BeforeValidator(_schema_text), AfterValidator(_not_empty)]
_SCHEMA: Final = "A JSON text, for instance a record with its fields"


class Credentials(Input):
    """User name and password for SASL, both or none."""

    username: Annotated[
        str | None, Template(label="User name", description="Leave both empty for a cluster without authentication")
    ] = None
    password: Annotated[str | None, Template(label="Password", secret=True)] = None

    @model_validator(mode="after")
    def _pair(self) -> Credentials:
        if _blank(self.username) != _blank(self.password):
            raise ValueError("Username / password pair is required")
        return self

    @property
    def pair(self) -> tuple[str, str] | None:
        """Both, or ``None`` when both are blank."""
        if self.username is None or self.password is None or _blank(self.username):
            return None
        return self.username, self.password


class KafkaCredential(Credentials):
    """A reusable connection of the cluster: servers and credentials together."""

    bootstrap_servers: Annotated[str, AfterValidator(_not_empty)]


class Topic(Input):
    """Where the record goes."""

    bootstrap_servers: Annotated[
        str | None,
        Template(
            label="Bootstrap servers",
            description="host:port, more than one with commas",
            placeholder="broker-1:9092,broker-2:9092",
            required=True,
        ),
    ] = None
    topic_name: Annotated[str, AfterValidator(_not_empty), Template(label="Topic")]


class Message(Input):
    """The record."""

    key: Annotated[
        Any,
        Template(label="Key", description="Text, or any value as JSON. Without a key, partitions are chosen at random"),
    ] = None
    tombstone: Annotated[
        bool,
        Template(
            label="Tombstone",
            description="Sends no value, which deletes the key from a compacted topic",
            order=1,
        ),
    ] = False
    value: Annotated[
        Any,
        Field(validate_default=True),
        Template(
            label="Value",
            description="Text as it is, or any value as JSON",
            kind="Text",
            required=True,
            when=When("tombstone", equals=False),
        ),
    ] = None

    @field_validator("value")
    @classmethod
    def _present(cls, value: Any, info: ValidationInfo) -> Any:
        tombstone = info.data.get("tombstone", False)
        if value is None and not tombstone:
            raise ValueError("must not be null")
        if tombstone and value is not None and value != "":
            raise ValueError("must be left out of a tombstone")
        if tombstone and info.data.get("key") is None:
            raise ValueError("a tombstone needs a key")
        return None if tombstone else value


class NoSchema(Input):
    """Text as it is, everything else as JSON."""

    type: Literal["noSchema"]


class InlineSchema(Input):
    """Bare Avro binary by a schema that stands in the model."""

    type: Literal["inlineSchema"]
    schema_text: Annotated[
        _SchemaText,
        Field(alias="schema"),
        Template(
            id="schemaStrategy.avro.schema",
            label="Schema",
            description="The Avro schema as JSON text",
            kind="Text",
            feel="required",
        ),
    ]


class RegistrySchema(Input):
    """Avro or JSON with the id of a schema that a registry keeps."""

    type: Literal["schemaRegistry"]
    schema_type: Annotated[
        Literal["json", "avro"],
        Template(
            label="Schema type", default="avro", required=True, choices=(Choice("avro", "Avro"), Choice("json", "JSON"))
        ),
    ]
    schema_text: Annotated[
        _SchemaText,
        Field(alias="schema"),
        Template(id="schemaStrategy.schema", label="Schema", description=_SCHEMA, kind="Text", feel="required"),
    ]
    schema_registry_url: Annotated[
        str,
        AfterValidator(_not_blank),
        Template(label="Schema registry URL", placeholder="https://registry.example.com"),
    ]


SchemaStrategy: TypeAlias = NoSchema | InlineSchema | RegistrySchema


def _strategy(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"tag:{kind}" if isinstance(kind, str) else None


_StrategyChoice = Annotated[
    Annotated[NoSchema, Tag("tag:noSchema"), Variant(label="No schema")]
    | Annotated[InlineSchema, Tag("tag:inlineSchema"), Variant(label="Inline schema")]
    | Annotated[RegistrySchema, Tag("tag:schemaRegistry"), Variant(label="Schema registry")],
    Discriminator(
        _strategy,
        custom_error_type="schema_strategy",
        custom_error_message="Its 'type' must be one of noSchema, inlineSchema, schemaRegistry",
    ),
    Template(label="Schema strategy", description="How the value is encoded", group="schema", default="noSchema"),
]


class OlderAvro(Input):
    """Where version 4 of the template kept the schema."""

    schema_text: Annotated[str | None, BeforeValidator(_schema_text), Field(alias="schema")] = None


class KafkaInput(Input):
    """Variables of a Kafka job."""

    kafka_connection_configuration: Annotated[KafkaCredential | None, Template(omit=True)] = None
    authentication: Annotated[Credentials | None, Template(group="authentication")] = None
    topic: Annotated[Topic, Template(group="kafka")]
    additional_properties: Annotated[
        dict[str, Any] | None,
        Template(
            label="Additional properties",
            description="A context of Kafka client properties; they win over everything else",
            group="kafka",
            placeholder='={"security.protocol": "SASL_SSL"}',
        ),
    ] = None
    schema_strategy: _StrategyChoice | None = None
    message: Annotated[Message, Template(group="message")]
    headers: Annotated[
        dict[str, str] | None,
        Template(label="Headers", description="A context of names and texts", group="message", order=2),
    ] = None
    serialization_type: Annotated[str | None, Template(omit=True)] = None  # of template 4
    avro: Annotated[OlderAvro | None, Template(omit=True)] = None  # of template 4

    @field_validator("topic")
    @classmethod
    def _servers(cls, topic: Topic, info: ValidationInfo) -> Topic:
        if info.data.get("kafka_connection_configuration") is None and not topic.bootstrap_servers:
            raise ValueError("bootstrapServers must not be empty")
        return topic

    @property
    def strategy(self) -> SchemaStrategy | None:
        """The schema strategy, also as template 4 wrote it; ``None`` is no schema."""
        if self.schema_strategy is not None:
            return self.schema_strategy
        if self.serialization_type == "avro" and self.avro is not None and self.avro.schema_text:
            return InlineSchema(type="inlineSchema", schema_text=self.avro.schema_text)
        return None


INPUT_VARIABLES: Final = (
    "authentication",
    "topic",
    "message",
    "schemaStrategy",
    "additionalProperties",
    "headers",
    "kafkaConnectionConfiguration",
    "serializationType",
    "avro",
)

__all__ = [
    "INPUT_VARIABLES",
    "Credentials",
    "InlineSchema",
    "KafkaCredential",
    "KafkaInput",
    "Message",
    "NoSchema",
    "RegistrySchema",
    "SchemaStrategy",
    "Topic",
]
