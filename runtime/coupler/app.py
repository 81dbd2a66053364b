"""The composition root: the only file that knows all parts and puts them together.

    settings ──▶ gateway client, HTTP engine, secrets, connectors ──▶ worker ──▶ admin

The subscriptions are opened before the admin application is imported: jobs come first.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from coupler import __version__
from coupler.admin.server import AdminServer, bind
from coupler.admin.view import EngineView
from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import Gateway
from coupler.http.engine import Engine as HttpEngine
from coupler.registry import Registered, Registry
from coupler.secrets.loading import load_providers
from coupler.secrets.resolution import Secrets
from coupler.settings.loading import Loaded
from coupler.settings.model import Settings
from coupler.telemetry.metrics import JobMetrics
from coupler.telemetry.summary import Summary
from coupler.worker.status import FinishedJob, RunningJob, SubscriptionStatus
from coupler.worker.worker import Worker

if TYPE_CHECKING:
    import httpx

_PROBE_SECONDS = 5.0
_FIRST_PROBE_SECONDS = 0.1

log = logging.getLogger(__name__)


class SharedResources:
    """What connectors borrow: the HTTP engine, and one httpx client over it, made when the first asks for it."""

    def __init__(self, engine: HttpEngine) -> None:
        self._engine = engine
        self._client: httpx.AsyncClient | None = None

    @property
    def http_engine(self) -> HttpEngine:
        """The outbound HTTP engine."""
        return self._engine

    def http(self) -> httpx.AsyncClient:
        """An httpx client over the same engine."""
        if self._client is None:
            from coupler.http.client import make_client

            self._client = make_client(self._engine)
        return self._client

    async def close(self) -> None:
        """Closes the client and the pool."""
        if self._client is not None:
            await self._client.aclose()
        await self._engine.close()


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
        self.metrics = JobMetrics(CollectorRegistry())
        self._engine = engine
        self._registry = make_registry(loaded)
        self._secrets = make_secrets(loaded)
        admin = self.settings.admin
        self._admin = AdminServer(bind(admin, next_free=next_free_port)) if admin.enabled else None
        self._tasks: list[asyncio.Task[None]] = []
        self._started_at = time.time()
        self._gateway_error = "not asked yet"
        self._worker: Worker | None = None
        self._gateway: Gateway | None = None
        self._resources: SharedResources | None = None

    async def start(self) -> None:
        """Opens connectors, subscriptions and the admin server.

        Raises:
            ConfigError: a connector cannot open.
        """
        gateway = self._gateway = make_gateway(self.settings)
        resources = self._resources = SharedResources(HttpEngine(self.settings.http))
        await self._registry.open_all(resources)
        self._worker = Worker(
            registry=self._registry,
            gateway=gateway,
            secrets=self._secrets,
            resources=resources,
            metrics=self.metrics,
            config=self.settings.worker,
        )
        await self._worker.start()
        self._spawn(self._probe(gateway), "gateway probe")
        if self.settings.log.summary_seconds:
            summary = Summary(self.metrics, lambda: len(self.running()))
            self._spawn(summary.run(self.settings.log.summary_seconds), "summary")
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
        if self._gateway is not None:
            await self._gateway.close()
        await self._secrets.close()
        if self._admin is not None:
            await self._admin.close()
        if self._resources is not None:
            await self._resources.close()
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
        gateway = self.settings.gateway
        return (gateway.rest_address if gateway.prefer_rest else gateway.grpc_address) or ""

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

    async def _start_admin(self) -> None:
        if self._admin is None:
            return
        await self._admin.start(self, self.metrics.registry, self.settings.admin.host)

    async def _probe(self, gateway: Gateway) -> None:
        """Asks the cluster who it is, over and over: the answer is what readiness is made of."""
        pause = _FIRST_PROBE_SECONDS
        while True:
            self._gateway_error = await _fault_of(gateway)
            pause = min(2 * pause, _PROBE_SECONDS) if self._gateway_error else _PROBE_SECONDS
            await asyncio.sleep(pause)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def _say_started(self) -> None:
        types = [registered.type for registered in self._registry.enabled()]
        log.info("Coupler %s serves %s from %s.", __version__, ", ".join(types) or "no job type", self.gateway_address)
        if self.admin_address:
            log.info("Admin server: %s", self.admin_address)


def make_gateway(settings: Settings) -> Gateway:
    """The client of the cluster. Belongs to the running event loop.

    Raises:
        ConfigError: the addresses or certificates cannot be used.
    """
    from coupler.gateway.grpc import GrpcGateway

    return GrpcGateway(settings.gateway)


async def _fault_of(gateway: Gateway) -> str:
    """Why no job can come from the cluster; empty when it answers and a partition is healthy."""
    try:
        topology = await gateway.topology()
    except GatewayError as error:
        return "" if error.status is GatewayStatus.UNIMPLEMENTED else str(error)
    return "" if topology.healthy else "no partition is healthy"


async def run_until_signalled(runtime: Runtime, *, stopping: asyncio.Event | None = None) -> None:
    """Starts a runtime, waits for SIGTERM or SIGINT, and drains it. A second signal ends the process at once."""
    stop = stopping or asyncio.Event()
    own_signals(stop)
    try:
        await runtime.start()
        await stop.wait()
    finally:
        await runtime.stop()


def own_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set the event; the next one ends the process without waiting."""
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            log.warning("%s again: ending now; jobs that still run come back when their leases end.", number.name)
            logging.shutdown()
            os._exit(128 + number)
        log.info("%s: draining.", number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, on_signal, number)


def make_registry(loaded: Loaded) -> Registry:
    """The installed connectors, as the settings want them.

    Raises:
        ConfigError: a plug-in or a setting cannot be used.
    """
    disabled = frozenset(job_type.lower() for job_type in loaded.settings.disabled_types)
    registry = Registry.load(loaded.settings.connector_configs(), disabled_types=disabled)
    for registered in registry.all():
        if not registered.enabled:
            log.info("Connector %s serves no jobs: %s", registered.plugin, registered.disabled_because)
    return registry


def make_secrets(loaded: Loaded) -> Secrets:
    """The secret providers, as the settings want them.

    Raises:
        ConfigError: a provider or its settings cannot be used.
    """
    section = loaded.settings.secrets
    providers = load_providers(section.providers, section.provider_settings(), loaded.environ)
    return Secrets(providers, section.bare_references)


def _settle_garbage_collector() -> None:
    """What the start has made lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


__all__ = [
    "Runtime",
    "SharedResources",
    "make_gateway",
    "make_registry",
    "make_secrets",
    "own_signals",
    "run_until_signalled",
]
