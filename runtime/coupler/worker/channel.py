"""One job type: its subscription, its slots, and the tasks that run its jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from coupler.documents.service import Documents
from coupler.errors import GatewayError
from coupler.gateway.protocol import ActivateRequest, Gateway, Job
from coupler.registry import Registered
from coupler.sdk.context import Resources
from coupler.secrets.resolution import Secrets
from coupler.telemetry.metrics import TypeMetrics
from coupler.telemetry.tracing import Tracer
from coupler.worker.active import ActiveJobs, Cut, Held, Phase, lease_end
from coupler.worker.adaptive import AdaptiveLimit
from coupler.worker.config import WorkerConfig
from coupler.worker.execution import Execution
from coupler.worker.limits import Slots
from coupler.worker.outcome import Abandoned, BpmnErrorThrown, Completed, Failed, Outcome
from coupler.worker.report import report
from coupler.worker.spans import trace_variables
from coupler.worker.status import FinishedJob, SubscriptionStatus
from coupler.worker.subscription import Subscription, SubscriptionConfig
from coupler.worker.tasks import ended

log = logging.getLogger(__name__)

_AT_ONCE_SECONDS = 0.001

# A gateway with multi-tenancy refuses a request for jobs that names no tenant; one without it takes this name, too.
_DEFAULT_TENANTS = ("<default>",)

_LABELS: dict[type[Outcome], str] = {
    Completed: "completed",
    Failed: "failed",
    BpmnErrorThrown: "bpmn_error",
    Abandoned: "abandoned",
}


class Channel:
    """Takes the jobs of one type and sees each through to its command."""

    def __init__(
        self,
        registered: Registered,
        *,
        gateway: Gateway,
        secrets: Secrets,
        resources: Resources,
        documents: Documents,
        metrics: TypeMetrics,
        config: WorkerConfig,
        active: ActiveJobs,
        total: Slots,
        finished: Callable[[FinishedJob], None],
        tracer: Tracer | None = None,
    ) -> None:
        self.job_type = registered.type
        self._connector = registered.name
        self._gateway = gateway
        self._metrics = metrics
        self._active = active
        self._total = total
        self._finished = finished
        self._lease_seconds = registered.lease_seconds or config.lease_seconds
        self._max_run_seconds = config.max_execution_seconds
        self._slots = Slots(registered.max_jobs_active or config.max_jobs_active)
        self._adaptive = AdaptiveLimit(self._slots, config.adaptive) if config.adaptive.enabled else None
        self._execution = Execution(
            registered,
            gateway=gateway,
            secrets=secrets,
            resources=resources,
            config=config,
            documents=documents,
            tracer=tracer,
        )
        self._subscription_config = _subscription_config(
            registered, config, self._lease_seconds, () if tracer is None else trace_variables(registered)
        )
        self._subscription = self._subscribe()
        self._task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._stopped_as = "stopped"
        self._stopping = False

    def _subscribe(self) -> Subscription:
        return Subscription(
            self._subscription_config,
            gateway=self._gateway,
            slots=self._slots,
            total=self._total,
            accept=self._accept,
        )

    @property
    def taking_jobs(self) -> bool:
        """Whether the subscription is open."""
        return self._task is not None

    def start(self) -> None:
        """Opens a subscription, unless one is open. An older one may still be closing; it shares nothing with this."""
        if self._task is None:
            self._stopping = False
            self._subscription = self._subscribe()
            self._task = asyncio.create_task(self._subscription.run(), name=f"subscription {self.job_type}")

    async def stop(self, state: str = "stopped") -> None:
        """Closes the subscription, and waits for one that is being closed already; jobs that are held go on."""
        self._stopped_as = state
        self._stopping = True
        task, self._task = self._task, None
        closing = tuple(self._closing)
        if task is None:
            await ended(closing=closing)
            return
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await ended(task, closing=closing)

    def close(self) -> None:
        """Frees what the execution holds."""
        self._execution.close()

    def status(self) -> SubscriptionStatus:
        """A snapshot."""
        subscription = self._subscription
        return SubscriptionStatus(
            job_type=self.job_type,
            connector=self._connector,
            mode=subscription.mode if self._task is not None else self._stopped_as,
            ready=subscription.ready and self._task is not None,
            active=self._slots.used - subscription.reserved,
            max_active=self._slots.limit,
            last_error=subscription.last_error,
        )

    def _accept(self, job: Job, slot_held: bool) -> None:
        if self._active.adopt(job):
            log.debug("Job %d is here already; its lease is renewed.", job.key)
            if slot_held:
                self._slots.release()
            return
        self._metrics.activated()
        held = Held(
            job,
            self._connector,
            self._lease_seconds,
            lease_end(job, self._lease_seconds),
            self._max_run_seconds,
            owner=self,
        )
        self._active.add(held)
        if self._stopping:  # read from a stream that is being closed
            held.cut = Cut.HANDED_BACK
            held.task = asyncio.create_task(self._hand_back(held, slot_held))
        else:
            slot_held = slot_held or self._slots.reserve(1) == 1
            held.task = asyncio.create_task(self._see_through(held, slot_held))

    async def _see_through(self, held: Held, slot_held: bool) -> None:
        """Waits for the slots, runs the job, reports, and gives the slots back, whatever happens."""
        held.begun = True
        total_held = False
        try:
            if held.cut is not None:
                return await self._not_started(held, held.cut)
            if not slot_held:
                await self._slots.acquire()
                slot_held = True
            if not self._total.reserve(1):
                await self._total.acquire()
            total_held = True
            held.phase = Phase.RUNNING
            held.started_at = time.monotonic()
            outcome = await self._execution.outcome(held)
            if held.disowned is None:
                await self._finish(held, outcome)
            else:
                await asyncio.wait({held.disowned})
            if held.thread is not None and held.thread.running():
                self._active.linger(held)
                await self._execution.until_thread_ended(held)
        except asyncio.CancelledError:
            if held.cut is None or held.phase is not Phase.WAITING:
                raise
            held.acknowledge_cut()
            await self._not_started(held, held.cut)
        finally:
            self._active.remove(held)
            if slot_held:
                self._slots.release()
            if total_held:
                self._total.release()

    async def _not_started(self, held: Held, cut: Cut) -> None:
        if cut is Cut.LEASE_LOST:
            await self._finish(held, Abandoned(cut.value))
            return
        if held.job.retries > 0:
            back = Failed(held.job.retries, "The job was not started and is handed back to the engine.")
            await report(self._gateway, held, back)
        else:
            await self._end_lease(held)
        await self._finish(held, Abandoned(Cut.HANDED_BACK.value))

    async def _end_lease(self, held: Held) -> None:
        """Hands back a job that came without retries: a FailJob would make an incident of it."""
        held.phase = Phase.FAILING
        try:
            await self._gateway.update_timeout(held.job.key, _AT_ONCE_SECONDS)
        except GatewayError as error:
            log.debug("Job %d stays until its lease ends: %s", held.job.key, error)

    def disown(self, held: Held) -> None:
        """Reports for a connector that ignores its cancellation; its slots stay taken until it ends."""
        log.warning(
            "%s: job %d goes on although it was cancelled (%s). What it returns will be dropped.",
            self.job_type,
            held.job.key,
            held.cut and held.cut.value,
        )
        held.disowned = asyncio.create_task(self._finish_without(held))

    async def _finish_without(self, held: Held) -> None:
        await self._finish(held, self._execution.cut_short(held))
        self._active.linger(held)

    async def _hand_back(self, held: Held, slot_held: bool) -> None:
        held.begun = True
        try:
            await self._not_started(held, Cut.HANDED_BACK)
        finally:
            self._active.remove(held)
            if slot_held:
                self._slots.release()

    async def _finish(self, held: Held, outcome: Outcome) -> None:
        told = await report(self._gateway, held, outcome)
        held.phase = Phase.ENDED
        self._record(held, told)

    def _record(self, held: Held, outcome: Outcome) -> None:
        job = held.job
        now = time.monotonic()
        since = held.started_at or job.received_at
        label = _LABELS[type(outcome)]
        self._metrics.finished(label, now - since)
        if isinstance(outcome, Failed) and outcome.retries <= 0:
            self._metrics.incident()
        if self._adaptive is not None:
            self._adaptive.finished(now - since, failed=isinstance(outcome, Failed))
        if log.isEnabledFor(logging.DEBUG):
            log.debug("Job %d (%s): %s after %.3f s", job.key, job.type, label, now - since)
        self._finished(
            FinishedJob(
                job_key=job.key,
                job_type=job.type,
                connector=self._connector,
                element_id=job.element_id,
                process_id=job.process_id,
                process_instance_key=job.process_instance_key,
                retries=job.retries,
                started_at=time.time() - (now - since),
                duration_seconds=now - since,
                outcome=label,
                message=_message(outcome),
            )
        )


def _subscription_config(
    registered: Registered, config: WorkerConfig, lease_seconds: float, also_fetch: tuple[str, ...]
) -> SubscriptionConfig:
    stream = config.stream_enabled if registered.stream_enabled is None else registered.stream_enabled
    return SubscriptionConfig(
        activate=ActivateRequest(
            type=registered.type,
            worker=config.worker_name or registered.name,
            lease_seconds=lease_seconds,
            max_jobs=1,
            fetch_variables=registered.input_variables + also_fetch,
            request_timeout_seconds=config.request_timeout_seconds,
            tenant_ids=config.tenant_ids or _DEFAULT_TENANTS,
        ),
        stream_enabled=stream,
        poll_enabled=config.poll_enabled or not stream,
        catch_up_max_seconds=config.catch_up_poll_max_seconds,
    )


def _message(outcome: Outcome) -> str:
    match outcome:
        case Failed():
            return outcome.message
        case BpmnErrorThrown(code, message):
            return f"{code}: {message}" if message else code
        case Abandoned(reason):
            return reason
        case _:
            return ""
