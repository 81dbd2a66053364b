"""What the embedded engine needs to know to start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Where the engine listens and where it keeps its state.

    Port 0 takes any free one; ``EmbeddedEngine.grpc_address`` and ``rest_address`` tell which. Without ``rest_port``
    there is no REST API. Without ``db_path`` the state lives in memory and is gone when the engine stops.
    """

    host: str = "127.0.0.1"
    grpc_port: int = 26500
    rest_port: int | None = None
    db_path: Path | None = None
