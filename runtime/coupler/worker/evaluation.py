"""Result and error expressions: their scope, and the shape that their results must have."""

from __future__ import annotations

import logging
from typing import Any

from coupler import expressions, feel, json
from coupler.errors import InputError
from coupler.feel.limits import Limits
from coupler.gateway.protocol import Job

log = logging.getLogger(__name__)

_FORBIDDEN = "camunda.function.type"


def job_scope(job: Job) -> dict[str, Any]:
    """What expressions see as ``job``. The Java runtime has ``retries`` only, and only in error expressions."""
    return {
        "key": job.key,
        "type": job.type,
        "retries": job.retries,
        "processInstanceKey": job.process_instance_key,
        "processDefinitionKey": job.process_definition_key,
        "bpmnProcessId": job.process_id,
        "elementId": job.element_id,
        "elementInstanceKey": job.element_instance_key,
        "tenantId": job.tenant_id,
    }


async def evaluate_to_object(
    expression: str, scope: dict[str, Any], limits: Limits, *, label: str
) -> dict[str, Any] | None:
    """Evaluates an expression that must give a JSON object or null.

    Args:
        expression: FEEL text; one leading ``=`` is optional.
        scope: the variables in scope, plain JSON values.
        limits: the evaluation's budget.
        label: ``Result expression`` or ``Error expression``, for messages.

    Raises:
        FeelError: the expression cannot be parsed or evaluated, or breaks a limit.
        InputError: the result is something else than an object, or holds the forbidden literal.
    """
    silent_nulls: list[tuple[int, str]] | None = [] if log.isEnabledFor(logging.DEBUG) else None
    text = feel.strip_marker(expression)
    value = await feel.evaluate_json(text, scope, expressions.FUNCTIONS, limits, silent_nulls)
    for _, warning in silent_nulls or ():
        log.debug("%s %s: %s", label, text, warning)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(
            # the whole value: it is cut with the message, after its secrets have been masked
            f"{label} must return a JSON object, but got {_kind(value)}. Evaluated value: {json.dumps(value)}"
        )
    return value


def refuse_forbidden_literal(value: dict[str, Any], encoded: str) -> None:
    """An expression must not smuggle in a call of an intrinsic function.

    Args:
        value: the expression's result.
        encoded: JSON text that contains it, already at hand: spares encoding once more in all normal cases.
    """
    if _FORBIDDEN in encoded and _FORBIDDEN in json.dumps(value):
        raise InputError(f"The connector result contains a forbidden literal '{_FORBIDDEN}'.")


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "number"
