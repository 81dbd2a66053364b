"""The orchestration cluster as a worker sees it."""

from __future__ import annotations
