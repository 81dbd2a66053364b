"""Outbound HTTP for connectors.

Most authors want ``context.http``: an ``httpx.AsyncClient`` whose transport is the runtime's engine, so that pooling,
proxies, TLS and the egress policy apply. Hot connectors send a slotted ``HttpRequest`` through ``context.http_engine``
instead, which costs a fraction of the CPU. Both go through the same engine. ``coupler.sdk.http_call`` has what the REST
and GraphQL connectors are built from.
"""

from __future__ import annotations

from coupler.http.messages import HttpEngine, HttpRequest, HttpResponse, TlsMaterial, TransportError, TransportFault

__all__ = ["HttpEngine", "HttpRequest", "HttpResponse", "TlsMaterial", "TransportError", "TransportFault"]
