"""A Kafka connector on librdkafka's mock cluster: real sockets and protocol, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from coupler.http.engine import Engine
from coupler_kafka import KafkaConnector
from tests.connectors.kafka.cluster import MockCluster
from tests.connectors.kit import Bench, Lent


@pytest.fixture(scope="session")
def cluster() -> Iterator[MockCluster]:
    mock = MockCluster(brokers=3)
    yield mock
    mock.close()


@pytest_asyncio.fixture
async def kafka() -> AsyncIterator[Bench]:
    engine = Engine()
    connector = KafkaConnector()
    await connector.open(Lent(engine))
    yield Bench(connector, engine)
    await connector.close()
    await engine.close()
