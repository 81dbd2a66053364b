"""What the engine was told about a batch of jobs, held against what a consumer reads."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from coupler.http.engine import Engine
from coupler.testing import CompleteCommand, FailCommand, FakeGateway
from coupler_kafka import KafkaConnector
from tests.connectors.kafka.broker import Broker
from tests.connectors.kafka.cluster import read_all
from tests.connectors.kit import Lent
from tests.worker.kit import registered, working

DOUBT = "it may be in the topic"


@dataclass(slots=True)
class Delivery:
    """The account of a batch. ``lost`` and ``late`` are what must not be.

    A job in doubt failed with the words that its record may be in the topic; ``late`` counts the others.
    """

    jobs: int
    completed: int
    failed: int
    lost: int  # completed to the engine, not there for the consumer
    late: int  # failed to the engine without a doubt, yet there for the consumer
    in_doubt: int  # failed to the engine with the doubt
    in_doubt_delivered: int  # those of them that are there for the consumer
    duplicates: int  # records beyond one for each job

    def __str__(self) -> str:
        return (
            f"jobs {self.jobs}, completed {self.completed}, failed {self.failed}, completed but not readable"
            f" {self.lost}, failed yet delivered {self.late}, failed in doubt {self.in_doubt} (delivered"
            f" {self.in_doubt_delivered}), duplicates {self.duplicates}"
        )


async def account(
    servers: str,
    topic: str,
    during: Callable[[], Awaitable[None]],
    *,
    rate: int = 400,
    properties: dict[str, Any] | None = None,
    settle_seconds: float = 0.0,
    reader: Broker | None = None,
) -> Delivery:
    """Feeds jobs at a rate while ``during`` runs, waits for all outcomes, then reads the topic."""
    connector = KafkaConnector()
    engine = Engine()
    await connector.open(Lent(engine))
    gateway = FakeGateway()
    keys: list[int] = []

    async def feed(stop: asyncio.Event) -> None:
        while not stop.is_set():
            for _ in range(max(1, rate // 20)):
                number = len(keys)
                variables = {
                    "topic": {"bootstrapServers": servers, "topicName": topic},
                    "message": {"key": f"job-{number}", "value": {"number": number, "text": "x" * 100}},
                    "additionalProperties": properties or {},
                }
                keys.append(gateway.add_job(connector.type, variables, {}, retries=1))
            await asyncio.sleep(0.05)

    async with working(registered(connector), gateway=gateway, max_jobs_active=2000, max_jobs_active_total=2000) as kit:
        stop = asyncio.Event()
        feeding = asyncio.create_task(feed(stop))
        await during()
        stop.set()
        await feeding
        await kit.until(lambda: all(gateway.commands_for(key) for key in keys), seconds=180)
        outcomes = {f"job-{number}": gateway.commands_for(key)[0] for number, key in enumerate(keys)}
        await asyncio.sleep(settle_seconds)  # what is still on its way would arrive now
    await connector.close()
    await engine.close()
    completed = {name for name, command in outcomes.items() if isinstance(command, CompleteCommand)}
    messages = {name: command.message for name, command in outcomes.items() if isinstance(command, FailCommand)}
    failed = set(messages)
    in_doubt = {name for name, message in messages.items() if DOUBT in message}
    records = await asyncio.to_thread(read_all, servers if reader is None else reader.servers(), topic, len(completed))
    found = Counter((record.key or b"").decode() for record in records)
    return Delivery(
        jobs=len(keys),
        completed=len(completed),
        failed=len(failed),
        lost=len(completed - found.keys()),
        late=len((failed - in_doubt) & found.keys()),
        in_doubt=len(in_doubt),
        in_doubt_delivered=len(in_doubt & found.keys()),
        duplicates=sum(found.values()) - len(found),
    )
