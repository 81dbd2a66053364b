"""Snapshots of a worker, for the admin API, the page and the terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class RunningJob:
    """A job that is held right now. ``started_at`` is in epoch seconds; ``state`` tells waiting from running."""

    job_key: int
    job_type: str
    connector: str
    element_id: str
    process_id: str
    process_instance_key: int
    retries: int
    started_at: float
    duration_seconds: float
    state: str  # waiting, running, reporting


@dataclass(slots=True, frozen=True)
class FinishedJob:
    """A job that ended here. ``message`` is masked; ``retries`` are those it was taken with."""

    job_key: int
    job_type: str
    connector: str
    element_id: str
    process_id: str
    process_instance_key: int
    retries: int
    started_at: float
    duration_seconds: float
    outcome: str  # completed, failed, bpmn_error, abandoned
    message: str


@dataclass(slots=True, frozen=True)
class SubscriptionStatus:
    """One job type: how it gets its jobs, and how busy it is."""

    job_type: str
    connector: str
    mode: str  # stream, poll, paused, stopped
    ready: bool  # the gateway answered, and the last call did not fail
    active: int
    max_active: int
    last_error: str
