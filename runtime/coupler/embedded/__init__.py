"""The embedded engine: a BPMN engine for development and tests, served over the gateway protocol."""

from __future__ import annotations
