from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry

from coupler.app.wiring import SharedResources
from coupler.errors import BpmnError, ConfigError, ConnectorError, CouplerError
from coupler.http.engine import Engine
from coupler.http.messages import HttpRequest
from coupler.registry import Registered, Registry, input_variables
from coupler.sdk import Connector, Input, JobContext
from coupler.secrets.resolution import Secrets
from coupler.settings import Sources, load
from coupler.telemetry.metrics import JobMetrics
from coupler.telemetry.otel import OpenTelemetryTracer
from coupler.telemetry.tracing import TracingConfig, make_tracer
from coupler.testing import FakeGateway
from coupler.worker.config import WorkerConfig
from coupler.worker.spans import trace_variables
from coupler.worker.worker import Worker
from tests.worker.kit import JOB_TYPE, connector, echo, registered

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
PARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


@asynccontextmanager
async def heard() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """A real HTTP server: its address, and the headers of the requests that it got."""
    requests: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/x", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def trace(
    execute: Any = echo,
    variables: Any = None,
    headers: dict[str, str] | None = None,
    **config: Any,
) -> ReadableSpan | None:
    """Runs one job, and returns its span."""
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetryTracer(TracingConfig(enabled=True, **config), "1.2.3", exporter)
    gateway, resources = FakeGateway(), SharedResources(Engine())
    worker = Worker(
        registry=Registry([registered(connector(execute))]),
        gateway=gateway,
        secrets=Secrets([]),
        resources=resources,
        metrics=JobMetrics(CollectorRegistry()),
        config=WorkerConfig(drain_seconds=5.0),
        tracer=tracer,
    )
    await worker.start()
    key = gateway.add_job(JOB_TYPE, variables if variables is not None else {}, headers or {}, retries=1)
    async with asyncio.timeout(20):
        while not gateway.commands_for(key):
            await asyncio.sleep(0.005)
    await worker.drain()
    await gateway.close()
    await resources.close()
    await tracer.close()
    spans = exporter.get_finished_spans()
    assert len(spans) <= 1
    return spans[0] if spans else None


def attributes(span: ReadableSpan | None) -> dict[str, Any]:
    assert span is not None
    return dict(span.attributes or {})


async def test_a_job_is_a_span_that_says_what_ran_and_how_it_ended_but_no_variable() -> None:
    span = await trace(variables={"value": "hunter2"}, headers={"resultVariable": "answer"})

    assert span is not None
    found = attributes(span)
    assert (span.name, span.kind, span.parent) == (f"job {JOB_TYPE}", SpanKind.CONSUMER, None)
    assert found.pop("coupler.job.key").isdigit()
    assert found.pop("coupler.process.instance_key").isdigit()
    assert found.pop("coupler.element.instance_key").isdigit()
    assert found == {
        "coupler.connector": "Echo",
        "coupler.job.type": JOB_TYPE,
        "coupler.job.retries": 1,
        "coupler.element.id": "task",
        "coupler.process.id": "process",
        "coupler.process.version": 1,
        "coupler.tenant.id": "<default>",
        "coupler.outcome": "completed",
    }
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.resource.attributes)["service.name"] == "coupler"
    assert dict(span.resource.attributes)["service.version"] == "1.2.3"
    assert "hunter2" not in span.to_json()


def raising(error: Exception) -> Any:
    async def execute(bound: Any, context: JobContext) -> None:
        raise error

    return execute


@pytest.mark.parametrize(
    ("error", "expression", "outcome", "error_type", "status"),
    [
        (ConnectorError("secret text", code="404"), "", "failed", "404", StatusCode.ERROR),
        (ValueError("secret text"), "", "failed", CouplerError.java_type, StatusCode.ERROR),
        (BpmnError("NO_MONEY", "secret text"), "", "bpmn_error", "NO_MONEY", StatusCode.UNSET),
        (ConnectorError("secret text"), '=bpmnError("GONE", "x")', "bpmn_error", "GONE", StatusCode.UNSET),
        (ConnectorError("secret text"), "=ignoreError({})", "completed", None, StatusCode.UNSET),
        (ConnectorError("secret text", code="1"), '=jobError("x")', "failed", "1", StatusCode.ERROR),
    ],
)
async def test_how_a_job_ends_is_in_its_span(
    error: Exception, expression: str, outcome: str, error_type: str | None, status: StatusCode
) -> None:
    span = await trace(raising(error), headers={"errorExpression": expression} if expression else {})

    assert span is not None
    assert attributes(span)["coupler.outcome"] == outcome
    assert attributes(span).get("error.type") == error_type
    assert span.status.status_code is status
    assert "secret text" not in span.to_json()


@pytest.mark.parametrize("place", ["variables", "headers"])
async def test_a_trace_goes_through_the_process_to_the_called_system(place: str) -> None:
    # Given a process that carries a trace, and a connector that calls by both ways
    async with heard() as (url, requests):

        async def call(bound: Any, context: JobContext) -> Any:
            await context.http.get(url)
            await context.http_engine.send(HttpRequest("GET", url))
            return context.trace_headers()

        carried = {"traceparent": PARENT, "tracestate": "shop=1"}
        span = await trace(call, **{place: carried})

    # Then the span belongs to that trace, and the system is told of the span
    assert span is not None
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.parent.span_id:016x}" == PARENT_ID
    own = f"00-{TRACE_ID}-{span.context.span_id:016x}-01"
    assert [request["traceparent"] for request in requests] == [own, own]
    assert [request["tracestate"] for request in requests] == ["shop=1", "shop=1"]


async def test_the_headers_of_the_trace_are_there_for_other_protocols() -> None:
    told: list[dict[str, str]] = []

    def in_a_thread(bound: Any, context: JobContext) -> None:
        told.append(context.trace_headers())

    span = await trace(in_a_thread, {"traceparent": PARENT})

    assert span is not None
    assert span.context is not None
    assert told == [{"traceparent": f"00-{TRACE_ID}-{span.context.span_id:016x}-01"}]


async def test_a_model_with_a_traceparent_of_its_own_keeps_it() -> None:
    async with heard() as (url, requests):

        async def call(bound: Any, context: JobContext) -> None:
            await context.http_engine.send(HttpRequest("GET", url, [("Traceparent", PARENT)]))

        await trace(call, {"traceparent": PARENT, "tracestate": "shop=1"})

    assert requests[0]["traceparent"] == PARENT
    assert "tracestate" not in requests[0]


@pytest.mark.parametrize("enabled", [True, False])
async def test_called_systems_need_not_be_told(enabled: bool) -> None:
    async with heard() as (url, requests):

        async def call(bound: Any, context: JobContext) -> None:
            assert context.trace_headers() == {} or enabled
            await context.http.get(url)

        await trace(call, propagate=enabled)

    assert ("traceparent" in requests[0]) == enabled


@pytest.mark.parametrize("broken", ["", "00-xyz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", 7, None, {"a": 1}])
async def test_a_broken_traceparent_begins_a_new_trace(broken: Any) -> None:
    span = await trace(variables={"traceparent": broken})

    assert span is not None
    assert span.parent is None


async def test_a_trace_that_is_not_kept_elsewhere_is_not_kept_here_but_passed_on() -> None:
    async with heard() as (url, requests):

        async def call(bound: Any, context: JobContext) -> None:
            await context.http.get(url)

        span = await trace(call, {"traceparent": PARENT[:-2] + "00"})

    assert span is None
    assert requests[0]["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert requests[0]["traceparent"].endswith("-00")


async def test_traces_that_begin_here_are_kept_at_the_wanted_ratio() -> None:
    assert await trace(sample_ratio=0.0) is None
    assert await trace(variables={"traceparent": PARENT}, sample_ratio=0.0) is not None


def fetched(model: type[Input]) -> tuple[str, ...]:
    made = connector(echo, Input=model)
    return trace_variables(Registered("x", "y", "t", "n", made, input_variables(type(made))))


def test_the_variables_of_a_trace_are_fetched_where_the_model_bears_them() -> None:
    class Some(Input):
        who: str

    class Strict(Input, extra="forbid"):
        who: str

    class Everything(Input, extra="allow"):
        pass

    assert fetched(Some) == ("traceparent", "tracestate")
    assert fetched(Strict) == ()
    assert fetched(Everything) == ()  # no list at all: the whole scope comes
    assert issubclass(type(connector(echo)), Connector)


async def test_spans_are_sent_by_otlp_over_http() -> None:
    bodies: list[tuple[str, str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
        tracer = make_tracer(TracingConfig(enabled=True, endpoint=endpoint), "1.2.3")
        assert tracer is not None
        tracer.start("job t:1", {"coupler.job.type": "t:1"}, {}).end("completed")
        await tracer.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    ((path, content_type, body),) = bodies
    assert (path, content_type) == ("/v1/traces", "application/x-protobuf")
    assert b"job t:1" in body


async def test_a_collector_that_is_away_holds_nobody_up() -> None:
    tracer = make_tracer(TracingConfig(enabled=True, endpoint="http://127.0.0.1:9/v1/traces"), "1.2.3")
    assert tracer is not None
    tracer.start("job t:1", {}, {}).end("completed")

    async with asyncio.timeout(50):
        await tracer.close()


def test_it_is_off_by_default_and_then_not_even_imported() -> None:
    code = (
        "import sys; from coupler.telemetry.tracing import TracingConfig, make_tracer; import coupler.worker.worker;"
        "assert make_tracer(TracingConfig(), '1') is None;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(told.stdout) == []


def test_without_the_extra_the_start_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coupler.telemetry.otel", None)

    with pytest.raises(ConfigError, match=r"COUPLER_TRACING__ENABLED.*coupler\[otel\]"):
        make_tracer(TracingConfig(enabled=True), "1")


def test_a_ratio_out_of_range_is_named() -> None:
    with pytest.raises(ConfigError, match="COUPLER_TRACING__SAMPLE_RATIO must be between 0 and 1"):
        load(Sources(environ={"COUPLER_TRACING__SAMPLE_RATIO": "2"}))
