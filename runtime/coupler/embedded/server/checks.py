"""What gRPC and REST check alike before the engine hears of a call, and the constants that both tell."""

from __future__ import annotations

from collections.abc import Sequence

from coupler.embedded.definitions import Definition, Definitions
from coupler.embedded.job_commands import ActivationRequest
from coupler.embedded.rejection import invalid

PROTOCOL_LEVEL = "8.7.0"
DEFAULT_TENANT = "<default>"
_DEFAULT_WAIT_SECONDS = 10.0


def check_tenant(tenant: str | None) -> None:
    """Refuses every tenant but the one that there is."""
    if tenant and tenant != DEFAULT_TENANT:
        raise invalid(f"The embedded engine has no tenants but '{DEFAULT_TENANT}', and the call names '{tenant}'")


def check_activation(request: ActivationRequest, tenants: Sequence[str]) -> ActivationRequest:
    """Refuses an activation that makes no sense."""
    if not request.type.strip():
        raise invalid("Expected to activate jobs with type to be present, but it was blank")
    if request.lease_ms < 1:
        raise invalid(f"Expected to activate jobs with timeout to be greater than zero, but it was {request.lease_ms}")
    if request.max_jobs < 1:
        raise invalid(
            f"Expected to activate jobs with maxJobsToActivate to be greater than zero, but it was {request.max_jobs}"
        )
    for tenant in tenants:
        check_tenant(tenant)
    return request


def check_resources(names: Sequence[str]) -> None:
    """Refuses a deployment of nothing, or of something that is no process."""
    if not names:
        raise invalid("Expected to deploy at least one resource, but none given")
    for name in names:
        if not name.endswith((".bpmn", ".bpmn20.xml")):
            raise invalid(
                f"'{name}' cannot be deployed: the embedded engine runs BPMN processes (*.bpmn) only, "
                "no decisions and no forms"
            )


def find_definition(definitions: Definitions, process_id: str | None, version: int, key: int) -> Definition:
    """The process to start: by its id, in the newest version where none is given, or by its key.

    Raises:
        Rejection: NOT_FOUND, or INVALID_ARGUMENT when neither is given.
    """
    if process_id:
        return definitions.latest(process_id, version)
    if key > 0:
        return definitions.get(key)
    raise invalid("Expected at least a bpmnProcessId or a key greater than -1, but none given")


def activation_wait_seconds(request_timeout_ms: int) -> float:
    """How long a poll may be held open: a negative timeout turns long polling off."""
    return 0.0 if request_timeout_ms < 0 else completion_wait_seconds(request_timeout_ms)


def completion_wait_seconds(request_timeout_ms: int) -> float:
    """How long the end of a process instance is waited for."""
    return request_timeout_ms / 1000 if request_timeout_ms > 0 else _DEFAULT_WAIT_SECONDS
