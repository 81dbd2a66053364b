"""The engine's commands, synchronous: each is one transaction, committed before it returns.

``EmbeddedEngine`` puts gRPC, timers and waiting workers around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from coupler.embedded.bpmn.problems import ModelError
from coupler.embedded.definitions import Definition, Definitions, Resource
from coupler.embedded.interpreter import errors, incidents, messages, processes, waits
from coupler.embedded.interpreter.core import Interpreter
from coupler.embedded.interpreter.effects import Effects
from coupler.embedded.interpreter.messages import Message
from coupler.embedded.interpreter.problem import IncidentType, Problem
from coupler.embedded.rejection import invalid, not_found, wrong_state
from coupler.embedded.store.jobs import JobRow
from coupler.embedded.store.store import Store
from coupler.embedded.store.variables import Document

T = TypeVar("T")

_DUE_BATCH = 200
_COMMITS_BETWEEN_CHECKPOINTS = 1_000


class Listener(Protocol):
    """Who hears what commands have caused, after they are committed."""

    def jobs_ready(self, jobs: Sequence[tuple[str, int]]) -> None:
        """Jobs (type, key) can be activated."""

    def due_at(self, due_ms: int) -> None:
        """``Engine.tick`` must be called then, if not before."""

    def work_postponed(self) -> None:
        """``Engine.resume`` must be called soon."""

    def checkpoint_due(self) -> None:
        """The write-ahead log has grown; ``checkpoint`` should run in some thread."""


class Activation(NamedTuple):
    """One job as it goes to a worker."""

    job: JobRow
    definition: Definition
    deadline_ms: int
    variables: Document


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """Which jobs a worker wants, and for how long."""

    type: str
    worker: str
    lease_ms: int
    max_jobs: int = 1
    fetch_variables: Sequence[str] = ()
    max_bytes: int = 1 << 20  # stop adding jobs once their variables are this large


@dataclass(slots=True)
class Totals:
    """Counts since the start."""

    completed: int = 0
    terminated: int = 0


def epoch_ms() -> int:
    """Now."""
    return time.time_ns() // 1_000_000


class Engine:
    """Runs processes. Not thread-safe: one thread owns it.

    Every method that changes something raises ``Rejection`` when the command is refused.
    """

    def __init__(self, db_path: Path | None, listener: Listener, now: Callable[[], int] = epoch_ms) -> None:
        self.store = Store(db_path)
        self.definitions = Definitions(self.store)
        self.totals = Totals()
        self._now = now
        self._listener = listener
        self._next_checkpoint = _COMMITS_BETWEEN_CHECKPOINTS
        self._results: dict[int, Callable[[Document | None], None]] = {}
        self._it = Interpreter(self.store, self.definitions, now)

    def close(self) -> None:
        """Closes the database. Idempotent."""
        self.store.close()

    def _command(self, work: Callable[[], T]) -> T:
        try:
            with self.store.transaction():
                result = work()
                self._it.settle()
        except BaseException:
            self._it.reset()
            raise
        self._publish(self._it.reset())
        return result

    def _publish(self, effects: Effects) -> None:
        if effects.ready:
            self._listener.jobs_ready(effects.ready)
        for ended in effects.ended:
            self._it.awaited.discard(ended.process_instance_key)
            on_end = self._results.pop(ended.process_instance_key, None)
            if on_end is not None:
                on_end(ended.variables)
        if effects.due is not None:
            self._listener.due_at(effects.due)
        if effects.postponed:
            self._listener.work_postponed()
        self.totals.completed += effects.completed
        self.totals.terminated += effects.terminated
        if self.store.database.path is not None and self.store.database.commits >= self._next_checkpoint:
            self._next_checkpoint = self.store.database.commits + _COMMITS_BETWEEN_CHECKPOINTS
            self._listener.checkpoint_due()

    # Deployment and instances

    def deploy(self, resources: Sequence[tuple[str, bytes]]) -> tuple[int, list[Definition]]:
        """Deploys resources (name, content), all or none; returns the deployment key and the processes."""
        try:
            parsed = [Resource.parse(name, content) for name, content in resources]
        except ModelError as error:
            raise invalid(str(error)) from error

        def work() -> tuple[int, list[Definition]]:
            key = self.store.new_key()
            return key, [definition for resource in parsed for definition in self.definitions.deploy(resource)]

        try:
            return self._command(work)
        except BaseException:
            self.definitions.refresh()  # forget what was rolled back
            raise

    def create_instance(
        self, definition: Definition, variables: Document, on_end: Callable[[Document | None], None] | None = None
    ) -> int:
        """Starts a process; returns the instance's key.

        ``on_end`` is told the final variables, or None when the instance was terminated; it may be called before this
        returns.
        """
        if definition.model.root.start is None:
            raise wrong_state(
                f"Expected to create instance of process '{definition.process_id}' with none start event, "
                "but there is no such event"
            )

        def work() -> int:
            process = processes.start(self._it, definition, variables, awaited=on_end is not None)
            if on_end is not None:
                self._results[process.key] = on_end
            return process.key

        return self._command(work)

    def cancel_instance(self, key: int) -> None:
        """Ends a process instance at once."""

        def work() -> None:
            instance = self._it.get(key)
            if instance is None or instance.scope_key:
                raise not_found(
                    f"Expected to cancel a process instance with key '{key}', but no such process was found"
                )
            row = self.store.instances.get(key)
            if row is not None and row.parent_key:
                raise wrong_state(
                    f"Expected to cancel a process instance with key '{key}', but it is created by a parent process "
                    "instance. Cancel the root process instance instead."
                )
            processes.terminate(self._it, instance)

        self._command(work)

    def forget_result(self, key: int) -> None:
        """Nobody waits for the end of this instance any more."""
        self._it.awaited.discard(key)
        self._results.pop(key, None)

    def set_variables(self, element_key: int, variables: Document, *, local: bool) -> int:
        """Sets variables in the scope of an element instance, or where they are visible from there."""

        def work() -> int:
            instance = self._it.get(element_key)
            if instance is None:
                raise not_found(
                    f"Expected to update variables for element with key '{element_key}', but no such element was found"
                )
            if local:
                self._it.set_local(instance, variables)
            else:
                self.store.variables.merge(self._it.path(instance), variables)
            return self.store.new_key()

        return self._command(work)

    def publish_message(self, message: Message) -> int:
        """Publishes a message; returns its key."""
        return self._command(lambda: messages.publish(self._it, message))

    def resolve_incident(self, key: int) -> None:
        """Lets an element instance try again."""

        def work() -> None:
            row = self.store.incidents.get(key)
            if row is None:
                raise not_found(f"Expected to resolve incident with key '{key}', but no such incident was found")
            incidents.resolve(self._it, row)

        self._command(work)

    # Jobs

    def activate_jobs(self, request: ActivationRequest) -> list[Activation]:
        """Leases jobs to a worker, the oldest first; empty when there are none."""
        rows = self.store.jobs.ready(request.type, request.max_jobs)
        return self._command(lambda: self._lease(rows, request)) if rows else []

    def activate_job(self, key: int, request: ActivationRequest) -> Activation | None:
        """Leases one certain job, if it can still be activated."""
        row = self.store.jobs.get(key)
        if row is None or row.state != "ready":
            return None
        return self._command(lambda: self._lease([row], request))[0]

    def _lease(self, rows: Sequence[JobRow], request: ActivationRequest) -> list[Activation]:
        deadline = self._now() + request.lease_ms
        activations: list[Activation] = []
        size = 0
        for row in rows:
            variables = self.store.variables.visible(row.path, request.fetch_variables)
            size += sum(map(len, variables.values()))
            if activations and size > request.max_bytes:
                break
            activations.append(Activation(row, self.definitions.get(row.definition_key), deadline, variables))
        self.store.jobs.lease([a.job.key for a in activations], request.worker, deadline)
        self._it.effects.at(deadline)
        return activations

    def hand_back(self, activations: Sequence[Activation]) -> None:
        """Takes leases back that never reached their worker; retries stay as they are."""

        def work() -> None:
            for activation in activations:
                job_type = self.store.jobs.hand_back(activation.job.key, activation.deadline_ms)
                if job_type is not None:
                    self._it.effects.ready.append((job_type, activation.job.key))

        self._command(work)

    def _workable(self, key: int, verb: str) -> JobRow:
        job = self.store.jobs.get(key)
        if job is None:
            raise not_found(f"Expected to {verb} job with key '{key}', but no such job was found")
        if job.state not in ("ready", "leased"):
            state = "ERROR_THROWN" if job.state == "error" else "FAILED"
            raise wrong_state(f"Expected to {verb} job with key '{key}', but it is in state '{state}'")
        return job

    def complete_job(self, key: int, variables: Document) -> None:
        """The work is done."""

        def work() -> None:
            job = self._workable(key, "complete")
            instance = self._it.get(job.element_key)
            assert instance is not None
            self.store.jobs.delete(key)
            instance.job_key = 0
            self._it.complete(instance, variables)

        self._command(work)

    def fail_job(self, key: int, retries: int, message: str, backoff_ms: int, variables: Document) -> None:
        """The work failed. With no retries left this opens an incident; ``variables`` stay local to the element."""

        def work() -> None:
            job = self._workable(key, "fail")
            instance = self._it.get(job.element_key)
            assert instance is not None
            self._it.set_local(instance, variables)
            if retries <= 0:
                self.store.jobs.set_state(key, "failed", 0, None)
                text = message or "No more retries left."
                incidents.open_incident(self._it, instance, Problem(IncidentType.JOB_NO_RETRIES, text), key)
            elif backoff_ms > 0:
                due = self._now() + backoff_ms
                self.store.jobs.set_state(key, "backoff", retries, due)
                self._it.effects.at(due)
            else:
                self.store.jobs.set_state(key, "ready", retries, None)
                self._it.effects.ready.append((job.type, key))

        self._command(work)

    def throw_error(self, key: int, code: str, message: str, variables: Document) -> None:
        """The work ended with a BPMN error. One that nothing catches opens an incident."""

        def work() -> None:
            job = self._workable(key, "throw an error for")
            instance = self._it.get(job.element_key)
            assert instance is not None
            try:
                errors.throw(self._it, instance, code, message, variables)
            except Problem as problem:
                self._it.set_local(instance, variables)
                self.store.jobs.set_state(key, "error", job.retries, None)
                incidents.open_incident(self._it, instance, problem, key)

        self._command(work)

    def update_job_retries(self, key: int, retries: int) -> None:
        """Changes the retries left; an incident still has to be resolved."""

        def work() -> None:
            if retries < 1:
                raise invalid(
                    f"Expected to update retries for job with key '{key}' with a positive amount of retries, "
                    f"but the amount given was '{retries}'"
                )
            if self.store.jobs.get(key) is None:
                raise not_found(f"Expected to update retries for job with key '{key}', but no such job was found")
            self.store.jobs.set_retries(key, retries)

        self._command(work)

    def update_job_timeout(self, key: int, lease_ms: int) -> None:
        """Moves the end of a lease to ``lease_ms`` from now."""

        def work() -> None:
            job = self.store.jobs.get(key)
            if job is None:
                raise not_found(f"Expected to update job deadline for job with key '{key}', but no such job was found")
            if job.state != "leased":
                raise wrong_state(f"Expected to update job deadline for job with key '{key}', but it is not activated")
            due = self._now() + lease_ms
            self.store.jobs.set_due(key, due)
            self._it.effects.at(due)

        self._command(work)

    # Time

    def tick(self) -> int | None:
        """Does what is due, a bounded amount at once; returns when to call again (epoch milliseconds)."""
        now = self._now()
        due_jobs = self.store.jobs.due(now, _DUE_BATCH)
        if due_jobs:
            self._command(lambda: self._release(due_jobs))
        for timer in self.store.timers.due(now, _DUE_BATCH):
            self._command(lambda timer=timer: waits.fire(self._it, timer))  # type: ignore[misc]
        expiry = self.store.messages.next_due()
        if expiry is not None and expiry <= now:
            self._command(lambda: self.store.messages.delete_expired(now))
        return self.store.next_due()

    def _release(self, jobs: Sequence[tuple[int, str]]) -> None:
        for key, job_type in jobs:
            self.store.jobs.make_ready(key)
            self._it.effects.ready.append((job_type, key))

    def resume(self) -> None:
        """Goes on with work that a command has postponed, or that a killed engine has left behind."""
        if self.store.elements.has_postponed():
            self._command(self._it.resume)
