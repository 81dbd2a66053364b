"""Frozen snapshots of the engine, for the admin page and the table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeployedProcess:
    """One version of one deployed process."""

    key: int
    process_id: str
    version: int
    resource_name: str


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One process instance; ``state`` is ``active``, ``completed`` or ``terminated``.

    ``variables`` is the beginning of its variables as JSON-like text.
    """

    key: int
    process_id: str
    version: int
    state: str
    elements: tuple[str, ...]
    variables: str
    incidents: int
    started_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One open incident; ``job_key`` is 0 when no job is concerned."""

    key: int
    type: str
    message: str
    element_id: str
    process_id: str
    process_instance_key: int
    job_key: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class EngineView:
    """The engine at one moment; lists are newest first and cut to what was asked for."""

    instances: tuple[InstanceView, ...]
    incidents: tuple[IncidentView, ...]
    processes: tuple[DeployedProcess, ...]
    active_instances: int
    open_incidents: int
    jobs: Mapping[str, int]  # how many in each state: ready, leased, backoff, failed, error
    completed_instances: int  # since the engine started
    terminated_instances: int
