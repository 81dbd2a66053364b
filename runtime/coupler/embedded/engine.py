"""The engine's commands, synchronous: each is one transaction, committed before it returns.

``EmbeddedEngine`` puts gRPC, timers and waiting workers around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from coupler.embedded.bpmn.problems import ModelError
from coupler.embedded.commands import Commands, Listener, epoch_ms
from coupler.embedded.definitions import Definition, Definitions, Resource
from coupler.embedded.interpreter import incidents, messages, processes, waits
from coupler.embedded.interpreter.messages import Message
from coupler.embedded.job_commands import JobCommands
from coupler.embedded.rejection import invalid, not_found, wrong_state
from coupler.embedded.store.store import Store
from coupler.embedded.store.variables import Document

_DUE_BATCH = 200


class Engine:
    """Runs processes. Not thread-safe: one thread owns it.

    Every method that changes something raises ``Rejection`` when the command is refused.
    """

    def __init__(self, db_path: Path | None, listener: Listener, now: Callable[[], int] = epoch_ms) -> None:
        self.store = Store(db_path)
        self.definitions = Definitions(self.store)
        self._commands = Commands(self.store, self.definitions, listener, now)
        self._run = self._commands.run
        self._it = self._commands.it
        self._now = now
        self.jobs = JobCommands(self._commands)
        self.totals = self._commands.totals

    def close(self) -> None:
        """Closes the database. Idempotent."""
        self.store.close()

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
            return self._run(work)
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
                self._commands.tell_end(process.key, on_end)
            return process.key

        return self._run(work)

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

        self._run(work)

    def forget_result(self, key: int) -> None:
        """Nobody waits for the end of this instance any more."""
        self._commands.forget_end(key)

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

        return self._run(work)

    def publish_message(self, message: Message) -> int:
        """Publishes a message; returns its key."""
        return self._run(lambda: messages.publish(self._it, message))

    def resolve_incident(self, key: int) -> None:
        """Lets an element instance try again."""

        def work() -> None:
            row = self.store.incidents.get(key)
            if row is None:
                raise not_found(f"Expected to resolve incident with key '{key}', but no such incident was found")
            incidents.resolve(self._it, row)

        self._run(work)

    # Time

    def tick(self) -> int | None:
        """Does what is due, a bounded amount at once; returns when to call again (epoch milliseconds)."""
        now = self._now()
        due_jobs = self.store.jobs.due(now, _DUE_BATCH)
        if due_jobs:
            self._run(lambda: self._release(due_jobs))
        for timer in self.store.timers.due(now, _DUE_BATCH):
            self._run(partial(waits.fire, self._it, timer))
        expiry = self.store.messages.next_due()
        if expiry is not None and expiry <= now:
            self._run(lambda: self.store.messages.delete_expired(now))
        return self.store.next_due()

    def _release(self, jobs: Sequence[tuple[int, str]]) -> None:
        for key, job_type in jobs:
            self.store.jobs.make_ready(key)
            self._it.effects.ready.append((job_type, key))

    def resume(self) -> None:
        """Goes on with work that a command has postponed, or that a killed engine has left behind."""
        if self.store.elements.has_postponed():
            self._run(self._it.resume)
