"""Input and output mappings, and where a finished element's variables go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coupler import json
from coupler.embedded.bpmn.model import VariableMapping
from coupler.embedded.interpreter.context import Visible, evaluate
from coupler.embedded.interpreter.instance import Instance, Role
from coupler.embedded.interpreter.problem import IncidentType
from coupler.embedded.store.variables import Document

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def apply_inputs(it: Interpreter, instance: Instance) -> None:
    """Binds the input mappings as variables of the element itself.

    Raises:
        Problem: an expression fails.
    """
    mappings = instance.element.inputs
    if mappings:
        context = Visible(it.store.variables, it.path(instance))
        it.set_local(instance, _evaluate(mappings, context, merge_into_existing=False))


def apply_outputs(it: Interpreter, instance: Instance, result: Document | None) -> None:
    """Passes ``result`` on: through the output mappings when there are any, otherwise as it is.

    With output mappings the result stays inside the element and only what is mapped leaves it. Inside a
    multi-instance the mapped values stay in the iteration, which its output element reads.

    Raises:
        Problem: an expression fails.
    """
    mappings = instance.element.outputs
    if not mappings:
        if result:
            it.store.variables.merge(it.path(instance), result)
        return
    if result:
        it.set_local(instance, result)
    path = it.path(instance)
    mapped = _evaluate(mappings, Visible(it.store.variables, path), merge_into_existing=True)
    if instance.role is Role.ITERATION:
        it.set_local(instance, mapped)
    else:
        it.store.variables.merge(path[1:], mapped)


def _evaluate(mappings: tuple[VariableMapping, ...], context: Visible, *, merge_into_existing: bool) -> Document:
    """Evaluates in order; later mappings see the targets of earlier ones.

    A dotted target is put into a new object, or (``merge_into_existing``) beside what the variable already holds.
    """
    targets: dict[str, Any] = {}
    for mapping in mappings:
        value = evaluate(mapping.source, context, IncidentType.IO_MAPPING_ERROR)
        head, *rest = mapping.target
        if rest:
            existing = targets.get(head)
            if existing is None and merge_into_existing:
                existing = context.get(head)
            value = _nested(existing, rest, value)
        targets[head] = value
        context.put(head, value)
    return {name: json.dump_bytes(value) for name, value in targets.items()}


def _nested(existing: Any, path: list[str], value: Any) -> dict[str, Any]:
    """A copy of ``existing`` (when it is an object) with ``value`` at ``path``."""
    result = dict(existing) if isinstance(existing, dict) else {}
    head, *rest = path
    result[head] = _nested(result.get(head), rest, value) if rest else value
    return result
