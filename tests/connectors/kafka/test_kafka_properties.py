"""Kafka client properties by their Java names."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from coupler.errors import ConnectorError, InputError
from coupler_kafka import properties
from coupler_kafka.connection import Connection, connection
from coupler_kafka.jaas import parse_jaas


def made(pair: tuple[str, str] | None = None, /, **named: Any) -> Connection:
    return connection("a:1, b:2", pair, {name.replace("__", "-").replace("_", "."): v for name, v in named.items()})


def test_what_is_fixed() -> None:
    assert dict(made().options) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "client_id": "coupler",
        "acks": -1,
        "enable_idempotence": False,
        "linger_ms": 0,
        "request_timeout_ms": 45000,
    }
    assert (made().max_block_seconds, made().delivery_seconds) == (60.0, 45.0)


@pytest.mark.parametrize(
    ("java", "value", "option", "expected"),
    [
        ("bootstrap.servers", "c:3", "bootstrap_servers", ["c:3"]),
        ("bootstrap.servers", "c, SASL_SSL://d:9093 ,[::1]:9", "bootstrap_servers", ["c:9092", "d:9093", "[::1]:9"]),
        ("client.id", "billing", "client_id", "billing"),
        ("acks", "1", "acks", 1),
        ("acks", 0, "acks", 0),
        ("acks", "-1", "acks", -1),
        ("acks", "ALL", "acks", -1),
        ("compression.type", "zstd", "compression_type", "zstd"),
        ("compression.type", "none", "compression_type", None),
        ("linger.ms", "20", "linger_ms", 20),
        ("batch.size", 32768, "max_batch_size", 32768),
        ("max.request.size", "2097152", "max_request_size", 2097152),
        ("delivery.timeout.ms", "120000", "request_timeout_ms", 120000),
        ("retry.backoff.ms", 50, "retry_backoff_ms", 50),
        ("metadata.max.age.ms", 60000, "metadata_max_age_ms", 60000),
        ("connections.max.idle.ms", 30000, "connections_max_idle_ms", 30000),
        ("enable.idempotence", True, "enable_idempotence", True),
        ("enable.idempotence", "false", "enable_idempotence", False),
    ],
)
def test_the_translation(java: str, value: Any, option: str, expected: Any) -> None:
    assert connection("a:1", None, {java: value}).options[option] == expected


@pytest.mark.parametrize(
    ("java", "value"),
    [
        ("bootstrap.servers", "a:b"),
        ("bootstrap.servers", "a:1:2"),
        ("bootstrap.servers", "a:70000"),
        ("bootstrap.servers", "user:pw@a:1"),
        ("acks", "2"),
        ("compression.type", "rar"),
        ("linger.ms", "soon"),
        ("enable.idempotence", "perhaps"),
        ("security.protocol", "TLS"),
        ("max.block.ms", ""),
    ],
)
def test_a_value_that_cannot_be_read_names_its_property(java: str, value: str) -> None:
    with pytest.raises(ConnectorError, match=java.replace(".", r"\.")):
        connection("a:1", None, {java: value})


def test_no_server_at_all() -> None:
    with pytest.raises(ConnectorError, match="names no server"):
        connection(" , ", None, {})


def test_a_null_property_is_left_out() -> None:
    assert connection("a:1", None, {"linger.ms": None}).options["linger_ms"] == 0


def test_transactions_are_refused() -> None:
    with pytest.raises(InputError, match=r"transactional\.id"):
        connection("a:1", None, {"transactional.id": "t"})


def test_unknown_properties_are_mentioned_once(caplog: pytest.LogCaptureFixture) -> None:
    properties._mentioned.clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            connection("a:1", None, {"partitioner.class": "x", "retries": 3, "sasl.mechanism": "PLAIN", "linger.ms": 1})
    assert [record.getMessage() for record in caplog.records] == [
        "The Kafka property partitioner.class has no meaning here and is ignored."
    ]


def test_additional_properties_win_over_the_form() -> None:
    security = made(("u", "p"), security_protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-256").security
    assert (security.protocol, security.mechanism, security.credentials) == (
        "SASL_PLAINTEXT",
        "SCRAM-SHA-256",
        ("u", "p"),
    )
    jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"x\" password='y z';"
    assert made(("u", "p"), sasl_jaas_config=jaas).security.credentials == ("x", "y z")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_mechanism_without_credentials(mechanism: str) -> None:
    with pytest.raises(ConnectorError, match="needs a user name and a password"):
        made(security_protocol="SASL_SSL", sasl_mechanism=mechanism)


def test_a_mechanism_that_cannot_be_had() -> None:
    with pytest.raises(InputError, match="AWS_MSK_IAM cannot be used here"):
        made(security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM")


def test_kerberos_properties() -> None:
    security = made(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="GSSAPI",
        sasl_kerberos_service_name="broker",
        sasl_kerberos_domain_name="EXAMPLE",
    ).security
    assert (security.kerberos_service, security.kerberos_domain) == ("broker", "EXAMPLE")
    jaas = 'com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true serviceName="k";'
    assert made(security_protocol="SASL_PLAINTEXT", sasl_jaas_config=jaas).security.kerberos_service == "k"


def test_oauth_properties() -> None:
    login = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    jaas = f'{login} clientId="id" clientSecret="s3" scope="a b" extension_logicalCluster="lkc-1";'
    oauth = made(
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauthbearer_token_endpoint_url="https://auth.example.com/token",
        sasl_jaas_config=jaas,
    ).security.oauth
    assert oauth is not None
    assert (oauth.request.client_id, oauth.request.client_secret, oauth.request.scopes) == ("id", "s3", "a b")
    assert oauth.request.client_authentication == "basicAuthHeader"
    assert oauth.extensions == (("logicalCluster", "lkc-1"),)
    newer = connection(
        "a:1",
        None,
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.token.endpoint.url": "https://auth.example.com/token",
            "sasl.oauthbearer.client.credentials.client.id": "id",
            "sasl.oauthbearer.client.credentials.client.secret": "s3",
        },
    )
    assert newer.security.oauth is not None
    assert "s3" not in repr(newer)
    with pytest.raises(ConnectorError, match=r"needs sasl\.oauthbearer\.token\.endpoint\.url"):
        made(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER")


def test_jaas_text() -> None:
    jaas = parse_jaas('a.b.C required username="al\\"ice" password=\'p"=;w\' plain=x1;')
    assert (jaas.module, dict(jaas.options)) == ("a.b.C", {"username": 'al"ice', "password": 'p"=;w', "plain": "x1"})
    assert parse_jaas("a.B required").pair is None
    for wrong in ("", "username=x", 'a.B required username="x', "a.B required !;"):
        with pytest.raises(ConnectorError, match=r"sasl\.jaas\.config"):
            parse_jaas(wrong)
