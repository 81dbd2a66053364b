"""One job without an engine: the steps of its life, and the command that they end in."""

from __future__ import annotations

import time
from typing import Any, assert_never, cast

import msgspec

from coupler import json
from coupler.app.wiring import make_documents, make_registry, make_resources, make_secrets
from coupler.errors import ConfigError
from coupler.gateway.protocol import Gateway, Job
from coupler.registry import Registry
from coupler.settings.loading import Loaded
from coupler.worker.active import Held
from coupler.worker.execution import Execution
from coupler.worker.outcome import Abandoned, BpmnErrorThrown, Completed, Failed, Outcome

COMPLETED, FAILED, BPMN_ERROR = 0, 1, 2


class _NoEngine:
    """Takes what an execution may say while it runs: a longer lease."""

    async def update_timeout(self, job_key: int, lease_seconds: float) -> None:
        """Granted."""


async def execute_once(loaded: Loaded, job_type: str, text: str) -> tuple[int, str]:
    """Runs one job and returns the exit code and the command, as JSON.

    Args:
        loaded: the settings.
        job_type: which connector.
        text: ``{"variables": {}, "customHeaders": {}, "retries": 3}`` and, optionally, ``processId``, ``elementId``,
            ``tenantId``.

    Raises:
        ConfigError: no such connector, one that cannot open, or the text is no such object.
    """
    job = _job(job_type, text)
    registered = make_registry(loaded).resolve(job_type)
    registry = Registry([registered])  # opens and closes no other connector
    secrets = make_secrets(loaded)
    resources = make_resources(loaded.settings)
    config = loaded.settings.worker
    gateway = cast("Gateway", _NoEngine())
    execution = Execution(
        registered,
        gateway=gateway,
        secrets=secrets,
        resources=resources,
        documents=make_documents(loaded.settings, None, resources.http_engine),
        config=config,
    )
    held = Held(job, registered.name, config.lease_seconds, time.monotonic() + 3600, config.max_execution_seconds)
    try:
        await registry.open_all(resources)
        outcome = await execution.outcome(held)
    finally:
        await registry.close_all()
        execution.close()
        await secrets.close()
        await resources.close()
    return _answer(outcome)


def _job(job_type: str, text: str) -> Job:
    try:
        content = json.loads(text)
    except json.Malformed as error:
        raise ConfigError(f"The job is not valid JSON: {error}.") from error
    expected = '{"variables": {}, "customHeaders": {}, "retries": 3}'
    if not isinstance(content, dict):
        raise ConfigError(f"The job must be an object such as {expected}.")
    for name in ("variables", "customHeaders"):
        if not isinstance(content.get(name, {}), dict):
            raise ConfigError(f"{name} of the job must be an object, as in {expected}.")
    retries = content.get("retries", 3)
    if not isinstance(retries, int):
        raise ConfigError(f"retries of the job must be a whole number, as in {expected}.")
    return Job(
        key=1,
        type=job_type,
        process_instance_key=2,
        process_id=str(content.get("processId", "process")),
        process_definition_version=1,
        process_definition_key=3,
        element_id=str(content.get("elementId", "element")),
        element_instance_key=4,
        custom_headers=json.dumps({name: str(value) for name, value in content.get("customHeaders", {}).items()}),
        worker="coupler execute",
        retries=retries,
        deadline_ms=0,
        variables=json.dumps(content.get("variables", {})),
        tenant_id=str(content.get("tenantId", "<default>")),
        received_at=time.monotonic(),
    )


def _answer(outcome: Outcome) -> tuple[int, str]:
    match outcome:
        case Completed(variables):
            return COMPLETED, _command("complete", variables)
        case Failed(retries, message, backoff, variables):
            more = {"retries": retries, "errorMessage": message, "retryBackoffSeconds": backoff}
            return FAILED, _command("fail", variables, **more)
        case BpmnErrorThrown(code, message, variables):
            return BPMN_ERROR, _command("throwError", variables, errorCode=code, errorMessage=message)
        case Abandoned(reason):
            return FAILED, _command("none", None, reason=reason)
        case _:
            assert_never(outcome)


def _command(name: str, variables: str | None, **more: Any) -> str:
    """The variables pass as the text that they are, so that numbers stay exact."""
    command = {"command": name, **more, "variables": msgspec.Raw((variables or "{}").encode())}
    return msgspec.json.format(msgspec.json.encode(command), indent=2).decode()
