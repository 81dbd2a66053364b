"""The synchronous engine with a clock that tests turn, and with the questions that tests ask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coupler import json
from coupler.embedded.engine import Engine
from coupler.embedded.interpreter.messages import Message
from coupler.embedded.job_commands import Activation, ActivationRequest
from coupler.embedded.snapshot import take_snapshot
from coupler.embedded.store.variables import Document
from coupler.embedded.view import IncidentView

NOON = 1_900_000_000_000
_MOST_SLICES = 100


class Harness:
    """An engine in memory (or in a file). It is its own listener and does postponed work at once."""

    def __init__(self, db_path: Path | None = None) -> None:
        self.now = NOON
        self.announced: list[tuple[str, int]] = []
        self.due: list[int] = []
        self.slices = 0
        self._postponed = False
        self.engine = Engine(db_path, self, lambda: self.now)

    def __enter__(self) -> Harness:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    def reopen(self) -> None:
        """Closes the file and opens it anew, as after a restart."""
        path = self.engine.store.database.path
        self.engine.close()
        self.engine = Engine(path, self, lambda: self.now)

    def jobs_ready(self, jobs: Sequence[tuple[str, int]]) -> None:
        self.announced += jobs

    def due_at(self, due_ms: int) -> None:
        self.due.append(due_ms)

    def work_postponed(self) -> None:
        self._postponed = True

    def checkpoint_due(self) -> None:
        pass

    def settle(self) -> None:
        """Does postponed work until there is none, or (a model may loop for ever) for a while."""
        for _ in range(_MOST_SLICES):
            if not self._postponed:
                return
            self._postponed = False
            self.slices += 1
            self.engine.resume()

    def deploy(self, content: bytes, name: str = "p.bpmn") -> int:
        """Deploys; returns the key of the (first) definition."""
        return self.engine.deploy([(name, content)])[1][0].key

    def start(self, process_id: str = "p", **variables: Any) -> int:
        """Starts the newest version; returns the instance's key."""
        key = self.engine.create_instance(self.engine.definitions.latest(process_id), as_document(variables))
        self.settle()
        return key

    def jobs(self, job_type: str = "work", limit: int = 100, lease_ms: int = 60_000) -> list[Activation]:
        """Activates jobs."""
        return self.engine.jobs.activate(ActivationRequest(job_type, "tester", lease_ms, limit))

    def job(self, job_type: str = "work") -> Activation:
        """Activates the one job there must be."""
        (found,) = self.jobs(job_type)
        return found

    def complete(self, activation: Activation, **variables: Any) -> None:
        """Completes a job."""
        self.engine.jobs.complete(activation.job.key, as_document(variables))
        self.settle()

    def fail(self, activation: Activation, retries: int = 0, message: str = "", backoff_ms: int = 0, **v: Any) -> None:
        """Fails a job."""
        self.engine.jobs.fail(activation.job.key, retries, message, backoff_ms, as_document(v))

    def throw(self, activation: Activation, code: str, message: str = "", **variables: Any) -> None:
        """Throws a BPMN error for a job."""
        self.engine.jobs.throw_error(activation.job.key, code, message, as_document(variables))

    def publish(self, name: str, key: str = "", ttl_ms: int = 0, message_id: str = "", **variables: Any) -> int:
        """Publishes a message."""
        return self.engine.publish_message(Message(name, key, as_document(variables), ttl_ms, message_id))

    def advance(self, milliseconds: int) -> None:
        """Turns the clock and does what is due."""
        self.now += milliseconds
        while (due := self.engine.tick()) is not None and due <= self.now:
            pass

    def active(self, key: int) -> list[str]:
        """The ids of the elements that are active in an instance."""
        return sorted(self.engine.store.elements.active_ids(key))

    def state(self, key: int) -> str:
        """``active``, ``completed`` or ``terminated``."""
        row = self.engine.store.instances.get(key)
        assert row is not None
        return row.state

    def variables(self, key: int) -> dict[str, Any]:
        """The variables of a scope that is still there."""
        return {name: json.loads(value) for name, value in self.engine.store.variables.local(key).items()}

    def incidents(self) -> list[IncidentView]:
        """The open incidents, newest first."""
        return list(take_snapshot(self.engine, 100).incidents)

    def incident(self) -> IncidentView:
        """The one incident there must be."""
        (found,) = self.incidents()
        return found

    def leftovers(self) -> dict[str, int]:
        """Rows in tables that must be empty when no instance runs."""
        tables = ("element", "variable", "arrived_token", "pending_flow", "job", "timer", "subscription", "incident")
        execute = self.engine.store.database.execute
        counts = {table: execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        return {table: count for table, count in counts.items() if count}


def as_document(variables: dict[str, Any]) -> Document:
    """Variables as commands carry them."""
    return {name: json.dump_bytes(value) for name, value in variables.items()}


def seen(activation: Activation) -> dict[str, Any]:
    """The variables that a job carries."""
    return {name: json.loads(value) for name, value in activation.variables.items()}
