"""A runtime as the admin application sees it, set up by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from coupler.admin.view import EngineView, Incident, Instance
from coupler.registry import Registered
from coupler.worker.status import FinishedJob, RunningJob, SubscriptionStatus

BIG_KEY = 2**60 + 1

RUNNING = RunningJob(BIG_KEY, "t:1", "Echo", "call", "order", BIG_KEY + 1, 3, time.time(), 0.5, "running")
FINISHED = FinishedJob(
    BIG_KEY, "t:1", "Echo", "call", "order", BIG_KEY + 1, 3, time.time(), 0.25, "failed", "<b>no</b> & ***"
)
SUBSCRIPTION = SubscriptionStatus("t:1", "Echo", "stream", True, 1, 100, "")


@dataclass
class FakeEngine:
    """An embedded engine with one incident."""

    async def incidents(self, limit: int) -> list[Incident]:
        return [Incident(BIG_KEY, "JOB_NO_RETRIES", "broken", "order", "call", 2, 3, time.time())][:limit]

    async def resolve(self, key: int) -> bool:
        return key == BIG_KEY

    async def instances(self, limit: int) -> list[Instance]:
        return [Instance(BIG_KEY, "order", "active", time.time(), None, "at call")][:limit]


@dataclass
class FakeView:
    """Answers what the test has put in."""

    reasons: list[str] = field(default_factory=list)
    starting: list[str] = field(default_factory=list)
    started_at: float = field(default_factory=time.time)
    gateway_address: str = "http://zeebe:26500"
    gateway_reachable: bool = True
    draining: bool = False
    engine: EngineView | None = None
    paused: list[str] = field(default_factory=list)

    def not_started_because(self) -> list[str]:
        return self.starting

    def not_ready_because(self) -> list[str]:
        return self.reasons

    async def pause(self, job_type: str) -> None:
        self.paused.append(job_type)

    async def resume(self, job_type: str) -> None:
        self.paused.remove(job_type)

    def connectors(self) -> list[Registered]:
        off = Registered("gone", "shop 1.0", "", "gone", None, enabled=False, disabled_because="zeep is missing")
        return [Registered("echo", "tests 1.0", "t:1", "Echo", None, ("value",)), off]

    def subscriptions(self) -> list[SubscriptionStatus]:
        return [SUBSCRIPTION]

    def running(self) -> list[RunningJob]:
        return [RUNNING]

    def recent(self) -> list[FinishedJob]:
        return [FINISHED, FINISHED]
