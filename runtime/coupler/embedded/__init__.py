"""The embedded engine: a BPMN engine for development and tests, served over the gateway protocol."""

from __future__ import annotations

from coupler.embedded.config import EngineConfig
from coupler.embedded.rejection import Reason, Rejection
from coupler.embedded.service import EmbeddedEngine
from coupler.embedded.thread import Answer, EngineThread
from coupler.embedded.view import DeployedProcess, EngineView, IncidentView, InstanceView

__all__ = [
    "Answer",
    "DeployedProcess",
    "EmbeddedEngine",
    "EngineConfig",
    "EngineThread",
    "EngineView",
    "IncidentView",
    "InstanceView",
    "Reason",
    "Rejection",
]
