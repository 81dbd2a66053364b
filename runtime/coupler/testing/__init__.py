"""For tests of workers and connectors: a gateway in memory, with its jobs, commands, faults and clock."""

from __future__ import annotations

from coupler.testing.gateway import FakeGateway, ManualClock
from coupler.testing.jobs import (
    CompleteCommand,
    FailCommand,
    FakeJob,
    JobState,
    ThrowErrorCommand,
    UnexpectedFailure,
    UpdateTimeoutCommand,
)

__all__ = [
    "CompleteCommand",
    "FailCommand",
    "FakeGateway",
    "FakeJob",
    "JobState",
    "ManualClock",
    "ThrowErrorCommand",
    "UnexpectedFailure",
    "UpdateTimeoutCommand",
]
