"""Records on the mock cluster, read back by a consumer that is not our client."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from coupler.errors import ConnectorError, RetryLater
from coupler.telemetry.context import enter
from coupler_kafka.settings import KafkaSettings
from tests.connectors.kafka.cluster import MockCluster, Read, new_topic, read_all
from tests.connectors.kit import Bench


async def sent(kafka: Bench, cluster: MockCluster, message: Any = None, **more: Any) -> tuple[Any, Read]:
    """Sends one record to a topic of its own; returns the response and what a consumer reads."""
    headers = more.pop("task_headers", {})
    topic = new_topic()
    variables = {
        "topic": {"bootstrapServers": cluster.servers, "topicName": topic},
        "message": message or {"key": "k", "value": "v"},
        **more,
    }
    response = await kafka.run(variables, **headers)
    (record,) = await asyncio.to_thread(read_all, cluster.servers, topic, 1)
    assert response["topic"] == topic
    return response, record


@pytest.mark.parametrize(
    ("message", "key", "value"),
    [
        ({"key": "k", "value": "v"}, b"k", b"v"),
        ({"key": "", "value": ""}, b"", b""),
        ({"key": "ä", "value": '{"a": 1}'}, "ä".encode(), b'{"a": 1}'),
        ({"key": {"id": 7}, "value": {"a": 1.50, "b": [None, True]}}, b'{"id":7}', b'{"a":1.50,"b":[null,true]}'),
        ({"key": 7, "value": 9007199254740993}, b"7", b"9007199254740993"),
        ({"key": False, "value": []}, b"false", b"[]"),
        ({"value": "v"}, None, b"v"),
        ({"key": None, "value": "v"}, None, b"v"),
        ({"key": "k", "tombstone": True}, b"k", None),
        ({"key": "k", "tombstone": True, "value": ""}, b"k", None),
    ],
)
async def test_key_and_value(
    kafka: Bench, cluster: MockCluster, message: dict[str, Any], key: bytes | None, value: bytes | None
) -> None:
    text = json.dumps(message).replace("1.5,", "1.50,")
    _, record = await sent(kafka, cluster, json.loads(text, parse_float=_exact))
    assert (record.key, record.value) == (key, value)


def _exact(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


async def test_the_response(kafka: Bench, cluster: MockCluster) -> None:
    response, record = await sent(kafka, cluster)
    assert set(response) == {"topic", "timestamp", "offset", "partition"}
    assert (response["partition"], response["offset"]) == (record.partition, record.offset)
    assert isinstance(response["timestamp"], int)


async def test_headers(kafka: Bench, cluster: MockCluster) -> None:
    _, record = await sent(kafka, cluster, headers={"a": "ä", "n": 1, "b": True})
    assert record.headers == [("a", "ä".encode()), ("n", b"1"), ("b", b"true")]


async def test_the_job_key_travels_when_asked_for(kafka: Bench, cluster: MockCluster) -> None:
    _, record = await sent(kafka, cluster)
    assert record.headers == []
    _, record = await sent(kafka, cluster, headers={"a": "b"}, task_headers={"idempotencyKey": "true"})
    assert record.headers == [("a", b"b"), ("idempotency-key", b"4711")]
    own = {"idempotency-key": "mine"}
    _, record = await sent(kafka, cluster, headers=own, task_headers={"idempotencyKey": "true"})
    assert record.headers == [("idempotency-key", b"mine")]


async def test_the_trace_travels_when_tracing_is_on(kafka: Bench, cluster: MockCluster) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    scope = enter(4711)
    scope.trace = (("traceparent", trace), ("tracestate", "a=b"))
    _, record = await sent(kafka, cluster)
    assert record.headers == [("traceparent", trace.encode()), ("tracestate", b"a=b")]
    _, record = await sent(kafka, cluster, headers={"traceparent": "mine"})
    assert record.headers == [("traceparent", b"mine"), ("tracestate", b"a=b")]


async def test_the_text_null_as_the_java_runtime_writes_it(kafka: Bench, cluster: MockCluster) -> None:
    kafka.connector._settings = KafkaSettings(null_key_as_text=True)  # type: ignore[attr-defined]
    _, record = await sent(kafka, cluster, {"value": "v"})
    assert record.key == b"null"


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_compression(kafka: Bench, cluster: MockCluster, compression: str) -> None:
    value = "long " * 1000
    _, record = await sent(
        kafka, cluster, {"key": "k", "value": value}, additionalProperties={"compression.type": compression}
    )
    assert record.value == value.encode()


async def test_an_idempotent_producer(kafka: Bench, cluster: MockCluster) -> None:
    _, record = await sent(kafka, cluster, additionalProperties={"enable.idempotence": "true"})
    assert record.value == b"v"


async def test_without_acknowledgement_the_place_is_unknown(kafka: Bench, cluster: MockCluster) -> None:
    before = int(time.time() * 1000)
    response, record = await sent(kafka, cluster, additionalProperties={"acks": "0"})
    assert (response["offset"], response["partition"]) == (-1, -1)
    assert before <= response["timestamp"] <= before + 60_000
    assert record.value == b"v"


async def test_equal_keys_go_to_the_partition_that_java_chooses(kafka: Bench, cluster: MockCluster) -> None:
    """murmur2 of the key; the figures are those of the Java client for four partitions."""
    topic = {"bootstrapServers": cluster.servers, "topicName": new_topic()}
    found = {}
    for key in ("21", "foobar", "a-little-bit-long-string"):
        response = await kafka.run({"topic": topic, "message": {"key": key, "value": "v"}})
        found[key] = response["partition"]
    hashes = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    assert found == {key: (value & 0x7FFFFFFF) % 4 for key, value in hashes.items()}


async def test_records_without_a_key_spread(kafka: Bench, cluster: MockCluster) -> None:
    topic = {"bootstrapServers": cluster.servers, "topicName": new_topic()}
    responses = await asyncio.gather(*(kafka.run({"topic": topic, "message": {"value": n}}) for n in range(100)))
    assert {each["partition"] for each in responses} == {0, 1, 2, 3}


@pytest.mark.parametrize("name", ["bad topic!", "..", ".", "a" * 250, "é"])
async def test_a_topic_that_cannot_exist_is_not_asked_for(kafka: Bench, cluster: MockCluster, name: str) -> None:
    topic = {"bootstrapServers": "127.0.0.1:1", "topicName": name}
    with pytest.raises(RetryLater, match="Invalid topic name") as caught:
        await kafka.run({"topic": topic, "message": {"value": "v"}})
    assert (caught.value.retries, caught.value.code) == (0, "FAIL")
    assert caught.value.java_type == ConnectorError.java_type


async def test_a_record_larger_than_a_request_may_be(kafka: Bench, cluster: MockCluster) -> None:
    topic = {"bootstrapServers": cluster.servers, "topicName": new_topic()}
    with pytest.raises(RetryLater, match="max_request_size") as caught:
        await kafka.run({"topic": topic, "message": {"value": "x" * 1_100_000}})
    assert (caught.value.retries, caught.value.code) == (0, "FAIL")
    response = await kafka.run(
        {
            "topic": topic,
            "message": {"value": "x" * 1_100_000},
            "additionalProperties": {"max.request.size": 2_000_000},
        }
    )
    assert response["offset"] == 0


async def test_many_jobs_share_one_producer(kafka: Bench, cluster: MockCluster) -> None:
    topic = {"bootstrapServers": cluster.servers, "topicName": new_topic()}
    await asyncio.gather(*(kafka.run({"topic": topic, "message": {"key": n, "value": n}}) for n in range(500)))
    assert len(kafka.connector._pool) == 1  # type: ignore[attr-defined]
    records = await asyncio.to_thread(read_all, cluster.servers, topic["topicName"], 500)
    assert sorted(int(record.value or b"") for record in records) == list(range(500))
