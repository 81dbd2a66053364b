"""How a job can end: a closed union, matched exhaustively where the command is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Completed:
    """CompleteJob with output variables, as JSON text of an object."""

    variables: str


@dataclass(slots=True, frozen=True)
class Failed:
    """FailJob. ``retries`` are those the job has left; 0 makes an incident. ``variables`` go to the element's scope."""

    retries: int
    message: str
    backoff_seconds: float = 0.0
    variables: str | None = None


@dataclass(slots=True, frozen=True)
class BpmnErrorThrown:
    """ThrowError, to be caught by an error event of the process."""

    code: str
    message: str
    variables: str


@dataclass(slots=True, frozen=True)
class Abandoned:
    """No command: the job is not ours any more, or nobody would listen."""

    reason: str


Outcome = Completed | Failed | BpmnErrorThrown | Abandoned
