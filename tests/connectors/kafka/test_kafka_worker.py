"""Kafka jobs through a worker: result and error expressions, retries, secrets, a shutdown with records under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coupler import json
from coupler.http.engine import Engine
from coupler.testing import CompleteCommand, FailCommand, ThrowErrorCommand
from coupler_kafka import KafkaConnector
from tests.connectors.kafka.cluster import MockCluster, new_topic, read_all
from tests.connectors.kit import Lent
from tests.worker.kit import DictSecrets, Kit, registered, working

NOBODY = "127.0.0.1:1"


@asynccontextmanager
async def kafka_worker(**config: Any) -> AsyncIterator[Kit]:
    connector, engine = KafkaConnector(), Engine()
    await connector.open(Lent(engine))
    async with working(registered(connector), **config) as kit:
        yield kit
    await connector.close()
    await engine.close()


async def command_for(variables: Any, headers: dict[str, str] | None = None, **config: Any) -> Any:
    async with kafka_worker(**config) as kit:
        key = kit.gateway.add_job(KafkaConnector.type, variables, headers or {}, retries=3)
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        return kit.gateway.commands_for(key)[0]


def variables(servers: str, topic: str = "orders", **more: Any) -> dict[str, Any]:
    return {
        "topic": {"bootstrapServers": servers, "topicName": topic},
        "message": {"key": "k", "value": {"a": 1}},
        **more,
    }


async def test_result_expressions_see_the_response_bare_and_by_name(cluster: MockCluster) -> None:
    topic = new_topic()
    expression = "={t: topic, p: partition, o: response.offset, at: timestamp > 0}"
    command = await command_for(variables(cluster.servers, topic), {"resultExpression": expression})
    assert isinstance(command, CompleteCommand)
    assert json.loads(command.variables or "") == {"t": topic, "p": command_partition(command), "o": 0, "at": True}


def command_partition(command: CompleteCommand) -> int:
    partition = json.loads(command.variables or "")["p"]
    assert partition in range(4)
    return int(partition)


async def test_a_failure_costs_a_retry_and_has_the_code_fail() -> None:
    command = await command_for(variables(NOBODY))
    assert isinstance(command, FailCommand)
    assert command.retries == 2
    error = json.loads(command.variables or "")["error"]
    assert error["code"] == "FAIL"
    assert error["type"] == "io.camunda.connector.api.error.ConnectorException"
    assert error["message"].startswith("Error during Kafka Producer execution; error message: [Cannot connect to")


async def test_error_expressions_see_the_code() -> None:
    expression = '=if error.code = "FAIL" then bpmnError("KAFKA", error.message) else null'
    command = await command_for(variables(NOBODY), {"errorExpression": expression})
    assert isinstance(command, ThrowErrorCommand)
    assert command.code == "KAFKA"


@pytest.mark.parametrize(
    "more",
    [
        {"authentication": {"username": "u"}},
        {"message": {"key": "k"}},
        {"topic": {"bootstrapServers": NOBODY}},
        {"additionalProperties": {"transactional.id": "t"}},
    ],
)
async def test_wrong_input_is_an_incident_at_once(more: dict[str, Any]) -> None:
    command = await command_for({**variables(NOBODY), **more})
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert "code" not in json.loads(command.variables or "")["error"]


async def test_what_cannot_be_sent_at_all_is_an_incident_with_the_code() -> None:
    command = await command_for(variables(NOBODY, "no topic"))
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    error = json.loads(command.variables or "")["error"]
    assert (error["code"], error["type"]) == ("FAIL", "io.camunda.connector.api.error.ConnectorException")


async def test_secrets_in_every_place(cluster: MockCluster) -> None:
    topic = new_topic()
    secrets = DictSecrets({"SERVERS": cluster.servers, "TOPIC": topic, "KEY": 'a "quoted" key'})
    given = {
        "topic": {"bootstrapServers": "{{secrets.SERVERS}}", "topicName": "{{secrets.TOPIC}}"},
        "message": {"key": "{{secrets.KEY}}", "value": "v"},
    }
    command = await command_for(given, secrets=secrets)
    assert isinstance(command, CompleteCommand)
    (record,) = await asyncio.to_thread(read_all, cluster.servers, topic, 1)
    assert record.key == b'a "quoted" key'


async def test_a_shutdown_waits_for_records_under_way(cluster: MockCluster) -> None:
    """Jobs whose records linger when the drain begins are completed, not cut."""
    topic = new_topic()
    given = variables(cluster.servers, topic, additionalProperties={"linger.ms": 500})
    async with kafka_worker(drain_seconds=20.0) as kit:
        keys = [kit.gateway.add_job(KafkaConnector.type, given, {}) for _ in range(20)]
        await kit.until(lambda: len(kit.worker.running()) == 20)
        await asyncio.sleep(0.1)  # past the start of the producer
    commands = [kit.gateway.commands_for(key)[0] for key in keys]
    assert [type(command) for command in commands] == [CompleteCommand] * 20
    assert len(await asyncio.to_thread(read_all, cluster.servers, topic, 20)) == 20
