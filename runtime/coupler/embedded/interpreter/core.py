"""The interpreter: activates, completes and terminates element instances, and moves tokens between them.

Nothing here is recursive along the sequence flows: a flow that is taken goes into a queue. A command that would take
too many steps at once leaves the rest in the database, to be taken in a transaction of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from coupler.embedded.bpmn.model import Element, Flow, Kind
from coupler.embedded.definitions import Definition, Definitions
from coupler.embedded.interpreter import (
    calls,
    errors,
    gateways,
    incidents,
    jobs,
    mapping,
    messages,
    multi_instance,
    processes,
    waits,
)
from coupler.embedded.interpreter.effects import Effects
from coupler.embedded.interpreter.instance import Instance, Role, State
from coupler.embedded.interpreter.problem import Problem
from coupler.embedded.store.elements import ElementRow
from coupler.embedded.store.store import Store
from coupler.embedded.store.variables import Document

_MAX_STEPS = 500


class Interpreter:
    """Works on one command at a time, inside the transaction that its caller has opened."""

    def __init__(self, store: Store, definitions: Definitions, now: Callable[[], int]) -> None:
        self.store = store
        self.definitions = definitions
        self.now = now
        self.awaited: set[int] = set()  # process instances whose final variables somebody waits for
        self.effects = Effects()
        self._live: dict[int, Instance] = {}
        self._queue: deque[tuple[int, str]] = deque()

    def settle(self) -> None:
        """Runs until nothing moves (or enough was done at once), then writes all changes back."""
        steps = 0
        while self._queue and steps < _MAX_STEPS:
            self._step(*self._queue.popleft())
            steps += 1
        if self._queue:
            self.store.elements.postpone(self._queue)
            self._queue.clear()
            self.effects.postponed = True
        self.flush()

    def resume(self) -> None:
        """Takes up flows that an earlier command has postponed."""
        self._queue.extend(self.store.elements.take_postponed(_MAX_STEPS))
        if self.store.elements.has_postponed():
            self.effects.postponed = True

    def reset(self) -> Effects:
        """Forgets the command; returns what it caused."""
        effects, self.effects = self.effects, Effects()
        self._live.clear()
        self._queue.clear()
        return effects

    def _step(self, scope_key: int, flow_id: str) -> None:
        scope = self.get(scope_key)
        if scope is None:
            return  # terminated while the flow was on its way
        if scope.role is Role.LOOP:
            multi_instance.iterate(self, scope, int(flow_id))
            return
        target = scope.definition.model.elements[scope.definition.model.flows[flow_id].target]
        if target.kind is Kind.PARALLEL and target.incoming > 1:
            if not self.store.elements.arrive(scope_key, target.id, flow_id, target.incoming):
                return
            scope.tokens -= target.incoming - 1
        self.activate(scope, target)

    def take(self, scope: Instance, flow_id: str) -> None:
        """Puts a token on its way: a flow, or the number of an iteration."""
        self._queue.append((scope.key, flow_id))

    def drop_flows(self, scope: Instance) -> None:
        """Takes all tokens off their way in a scope."""
        self._queue = deque(entry for entry in self._queue if entry[0] != scope.key)
        self.store.elements.forget_flows(scope.key)

    # Life of an element instance

    def activate(self, scope: Instance, element: Element) -> None:
        """Lets a token that is already counted in ``scope`` enter an element."""
        instance = self.new(scope, element, Role.LOOP if element.loop else Role.ELEMENT)
        self.begin(instance)

    def begin(self, instance: Instance) -> None:
        """Activates, or activates again after an incident was resolved."""
        try:
            if instance.role is not Role.LOOP:
                mapping.apply_inputs(self, instance)
            waits.open_all(self, instance)
            instance.state = State.ACTIVE
            if instance.role is Role.LOOP:
                multi_instance.enter(self, instance)
            else:
                _ENTER[instance.element.kind](self, instance)
        except Problem as problem:
            instance.state = State.ACTIVATING
            waits.close_all(self, instance)
            incidents.open_incident(self, instance, problem)
            return
        messages.correlate_buffered(self, instance)

    def complete(self, instance: Instance, result: Document | None = None, flows: Sequence[Flow] | None = None) -> None:
        """Ends an element instance and takes ``flows``, all outgoing ones unless given."""
        instance.state = State.COMPLETING
        loop_is_over = False
        try:
            if instance.role is Role.LOOP:
                multi_instance.pass_on_outputs(self, instance)
            else:
                mapping.apply_outputs(self, instance, result)
                if instance.role is Role.ITERATION:
                    loop_is_over = multi_instance.finish_iteration(self, instance)
        except Problem as problem:
            incidents.open_incident(self, instance, problem)
            return
        self.remove(instance)
        scope = self.get(instance.scope_key)
        assert scope is not None
        if scope.role is Role.LOOP:
            multi_instance.iteration_ended(self, scope, loop_is_over=loop_is_over)
        else:
            self._leave(scope, instance.element.outgoing if flows is None else flows)

    def _leave(self, scope: Instance, flows: Sequence[Flow]) -> None:
        for flow in flows:
            self.take(scope, flow.id)
        scope.tokens += len(flows) - 1
        if scope.tokens == 0:
            self.end_scope(scope)

    def end_scope(self, scope: Instance) -> None:
        """Completes a scope in which no token is left."""
        if scope.element.kind is Kind.PROCESS:
            processes.complete(self, scope)
        else:
            self.complete(scope)

    def terminate(self, instance: Instance) -> None:
        """Ends an element instance and all that is inside it, at once; the caller accounts for its token."""
        for child in self.children(instance):
            self.terminate(child)
        if instance.job_key:
            self.store.jobs.delete(instance.job_key)
        if instance.element.kind is Kind.CALL_ACTIVITY:
            calls.terminate_called(self, instance)
        self.store.elements.forget_arrived(instance.key)
        self.remove(instance)

    # Element instances in this command

    def new(self, scope: Instance, element: Element, role: Role = Role.ELEMENT) -> Instance:
        """A new element instance inside a scope."""
        key = self.store.new_key()
        instance = Instance(key, scope.key, scope.process_instance_key, scope.definition, element, role)
        self._live[key] = instance
        return instance

    def new_process(self, definition: Definition) -> Instance:
        """A new process instance."""
        key = self.store.new_key()
        instance = Instance(key, 0, key, definition, definition.model.root)
        instance.state = State.ACTIVE
        self._live[key] = instance
        return instance

    def get(self, key: int) -> Instance | None:
        """An active element instance."""
        instance = self._live.get(key)
        if instance is not None:
            return None if instance.dead else instance
        row = self.store.elements.get(key)
        return self._loaded(row) if row else None

    def _loaded(self, row: ElementRow) -> Instance:
        instance = self._live.get(row.key)
        if instance is None:
            instance = self._live[row.key] = Instance.of(row, self.definitions.get(row.definition_key))
        return instance

    def children(self, scope: Instance) -> list[Instance]:
        """The element instances directly inside a scope."""
        self.flush()
        return [self._loaded(row) for row in self.store.elements.children(scope.key)]

    def path(self, instance: Instance) -> tuple[int, ...]:
        """The scopes whose variables an element instance sees, itself first."""
        if not instance.path:
            scope = self.get(instance.scope_key) if instance.scope_key else None
            instance.path = (instance.key, *(self.path(scope) if scope else ()))
        return instance.path

    def set_local(self, instance: Instance, document: Document) -> None:
        """Sets variables of this very element instance."""
        if document:
            instance.has_locals = True
            self.store.variables.set_local(instance.key, document)

    def remove(self, instance: Instance) -> None:
        """Takes an element instance away with all that belongs to it."""
        instance.dead = True
        waits.close_all(self, instance)
        if instance.has_locals or instance.element.kind is Kind.PROCESS:
            self.store.variables.delete(instance.key)
        if instance.role is Role.LOOP:
            multi_instance.forget(self, instance)
        if instance.saved is not None:
            self.store.incidents.delete_of(instance.key)

    def flush(self) -> None:
        """Writes element instances back. One that came and went within the command was never written."""
        added, ended = [], []
        for instance in list(self._live.values()):
            if instance.dead:
                del self._live[instance.key]
                if instance.saved is not None:
                    ended.append(instance.key)
                continue
            row = instance.row()
            if instance.saved is None:
                added.append(row)
            elif row != instance.saved:
                self.store.elements.update(row)
            instance.saved = row
        if added:
            self.store.elements.insert(added)
        if ended:
            self.store.elements.delete(ended)


def _enter_sub_process(it: Interpreter, instance: Instance) -> None:
    assert instance.element.start is not None
    instance.tokens = 1
    it.activate(instance, instance.definition.model.elements[instance.element.start])


def _wait(it: Interpreter, instance: Instance) -> None:
    """Nothing to do: what it waits for was opened before."""


_ENTER: dict[Kind, Callable[[Interpreter, Instance], None]] = {
    Kind.PASS: Interpreter.complete,
    Kind.BOUNDARY: Interpreter.complete,
    Kind.PARALLEL: Interpreter.complete,
    Kind.EXCLUSIVE: gateways.enter_exclusive,
    Kind.JOB: jobs.enter_job,
    Kind.SCRIPT: jobs.enter_script,
    Kind.CATCH: _wait,
    Kind.SUB_PROCESS: _enter_sub_process,
    Kind.CALL_ACTIVITY: calls.enter,
    Kind.ERROR_END: errors.enter_error_end,
    Kind.TERMINATE_END: processes.enter_terminate_end,
}
