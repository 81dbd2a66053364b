"""Between protobuf messages and the types of the seam."""

from __future__ import annotations

from coupler.gateway.proto import gateway_pb2 as pb
from coupler.gateway.protocol import Broker, Job, Partition, Topology

DEFAULT_TENANT = "<default>"


def job_from(message: pb.ActivatedJob, received_at: float) -> Job:
    """A job, made once for each one that arrives: positional arguments, no loops."""
    return Job(
        message.key,
        message.type,
        message.processInstanceKey,
        message.bpmnProcessId,
        message.processDefinitionVersion,
        message.processDefinitionKey,
        message.elementId,
        message.elementInstanceKey,
        message.customHeaders,
        message.worker,
        message.retries,
        message.deadline,
        message.variables,
        message.tenantId or DEFAULT_TENANT,
        received_at,
    )


def topology_from(message: pb.TopologyResponse) -> Topology:
    """Brokers with their partitions."""
    return Topology(
        brokers=tuple(
            Broker(
                node_id=broker.nodeId,
                address=f"{broker.host}:{broker.port}",
                version=broker.version,
                partitions=tuple(
                    Partition(
                        id=partition.partitionId,
                        leader=partition.role == pb.Partition.LEADER,
                        healthy=partition.health == pb.Partition.HEALTHY,
                    )
                    for partition in broker.partitions
                ),
            )
            for broker in message.brokers
        ),
        gateway_version=message.gatewayVersion,
        partitions_count=message.partitionsCount,
    )


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, as the wire counts durations."""
    return round(seconds * 1000)
