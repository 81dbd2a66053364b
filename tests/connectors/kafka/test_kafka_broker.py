"""The connector on a real Apache Kafka: security, limits of the broker, records read by an independent consumer."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coupler.errors import ConnectorError, RetryLater
from coupler_kafka import KafkaConnector
from coupler_kafka.settings import CheckedConnection, KafkaSettings
from tests.connectors.kafka.broker import USERS, Broker, running
from tests.connectors.kafka.cluster import Read, create_topic, new_topic, read_all
from tests.connectors.kafka.stores import PASSWORD, World
from tests.connectors.kit import Bench
from tests.http.server import Received, Server, always, reply

pytestmark = pytest.mark.integration

LOGIN = {"username": "alice", "password": USERS["alice"]}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def broker(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("kafka")
    with running(folder, world.for_broker(folder)) as started:
        yield started


@pytest.fixture
def topic(broker: Broker) -> str:
    return create_topic(broker.servers(), new_topic())


def variables(broker: Broker, topic: str, protocol: str = "PLAINTEXT", **more: Any) -> dict[str, Any]:
    additional = {"security.protocol": protocol, **more.pop("properties", {})}
    return {
        "topic": {"bootstrapServers": broker.servers(protocol), "topicName": topic},
        "message": {"key": "k", "value": {"protocol": protocol}},
        "additionalProperties": additional,
        **more,
    }


async def sent(kafka: Bench, broker: Broker, given: dict[str, Any]) -> Read:
    response = await kafka.run(given)
    topic = given["topic"]["topicName"]
    (record,) = await asyncio.to_thread(read_all, broker.servers(), topic, 1)
    place = (response["topic"], response["partition"], response["offset"], response["timestamp"])
    assert place == (topic, record.partition, record.offset, record.timestamp)
    return record


async def failing(kafka: Bench, given: dict[str, Any]) -> str:
    with pytest.raises(ConnectorError) as caught:
        await kafka.run(given)
    assert caught.value.code == "FAIL"
    text = str(caught.value)
    assert text.startswith("Error during Kafka Producer execution; error message: [")
    return text


async def test_plaintext(kafka: Bench, broker: Broker, topic: str) -> None:
    record = await sent(kafka, broker, variables(broker, topic, headers={"a": "ä"}))
    assert (record.key, record.value) == (b"k", b'{"protocol":"PLAINTEXT"}')
    assert record.headers == [("a", "ä".encode())]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
async def test_sasl(kafka: Bench, broker: Broker, topic: str, world: World, protocol: str, mechanism: str) -> None:
    properties = {"sasl.mechanism": mechanism, "ssl.truststore.certificates": world.authority}
    await sent(kafka, broker, variables(broker, topic, protocol, authentication=LOGIN, properties=properties))


async def test_credentials_alone_mean_sasl_over_tls(kafka: Bench, broker: Broker, topic: str, world: World) -> None:
    given = variables(broker, topic, "SASL_SSL", authentication=LOGIN)
    given["additionalProperties"] = {"ssl.truststore.certificates": world.authority}
    await sent(kafka, broker, given)


async def test_credentials_in_jaas(kafka: Bench, broker: Broker, topic: str) -> None:
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    jaas = f'{module} required username="alice" password="{USERS["alice"]}";'
    properties = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": jaas}
    await sent(kafka, broker, variables(broker, topic, "SASL_PLAINTEXT", properties=properties))


async def test_mutual_tls_from_texts(kafka: Bench, broker: Broker, topic: str, world: World) -> None:
    properties = {
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": world.authority,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": world.client.chain,
        "ssl.keystore.key": world.client.key("s3cret"),
        "ssl.key.password": "s3cret",
    }
    await sent(kafka, broker, variables(broker, topic, "SSL", properties=properties))


async def test_mutual_tls_from_stores(kafka: Bench, broker: Broker, topic: str, world: World, tmp_path: Path) -> None:
    trust, identity = tmp_path / "trust.p12", tmp_path / "identity.p12"
    trust.write_bytes(world.trust_store())
    identity.write_bytes(world.client.pkcs12())
    properties = {
        "ssl.truststore.location": str(trust),
        "ssl.truststore.password": PASSWORD,
        "ssl.keystore.location": str(identity),
        "ssl.keystore.password": PASSWORD,
    }
    await sent(kafka, broker, variables(broker, topic, "SSL", properties=properties))


def unsecured_token(seconds: int) -> str:
    """A JWT without a signature, which the broker's default validator takes."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': 'alice', 'iat': now, 'exp': now + seconds})}."


def oauth_properties(url: str) -> dict[str, str]:
    module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
    return {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.token.endpoint.url": f"{url}/token",
        "sasl.jaas.config": f'{module} required clientId="id" clientSecret="s3cret" scope="kafka";',
    }


async def test_oauth(kafka: Bench, broker: Broker, topic: str) -> None:
    answer = json.dumps({"access_token": unsecured_token(600), "expires_in": 600})
    async with Server(always(reply(body=answer))) as server:
        given = variables(broker, topic, "SASL_PLAINTEXT", properties=oauth_properties(server.url))
        await sent(kafka, broker, given)
        assert b"grant_type=client_credentials" in server.last.body
        assert b"scope=kafka" in server.last.body
        assert server.last.one("authorization") == "Basic " + base64.b64encode(b"id:s3cret").decode()


async def test_oauth_refused_by_the_endpoint_and_by_the_broker(kafka: Bench, broker: Broker, topic: str) -> None:
    async with Server(always(reply(401, body='{"error": "invalid_client"}'))) as server:
        given = variables(broker, topic, "SASL_PLAINTEXT", properties=oauth_properties(server.url))
        assert "authentication failed: no token from the token endpoint" in await failing(kafka, given)
    async with Server(always(reply(body=json.dumps({"access_token": unsecured_token(-600)})))) as server:
        given = variables(broker, topic, "SASL_PLAINTEXT", properties=oauth_properties(server.url))
        assert "authentication failed: the broker refuses the token" in await failing(kafka, given)


async def test_a_token_that_the_broker_refuses_is_not_used_again(kafka: Bench, broker: Broker, topic: str) -> None:
    tokens = [unsecured_token(-600), unsecured_token(600)]

    async def issue(_: Received, __: asyncio.StreamWriter) -> bytes:
        return reply(body=json.dumps({"access_token": tokens.pop(0), "expires_in": 600}))

    async with Server(issue) as server:
        given = variables(broker, topic, "SASL_PLAINTEXT", properties=oauth_properties(server.url))
        await failing(kafka, given)
        await kafka.run(given)
        assert tokens == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_a_wrong_password(kafka: Bench, broker: Broker, topic: str, mechanism: str) -> None:
    login = {"username": "alice", "password": "wr0ng-pass"}
    properties = {"sasl.mechanism": mechanism}
    given = variables(broker, topic, "SASL_PLAINTEXT", authentication=login, properties=properties)
    text = await failing(kafka, given)
    assert "authentication failed" in text
    assert "wr0ng-pass" not in text
    assert len(kafka.connector._pool) == 0  # type: ignore[attr-defined]
    await kafka.run({**given, "authentication": LOGIN})


async def test_a_mechanism_that_the_broker_has_not(kafka: Bench, broker: Broker, topic: str) -> None:
    properties = {"sasl.mechanism": "PLAIN", "security.protocol": "SASL_PLAINTEXT"}
    given = variables(broker, topic, "PLAINTEXT", authentication=LOGIN, properties=properties)
    assert "Cannot connect" in await failing(kafka, given)


async def test_an_authority_that_is_not_trusted(kafka: Bench, broker: Broker, topic: str, world: World) -> None:
    properties = {"ssl.truststore.certificates": world.stranger}
    given = variables(broker, topic, "SASL_SSL", authentication=LOGIN, properties=properties)
    text = await failing(kafka, given)
    assert "TLS failed: the broker's certificate is not trusted" in text


async def test_a_client_certificate_that_is_missing(kafka: Bench, broker: Broker, topic: str, world: World) -> None:
    given = variables(broker, topic, "SSL", properties={"ssl.truststore.certificates": world.authority})
    text = await failing(kafka, given)
    assert "certificate" in text.lower()


async def test_a_protocol_that_does_not_fit_the_listener(
    kafka: Bench, broker: Broker, topic: str, world: World
) -> None:
    given = variables(broker, topic, "SSL", properties={"security.protocol": "PLAINTEXT"})
    assert "security.protocol does not fit" in await failing(kafka, given)
    given = variables(
        broker, topic, properties={"security.protocol": "SSL", "ssl.truststore.certificates": world.authority}
    )
    text = await failing(kafka, given)
    assert "TLS failed" in text or "security.protocol does not fit" in text


async def test_an_unknown_topic(kafka: Bench, broker: Broker, topic: str) -> None:
    """It fails, is not asked for again, and the producer goes on with other topics."""
    kafka.connector._settings = KafkaSettings(unknown_topic_seconds=0.5)  # type: ignore[attr-defined]
    await kafka.run(variables(broker, topic))
    missing = new_topic("missing")
    text = await failing(kafka, variables(broker, missing))
    assert f"Topic {missing} not present in metadata" in text
    (entry,) = kafka.connector._pool._entries.values()  # type: ignore[attr-defined]
    assert entry.producer.client.client._topics == {topic}
    await kafka.run(variables(broker, topic))
    await asyncio.to_thread(create_topic, broker.servers(), missing)
    await kafka.run(variables(broker, missing))


async def test_a_record_larger_than_the_topic_takes(kafka: Bench, broker: Broker) -> None:
    """It is refused for good, and those in the same batch are not."""
    name = new_topic()
    await asyncio.to_thread(lambda: create_topic(broker.servers(), name, partitions=1, **{"max.message.bytes": "2000"}))
    given = variables(broker, name, properties={"linger.ms": 50})
    small = [{**given, "message": {"key": str(n), "value": "s"}} for n in range(5)]
    large = {**given, "message": {"key": "large", "value": "x" * 3000}}
    *fine, refused = await asyncio.gather(
        *(kafka.run(each) for each in small), kafka.run(large), return_exceptions=True
    )
    assert isinstance(refused, RetryLater), refused
    assert (refused.retries, refused.code) == (0, "FAIL")
    assert [each["topic"] for each in fine] == [name] * 5  # type: ignore[index]
    records = await asyncio.to_thread(read_all, broker.servers(), name, 5)
    assert sorted(record.key or b"" for record in records) == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_record_that_the_topic_cannot_keep_hurts_nobody_else(kafka: Bench, broker: Broker) -> None:
    """A compacted topic refuses the whole batch of a record without a key."""
    name = new_topic()
    await asyncio.to_thread(lambda: create_topic(broker.servers(), name, partitions=1, **{"cleanup.policy": "compact"}))
    given = variables(broker, name, properties={"linger.ms": 50})
    keyed = [{**given, "message": {"key": str(n), "value": "s"}} for n in range(5)]
    keyless = {**given, "message": {"value": "s"}}
    *fine, refused = await asyncio.gather(
        *(kafka.run(each) for each in keyed), kafka.run(keyless), return_exceptions=True
    )
    assert isinstance(refused, ConnectorError), refused
    assert [each["topic"] for each in fine] == [name] * 5  # type: ignore[index]
    tombstone = {**given, "message": {"key": "0", "tombstone": True}}
    await kafka.run(tombstone)
    records = await asyncio.to_thread(read_all, broker.servers(), name, 6)
    assert len(records) == 6
    assert (records[-1].key, records[-1].value) == (b"0", None)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotent", [True, False])
async def test_compression(kafka: Bench, broker: Broker, topic: str, compression: str, idempotent: bool) -> None:
    properties = {"compression.type": compression, "enable.idempotence": idempotent}
    given = variables(broker, topic, properties=properties)
    given["message"] = {"key": "k", "value": "long " * 2000}
    assert (await sent(kafka, broker, given)).value == b"long " * 2000


async def test_the_connection_test(kafka: Bench, broker: Broker, topic: str) -> None:
    connector = kafka.connector
    assert isinstance(connector, KafkaConnector)
    connector._settings = KafkaSettings(
        check=CheckedConnection(bootstrap_servers=broker.servers(), topic=topic), unknown_topic_seconds=0.2
    )
    await connector.check()
    connector._settings.check.topic = "nowhere"  # type: ignore[union-attr]
    with pytest.raises(ConnectorError, match="Topic nowhere not present"):
        await connector.check()
    connector._settings.check.bootstrap_servers = "127.0.0.1:1"  # type: ignore[union-attr]
    with pytest.raises(ConnectorError, match="unreachable: connection refused"):
        await connector.check()
