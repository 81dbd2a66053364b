"""What logs and outgoing calls need to know of the job in whose context they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

TraceHeaders: TypeAlias = tuple[tuple[str, str], ...]
"""``traceparent`` and, where there is one, ``tracestate`` (W3C Trace Context), as lines of a request."""


@dataclass(slots=True)
class JobScope:
    """One job.

    ``mask`` removes its secrets from a text. ``trace`` are the headers that continue its trace: empty where it has
    none, or where called systems shall not know.

    A task that a job leaves behind, such as that of a pooled connection, inherits the scope. Such a task outlives
    ``task``, the job's own, and from then on speaks for no job; what it has seen of secrets stays masked.
    """

    job_key: int
    task: asyncio.Task[Any] | None = None
    mask: Callable[[str], str] | None = None
    trace_id: str = ""
    trace: TraceHeaders = ()

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.task is not None and self.task.done()


job: ContextVar[JobScope | None] = ContextVar("coupler_job", default=None)
"""The job for which the current task or thread works."""


def enter(job_key: int, task: asyncio.Task[Any] | None = None) -> JobScope:
    """From here on the current task works for a job."""
    scope = JobScope(job_key, task)
    job.set(scope)
    return scope


def trace_headers() -> TraceHeaders:
    """The headers that continue the current job's trace; empty where there is none."""
    scope = job.get()
    return () if scope is None or (scope.trace and scope.over) else scope.trace
