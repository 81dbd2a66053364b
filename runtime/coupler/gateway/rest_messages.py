"""Answers of the REST API as they travel. Variables and headers stay the JSON text that they are."""

from __future__ import annotations

import msgspec

from coupler.gateway.messages import DEFAULT_TENANT
from coupler.gateway.protocol import Broker, Job, Partition, Topology


class JobAnswer(msgspec.Struct, rename="camel"):
    """An activated job; keys are strings here, and numbers before 8.8."""

    job_key: str | int
    type: str
    process_instance_key: str | int = "0"
    process_definition_id: str = ""
    process_definition_version: int = 0
    process_definition_key: str | int = "0"
    element_id: str = ""
    element_instance_key: str | int = "0"
    custom_headers: msgspec.Raw = msgspec.Raw(b"{}")
    worker: str | None = None
    retries: int = 0
    deadline: int = 0
    variables: msgspec.Raw = msgspec.Raw(b"{}")
    tenant_id: str | None = None

    def to_job(self, received_at: float) -> Job:
        """The job as workers see it."""
        return Job(
            int(self.job_key),
            self.type,
            int(self.process_instance_key),
            self.process_definition_id,
            self.process_definition_version,
            int(self.process_definition_key),
            self.element_id,
            int(self.element_instance_key),
            _text(self.custom_headers),
            self.worker or "",
            self.retries,
            self.deadline,
            _text(self.variables),
            self.tenant_id or DEFAULT_TENANT,
            received_at,
        )


class Activation(msgspec.Struct):
    """The answer to an activation."""

    jobs: list[JobAnswer]


class PartitionAnswer(msgspec.Struct, rename="camel"):
    """One partition on one broker."""

    partition_id: int
    role: str = ""
    health: str = ""


class BrokerAnswer(msgspec.Struct, rename="camel"):
    """One broker."""

    node_id: int
    host: str = ""
    port: int = 0
    version: str = ""
    partitions: list[PartitionAnswer] = []


class TopologyAnswer(msgspec.Struct, rename="camel"):
    """The cluster."""

    brokers: list[BrokerAnswer]
    gateway_version: str = ""
    partitions_count: int = 1

    def to_topology(self) -> Topology:
        """The cluster as workers see it."""
        return Topology(
            brokers=tuple(
                Broker(
                    node_id=broker.node_id,
                    address=f"{broker.host}:{broker.port}",
                    version=broker.version,
                    partitions=tuple(
                        Partition(
                            id=partition.partition_id,
                            leader=partition.role.lower() == "leader",
                            healthy=partition.health.lower() == "healthy",
                        )
                        for partition in broker.partitions
                    ),
                )
                for broker in self.brokers
            ),
            gateway_version=self.gateway_version,
            partitions_count=self.partitions_count,
        )


def _text(raw: msgspec.Raw) -> str:
    text = bytes(raw).decode()
    return "{}" if text == "null" else text
