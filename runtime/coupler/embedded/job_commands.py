"""The commands of workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from coupler.embedded.commands import Commands
from coupler.embedded.definitions import Definition
from coupler.embedded.interpreter import errors, incidents
from coupler.embedded.interpreter.problem import IncidentType, Problem
from coupler.embedded.rejection import invalid, not_found, wrong_state
from coupler.embedded.store.jobs import JobRow
from coupler.embedded.store.variables import Document

_MAX_JOB_BYTES = (4 << 20) - (32 << 10)  # clients refuse messages over 4 MiB; the rest of a job needs some room too

_LATEST_MS = 1 << 62  # what is later than the store can note is never


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


class JobCommands:
    """What workers do with jobs. Every method that changes something raises ``Rejection`` when it is refused."""

    def __init__(self, commands: Commands) -> None:
        self._run = commands.run
        self._it = commands.it
        self._store = commands.store
        self._definitions = commands.definitions
        self._now = commands.now

    def activate(self, request: ActivationRequest) -> list[Activation]:
        """Leases jobs to a worker, the oldest first; empty when there are none."""
        leased: list[Activation] = []
        # Once more when all that were found had to be set aside.
        while not leased and (rows := self._store.jobs.ready(request.type, request.max_jobs)):
            leased = self._run(partial(self._lease, rows, request))
        return leased

    def activate_one(self, key: int, request: ActivationRequest) -> Activation | None:
        """Leases one certain job, if it can still be activated."""
        row = self._store.jobs.get(key)
        if row is None or row.state != "ready":
            return None
        leased = self._run(lambda: self._lease([row], request))
        return leased[0] if leased else None

    def _lease(self, rows: Sequence[JobRow], request: ActivationRequest) -> list[Activation]:
        deadline = self._due_in(request.lease_ms)
        activations: list[Activation] = []
        size = 0
        for row in rows:
            variables = self._store.variables.visible(row.path, request.fetch_variables)
            own_size = sum(map(len, variables.values()))
            if own_size > _MAX_JOB_BYTES:
                self._set_aside(row, own_size)
                continue
            size += own_size
            if activations and size > request.max_bytes:
                break
            activations.append(Activation(row, self._definitions.get(row.definition_key), deadline, variables))
        self._store.jobs.lease([a.job.key for a in activations], request.worker, deadline)
        self._it.effects.at(deadline)
        return activations

    def _set_aside(self, job: JobRow, size: int) -> None:
        """A job that no worker could receive would be leased again for ever."""
        instance = self._it.get(job.element_key)
        assert instance is not None
        self._store.jobs.set_state(job.key, "failed", job.retries, None)
        text = (
            f"The variables of the job have {size:,} bytes, and a message at most {_MAX_JOB_BYTES:,}. "
            "Make them smaller, or let the worker fetch only those that it needs."
        )
        incidents.open_incident(self._it, instance, Problem(IncidentType.MESSAGE_SIZE_EXCEEDED, text), job.key)

    def _due_in(self, milliseconds: int) -> int:
        return min(self._now() + milliseconds, _LATEST_MS)

    def hand_back(self, activations: Sequence[Activation]) -> None:
        """Takes leases back that never reached their worker; retries stay as they are."""

        def work() -> None:
            for activation in activations:
                job_type = self._store.jobs.hand_back(activation.job.key, activation.deadline_ms)
                if job_type is not None:
                    self._it.effects.ready.append((job_type, activation.job.key))

        self._run(work)

    def _workable(self, key: int, verb: str) -> JobRow:
        job = self._store.jobs.get(key)
        if job is None:
            raise not_found(f"Expected to {verb} job with key '{key}', but no such job was found")
        if job.state not in ("ready", "leased"):
            state = "ERROR_THROWN" if job.state == "error" else "FAILED"
            raise wrong_state(f"Expected to {verb} job with key '{key}', but it is in state '{state}'")
        return job

    def complete(self, key: int, variables: Document) -> None:
        """The work is done."""

        def work() -> None:
            job = self._workable(key, "complete")
            instance = self._it.get(job.element_key)
            assert instance is not None
            self._store.jobs.delete(key)
            instance.job_key = 0
            self._it.complete(instance, variables)

        self._run(work)

    def fail(self, key: int, retries: int, message: str, backoff_ms: int, variables: Document) -> None:
        """The work failed. With no retries left this opens an incident; ``variables`` stay local to the element."""

        def work() -> None:
            job = self._workable(key, "fail")
            instance = self._it.get(job.element_key)
            assert instance is not None
            self._it.set_local(instance, variables)
            if retries <= 0:
                self._store.jobs.set_state(key, "failed", 0, None)
                text = message or "No more retries left."
                incidents.open_incident(self._it, instance, Problem(IncidentType.JOB_NO_RETRIES, text), key)
            elif backoff_ms > 0:
                due = self._due_in(backoff_ms)
                self._store.jobs.set_state(key, "backoff", retries, due)
                self._it.effects.at(due)
            else:
                self._store.jobs.set_state(key, "ready", retries, None)
                self._it.effects.ready.append((job.type, key))

        self._run(work)

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
                self._store.jobs.set_state(key, "error", job.retries, None)
                incidents.open_incident(self._it, instance, problem, key)

        self._run(work)

    def update_retries(self, key: int, retries: int) -> None:
        """Changes the retries left; an incident still has to be resolved."""
        self._run(lambda: self._set_retries(key, retries))

    def update_timeout(self, key: int, lease_ms: int) -> None:
        """Moves the end of a lease to ``lease_ms`` from now."""
        self._run(lambda: self._set_timeout(key, lease_ms))

    def update(self, key: int, retries: int | None, lease_ms: int | None) -> None:
        """Changes retries and lease, as far as they are given: both or none."""

        def work() -> None:
            if retries is not None:
                self._set_retries(key, retries)
            if lease_ms is not None:
                self._set_timeout(key, lease_ms)

        self._run(work)

    def _set_retries(self, key: int, retries: int) -> None:
        if retries < 1:
            raise invalid(
                f"Expected to update retries for job with key '{key}' with a positive amount of retries, "
                f"but the amount given was '{retries}'"
            )
        if self._store.jobs.get(key) is None:
            raise not_found(f"Expected to update retries for job with key '{key}', but no such job was found")
        self._store.jobs.set_retries(key, retries)

    def _set_timeout(self, key: int, lease_ms: int) -> None:
        job = self._store.jobs.get(key)
        if job is None:
            raise not_found(f"Expected to update job deadline for job with key '{key}', but no such job was found")
        if job.state != "leased":
            raise wrong_state(f"Expected to update job deadline for job with key '{key}', but it is not activated")
        due = self._due_in(lease_ms)
        self._store.jobs.set_due(key, due)
        self._it.effects.at(due)
