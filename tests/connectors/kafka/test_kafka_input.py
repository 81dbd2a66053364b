"""What the input of a Kafka job may look like, old and new, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coupler.errors import InputError
from coupler.worker.binding import bind, decode
from coupler_kafka import KafkaConnector
from coupler_kafka.connection import Connection, Connections
from coupler_kafka.model import INPUT_VARIABLES, InlineSchema, KafkaInput, NoSchema, RegistrySchema

TOPIC = {"bootstrapServers": "broker:9092", "topicName": "orders"}
MESSAGE = {"key": "k", "value": "v"}


def read(**variables: Any) -> KafkaInput:
    given = bind(decode(json.dumps({"topic": TOPIC, "message": MESSAGE, **variables})), KafkaInput)
    assert isinstance(given, KafkaInput)
    return given


def effective(**variables: Any) -> Connection:
    return Connections().of(read(**variables))


def test_identity() -> None:
    assert (KafkaConnector.type, KafkaConnector.name) == ("io.camunda:connector-kafka:1", "Kafka Producer")
    assert {info.alias for info in KafkaInput.model_fields.values()} == set(INPUT_VARIABLES)


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"topic": None}, "topic"),
        ({"message": None}, "message"),
        ({"topic": {**TOPIC, "topicName": ""}}, "Property: topic.topicName"),
        ({"topic": {"bootstrapServers": "b:1"}}, "Property: topic.topicName"),
        ({"topic": {**TOPIC, "bootstrapServers": ""}}, "bootstrapServers must not be empty"),
        ({"topic": {"topicName": "orders"}}, "bootstrapServers must not be empty"),
        ({"message": {"key": "k"}}, "Property: message.value: Validation failed. Original message: must not be null"),
        ({"message": {"key": "k", "value": None}}, "must not be null"),
        ({"authentication": {"username": "u"}}, "Username / password pair is required"),
        ({"authentication": {"username": "", "password": "p"}}, "Username / password pair is required"),
        ({"authentication": {"username": "u", "password": " "}}, "Username / password pair is required"),
        ({"headers": {"a": {"b": 1}}}, "invalid field: headers, a"),
        ({"headers": {"a": None}}, "invalid field: headers, a"),
        ({"schemaStrategy": {"type": "xml"}}, "must be one of noSchema, inlineSchema, schemaRegistry"),
        ({"schemaStrategy": {}}, "schemaStrategy"),
        ({"schemaStrategy": {"type": "inlineSchema"}}, "schemaStrategy.schema"),
        ({"schemaStrategy": {"type": "inlineSchema", "schema": ""}}, "must not be empty"),
        ({"schemaStrategy": {"type": "schemaRegistry", "schema": "{}", "schemaType": "avro"}}, "schemaRegistryUrl"),
        (
            {
                "schemaStrategy": {
                    "type": "schemaRegistry",
                    "schema": "{}",
                    "schemaType": "xml",
                    "schemaRegistryUrl": "u",
                }
            },
            "schemaType",
        ),
        ({"message": {"tombstone": True, "key": "k", "value": "v"}}, "must be left out of a tombstone"),
        ({"message": {"tombstone": True}}, "a tombstone needs a key"),
    ],
)
def test_input_that_is_refused(variables: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(**variables)
    assert text in str(caught.value)


@pytest.mark.parametrize("authentication", [None, {}, {"username": "", "password": ""}, {"username": " "}])
def test_blank_credentials_are_none(authentication: Any) -> None:
    assert effective(authentication=authentication).security.protocol == "PLAINTEXT"


def test_credentials_mean_sasl_over_tls() -> None:
    security = effective(authentication={"username": "u", "password": "p"}).security
    assert (security.protocol, security.mechanism, security.credentials) == ("SASL_SSL", "PLAIN", ("u", "p"))


def test_a_reusable_connection_takes_the_place_of_servers_and_credentials() -> None:
    given = read(
        topic={"topicName": "orders"},
        authentication={"username": "other", "password": "other"},
        kafkaConnectionConfiguration={"bootstrapServers": "c:1", "username": "u", "password": "p"},
    )
    found = Connections().of(given)
    assert found.options["bootstrap_servers"] == ["c:1"]
    assert found.security.credentials == ("u", "p")


def test_values_are_coerced_as_old_templates_need_it() -> None:
    given = read(headers={"number": 1.50, "flag": True, "text": "t"}, topic=[TOPIC], message=[MESSAGE])
    assert given.headers == {"number": "1.5", "flag": "true", "text": "t"}
    assert given.topic.topic_name == "orders"


def test_schema_strategies() -> None:
    assert read().strategy is None
    assert isinstance(read(schemaStrategy={"type": "noSchema"}).strategy, NoSchema)
    inline = read(schemaStrategy={"type": "inlineSchema", "schema": {"type": "string"}}).strategy
    assert isinstance(inline, InlineSchema)
    assert json.loads(inline.schema_text) == {"type": "string"}
    registry = read(
        schemaStrategy={"type": "schemaRegistry", "schema": "{}", "schemaType": "json", "schemaRegistryUrl": "http://r"}
    ).strategy
    assert isinstance(registry, RegistrySchema)


def test_version_four_of_the_template_kept_the_schema_elsewhere() -> None:
    old = read(serializationType="avro", avro={"schema": '{"type":"string"}'}).strategy
    assert isinstance(old, InlineSchema)
    assert old.schema_text == '{"type":"string"}'
    assert read(serializationType="json", avro={"schema": ""}).strategy is None
    newer = read(
        serializationType="avro", avro={"schema": '{"type":"string"}'}, schemaStrategy={"type": "noSchema"}
    ).strategy
    assert isinstance(newer, NoSchema)


def test_equal_connections_have_equal_keys_and_tell_no_secret() -> None:
    one = effective(additionalProperties={"linger.ms": 5, "acks": "all"})
    two = effective(additionalProperties={"acks": "-1", "linger.ms": "5"})
    other = effective(additionalProperties={"linger.ms": 6})
    assert one.key == two.key != other.key
    login = {"username": "user", "password": "hush-hush"}
    secret = effective(authentication=login)
    assert secret.key != effective(authentication={**login, "password": "another"}).key
    assert "hush" not in repr(secret)


def test_schema_properties_do_not_part_connections() -> None:
    plain = effective()
    registry = effective(additionalProperties={"basic.auth.user.info": "u:p", "auto.register.schemas": False})
    assert plain.key == registry.key
