"""The connector: input to record, one send through a shared producer, where the record is as the result."""

from __future__ import annotations

import asyncio
import importlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from coupler.sdk import Connector, ConnectorError, JobContext, Resources
from coupler.sdk.http import HttpEngine
from coupler.sdk.oauth import TokenCache
from coupler_kafka.connection import Connection, Connections, connection
from coupler_kafka.encoding import Record, header_pairs, key_bytes
from coupler_kafka.failures import Refused, failure
from coupler_kafka.model import INPUT_VARIABLES, KafkaInput
from coupler_kafka.pool import Pool
from coupler_kafka.registry import Registry
from coupler_kafka.settings import KafkaSettings
from coupler_kafka.template import TEMPLATE
from coupler_kafka.values import Values

if TYPE_CHECKING:
    from coupler_kafka.producer import Producer

IDEMPOTENCY_HEADER: Final = "idempotencyKey"
RECORD_HEADER: Final = "idempotency-key"
_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def valid_topic(name: str) -> str:
    """The name, which the brokers are not asked about when it cannot exist.

    Raises:
        Refused: it cannot.
    """
    if _TOPIC.fullmatch(name) is None or name in (".", ".."):
        raise Refused(
            f"Invalid topic name {name[:60]!r}: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-' are"
            " possible, and neither '.' nor '..'"
        )
    return name


class KafkaConnector(Connector[KafkaInput]):
    """Sends a record to a Kafka topic."""

    type = "io.camunda:connector-kafka:1"
    name = "Kafka Producer"
    Input = KafkaInput
    Settings = KafkaSettings  # type: ignore[assignment, unused-ignore]
    input_variables = INPUT_VARIABLES
    template = TEMPLATE
    response_is_json = True

    def __init__(self) -> None:
        self._settings = KafkaSettings()
        self._connections = Connections()
        self._tokens = TokenCache()
        self._engine: HttpEngine | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._pool: Pool[Producer] | None = None
        self._registry: Registry | None = None
        self._values: Values | None = None

    async def open(self, resources: Resources) -> None:
        """Takes the settings of the deployment; connects to nothing yet."""
        self._settings = self.settings or KafkaSettings()
        self._engine = resources.http_engine
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="kafka-tls")
        self._registry = Registry(self._engine, self._tokens, self._threads)
        self._values = Values(self._registry)
        self._pool = Pool(self._settings.max_producers, self._settings.idle_seconds, self._settings.close_seconds)

    async def close(self) -> None:
        """Lets records that are under way arrive, for as long as the settings say."""
        if self._pool is not None:
            await self._pool.close()
        if self._registry is not None:
            await self._registry.close()
        await self._tokens.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self) -> None:
        """Connects to the cluster of the setting ``check`` and reads the metadata of its topic.

        Raises:
            ConnectorError: no cluster is named, it cannot be reached, or no broker knows the topic.
        """
        checked = self._settings.check
        if checked is None:
            raise ConnectorError("COUPLER_CONNECTORS__KAFKA__CHECK__BOOTSTRAP_SERVERS names no cluster to test")
        pair = (checked.username, checked.password) if checked.username and checked.password else None
        producer = await self._create(connection(checked.bootstrap_servers, pair, checked.properties))
        try:
            if checked.topic is not None:
                await producer.partitions(valid_topic(checked.topic))
        finally:
            await producer.close(self._settings.close_seconds)

    async def execute(self, input: KafkaInput, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Sends the record and waits for the acknowledgement."""
        try:
            effective = self._connections.of(input)
            assert self._pool is not None, "open() comes before execute()"
            record = await self._record(input, effective, context)
            async with self._pool.lend(effective.key, lambda: self._create(effective)) as producer:
                sent = await producer.send(record)
        except ConnectorError as error:
            raise failure(error) from error
        return {
            "topic": sent.topic,
            "timestamp": sent.timestamp,
            "offset": sent.offset,
            "partition": sent.partition,
        }

    async def _record(self, given: KafkaInput, effective: Connection, context: JobContext) -> Record:
        assert self._values is not None, "open() comes before execute()"
        message = given.message
        settings = self._settings
        marked = settings.idempotency_key or context.headers.get(IDEMPOTENCY_HEADER, "").strip().lower() == "true"
        added = context.trace_headers()
        if marked:
            added[RECORD_HEADER] = str(context.job_key)
        return Record(
            valid_topic(given.topic.topic_name),
            key_bytes(message.key, null_as_text=settings.null_key_as_text and not message.tombstone),
            None if message.tombstone else await self._values.encode(given, effective),
            header_pairs(given.headers, added),
        )

    async def _create(self, effective: Connection) -> Producer:
        assert self._engine is not None, "open() comes before execute()"
        assert self._threads is not None, "open() comes before execute()"
        # Only here does aiokafka come into the process, with the first job, and without holding up the loop.
        await asyncio.get_running_loop().run_in_executor(
            self._threads, importlib.import_module, "coupler_kafka.starting"
        )
        from coupler_kafka.authentication import client_security
        from coupler_kafka.starting import start_producer

        security = await client_security(effective.security, self._threads, self._tokens, self._engine)
        return await start_producer(effective, security, self._settings.unknown_topic_seconds)


__all__ = ["IDEMPOTENCY_HEADER", "KafkaConnector", "valid_topic"]
