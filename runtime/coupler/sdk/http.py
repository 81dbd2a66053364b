"""Outbound HTTP for connectors.

Most authors want ``context.http``: an ``httpx.AsyncClient`` whose transport is the runtime's engine, so that pooling,
proxies, TLS and the egress policy apply. Hot connectors send a slotted ``HttpRequest`` through ``context.http_engine``
instead, which costs a fraction of the CPU. Both go through the same engine.
"""

from __future__ import annotations

from coupler.http.answers import header_map, result, structured_or_text
from coupler.http.encoding import append_parameters, build_url, encode_url
from coupler.http.failures import response_variables, status_error, transport_failure
from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TlsMaterial, TransportError, TransportFault

__all__ = [
    "HttpEngine",
    "HttpRequest",
    "HttpResponse",
    "TlsMaterial",
    "TransportError",
    "TransportFault",
    "append_parameters",
    "build_url",
    "encode_url",
    "header_map",
    "response_variables",
    "result",
    "status_error",
    "structured_or_text",
    "transport_failure",
]
