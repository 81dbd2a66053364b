"""Metrics of jobs, in Prometheus form."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class TypeMetrics:
    """The metrics of one job type, with their labels bound once: a bound child costs a third of a labelled call."""

    __slots__ = ("_activated", "_duration", "_finished", "_incidents")

    def __init__(self, metrics: JobMetrics, job_type: str, connector: str) -> None:
        self._activated = metrics.activated.labels(job_type, connector)
        self._finished = {
            outcome: metrics.finished.labels(job_type, connector, outcome)
            for outcome in ("completed", "failed", "bpmn_error", "abandoned")
        }
        self._duration = metrics.duration.labels(job_type, connector)
        self._incidents = metrics.incidents.labels(job_type, connector)

    def activated(self) -> None:
        """A job was taken."""
        self._activated.inc()

    def finished(self, outcome: str, seconds: float) -> None:
        """A job ended ``seconds`` after it was taken: ``completed``, ``failed``, ``bpmn_error`` or ``abandoned``."""
        self._finished[outcome].inc()
        self._duration.observe(seconds)

    def incident(self) -> None:
        """A job was failed without a retry left, of which the engine makes an incident."""
        self._incidents.inc()


class JobMetrics:
    """Families of the job metrics, registered once per process (or per test, with a registry of its own)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("job_type", "connector")
        self.registry = registry
        self.activated = Counter("coupler_jobs_activated", "Jobs taken from the gateway.", labels, registry=registry)
        self.finished = Counter(
            "coupler_jobs_finished", "Jobs ended, by outcome.", (*labels, "outcome"), registry=registry
        )
        self.incidents = Counter(
            "coupler_job_incidents", "Jobs failed without a retry left: incidents.", labels, registry=registry
        )
        self.duration = Histogram(
            "coupler_job_duration_seconds",
            "From taking a job to the end of its work, before the gateway's answer.",
            labels,
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
        )

    def for_type(self, job_type: str, connector: str) -> TypeMetrics:
        """The metrics of one job type."""
        return TypeMetrics(self, job_type, connector)
