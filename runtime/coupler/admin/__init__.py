"""Health, metrics and the admin API over HTTP."""

from __future__ import annotations
