"""The state of the engine in SQLite: one small class for each kind of row."""

from __future__ import annotations
