"""Metrics of the runtime itself, read from its state at each scrape."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from coupler import __version__
from coupler.admin.view import RuntimeView

_LABELS = ["job_type", "connector"]


class RuntimeCollector(Collector):
    """Gauges of subscriptions, the gateway and the drain."""

    def __init__(self, view: RuntimeView) -> None:
        self._view = view

    def collect(self) -> Iterable[Metric]:
        """The current values."""
        view = self._view
        yield InfoMetricFamily("coupler_build", "The version that runs.", value={"version": __version__})
        yield GaugeMetricFamily(
            "coupler_gateway_reachable", "1 while the cluster answers.", value=view.gateway_reachable
        )
        yield GaugeMetricFamily("coupler_ready", "1 while jobs can be taken.", value=not view.not_ready_because())
        yield GaugeMetricFamily("coupler_draining", "1 from SIGTERM on.", value=view.draining)
        yield from self._subscriptions()

    def _subscriptions(self) -> Iterable[Metric]:
        active = GaugeMetricFamily("coupler_jobs_active", "Jobs held right now.", labels=_LABELS)
        limit = GaugeMetricFamily("coupler_jobs_active_limit", "Slots of the job type.", labels=_LABELS)
        ready = GaugeMetricFamily("coupler_subscription_ready", "1 while the job type gets jobs.", labels=_LABELS)
        for status in self._view.subscriptions():
            labels = [status.job_type, status.connector]
            active.add_metric(labels, status.active)
            limit.add_metric(labels, status.max_active)
            ready.add_metric(labels, status.ready)
        return active, limit, ready


def register(registry: CollectorRegistry, view: RuntimeView) -> None:
    """Adds the runtime's own metrics, and those of the process, to a registry."""
    registry.register(RuntimeCollector(view))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
