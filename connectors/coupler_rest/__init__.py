"""The REST connector: job type ``io.camunda:http-json:1``."""

from __future__ import annotations

from coupler_rest.connector import RestConnector

__all__ = ["RestConnector"]
