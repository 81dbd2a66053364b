"""What log lines need to know of the job in whose context they are written."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

mask: ContextVar[Callable[[str], str] | None] = ContextVar("coupler_mask", default=None)
"""Removes the secrets of the current job from a text; unset while no job with secrets runs."""

job_key: ContextVar[int | None] = ContextVar("coupler_job_key", default=None)
"""The job that the current task works for."""
