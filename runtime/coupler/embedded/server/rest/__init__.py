"""The Orchestration Cluster REST API v2 over the engine, as an ASGI application with a server of its own."""

from __future__ import annotations
