"""Tracing as the worker sees it: one span a job. ``telemetry/otel.py`` stands behind it, loaded only when it is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from coupler.errors import ConfigError
from coupler.telemetry.context import TraceHeaders

TRACE_NAMES: Final = ("traceparent", "tracestate")
"""The headers of W3C Trace Context, which are also the names of the variables that carry a trace into a process."""


@dataclass(slots=True, frozen=True, kw_only=True)
class TracingConfig:
    """Whether jobs are traced, and where the spans go."""

    enabled: bool = False
    endpoint: str | None = None
    """Takes spans by OTLP over HTTP; ``None``: what the standard variables say, else the collector on this machine."""
    service_name: str = "coupler"
    sample_ratio: float = 1.0
    """How many of the traces that begin here are kept; one that began elsewhere is kept when it was kept there."""
    propagate: bool = True
    """Whether called systems are told of the trace."""


class Span(Protocol):
    """One job's work."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        ...

    @property
    def headers(self) -> TraceHeaders:
        """What continues the trace elsewhere; empty where that is not wanted."""
        ...

    def end(self, outcome: str, error_type: str | None = None, *, failed: bool = False) -> None:
        """The work is done. ``error_type`` is a class of errors, never a message."""
        ...


class Tracer(Protocol):
    """Makes spans and sends them away."""

    def start(self, name: str, attributes: Mapping[str, str | int], carrier: Mapping[str, str]) -> Span:
        """Begins a span, in the trace that ``carrier`` holds a ``traceparent`` of, or in a new one."""
        ...

    async def close(self) -> None:
        """Sends what is left, within a few seconds."""
        ...


def make_tracer(config: TracingConfig, version: str) -> Tracer | None:
    """What the settings ask for; ``None`` when tracing is off.

    Raises:
        ConfigError: tracing is on, but OpenTelemetry is not installed.
    """
    if not config.enabled:
        return None
    try:
        from coupler.telemetry.otel import OpenTelemetryTracer
    except ImportError as error:
        raise ConfigError(
            f"COUPLER_TRACING__ENABLED is true, but OpenTelemetry cannot be imported ({error}). Install coupler[otel]."
        ) from error
    return OpenTelemetryTracer(config, version)


__all__ = ["TRACE_NAMES", "Span", "Tracer", "TracingConfig", "make_tracer"]
