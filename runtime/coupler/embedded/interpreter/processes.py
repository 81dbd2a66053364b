"""Start and end of process instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coupler.embedded.bpmn.model import Element
from coupler.embedded.definitions import Definition, MessageStart
from coupler.embedded.interpreter import calls, messages
from coupler.embedded.interpreter.effects import Ended
from coupler.embedded.interpreter.instance import Instance
from coupler.embedded.store.instances import InstanceRow
from coupler.embedded.store.variables import Document

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def start(
    it: Interpreter, definition: Definition, variables: Document, *, parent_key: int = 0, awaited: bool = False
) -> Instance:
    """Starts a process at its none start event; ``awaited`` asks for its final variables."""
    assert definition.model.root.start is not None
    process = _new(it, definition, parent_key, None)
    if awaited:
        it.awaited.add(process.key)
    it.set_local(process, variables)
    it.activate(process, definition.model.elements[definition.model.root.start])
    return process


def start_by_message(it: Interpreter, start_: MessageStart, correlation_key: str, variables: Document) -> None:
    """Starts a process at a message start event."""
    process = _new(it, start_.definition, 0, correlation_key or None)
    event: Element = start_.event
    it.complete(it.new(process, event), variables)


def _new(it: Interpreter, definition: Definition, parent_key: int, correlation_key: str | None) -> Instance:
    process = it.new_process(definition)
    process.tokens = 1
    it.store.instances.insert(
        InstanceRow(process.key, definition.key, "active", parent_key, correlation_key, it.now(), None, "")
    )
    return process


def complete(it: Interpreter, process: Instance) -> None:
    """A process instance has no token left."""
    summary = it.store.variables.summary(process.key)
    parent_key, correlation_key = it.store.instances.end(process.key, "completed", it.now(), summary)
    variables: Document = {}
    if parent_key or process.key in it.awaited:
        variables = it.store.variables.local(process.key)
        it.effects.ended.append(Ended(process.key, variables))
    it.effects.completed += 1
    it.remove(process)
    if parent_key:
        calls.called_process_completed(it, parent_key, variables)
    elif correlation_key:
        messages.start_next(it, process.definition.process_id, correlation_key)


def terminate(it: Interpreter, process: Instance) -> None:
    """Ends a process instance with all that is inside it."""
    summary = it.store.variables.summary(process.key)
    it.terminate(process)
    _, correlation_key = it.store.instances.end(process.key, "terminated", it.now(), summary)
    it.effects.terminated += 1
    it.effects.ended.append(Ended(process.key, None))
    if correlation_key:
        messages.start_next(it, process.definition.process_id, correlation_key)


def enter_terminate_end(it: Interpreter, instance: Instance) -> None:
    """Ends everything else in the scope, and with it the scope."""
    scope = it.get(instance.scope_key)
    assert scope is not None
    for child in it.children(scope):
        if child is not instance:
            it.terminate(child)
    it.store.elements.forget_arrived(scope.key)
    it.drop_flows(scope)
    scope.tokens = 1
    it.complete(instance)
