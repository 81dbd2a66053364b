"""The one outbound HTTP engine."""

from __future__ import annotations
