"""What answers say: keys as texts, and every member that generated clients of the API require."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from coupler.embedded.definitions import Definition
from coupler.embedded.job_commands import Activation
from coupler.embedded.server.checks import DEFAULT_TENANT, PROTOCOL_LEVEL
from coupler.embedded.store.incidents import IncidentRow
from coupler.embedded.store.instances import InstanceRow
from coupler.embedded.store.variables import Document
from coupler.embedded.variables import encode_document


def raw(variables: Document) -> msgspec.Raw:
    """Variables as they are, digit by digit."""
    return msgspec.Raw(encode_document(variables))


def topology(host: str, port: int) -> dict[str, Any]:
    """One broker with one healthy partition."""
    partition = {"partitionId": 1, "role": "leader", "health": "healthy", "state": "active"}
    broker = {
        "nodeId": 0,
        "brokerId": "0",
        "host": host,
        "port": port,
        "version": PROTOCOL_LEVEL,
        "partitions": [partition],
    }
    return {
        "brokers": [broker],
        "clusterId": None,
        "clusterSize": 1,
        "partitionsCount": 1,
        "replicationFactor": 1,
        "gatewayVersion": PROTOCOL_LEVEL,
        "lastCompletedChangeId": "-1",
    }


def job(activation: Activation, worker: str) -> dict[str, Any]:
    """An activated job."""
    row, definition = activation.job, activation.definition
    return {
        "jobKey": str(row.key),
        "type": row.type,
        "processInstanceKey": str(row.process_instance_key),
        "processDefinitionId": definition.process_id,
        "processDefinitionVersion": definition.version,
        "processDefinitionKey": str(definition.key),
        "elementId": row.element_id,
        "elementInstanceKey": str(row.element_key),
        "customHeaders": msgspec.Raw(row.headers.encode()),
        "worker": worker,
        "retries": row.retries,
        "deadline": activation.deadline_ms,
        "variables": raw(activation.variables),
        "tenantId": DEFAULT_TENANT,
        "physicalTenantId": "default",
        "kind": "BPMN_ELEMENT",
        "listenerEventType": "UNSPECIFIED",
        "userTask": None,
        "rootProcessInstanceKey": None,
        "businessId": None,
        "priority": 0,
        "jobLeaseToken": None,
        "tags": [],
    }


def deployment(key: int, definitions: list[Definition]) -> dict[str, Any]:
    """What was deployed."""
    others = dict.fromkeys(("decisionDefinition", "decisionRequirements", "form", "resource"))
    return {
        "deploymentKey": str(key),
        "tenantId": DEFAULT_TENANT,
        "deployments": [{"processDefinition": _process(d), **others} for d in definitions],
    }


def _process(definition: Definition) -> dict[str, Any]:
    return {
        "processDefinitionId": definition.process_id,
        "processDefinitionVersion": definition.version,
        "processDefinitionKey": str(definition.key),
        "resourceName": definition.resource_name,
        "tenantId": DEFAULT_TENANT,
    }


def created(definition: Definition, key: int, variables: Document) -> dict[str, Any]:
    """A process instance that has just started, or has already completed."""
    return {
        "processDefinitionId": definition.process_id,
        "processDefinitionVersion": definition.version,
        "processDefinitionKey": str(definition.key),
        "processInstanceKey": str(key),
        "tenantId": DEFAULT_TENANT,
        "variables": raw(variables),
        "tags": [],
        "businessId": None,
    }


def process_instance(
    row: InstanceRow, definition: Definition, parent_key: int | None, incidents: int
) -> dict[str, Any]:
    """A process instance as it is now; ``parent_key`` is the instance that called it."""
    return {
        "processInstanceKey": str(row.key),
        "processDefinitionId": definition.process_id,
        "processDefinitionName": None,
        "processDefinitionVersion": definition.version,
        "processDefinitionVersionTag": None,
        "processDefinitionKey": str(definition.key),
        "startDate": _moment(row.started_ms),
        "endDate": None if row.ended_ms is None else _moment(row.ended_ms),
        "state": row.state.upper(),
        "suspendedDate": None,
        "hasIncident": incidents > 0,
        "tenantId": DEFAULT_TENANT,
        "parentProcessInstanceKey": None if parent_key is None else str(parent_key),
        "parentElementInstanceKey": str(row.parent_key) if row.parent_key else None,
        "rootProcessInstanceKey": None if row.parent_key else str(row.key),
        "tags": [],
        "businessId": None,
    }


def incident(row: IncidentRow, definition: Definition) -> dict[str, Any]:
    """An open incident."""
    return {
        "incidentKey": str(row.key),
        "errorType": row.type,
        "errorMessage": row.message,
        "state": "ACTIVE",
        "elementId": row.element_id,
        "elementInstanceKey": str(row.element_key),
        "processDefinitionId": definition.process_id,
        "processDefinitionKey": str(definition.key),
        "processInstanceKey": str(row.process_instance_key),
        "rootProcessInstanceKey": None,
        "jobKey": str(row.job_key) if row.job_key else None,
        "creationTime": _moment(row.created_ms),
        "tenantId": DEFAULT_TENANT,
    }


def page(items: list[dict[str, Any]], total: int) -> dict[str, Any]:
    """A part of a result. There are no cursors: pages are counted off from the start."""
    cursors = {"startCursor": None, "endCursor": None}
    return {"items": items, "page": {"totalItems": total, "hasMoreTotalItems": False, **cursors}}


def _moment(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
