"""FEEL as jobs use it: the functions of result and error expressions.

Each returns a context that the runtime reads after the evaluation (``errorType`` says which). A wrong argument is an
error that names the parameter, not null: an error expression that silently did nothing would hide the fault.
"""

from __future__ import annotations

import random
import secrets
from decimal import Decimal
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel import Registry
from coupler.feel.temporal import NANOS, DaysDuration

FUNCTIONS: Final = Registry("connector", strict=True)

# The key of the context that createDocument makes, to be replaced by a reference after the evaluation. Random, so that
# no response of a connector can hold one.
DOCUMENT_MARKER: Final = f"document:{secrets.token_hex(16)}"

_Context = dict[str, Any]
_Number = int | Decimal
_MILLI: Final = 1_000_000
_NO_BACKOFF: Final = DaysDuration(0)
_MIN_DELAY: Final = DaysDuration(50 * _MILLI)
_MAX_DELAY: Final = DaysDuration(5 * NANOS)


@FUNCTIONS.add(
    "bpmnError(errorCode: string[, errorMessage: string, variables: context])", "Throw a BPMN error.", standard=False
)
def _bpmn_error(code: str, message: str | None = None, variables: _Context | None = None) -> _Context:
    error: _Context = {"errorType": "bpmnError", "errorCode": code}
    if message is not None:
        error["errorMessage"] = message
    if variables is not None:
        error["variables"] = variables
    return error


@FUNCTIONS.add(
    "jobError(errorMessage: string[, variables: context, retries: number, retryBackoff: days and time duration])",
    "Fail the job with these retries.",
    standard=False,
)
def _job_error(
    message: str, variables: _Context | None = None, retries: _Number = 0, retry_backoff: DaysDuration = _NO_BACKOFF
) -> _Context:
    return {
        "errorType": "jobError",
        "errorMessage": message,
        "variables": {} if variables is None else variables,
        "retries": retries,
        "retryBackoff": retry_backoff,
    }


@FUNCTIONS.add("ignoreError([variables: context])", "Complete the job although the connector failed.", standard=False)
def _ignore_error(variables: _Context | None = None) -> _Context:
    error: _Context = {"errorType": "ignoreError"}
    if variables is not None:
        error["variables"] = variables
    return error


@FUNCTIONS.add(
    "backoff(attempt: number[, minDelay: days and time duration, factor: number,"
    " maxDelay: days and time duration, jitterFactor: number])",
    "A delay that grows with each attempt.",
    standard=False,
)
def _backoff(
    attempt: _Number,
    min_delay: DaysDuration = _MIN_DELAY,
    factor: _Number = Decimal("1.6"),
    max_delay: DaysDuration = _MAX_DELAY,
    jitter_factor: _Number = Decimal("0.1"),
) -> DaysDuration:
    if attempt < 1:
        raise FeelError(f"backoff: 'attempt' is {attempt}, it must be at least 1")
    if factor <= 0:
        raise FeelError(f"backoff: 'factor' is {factor}, it must be more than 0")
    if min_delay.nanos > max_delay.nanos:
        raise FeelError("backoff: 'minDelay' is longer than 'maxDelay'")
    if jitter_factor < 0:
        raise FeelError(f"backoff: 'jitterFactor' is {jitter_factor}, it must not be negative")
    delay = _grown(min_delay.nanos / _MILLI, float(factor), float(attempt) - 1, max_delay.nanos / _MILLI)
    jitter = delay * float(jitter_factor)
    millis = max(0, round(delay + random.uniform(-jitter, jitter)))  # noqa: S311 - spreads load, guards nothing
    return DaysDuration(millis * _MILLI)


def _grown(lowest: float, factor: float, power: float, highest: float) -> float:
    try:
        return float(min(max(lowest * factor**power, lowest), highest))
    except OverflowError:
        return highest


@FUNCTIONS.add(
    "createDocument(value: string | context)", "Store a document and put its reference here.", standard=False
)
def _create_document(value: str | _Context) -> _Context:
    return {DOCUMENT_MARKER: value}


__all__ = ["DOCUMENT_MARKER", "FUNCTIONS"]
