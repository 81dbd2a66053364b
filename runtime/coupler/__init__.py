"""Coupler: a connectors runtime for Camunda 8 and Zeebe."""

from __future__ import annotations

__version__ = "0.1.0"
