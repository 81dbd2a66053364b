"""What can be set about workers."""

from __future__ import annotations

from dataclasses import dataclass, field

from coupler.feel.limits import Limits
from coupler.worker.adaptive import AdaptiveConfig


@dataclass(slots=True, frozen=True, kw_only=True)
class WorkerConfig:
    """Limits and timing of all workers; per-connector overrides stand in the registry."""

    worker_name: str | None = None
    """Name shown by the cluster; ``None``: the connector's own name."""
    max_jobs_active: int = 100
    """Slots per job type."""
    max_jobs_active_total: int = 500
    """Slots of the whole process."""
    lease_seconds: float = 300.0
    """How long the engine leaves a job to this worker (the job timeout). Extended at half-life while the job runs."""
    request_timeout_seconds: float = 10.0
    """How long a poll may be held open by the gateway."""
    stream_enabled: bool = True
    """Let the gateway push jobs."""
    poll_enabled: bool = True
    """Poll beside the stream. Without it jobs that are older than the stream stay where they are."""
    catch_up_poll_max_seconds: float = 60.0
    """The longest pause between the polls beside a healthy stream."""
    max_execution_seconds: float = 3600.0
    """Longest run of one job; the header ``jobTimeout`` may ask for less."""
    drain_seconds: float = 20.0
    """At shutdown running jobs get this long to finish."""
    lease_tick_seconds: float = 1.0
    """How often leases and run times are looked at."""
    tenant_ids: tuple[str, ...] = ()
    """Tenants to take jobs of; empty: the gateway's default tenant."""
    max_variables_bytes: int = 1_572_864
    """Largest output of one job, as JSON text."""
    max_message_length: int = 6000
    """Error messages are cut to this many characters (UTF-16 units)."""
    recent_jobs: int = 200
    """How many finished jobs the admin API remembers."""
    adaptive: AdaptiveConfig = field(default_factory=AdaptiveConfig)
    """Fewer slots while a target is slow or failing; off by default."""
    feel_limits: Limits = field(default_factory=Limits)
    """Budget of one evaluation of a result or error expression."""
