"""The exclusive gateway's choice. The parallel one needs no code of its own: tokens are counted where flows arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coupler.embedded.bpmn.model import Flow
from coupler.embedded.interpreter.context import Visible, evaluate, expected
from coupler.embedded.interpreter.instance import Instance
from coupler.embedded.interpreter.problem import IncidentType, Problem

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def enter_exclusive(it: Interpreter, instance: Instance) -> None:
    """Takes the first flow whose condition is true, otherwise the default flow.

    Raises:
        Problem: a condition is not boolean, or none is true and there is no default flow.
    """
    element = instance.element
    if not element.outgoing:
        it.complete(instance)
        return
    context = Visible(it.store.variables, it.path(instance))
    default: Flow | None = None
    for flow in element.outgoing:
        if flow.id == element.default_flow:
            default = flow
            continue
        if flow.condition is None:
            it.complete(instance, flows=(flow,))
            return
        value = evaluate(flow.condition, context, IncidentType.EXTRACT_VALUE_ERROR)
        if not isinstance(value, bool):
            raise expected(flow.condition, "BOOLEAN", value)
        if value:
            it.complete(instance, flows=(flow,))
            return
    if default is None:
        raise Problem(
            IncidentType.CONDITION_ERROR,
            "Expected at least one condition to evaluate to true, or to have a default flow",
        )
    it.complete(instance, flows=(default,))
