"""A trace from the start of a process, through a whole runtime, to the called system and the collector."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coupler.app import Runtime
from coupler.embedded import EngineConfig, EngineThread
from coupler.settings import Sources, load
from tests.e2e.bpmn import Model

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def server() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A real HTTP server: its address, and what it was sent."""
    received: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}", received
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


async def test_a_trace_goes_through_a_process(tmp_path: Path) -> None:
    # Given an engine with a process that makes a call, and a runtime that traces
    engine = EngineThread(EngineConfig(grpc_port=0, rest_port=0))
    engine.start()
    with server() as (collector, exported), server() as (system, called):
        try:
            model = Model("traced").rest_task("call", f"{system}/order", method="POST").from_start_to_end("call")
            await engine.deploy("traced.bpmn", model.xml.encode())
            environ = {
                "COUPLER_GATEWAY__GRPC_ADDRESS": f"http://{engine.grpc_address}",
                "COUPLER_ADMIN__ENABLED": "false",
                "COUPLER_TRACING__ENABLED": "true",
                "COUPLER_TRACING__ENDPOINT": f"{collector}/v1/traces",
                "COUPLER_TRACING__SERVICE_NAME": "shop-connectors",
            }
            runtime = Runtime(load(Sources(environ=environ, folder=tmp_path)))
            await runtime.start()

            # When it is started with a trace, and the runtime ends
            await engine.create_instance("traced", {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"})
            async with asyncio.timeout(60):
                while not runtime.recent():
                    await asyncio.sleep(0.02)
            await runtime.stop()
        finally:
            engine.stop()

    # Then the collector has the span, and the called system was told of it
    requests = [ExportTraceServiceRequest.FromString(body) for _, body in exported]
    resources = [resource for request in requests for resource in request.resource_spans]
    (span,) = (span for resource in resources for scope in resource.scope_spans for span in scope.spans)
    assert (span.name, span.trace_id.hex()) == ("job io.camunda:http-json:1", TRACE_ID)
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    found = {each.key: each.value.string_value for each in span.attributes}
    assert (found["coupler.process.id"], found["coupler.element.id"]) == ("traced", "call")
    assert found["coupler.outcome"] == "completed"
    names = {each.key: each.value.string_value for each in resources[0].resource.attributes}
    assert names["service.name"] == "shop-connectors"
    ((headers, _),) = called
    assert headers["traceparent"] == f"00-{TRACE_ID}-{span.span_id.hex()}-01"
