"""The seam between a worker and an orchestration cluster.

Two clients implement ``Gateway``: gRPC (``gateway/grpc.py``) and the Orchestration Cluster REST API v2
(``gateway/rest.py``); ``coupler.testing.FakeGateway`` is a third. All raise ``GatewayError`` and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class Job:
    """One activation of a job.

    ``variables`` and ``custom_headers`` are JSON text, kept as text until the job is bound. ``received_at`` is this
    process's monotonic clock: the lease is counted from it, never from the gateway's clock.
    """

    key: int
    type: str
    process_instance_key: int
    process_id: str
    process_definition_version: int
    process_definition_key: int
    element_id: str
    element_instance_key: int
    custom_headers: str
    worker: str
    retries: int
    deadline_ms: int  # epoch milliseconds on the gateway's clock
    variables: str
    tenant_id: str = "<default>"
    received_at: float = 0.0  # seconds, time.monotonic()


@dataclass(slots=True, frozen=True)
class ActivateRequest:
    """Asks for jobs once; with ``request_timeout_seconds`` > 0 the gateway holds the call open until there is one."""

    type: str
    worker: str
    lease_seconds: float
    max_jobs: int
    fetch_variables: Sequence[str] = ()  # empty: all variables in scope
    request_timeout_seconds: float = 10.0
    tenant_ids: Sequence[str] = ()


@dataclass(slots=True, frozen=True)
class StreamRequest:
    """Asks for jobs to be pushed as they become available."""

    type: str
    worker: str
    lease_seconds: float
    fetch_variables: Sequence[str] = ()
    tenant_ids: Sequence[str] = ()


@dataclass(slots=True, frozen=True)
class Partition:
    """One partition on one broker; ``healthy`` is the broker's own word."""

    id: int
    leader: bool
    healthy: bool


@dataclass(slots=True, frozen=True)
class Broker:
    """One broker of the cluster."""

    node_id: int
    address: str
    version: str
    partitions: Sequence[Partition] = field(default_factory=tuple)


@dataclass(slots=True, frozen=True)
class Topology:
    """The cluster as the gateway sees it."""

    brokers: Sequence[Broker]
    gateway_version: str
    partitions_count: int = 1

    @property
    def healthy(self) -> bool:
        """At least one broker, and at least one healthy partition (the rule of the Java runtime's readiness)."""
        return any(p.healthy for b in self.brokers for p in b.partitions)


class JobStream(Protocol):
    """Pushed jobs. A job is read from the wire only when the iterator is asked for it."""

    def __aiter__(self) -> AsyncIterator[Job]: ...

    async def __anext__(self) -> Job: ...

    async def aclose(self) -> None:
        """Closes the stream; a read that is waiting ends as if the gateway had ended the stream. Idempotent."""
        ...


class Gateway(Protocol):
    """The cluster as a worker sees it. Every method raises ``GatewayError``; keys are integers, times are seconds."""

    async def activate(self, request: ActivateRequest) -> list[Job]:
        """Long polling: returns as soon as there are jobs, or an empty list after the request timeout."""
        ...

    def stream(self, request: StreamRequest) -> JobStream:
        """A stream, opened when it is first asked for a job.

        It must be closed (``aclosing``); it ends without an error when the gateway ends it.
        """
        ...

    async def complete(self, job_key: int, variables: str) -> None:
        """Completes the job with output variables (JSON text of an object)."""
        ...

    async def fail(
        self, job_key: int, *, retries: int, message: str, backoff_seconds: float = 0.0, variables: str | None = None
    ) -> None:
        """Fails the job; 0 retries make an incident, more make it available again after the backoff."""
        ...

    async def throw_error(self, job_key: int, *, code: str, message: str = "", variables: str | None = None) -> None:
        """Throws a BPMN error at the job's element."""
        ...

    async def update_timeout(self, job_key: int, lease_seconds: float) -> None:
        """Extends (or cuts) the lease: it ends ``lease_seconds`` from now."""
        ...

    async def topology(self) -> Topology:
        """Brokers and partitions; also the test whether the cluster can be reached."""
        ...

    async def process_definition_xml(self, key: int) -> str:
        """The deployed BPMN XML. Only the REST API has it: ``UNIMPLEMENTED`` without a REST address."""
        ...

    async def close(self) -> None:
        """Closes all connections. Idempotent."""
        ...
