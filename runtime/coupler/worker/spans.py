"""One span a job: its attributes, and the trace that it belongs to. Variables never get into a span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from coupler import json
from coupler.gateway.protocol import Job
from coupler.registry import Registered
from coupler.telemetry.context import JobScope
from coupler.telemetry.tracing import TRACE_NAMES, Span, Tracer
from coupler.worker.outcome import Abandoned, BpmnErrorThrown, Completed, Failed, Outcome


class JobSpan:
    """A span that ends as the job's outcome says."""

    def __init__(self) -> None:
        self.outcome = "abandoned"
        self.error_type: str | None = None
        self.failed = False

    def ended_as(self, outcome: Outcome, error_type: str | None) -> None:
        """Keeps the outcome. An error that the model's error expression has ignored is none."""
        match outcome:
            case Completed():
                self.outcome = "completed"
            case Failed():
                self.outcome, self.error_type, self.failed = "failed", error_type or "jobError", True
            case BpmnErrorThrown(code):
                self.outcome, self.error_type = "bpmn_error", code
            case Abandoned():
                self.outcome = "abandoned"


class JobSpans:
    """Makes the spans of one connector's jobs."""

    def __init__(self, tracer: Tracer, connector: str) -> None:
        self._tracer = tracer
        self._connector = connector

    @contextmanager
    def span(self, job: Job, scope: JobScope) -> Iterator[JobSpan]:
        """The span around a job's work; what logs and calls need to know of it goes into the scope."""
        span: Span = self._tracer.start(f"job {job.type}", self._attributes(job), _carrier(job))
        scope.trace_id, scope.trace = span.trace_id, span.headers
        ending = JobSpan()
        try:
            yield ending
        finally:
            span.end(ending.outcome, ending.error_type, failed=ending.failed)

    def _attributes(self, job: Job) -> dict[str, str | int]:
        return {
            "coupler.connector": self._connector,
            "coupler.job.type": job.type,
            "coupler.job.key": str(job.key),  # as text: a number of 64 bits does not survive JavaScript
            "coupler.job.retries": job.retries,
            "coupler.element.id": job.element_id,
            "coupler.element.instance_key": str(job.element_instance_key),
            "coupler.process.id": job.process_id,
            "coupler.process.version": job.process_definition_version,
            "coupler.process.instance_key": str(job.process_instance_key),
            "coupler.tenant.id": job.tenant_id,
        }


def trace_variables(registered: Registered) -> tuple[str, ...]:
    """The variables to fetch besides a connector's own, so that a process can carry a trace.

    None where all are fetched anyway, and none for models that refuse what they do not know.
    """
    connector = registered.connector
    if connector is None or not registered.input_variables:
        return ()
    models = [each.input for each in connector.operations] or [type(connector).Input]
    if any(model.model_config.get("extra") == "forbid" for model in models):
        return ()
    return tuple(name for name in TRACE_NAMES if name not in registered.input_variables)


def _carrier(job: Job) -> Mapping[str, str]:
    """The trace that the model hands over: in task headers, else in variables."""
    for text in (job.custom_headers, job.variables):
        if f'"{TRACE_NAMES[0]}"' in text:
            found = _texts(text)
            if TRACE_NAMES[0] in found:
                return found
    return {}


def _texts(text: str) -> dict[str, str]:
    try:
        values: Any = json.loads(text)
    except (json.Malformed, RecursionError):
        return {}  # the steps of the job say what is wrong with it
    if not isinstance(values, dict):
        return {}
    return {name: values[name] for name in TRACE_NAMES if isinstance(values.get(name), str)}
