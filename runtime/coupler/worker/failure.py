"""From an exception to what the engine, the error expression and people are told."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any

from coupler import json
from coupler.errors import CircuitOpen, ConnectorError, CouplerError, HeaderError, InputError, RetryLater
from coupler.secrets.masking import Masker
from coupler.worker.config import WorkerConfig
from coupler.worker.describable import describable
from coupler.worker.outcome import Failed
from coupler.worker.text import cut, java_text

SUFFIX = " | Error variables: "
"""Between the message of a failure and its variables; monitors look for it."""

_UNMASKABLE = "The job failed. The reason is not shown, because hiding secrets in it failed."
_SHORT_CODE = 16
_MAX_RETRIES = 2**31 - 1
_MAX_BACKOFF_SECONDS = 2.0**53  # in milliseconds it still fits the engine's 64 bits


@dataclass(slots=True)
class ErrorResult:
    """A failure, masked. ``error`` is the object that expressions see as ``error``."""

    error: dict[str, Any]
    retries: int
    backoff_seconds: float


def error_result(
    problem: BaseException, masker: Masker, *, job_retries: int, header_backoff: float | None, config: WorkerConfig
) -> ErrorResult:
    """Chooses retries and backoff by the kind of error, and describes it without secrets."""
    retries, backoff = _budget(problem, job_retries, header_backoff)
    error = describe(problem, masker, config.max_message_length)
    return ErrorResult(error, within_int32(retries), min(max(backoff, 0.0), _MAX_BACKOFF_SECONDS))


def within_int32(retries: int) -> int:
    """Retries as the engine can count them."""
    return min(max(retries, 0), _MAX_RETRIES)


def describe(problem: BaseException, masker: Masker, max_length: int) -> dict[str, Any]:
    """The ``error`` object: ``type``, ``message``, and where there are such, ``code`` and ``variables``."""
    try:
        error: dict[str, Any] = {
            "type": java_type(problem),
            "message": cut(masker.mask(_message(problem)), max_length),
        }
        if isinstance(problem, ConnectorError):
            if problem.code is not None:
                error["code"] = _code(str(problem.code), masker, max_length)
            if problem.variables is not None:
                error["variables"] = masker.mask_value(describable(problem.variables))
    except Exception:  # noqa: BLE001 - whatever went wrong, an unmasked text must not leave
        return {"type": java_type(problem), "message": _UNMASKABLE}
    return error


def failed(result: ErrorResult, config: WorkerConfig) -> Failed:
    """The FailJob of a failure, with ``error`` as its variables; dropped when they are too large."""
    return fail_with(
        result.error["message"], {"error": result.error}, result.retries, result.backoff_seconds, config=config
    )


def fail_with(message: str, variables: dict[str, Any], retries: int, backoff: float, *, config: WorkerConfig) -> Failed:
    """A FailJob whose message shows its variables too, the way the Java runtime prints them."""
    encoded = json.dumps(variables)
    limit = config.max_message_length
    text = cut(f"{message}{SUFFIX}{java_text(variables, limit)}", limit)
    if len(encoded.encode()) > config.max_variables_bytes:
        variables = {"error": _without_variables(variables.get("error"), len(encoded))}
        encoded = json.dumps(variables)
    return Failed(retries, text, backoff, encoded)


def java_type(problem: BaseException) -> str:
    """The class name that the Java runtime shows for this kind of error; existing expressions test for it."""
    return problem.java_type if isinstance(problem, CouplerError) else CouplerError.java_type


def _budget(problem: BaseException, job_retries: int, header_backoff: float | None) -> tuple[int, float]:
    match problem:
        case HeaderError():
            return 0, 0.0
        case CircuitOpen():
            return job_retries, problem.after_seconds or 0.0
        case RetryLater():
            chosen, after = problem.retries, problem.after_seconds
            retries = chosen if isinstance(chosen, int) else job_retries - 1
            backoff = after if isinstance(after, int | float) and not isnan(after) else header_backoff
            return retries, backoff or 0.0
        case InputError():
            return 0, header_backoff or 0.0
        case _ if isinstance(problem.__cause__, InputError):
            return 0, header_backoff or 0.0
        case _:
            return job_retries - 1, header_backoff or 0.0


def _code(code: str, masker: Masker, max_length: int) -> str:
    """A short code stays as it is, since expressions compare it and a short secret may be part of it by chance."""
    return cut(code if len(code) <= _SHORT_CODE else masker.mask(code), max_length)


def _message(problem: BaseException) -> str:
    if isinstance(problem, CouplerError):
        return problem.message
    text = str(problem)
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def _without_variables(error: Any, size: int) -> Any:
    if not isinstance(error, dict):
        return f"left out: {size} bytes"
    return {**error, "variables": f"left out: {size} bytes"}
