"""Jobs as the fake gateway keeps them, and the commands it records."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias, assert_never

from coupler import json
from coupler.gateway.protocol import ActivateRequest, Job, StreamRequest


@dataclass(slots=True, frozen=True)
class CompleteCommand:
    """CompleteJob with its variables as JSON text."""

    job_key: int
    variables: str


@dataclass(slots=True, frozen=True)
class FailCommand:
    """FailJob."""

    job_key: int
    retries: int
    message: str
    backoff_seconds: float
    variables: str | None


@dataclass(slots=True, frozen=True)
class ThrowErrorCommand:
    """ThrowError."""

    job_key: int
    code: str
    message: str
    variables: str | None


@dataclass(slots=True, frozen=True)
class UpdateTimeoutCommand:
    """UpdateJobTimeout."""

    job_key: int
    lease_seconds: float


Command: TypeAlias = CompleteCommand | FailCommand | ThrowErrorCommand | UpdateTimeoutCommand


class JobState(Enum):
    """Where a job stands at the gateway."""

    AVAILABLE = "available"
    ACTIVE = "active"
    BACKOFF = "waiting for its backoff"
    COMPLETED = "completed"
    INCIDENT = "incident"
    ERROR_THROWN = "ended by a BPMN error"


class UnexpectedFailure(AssertionError):
    """A job was failed while the test expected none to fail."""

    def __init__(self, job: FakeJob, command: FailCommand) -> None:
        super().__init__(f"job {job.key} ({job.type}) was failed with {command.retries} retries: {command.message}")
        self.job = job
        self.command = command


@dataclass(slots=True)
class FakeJob:
    """A job at the fake gateway."""

    key: int
    type: str
    variables_in: str
    headers: str
    retries: int
    element_id: str
    process_id: str
    tenant_id: str
    state: JobState = JobState.AVAILABLE
    pushed: bool = False  # it belongs to a stream: polls do not get it
    activations: int = 0
    due_at: float | None = None  # the end of its lease or backoff
    command: Command | None = field(default=None)  # the last one applied

    @property
    def finished(self) -> bool:
        """Nothing more happens to it."""
        return self.state in (JobState.COMPLETED, JobState.INCIDENT, JobState.ERROR_THROWN)

    @property
    def variables(self) -> Any:
        """The variables of the last command, decoded; ``None`` when it had none."""
        text = getattr(self.command, "variables", None)
        return None if text is None else json.loads(text)

    def matches(self, request: ActivateRequest | StreamRequest) -> bool:
        """Whether the request is for jobs like this one."""
        return self.type == request.type and self.tenant_id in (request.tenant_ids or ("<default>",))

    def activate(self, request: ActivateRequest | StreamRequest, now: float) -> Job:
        """Starts a lease."""
        self.state = JobState.ACTIVE
        self.activations += 1
        self.due_at = now + request.lease_seconds
        return Job(
            key=self.key,
            type=self.type,
            process_instance_key=self.key + 1,
            process_id=self.process_id,
            process_definition_version=1,
            process_definition_key=2251799813685248,
            element_id=self.element_id,
            element_instance_key=self.key + 1,
            custom_headers=self.headers,
            worker=request.worker,
            retries=self.retries,
            deadline_ms=int((time.time() + request.lease_seconds) * 1000),
            variables=_fetched(self.variables_in, request.fetch_variables),
            tenant_id=self.tenant_id,
            received_at=time.monotonic(),
        )

    def expire(self) -> None:
        """The lease or the backoff has ended."""
        self.state = JobState.AVAILABLE
        self.due_at = None

    def apply(self, command: Command, now: float) -> None:
        """Applies a command to an active job."""
        self.command = command
        match command:
            case CompleteCommand():
                self._finish(JobState.COMPLETED)
            case ThrowErrorCommand():
                self._finish(JobState.ERROR_THROWN)
            case UpdateTimeoutCommand():
                self.due_at = now + command.lease_seconds
            case FailCommand():
                self._fail(command, now)
            case _:
                assert_never(command)

    def _fail(self, command: FailCommand, now: float) -> None:
        self.retries = command.retries
        if command.retries <= 0:
            self._finish(JobState.INCIDENT)
        elif command.backoff_seconds > 0:
            self.state = JobState.BACKOFF
            self.due_at = now + command.backoff_seconds
        else:
            self.expire()

    def _finish(self, state: JobState) -> None:
        self.state = state
        self.due_at = None


def _fetched(variables: str, names: tuple[str, ...] | Any) -> str:
    if not names:
        return variables
    return json.dumps({name: value for name, value in json.loads(variables).items() if name in names})
