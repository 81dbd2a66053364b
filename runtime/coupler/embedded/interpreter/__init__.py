"""Walks tokens through BPMN models: what happens inside a command, between two transactions."""

from __future__ import annotations
