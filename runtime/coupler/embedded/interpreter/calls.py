"""Call activities: one process starts another and waits for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coupler.embedded.interpreter import processes
from coupler.embedded.interpreter.context import Visible, evaluate, expected
from coupler.embedded.interpreter.instance import Instance
from coupler.embedded.interpreter.problem import IncidentType, Problem
from coupler.embedded.store.variables import Document

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter

_MAX_DEPTH = 100


def enter(it: Interpreter, instance: Instance) -> None:
    """Starts the called process.

    Raises:
        Problem: there is no such process, or processes call each other without end.
    """
    spec = instance.element.called
    assert spec is not None
    path = it.path(instance)
    process_id = evaluate(spec.process_id, Visible(it.store.variables, path), IncidentType.EXTRACT_VALUE_ERROR)
    if not isinstance(process_id, str):
        raise expected(spec.process_id, "STRING", process_id)
    definition = it.definitions.find(process_id)
    if definition is None or definition.model.root.start is None:
        raise Problem(
            IncidentType.CALLED_ELEMENT_ERROR,
            f"Expected process with BPMN process id '{process_id}' and a none start event to be deployed, "
            "but not found.",
        )
    if _depth(it, instance) >= _MAX_DEPTH:
        raise Problem(
            IncidentType.CALLED_ELEMENT_ERROR, f"The call activities are nested deeper than {_MAX_DEPTH} processes."
        )
    if spec.propagate_all_parent_variables:
        variables = it.store.variables.visible(path)
    else:
        variables = it.store.variables.local(instance.key)
    processes.start(it, definition, variables, parent_key=instance.key)


def _depth(it: Interpreter, instance: Instance) -> int:
    depth = 0
    current: Instance | None = instance
    while current is not None and depth < _MAX_DEPTH:
        row = it.store.instances.get(current.process_instance_key)
        current = it.get(row.parent_key) if row and row.parent_key else None
        depth += 1
    return depth


def called_process_completed(it: Interpreter, element_key: int, variables: Document) -> None:
    """The process that a call activity instance waits for has ended with ``variables``."""
    instance = it.get(element_key)
    if instance is None:
        return
    spec = instance.element.called
    assert spec is not None
    passes = spec.propagate_all_child_variables or instance.element.outputs
    it.complete(instance, variables if passes else None)


def terminate_called(it: Interpreter, instance: Instance) -> None:
    """Ends the called process together with its call activity."""
    key = it.store.instances.called_by(instance.key)
    process = it.get(key) if key else None
    if process is not None:
        processes.terminate(it, process)
