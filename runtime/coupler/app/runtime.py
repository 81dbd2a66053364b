"""The life of a runtime: parts made, connectors opened, subscriptions opened, admin started; and back.

The subscriptions are opened before the admin application is imported: jobs come first.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Coroutine
from typing import Any

from prometheus_client import CollectorRegistry, disable_created_metrics

from coupler import __version__
from coupler.admin.server import AdminServer, bind
from coupler.admin.view import EngineView
from coupler.app.wiring import Cluster, SharedResources, make_documents, make_registry, make_resources, make_secrets
from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import Gateway
from coupler.registry import Registered
from coupler.settings.loading import Loaded
from coupler.settings.model import Settings
from coupler.telemetry.metrics import JobMetrics
from coupler.telemetry.summary import Summary
from coupler.telemetry.tracing import make_tracer
from coupler.worker.status import FinishedJob, RunningJob, SubscriptionStatus
from coupler.worker.worker import Worker

_PROBE_SECONDS = 5.0
_FIRST_PROBE_SECONDS = 0.1
_GLANCES = 15
_GLANCE_SECONDS = 0.03

log = logging.getLogger(__name__)


class Runtime:
    """One runtime: everything between its settings and its last command. Implements ``RuntimeView``."""

    def __init__(self, loaded: Loaded, *, engine: EngineView | None = None, next_free_port: bool = False) -> None:
        """Builds all parts; nothing connects yet.

        Args:
            loaded: the settings and the environment that they came from.
            engine: the embedded engine, where this process has one.
            next_free_port: whether the admin server may take another port than the one it was given.

        Raises:
            ConfigError: a setting, a plug-in or a secret provider cannot be used, or the admin port is taken.
        """
        self.settings: Settings = loaded.settings
        # A time of creation beside every counter says nothing that anybody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.metrics = JobMetrics(CollectorRegistry())
        self._engine = engine
        self._registry = make_registry(loaded)
        self._secrets = make_secrets(loaded, self._definition_xml)
        self._tracer = make_tracer(self.settings.tracing, __version__)
        admin = self.settings.admin
        self._admin = AdminServer(bind(admin, next_free=next_free_port)) if admin.enabled else None
        self._tasks: list[asyncio.Task[None]] = []
        self._started_at = time.time()
        self._gateway_error = "not asked yet"
        self._worker: Worker | None = None
        self._cluster: Cluster | None = None
        self._resources: SharedResources | None = None

    async def start(self) -> None:
        """Opens connectors, subscriptions and the admin server.

        Raises:
            ConfigError: a connector cannot open.
        """
        cluster = self._cluster = Cluster(self.settings)
        resources = self._resources = make_resources(self.settings)
        await self._registry.open_all(resources)
        self._worker = Worker(
            registry=self._registry,
            gateway=cluster.gateway,
            secrets=self._secrets,
            resources=resources,
            documents=make_documents(self.settings, cluster.documents, resources.http_engine),
            metrics=self.metrics,
            config=self.settings.worker,
            tracer=self._tracer,
        )
        await self._worker.start()
        self._spawn(self._probe(cluster.gateway), "gateway probe")
        if self.settings.log.summary_seconds:
            summary = Summary(self.metrics, lambda: len(self.running()))
            self._spawn(summary.run(self.settings.log.summary_seconds), "summary")
        await self._first_jobs()
        await self._start_admin()
        _settle_garbage_collector()
        self._say_started()

    async def stop(self) -> None:
        """Drains and closes, as far as the start had come. Admin is there until the jobs are done, HTTP goes last."""
        if self._worker is not None:
            await self._worker.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._registry.close_all()
        if self._cluster is not None:
            await self._cluster.close()
        await self._secrets.close()
        if self._admin is not None:
            await self._admin.close()
        if self._resources is not None:
            await self._resources.close()
        if self._tracer is not None:
            await self._tracer.close()
        log.info("Stopped.")

    @property
    def admin_address(self) -> str | None:
        """The URL of the page."""
        return self._admin.address if self._admin is not None else None

    @property
    def started_at(self) -> float:
        """Epoch seconds."""
        return self._started_at

    @property
    def gateway_address(self) -> str:
        """Where the cluster is."""
        return self.settings.gateway.address

    @property
    def gateway_reachable(self) -> bool:
        """Whether the last question to the cluster was answered."""
        return not self._gateway_error

    @property
    def draining(self) -> bool:
        """Whether the way down has begun."""
        return self._worker is not None and self._worker.draining

    @property
    def engine(self) -> EngineView | None:
        """The embedded engine of this process."""
        return self._engine

    def not_started_because(self) -> list[str]:
        """Why the runtime is not up yet."""
        return [] if self._worker is not None else ["The connectors are being opened."]

    def not_ready_because(self) -> list[str]:
        """Why no jobs can be taken now."""
        if self._worker is None:
            return self.not_started_because()
        if self._worker.draining:
            return ["The runtime is draining: it takes no more jobs."]
        reasons = [
            f"Jobs of type {status.job_type} cannot be fetched: {status.last_error or 'not reached yet'}"
            for status in self._worker.subscriptions()
            if not status.ready and status.mode != "paused"
        ]
        if self._gateway_error:
            reasons.insert(0, f"The gateway {self.gateway_address} cannot be reached: {self._gateway_error}")
        return reasons

    async def pause(self, job_type: str) -> None:
        """Takes no more jobs of a type."""
        assert self._worker is not None, "the admin server starts after the worker"
        await self._worker.pause(job_type)

    async def resume(self, job_type: str) -> None:
        """Takes jobs of a type again."""
        assert self._worker is not None, "the admin server starts after the worker"
        self._worker.resume(job_type)

    def connectors(self) -> list[Registered]:
        """All connectors."""
        return list(self._registry.all())

    def subscriptions(self) -> list[SubscriptionStatus]:
        """How each job type gets its jobs."""
        return [] if self._worker is None else self._worker.subscriptions()

    def running(self) -> list[RunningJob]:
        """Jobs held right now."""
        return [] if self._worker is None else self._worker.running()

    def recent(self) -> list[FinishedJob]:
        """Jobs that ended last."""
        return [] if self._worker is None else self._worker.recent()

    async def _first_jobs(self) -> None:
        """Leaves the processor to jobs that waited for this start: to import the admin application takes a while."""
        for _ in range(_GLANCES):
            await asyncio.sleep(_GLANCE_SECONDS)
            if not self.running():
                return

    async def _start_admin(self) -> None:
        if self._admin is None:
            return
        await self._admin.start(self, self.metrics.registry, self.settings.admin)

    async def _probe(self, gateway: Gateway) -> None:
        """Asks the cluster who it is, over and over: the answer is what readiness is made of."""
        pause = _FIRST_PROBE_SECONDS
        while True:
            self._gateway_error = await _fault_of(gateway)
            pause = min(2 * pause, _PROBE_SECONDS) if self._gateway_error else _PROBE_SECONDS
            await asyncio.sleep(pause)

    async def _definition_xml(self, key: int) -> str:
        assert self._cluster is not None, "secrets are resolved while jobs run"
        return await self._cluster.gateway.process_definition_xml(key)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_say_failure)
        self._tasks.append(task)

    def _say_started(self) -> None:
        types = [registered.type for registered in self._registry.enabled()]
        log.info("Coupler %s serves %s from %s.", __version__, ", ".join(types) or "no job type", self.gateway_address)
        if self.admin_address:
            log.info("Admin server: %s", self.admin_address)


async def _fault_of(gateway: Gateway) -> str:
    """Why no job can come from the cluster; empty when it answers and a partition is healthy."""
    try:
        topology = await gateway.topology()
    except GatewayError as error:
        return "" if error.status is GatewayStatus.UNIMPLEMENTED else str(error)
    return "" if topology.healthy else "no partition is healthy"


def _say_failure(task: asyncio.Task[None]) -> None:
    """Work in the background never ends by itself; when it does, somebody should hear of it."""
    if not task.cancelled() and task.exception() is not None:
        log.error("The task %r has failed.", task.get_name(), exc_info=task.exception())


def _settle_garbage_collector() -> None:
    """What the start has made lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)
