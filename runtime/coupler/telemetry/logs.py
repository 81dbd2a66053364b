"""Logs on standard error, as text for people or as JSON lines for machines.

Lines of single jobs are DEBUG, failures WARNING; a summary comes at INFO (``telemetry/summary.py``). A line that is
written in the context of a job is masked with that job's secrets, whoever writes it.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, TextIO

from coupler.telemetry import context

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}

# Libraries that say at INFO what we say ourselves, and gRPC's core, which has a line at DEBUG for every call.
_NOISY = (
    "aiokafka",
    "asyncio",
    "botocore",
    "grpc._cython.cygrpc",
    "httpcore",
    "httpx",
    "uvicorn.access",
    "uvicorn.error",
)


def configure(level: str, format: str, stream: TextIO | None = None) -> logging.Handler:  # noqa: A002
    """Sends the logs of the whole process to one stream; ``format`` is ``text`` or ``json``."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    return handler


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.123Z WARNING worker.execution: message key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the lines of a traceback."""
        name = record.name.removeprefix("coupler.")
        text = f"{_timestamp(record)} {record.levelname:<7} {name}: {record.getMessage()}"
        extras = " ".join(f"{key}={value}" for key, value in _extras(record).items())
        if extras:
            text += f" {extras}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return _masked(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``, what the call added, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _masked(record.getMessage()),
            # Masked one by one: a secret such as '":' must not break the line.
            **{key: _masked(value) if isinstance(value, str) else value for key, value in _extras(record).items()},
        }
        if record.exc_info:
            line["exception"] = _masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=lambda value: _masked(str(value)))


def _timestamp(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    extras = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
    scope = context.job.get()
    if scope is not None and not scope.over:
        extras.setdefault("job_key", scope.job_key)
        if scope.trace_id:
            extras.setdefault("trace_id", scope.trace_id)
    return extras


def _masked(text: str) -> str:
    scope = context.job.get()
    if scope is None or scope.mask is None:
        return text
    try:
        return scope.mask(text)
    except Exception:  # noqa: BLE001 - logging would print the record, secrets and all
        return "(not shown: hiding secrets in it failed)"
