"""Metrics, logs and tracing."""

from __future__ import annotations
