"""Where the admin application listens."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, frozen=True, kw_only=True)
class AdminConfig:
    """The admin application: health, metrics, API and page."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8080
    """0 takes any free port."""
    token: str | None = field(default=None, repr=False)
    """Asked for by everything but probes and metrics."""
