"""Spans by OpenTelemetry, sent in batches from a thread of the SDK. Needs the extra ``otel``."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from coupler.telemetry.context import TraceHeaders
from coupler.telemetry.tracing import TracingConfig

_CLOSE_SECONDS: Final = 5.0
_QUIET_SECONDS: Final = 60.0


class OpenTelemetryTracer:
    """A tracer provider of its own: nothing global is touched, whatever else in the process uses OpenTelemetry."""

    def __init__(self, config: TracingConfig, version: str, exporter: SpanExporter | None = None) -> None:
        """Starts the thread that sends.

        Args:
            config: where to, and how many.
            version: of the runtime, for the resource.
            exporter: instead of OTLP over HTTP.
        """
        _quieten(logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter"))
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(config.sample_ratio)),
            resource=Resource.create({"service.name": config.service_name, "service.version": version}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(config.endpoint)))
        self._tracer = self._provider.get_tracer("coupler", version)
        self._propagator = TraceContextTextMapPropagator()
        self._propagate = config.propagate

    def start(self, name: str, attributes: Mapping[str, str | int], carrier: Mapping[str, str]) -> OpenTelemetrySpan:
        """Begins a span, in the trace that ``carrier`` holds a ``traceparent`` of, or in a new one."""
        # An empty context, so that the parent is never a span that somebody else made current in this task.
        context = self._propagator.extract(carrier, context=trace.set_span_in_context(trace.INVALID_SPAN))
        span = self._tracer.start_span(name, context, trace.SpanKind.CONSUMER, attributes)
        return OpenTelemetrySpan(span, self._propagate)

    async def close(self) -> None:
        """Sends what is left, within a few seconds; a collector that does not answer holds nobody up."""
        await _in_thread(self._provider.shutdown, _CLOSE_SECONDS)


class OpenTelemetrySpan:
    """One job's span."""

    __slots__ = ("_span", "headers", "trace_id")

    def __init__(self, span: trace.Span, propagate: bool) -> None:
        self._span = span
        context = span.get_span_context()
        self.trace_id = trace.format_trace_id(context.trace_id)
        self.headers: TraceHeaders = _headers(context) if propagate else ()

    def end(self, outcome: str, error_type: str | None = None, *, failed: bool = False) -> None:
        """The work is done. ``error_type`` is a class of errors, never a message."""
        self._span.set_attribute("coupler.outcome", outcome)
        if error_type is not None:
            self._span.set_attribute("error.type", error_type)
        if failed:
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()


def _headers(context: trace.SpanContext) -> TraceHeaders:
    span_id, flags = trace.format_span_id(context.span_id), int(context.trace_flags)
    parent = ("traceparent", f"00-{trace.format_trace_id(context.trace_id)}-{span_id}-{flags:02x}")
    state = context.trace_state.to_header()
    return (parent, ("tracestate", state)) if state else (parent,)


class _Seldom(logging.Filter):
    """Lets a message pass once a minute: a collector that is away would be named with every span."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        last = self._passed.get(str(record.msg))
        if last is not None and record.created - last < _QUIET_SECONDS:
            return False
        self._passed[str(record.msg)] = record.created
        return True


def _quieten(logger: logging.Logger) -> None:
    """Lets each message of a logger pass once a minute."""
    if not any(isinstance(each, _Seldom) for each in logger.filters):
        logger.addFilter(_Seldom())


async def _in_thread(work: Callable[[], None], seconds: float) -> None:
    """Waits for blocking work, but not longer than it is worth; the thread does not keep the process alive."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="tracing shutdown", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()


__all__ = ["OpenTelemetrySpan", "OpenTelemetryTracer"]
