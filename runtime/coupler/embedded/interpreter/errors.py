"""BPMN errors: who catches them, and what happens when nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coupler.embedded.bpmn.model import Element
from coupler.embedded.interpreter import waits
from coupler.embedded.interpreter.context import Visible, evaluate, expected
from coupler.embedded.interpreter.instance import Instance, Role
from coupler.embedded.interpreter.problem import IncidentType, Problem
from coupler.embedded.store.variables import Document

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def throw(it: Interpreter, instance: Instance, code: str, message: str, variables: Document | None) -> None:
    """Throws an error at an element instance: the nearest fitting boundary event around it takes over.

    Raises:
        Problem: nothing catches it.
    """
    available: list[str] = []
    host: Instance | None = instance
    while host is not None:
        if host.role is not Role.ITERATION:
            event = _catching(host, code, available)
            if event is not None:
                waits.trigger(it, host, event.id, variables)
                return
        host = _outward(it, host)
    raise Problem(IncidentType.UNHANDLED_ERROR_EVENT, _uncaught(code, message, available))


def _catching(host: Instance, code: str, available: list[str]) -> Element | None:
    """The boundary event of ``host`` for this code; one for any code comes second."""
    catch_all: Element | None = None
    for event_id in host.element.boundary:
        event = host.definition.model.elements[event_id]
        if event.error is None:
            continue
        if event.error.code is None:
            catch_all = catch_all or event
        elif event.error.code.source == code:
            return event
        else:
            available.append(event.error.code.source)
    return catch_all


def _outward(it: Interpreter, instance: Instance) -> Instance | None:
    if instance.scope_key:
        return it.get(instance.scope_key)
    row = it.store.instances.get(instance.process_instance_key)
    return it.get(row.parent_key) if row and row.parent_key else None


def _uncaught(code: str, message: str, available: list[str]) -> str:
    said = f" with message '{message}'" if message else ""
    others = f"Available error events are [{', '.join(available)}]" if available else "No error events are available"
    return (
        f"Expected to throw an error event with the code '{code}'{said}, but it was not caught. {others} in the scope."
    )


def enter_error_end(it: Interpreter, instance: Instance) -> None:
    """Throws the error of an error end event.

    Raises:
        Problem: nothing catches it, or its code is not a text.
    """
    spec = instance.element.error
    assert spec is not None
    assert spec.code is not None
    context = Visible(it.store.variables, it.path(instance))
    code = evaluate(spec.code, context, IncidentType.EXTRACT_VALUE_ERROR)
    if not isinstance(code, str):
        raise expected(spec.code, "STRING", code)
    throw(it, instance, code, "", None)
