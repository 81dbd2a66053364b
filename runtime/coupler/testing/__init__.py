"""The author kit: harness, fake gateway, contract suite."""

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
