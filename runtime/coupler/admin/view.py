"""What the admin application may ask the runtime. The composition root implements it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from coupler.registry import Registered
from coupler.worker.status import FinishedJob, RunningJob, SubscriptionStatus


@dataclass(slots=True, frozen=True)
class Incident:
    """An open incident of the embedded engine."""

    key: int
    type: str
    message: str
    process_id: str
    element_id: str
    process_instance_key: int
    job_key: int
    created_at: float  # epoch seconds


@dataclass(slots=True, frozen=True)
class Instance:
    """A process instance of the embedded engine; ``detail`` are its variables in short, or its incident."""

    key: int
    process_id: str
    state: str  # active, completed, terminated
    started_at: float  # epoch seconds
    ended_at: float | None
    detail: str


class EngineView(Protocol):
    """The embedded engine, where the runtime has one."""

    async def incidents(self, limit: int) -> list[Incident]:
        """Open incidents, newest first."""
        ...

    async def resolve(self, key: int) -> bool:
        """Lets what an incident stopped try again; whether there was such an incident."""
        ...

    async def instances(self, limit: int) -> list[Instance]:
        """Process instances, newest first."""
        ...


class RuntimeView(Protocol):
    """The state of the runtime at the moment it is asked."""

    @property
    def started_at(self) -> float:
        """Epoch seconds."""
        ...

    @property
    def gateway_address(self) -> str:
        """Where the cluster is."""
        ...

    @property
    def gateway_reachable(self) -> bool:
        """Whether the last question to the cluster was answered."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the way down has begun."""
        ...

    @property
    def engine(self) -> EngineView | None:
        """The embedded engine of this process."""
        ...

    def not_started_because(self) -> list[str]:
        """Why the runtime is not up yet; empty once it is."""
        ...

    def not_ready_because(self) -> list[str]:
        """Why no jobs can be taken now; empty when they can."""
        ...

    async def pause(self, job_type: str) -> None:
        """Takes no more jobs of a type."""
        ...

    async def resume(self, job_type: str) -> None:
        """Takes jobs of a type again."""
        ...

    def connectors(self) -> list[Registered]:
        """All connectors, those without a worker included."""
        ...

    def subscriptions(self) -> list[SubscriptionStatus]:
        """How each job type gets its jobs."""
        ...

    def running(self) -> list[RunningJob]:
        """Jobs held right now."""
        ...

    def recent(self) -> list[FinishedJob]:
        """Jobs that ended last, newest first."""
        ...
