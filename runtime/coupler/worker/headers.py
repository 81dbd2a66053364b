"""The task headers that the runtime itself reads (the rest belong to the connector)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coupler import json
from coupler.durations import parse_duration
from coupler.errors import HeaderError


@dataclass(slots=True, frozen=True)
class Headers:
    """A job's task headers; ``None`` where the element does not set one. Durations are seconds."""

    all: Mapping[str, str]
    result_variable: str | None
    result_expression: str | None
    error_expression: str | None


def read_headers(custom_headers: str) -> Headers:
    """Reads the headers' JSON. Blank expressions and names count as absent."""
    try:
        values: Any = json.loads(custom_headers) if custom_headers else {}
    except (json.Malformed, RecursionError) as error:
        raise HeaderError("The job's custom headers cannot be read.") from error
    if not isinstance(values, dict):
        raise HeaderError("The job's custom headers are not a JSON object.")
    return Headers(
        all=values,
        result_variable=_text(values, "resultVariable"),
        result_expression=_text(values, "resultExpression"),
        error_expression=_text(values, "errorExpression"),
    )


def retry_backoff_seconds(headers: Mapping[str, str]) -> float | None:
    """The header ``retryBackoff``: how long a failed job waits. Empty text is an error, as in the Java runtime.

    Raises:
        HeaderError: not a duration.
    """
    text = headers.get("retryBackoff")
    if text is None:
        return None
    return _duration("retryBackoff", text)


def job_timeout_seconds(headers: Mapping[str, str]) -> float | None:
    """The header ``jobTimeout``: the lease and the longest run of this job; blank counts as absent.

    Raises:
        HeaderError: not a duration of at least a millisecond.
    """
    text = headers.get("jobTimeout")
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    seconds = _duration("jobTimeout", text)
    if seconds < 0.001:
        raise HeaderError(f"The task header jobTimeout must be at least a millisecond, but it is '{text}'.")
    return seconds


def _duration(name: str, text: Any) -> float:
    if not isinstance(text, str):
        raise HeaderError(f"The task header {name} must be text such as PT30S, but it is {json.dumps(text)[:100]}.")
    try:
        return parse_duration(text)
    except ValueError as error:
        raise HeaderError(f"The task header {name} cannot be read: {error}.") from error


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value.strip() else None
