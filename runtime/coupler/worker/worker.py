"""All workers of a process: subscriptions, slots, leases, and the way down."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from coupler.documents.service import NO_DOCUMENTS, Documents
from coupler.errors import ConfigError
from coupler.gateway.protocol import Gateway, Job
from coupler.registry import Registry
from coupler.sdk.context import Resources
from coupler.secrets.resolution import Secrets
from coupler.telemetry.metrics import JobMetrics
from coupler.telemetry.tracing import Tracer
from coupler.worker.active import ActiveJobs, Cut, Held, Phase
from coupler.worker.channel import Channel
from coupler.worker.config import WorkerConfig
from coupler.worker.drain import DrainSummary, drain
from coupler.worker.lease import LeaseKeeper
from coupler.worker.limits import Slots
from coupler.worker.status import FinishedJob, RunningJob, SubscriptionStatus
from coupler.worker.tasks import ended

log = logging.getLogger(__name__)


class Worker:
    """Runs jobs for every enabled connector of a registry.

    Life: ``start`` once, ``drain`` once. Everything happens on the event loop that called ``start``.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        gateway: Gateway,
        secrets: Secrets,
        resources: Resources,
        metrics: JobMetrics,
        config: WorkerConfig,
        documents: Documents = NO_DOCUMENTS,
        tracer: Tracer | None = None,
    ) -> None:
        self._config = config
        self._active = ActiveJobs()
        self._recent: deque[FinishedJob] = deque(maxlen=config.recent_jobs)
        self._keeper = LeaseKeeper(self._active, gateway, tick_seconds=config.lease_tick_seconds)
        self._keeper_task: asyncio.Task[None] | None = None
        self._drained: asyncio.Task[DrainSummary] | None = None
        total = Slots(config.max_jobs_active_total)
        self._channels = {
            registered.type: Channel(
                registered,
                gateway=gateway,
                secrets=secrets,
                resources=resources,
                documents=documents,
                metrics=metrics.for_type(registered.type, registered.name),
                config=config,
                active=self._active,
                total=total,
                finished=self._recent.append,
                tracer=tracer,
            )
            for registered in registry.enabled()
        }

    async def start(self) -> None:
        """Opens the subscriptions; returns at once."""
        self._keeper_task = asyncio.create_task(self._keeper.run(), name="lease keeper")
        for channel in self._channels.values():
            channel.start()

    async def drain(self) -> DrainSummary:
        """Stops taking jobs, lets the running ones finish until the deadline, and ends. Idempotent."""
        if self._drained is None:
            self._drained = asyncio.create_task(self._drain(), name="drain")
        return await asyncio.shield(self._drained)

    async def _drain(self) -> DrainSummary:
        summary = await drain(self._channels.values(), self._active, self._config.drain_seconds)
        if self._keeper_task is not None:
            await ended(self._keeper_task)
        for channel in self._channels.values():
            channel.close()
        return summary

    async def pause(self, job_type: str) -> None:
        """Stops taking jobs of a type; those not yet started go back to the engine with unchanged retries.

        Raises:
            ConfigError: no such job type here.
        """
        channel = self._channel(job_type)
        await channel.stop("paused")
        if channel.taking_jobs:
            return  # resumed meanwhile
        for held in self._active:
            if held.job.type == job_type and held.phase is Phase.WAITING:
                held.cut_short(Cut.HANDED_BACK)

    def resume(self, job_type: str) -> None:
        """Takes jobs of a type again; not on the way down.

        Raises:
            ConfigError: no such job type here.
        """
        channel = self._channel(job_type)
        if not self.draining:
            channel.start()

    @property
    def draining(self) -> bool:
        """Whether the way down has begun."""
        return self._drained is not None

    @property
    def ready(self) -> bool:
        """Whether every subscription that is not paused has reached the gateway."""
        return not self.draining and all(s.ready or s.mode == "paused" for s in self.subscriptions())

    def running(self) -> list[RunningJob]:
        """The jobs held right now."""
        now = time.monotonic()
        epoch = time.time() - now
        return [_running(held, now, epoch) for held in self._active]

    def recent(self) -> list[FinishedJob]:
        """The jobs that ended last, newest first."""
        return list(reversed(self._recent))

    def subscriptions(self) -> list[SubscriptionStatus]:
        """One entry per job type."""
        return [channel.status() for channel in self._channels.values()]

    def _channel(self, job_type: str) -> Channel:
        channel = self._channels.get(job_type)
        if channel is None:
            raise ConfigError(f"No connector serves the job type {job_type!r} here.")
        return channel


def _running(held: Held, now: float, epoch: float) -> RunningJob:
    job: Job = held.job
    since = held.started_at or job.received_at
    return RunningJob(
        job_key=job.key,
        job_type=job.type,
        connector=held.connector,
        element_id=job.element_id,
        process_id=job.process_id,
        process_instance_key=job.process_instance_key,
        retries=job.retries,
        started_at=since + epoch,
        duration_seconds=now - since,
        state=held.phase.value,
    )
