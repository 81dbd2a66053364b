"""Step 7 of a job's life: the error expression decides what becomes of a result or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coupler import expressions, json
from coupler.documents.creation import create_wished
from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.durations import parse_duration
from coupler.errors import InputError
from coupler.gateway.protocol import Job
from coupler.sdk.coercion import to_integer, to_text
from coupler.worker.config import WorkerConfig
from coupler.worker.evaluation import evaluate_to_object, job_scope, refuse_forbidden_literal
from coupler.worker.failure import ErrorResult, fail_with, within_int32
from coupler.worker.mapping import Mapped, encode_variables
from coupler.worker.outcome import BpmnErrorThrown, Completed, Outcome
from coupler.worker.text import cut


async def judge_success(
    expression: str, job: Job, mapped: Mapped, config: WorkerConfig, documents: Documents = NO_DOCUMENTS
) -> Outcome | None:
    """Evaluates the error expression over a result; ``None``: no error."""
    return await _judge(expression, success_scope(job, mapped), config, documents, called=True)


async def judge_error(
    expression: str, job: Job, result: ErrorResult, config: WorkerConfig, documents: Documents = NO_DOCUMENTS
) -> Outcome | None:
    """Evaluates the error expression over a failure; ``None``: it says nothing."""
    content = {"error": result.error}
    scope = {**content, "response": content, "job": job_scope(job)}
    return await _judge(expression, scope, config, documents, called=False)


def success_scope(job: Job, mapped: Mapped) -> dict[str, Any]:
    """The scope after a successful call.

    Without a result mapping: the response's own keys and ``response``. With one, the root holds the mapped variables
    alone, as in the Java runtime; ``response`` is the raw response with the mapped variables laid over it, so that both
    ``response.status`` and expressions written for Java find what they ask for.
    """
    response, variables = mapped.response, mapped.variables
    if not variables:
        root: dict[str, Any] = dict(response) if isinstance(response, dict) else {}
        root["response"] = response
    else:
        root = dict(variables)
        root["response"] = {**response, **variables} if isinstance(response, dict) else variables
    root["job"] = job_scope(job)
    return root


async def _judge(
    expression: str, scope: dict[str, Any], config: WorkerConfig, documents: Documents, *, called: bool
) -> Outcome | None:
    verdict = await evaluate_to_object(expression, scope, config.feel_limits, label="Error expression")
    if not verdict:
        return None
    refuse_forbidden_literal(verdict, json.dumps(verdict))
    kind = verdict.get("errorType")
    make = _VERDICTS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise InputError(
            f"Cannot parse '{json.dumps(verdict)}' as a connector error: errorType must be bpmnError, jobError or"
            " ignoreError."
        )
    if kind == "bpmnError" and verdict.get("errorCode") is None:
        return None
    if "createDocument" in expression:
        marker = expressions.DOCUMENT_MARKER
        await create_wished(verdict, marker, documents, label="Error expression", after_call=called)
    return make(verdict, config)


def _bpmn_error(verdict: dict[str, Any], config: WorkerConfig) -> Outcome:
    variables = encode_variables(_variables(verdict), config.max_variables_bytes)
    code, message = _text(verdict, "errorCode"), _text(verdict, "errorMessage")
    return BpmnErrorThrown(code, cut(message, config.max_message_length), variables)


def _job_error(verdict: dict[str, Any], config: WorkerConfig) -> Outcome:
    message = _text(verdict, "errorMessage")
    variables = {**_variables(verdict), "error": message}
    encode_variables(variables, config.max_variables_bytes)
    return fail_with(message, variables, _retries(verdict), _backoff_seconds(verdict), config=config)


def _ignore_error(verdict: dict[str, Any], config: WorkerConfig) -> Outcome:
    return Completed(encode_variables(_variables(verdict), config.max_variables_bytes))


_VERDICTS: dict[str, Callable[[dict[str, Any], WorkerConfig], Outcome]] = {
    "bpmnError": _bpmn_error,
    "jobError": _job_error,
    "ignoreError": _ignore_error,
}


def _variables(verdict: dict[str, Any]) -> dict[str, Any]:
    variables = verdict.get("variables")
    if variables is None:
        return {}
    if not isinstance(variables, dict):
        raise InputError(f"The variables of {verdict['errorType']} must be a context.")
    return variables


def _text(verdict: dict[str, Any], name: str) -> str:
    """A text of the verdict, read as inputs are: of a number its digits, of nothing nothing."""
    text = to_text(verdict.get(name))
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InputError(f"The {name} of {verdict['errorType']} must be text.")
    return text


def _retries(verdict: dict[str, Any]) -> int:
    retries = to_integer(verdict.get("retries"))
    if retries is None or retries == "":
        return 0
    if not isinstance(retries, int):
        raise InputError("The retries of jobError must be a number.")
    return within_int32(retries)


def _backoff_seconds(verdict: dict[str, Any]) -> float:
    text = _text(verdict, "retryBackoff")
    if not text:
        return 0.0
    try:
        return max(parse_duration(text), 0.0)
    except ValueError as error:
        raise InputError(f"The retryBackoff of jobError cannot be read: {error}.") from error
