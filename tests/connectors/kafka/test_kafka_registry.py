"""The schema registry: wire format, subjects, registering and looking up, caches, authentication, several addresses."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from base64 import b64encode
from typing import Any

import fastavro
import pytest
import trustme

from coupler.errors import ConnectorError
from tests.connectors.kafka.cluster import MockCluster, new_topic, read_all
from tests.connectors.kafka.schema_registry import RegistryStub
from tests.connectors.kit import Bench
from tests.http.server import Server, always, reply

ORDER = json.dumps(
    {
        "type": "record",
        "name": "shop.Order",
        "fields": [{"name": "id", "type": "string"}, {"name": "total", "type": ["null", "double"]}],
    }
)
NEWER = ORDER.replace('"total"', '"sum"')
JSON_ORDER = json.dumps(
    {"title": "Order", "type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
)


class Sender:
    """Sends values by a schema of a registry."""

    def __init__(self, kafka: Bench, cluster: MockCluster, url: str) -> None:
        self.kafka = kafka
        self.cluster = cluster
        self.url = url
        self.topic = new_topic()

    async def send(self, value: Any, schema: str = ORDER, kind: str = "avro", **properties: Any) -> Any:
        return await self.kafka.run(
            {
                "topic": {"bootstrapServers": self.cluster.servers, "topicName": self.topic},
                "message": {"key": "k", "value": value},
                "schemaStrategy": {
                    "type": "schemaRegistry",
                    "schemaType": kind,
                    "schema": schema,
                    "schemaRegistryUrl": self.url,
                },
                "additionalProperties": properties,
            }
        )

    async def sent(self, value: Any, schema: str = ORDER, kind: str = "avro", **properties: Any) -> bytes:
        await self.send(value, schema, kind, **properties)
        (record,) = await asyncio.to_thread(read_all, self.cluster.servers, self.topic, 1)
        assert record.key == b"k"
        assert record.value is not None
        return record.value

    async def failing(self, value: Any, schema: str = ORDER, kind: str = "avro", **properties: Any) -> str:
        with pytest.raises(ConnectorError) as caught:
            await self.send(value, schema, kind, **properties)
        assert caught.value.code == "FAIL"
        return str(caught.value)


def avro_of(value: bytes, schema: str = ORDER) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(json.loads(schema)), None)


async def test_avro_is_registered_and_framed(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        value = await sender.sent({"id": "o-1", "total": 9.5, "more": "left out"})
        assert stub.requests == [f"POST /subjects/{sender.topic}-value/versions"]
        (known,) = stub.subjects[f"{sender.topic}-value"]
        assert value[:5] == b"\x00" + known[0].to_bytes(4, "big")
        assert avro_of(value) == {"id": "o-1", "total": 9.5}
        assert json.loads(server.last.body) == {"schema": ORDER}


async def test_json_is_registered_and_framed(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        value = await sender.sent({"id": 5, "n": 1.5}, JSON_ORDER, "json")
        assert (value[0], value[5:]) == (0, b'{"id":5,"n":1.5}')
        assert json.loads(server.last.body) == {"schema": JSON_ORDER, "schemaType": "JSON"}


async def test_text_is_read_as_an_object(kafka: Bench, cluster: MockCluster) -> None:
    async with Server(RegistryStub()) as server:
        sender = Sender(kafka, cluster, server.url)
        assert avro_of(await sender.sent('{"id": "o-1"}')) == {"id": "o-1", "total": None}
        for value in ('"text"', "[]", 5, ["a"]):
            assert "Message value must be a map for a schema based message" in await sender.failing(value)


async def test_one_call_serves_all(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        await asyncio.gather(*(sender.send({"id": str(n)}) for n in range(50)))
        await sender.send({"id": "later"})
        assert len(stub.requests) == 1
        await sender.send({"id": "x"}, NEWER)
        assert len(stub.requests) == 2


async def test_looked_up_it_must_be_there(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    properties: dict[str, Any] = {"auto.register.schemas": False}
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        subject = f"{sender.topic}-value"
        assert "not found.; error code: 40401" in await sender.failing({"id": "1"}, **properties)
        stub.register(subject, NEWER)
        assert "Schema not found; error code: 40403" in await sender.failing({"id": "1"}, **properties)
        known = stub.register(subject, ORDER)
        value = await sender.sent({"id": "1"}, **properties)
        assert value[1:5] == known.to_bytes(4, "big")
        assert stub.requests == [f"POST /subjects/{subject}"] * 3


async def test_the_latest_version_in_the_place_of_the_models(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    properties = {"use.latest.version": "true", "auto.register.schemas": "false"}
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        known = stub.register(f"{sender.topic}-value", NEWER)
        value = await sender.sent({"id": "1", "sum": 2}, **properties)
        assert value[1:5] == known.to_bytes(4, "big")
        assert avro_of(value, NEWER) == {"id": "1", "sum": 2.0}
        stub.register(f"{sender.topic}-value", JSON_ORDER, "JSON")
        assert "is no AVRO schema" in await sender.failing({"id": "1"}, **{**properties, "normalize.schemas": "true"})


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [
        ("TopicNameStrategy", "{topic}-value"),
        ("io.confluent.kafka.serializers.subject.RecordNameStrategy", "shop.Order"),
        ("io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", "{topic}-shop.Order"),
    ],
)
async def test_subjects(kafka: Bench, cluster: MockCluster, strategy: str, subject: str) -> None:
    stub = RegistryStub()
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        await sender.send({"id": "1"}, **{"value.subject.name.strategy": strategy})
        assert list(stub.subjects) == [subject.format(topic=sender.topic)]


async def test_subjects_of_json_and_what_is_no_subject(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    strategy = {"value.subject.name.strategy": "RecordNameStrategy"}
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        await sender.send({"id": "1"}, JSON_ORDER.replace("Order", "My Order/1"), "json", **strategy)
        assert stub.requests == ["POST /subjects/My%20Order%2F1/versions"]
        assert "needs a schema with a name" in await sender.failing({"id": "1"}, "{}", "json", **strategy)
        wrong = {"value.subject.name.strategy": "com.example.Mine"}
        assert "value.subject.name.strategy must be one of" in await sender.failing({"id": "1"}, **wrong)


async def test_json_is_checked_when_asked_for(kafka: Bench, cluster: MockCluster) -> None:
    async with Server(RegistryStub()) as server:
        sender = Sender(kafka, cluster, server.url)
        checked = {"json.fail.invalid.schema": True}
        text = await sender.failing({"id": 5}, JSON_ORDER, "json", **checked)
        assert "$.id breaks 'type'" in text
        await sender.send({"id": "5"}, JSON_ORDER, "json", **checked)
        elsewhere = json.dumps({"$ref": f"{server.url}/other.json"})
        assert "not fetched" in await sender.failing({"id": "5"}, elsewhere, "json", **checked)
        assert "cannot be read" in await sender.failing({"id": "5"}, '{"type": "objekt"}', "json", **checked)


async def test_normalised(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub()
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url)
        await sender.send({"id": "1"}, **{"normalize.schemas": "true"})
        assert stub.requests == [f"POST /subjects/{sender.topic}-value/versions?normalize=true"]


BASIC = "Basic " + b64encode(b"user:pa:ss").decode()


@pytest.mark.parametrize(
    ("in_url", "properties"),
    [
        ("", {"basic.auth.credentials.source": "USER_INFO", "basic.auth.user.info": "user:pa:ss"}),
        ("", {"schema.registry.basic.auth.user.info": "user:pa:ss"}),
        ("user:pa%3Ass@", {}),
        ("user:pa%3Ass@", {"basic.auth.credentials.source": "URL"}),
    ],
)
async def test_basic_authentication(
    kafka: Bench, cluster: MockCluster, in_url: str, properties: dict[str, str]
) -> None:
    async with Server(RegistryStub(credentials=BASIC)) as server:
        sender = Sender(kafka, cluster, server.url.replace("//", f"//{in_url}"))
        await sender.send({"id": "1"}, **properties)


async def test_bearer_authentication(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub(credentials="Bearer t0ken")
    async with Server(stub) as server, Server(always(reply(body='{"access_token": "t0ken"}'))) as issuer:
        sender = Sender(kafka, cluster, server.url)
        static = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": "t0ken"}
        await sender.send({"id": "1"}, **static)
        oauth = {
            "bearer.auth.credentials.source": "OAUTHBEARER",
            "bearer.auth.issuer.endpoint.url": issuer.url,
            "bearer.auth.client.id": "id",
            "bearer.auth.client.secret": "s3cret",
            "bearer.auth.logical.cluster": "lsrc-1",
            "bearer.auth.identity.pool.id": "pool-1",
        }
        await sender.send({"id": "1"}, **oauth)
        assert server.last.one("target-sr-cluster") == "lsrc-1"
        assert server.last.one("confluent-identity-pool-id") == "pool-1"
        assert issuer.last.one("authorization") == "Basic " + b64encode(b"id:s3cret").decode()


async def test_refusals_show_the_registrys_words_and_no_secret(kafka: Bench, cluster: MockCluster) -> None:
    stub = RegistryStub(credentials=BASIC)
    async with Server(stub) as server:
        sender = Sender(kafka, cluster, server.url.replace("//", "//user:hush@"))
        text = await sender.failing({"id": "1"})
        assert "Unauthorized; error code: 401" in text
        assert "hush" not in text
        stub.credentials = None
        stub.incompatible = True
        assert "is incompatible; error code: 409" in await sender.failing({"id": "1"})
        stub.incompatible = False
        await sender.send({"id": "1"})  # a failure is not kept


async def test_several_addresses(kafka: Bench, cluster: MockCluster) -> None:
    first, second = RegistryStub(faults=[500]), RegistryStub()
    async with Server(first) as one, Server(second) as two:
        sender = Sender(kafka, cluster, f"http://127.0.0.1:1, {one.url}/ ,{two.url}")
        await sender.send({"id": "1"})
        assert (len(first.requests), len(second.requests)) == (1, 1)
        refusing = Sender(kafka, cluster, f"{one.url},{two.url}")
        first.credentials = BASIC
        await refusing.failing({"id": "1"})
        assert len(second.requests) == 1  # a refusal is an answer
    assert "cannot be reached" in await Sender(kafka, cluster, "http://127.0.0.1:1").failing({"id": "1"})


async def test_an_address_in_the_properties_wins(kafka: Bench, cluster: MockCluster) -> None:
    async with Server(RegistryStub()) as server:
        sender = Sender(kafka, cluster, "http://127.0.0.1:1")
        await sender.send({"id": "1"}, **{"schema.registry.url": server.url})


@pytest.mark.parametrize("url", ["registry:8081", "ftp://registry", " , ", "http://"])
async def test_an_address_that_is_none(kafka: Bench, cluster: MockCluster, url: str) -> None:
    if url == " , ":
        text = await Sender(kafka, cluster, ",").failing({"id": "1"})
    else:
        text = await Sender(kafka, cluster, url).failing({"id": "1"})
    assert "The schema registry URL" in text


async def test_tls(kafka: Bench, cluster: MockCluster) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with Server(RegistryStub(), tls=context) as server:
        sender = Sender(kafka, cluster, server.url)
        assert "cannot be reached" in await sender.failing({"id": "1"})
        trusted = authority.cert_pem.bytes().decode().replace("\n", " ")
        await sender.send({"id": "1"}, **{"schema.registry.ssl.truststore.certificates": trusted})


async def test_answers_that_no_registry_gives(kafka: Bench, cluster: MockCluster) -> None:
    for body in ("nonsense", "[]", "{}", '{"id": "7"}', '{"id": true}', '{"id": -1}'):
        async with Server(always(reply(body=body))) as server:
            text = await Sender(kafka, cluster, server.url).failing({"id": "1"})
            assert "answer of the schema registry" in text


async def test_inline_avro_is_bare(kafka: Bench, cluster: MockCluster) -> None:
    for value in ({"id": "o-1", "total": 2}, "{'id': 'o-1', 'total': 2}"):
        topic = new_topic()
        await kafka.run(
            {
                "topic": {"bootstrapServers": cluster.servers, "topicName": topic},
                "message": {"key": "k", "value": value},
                "schemaStrategy": {"type": "inlineSchema", "schema": ORDER},
            }
        )
        (record,) = await asyncio.to_thread(read_all, cluster.servers, topic, 1)
        assert record.value == b"\x06o-1\x02\x00\x00\x00\x00\x00\x00\x00@"
