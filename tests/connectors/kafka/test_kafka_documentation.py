"""The page of the connector: its example runs, its settings and properties are those that exist."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from coupler_kafka.properties import CLIENT_OPTIONS, WITHOUT_COUNTERPART
from coupler_kafka.settings import CheckedConnection, KafkaSettings
from tests.connectors.kafka.cluster import MockCluster, read_all
from tests.e2e.processes import Process, until

PAGE = (Path(__file__).parents[3] / "docs" / "connectors" / "kafka.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


async def test_the_example_runs_on_the_embedded_engine(tmp_path: Path, cluster: MockCluster) -> None:
    demo = tmp_path / "kafka-demo"
    demo.mkdir()
    (demo / "tell-of-order.bpmn").write_text(block("xml"))
    configuration = block("toml")
    assert "localhost:9092" in configuration
    (demo / "dev.toml").write_text(configuration.replace("localhost:9092", cluster.servers))
    arguments = ["dev", "kafka-demo", "--plain", "--grpc-port", "0", "--rest-port", "0", "--set", "admin.port=0"]

    def records() -> list[object]:
        try:
            return list(read_all(cluster.servers, "orders", 1, seconds=1.0))
        except KeyError:
            return []

    with Process("dev", arguments, directory=tmp_path):
        found = await asyncio.to_thread(until, records, "a record of the example")
    (record,) = read_all(cluster.servers, "orders", 1)
    assert found == [record]
    assert (record.key, record.value) == (b"o-1", b'{"id":"o-1","total":19.95}')
    assert [name for name, _ in record.headers] == ["source", "idempotency-key"]
    assert record.headers[1][1].isdigit()


def test_every_setting_stands_there_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `COUPLER_CONNECTORS__KAFKA__([A-Z_]+)` \| (\S+) \|", PAGE, re.MULTILINE))
    defaults = KafkaSettings().model_dump(exclude={"check"})
    assert rows == {name.upper(): str(value).lower().removesuffix(".0") for name, value in defaults.items()}
    for name in CheckedConnection.model_fields:
        assert f"__CHECK__{name.upper()}`" in PAGE


def test_every_property_stands_there() -> None:
    for name in CLIENT_OPTIONS:
        assert f"`{name}`" in PAGE
    for name in ("request.timeout.ms", "retries", "buffer.memory", "client.dns.lookup"):
        assert name in WITHOUT_COUNTERPART
        assert f"`{name}`" in PAGE
