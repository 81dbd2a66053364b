"""What an active element instance waits for: its own timer or message, and those of its boundary events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coupler.embedded.bpmn import timing
from coupler.embedded.bpmn.expression import Expression
from coupler.embedded.bpmn.model import Element, Kind, MessageSpec, TimerForm, TimerSpec
from coupler.embedded.interpreter.context import Visible, evaluate, expected, type_name
from coupler.embedded.interpreter.instance import Instance, Role
from coupler.embedded.interpreter.problem import IncidentType, Problem
from coupler.embedded.store.events import SubscriptionRow, TimerRow
from coupler.embedded.store.variables import Document

if TYPE_CHECKING:
    from coupler.embedded.interpreter.core import Interpreter


def _targets(instance: Instance) -> list[Element]:
    """The events that an instance waits for. Boundary events belong to the body of a multi-instance, once."""
    element = instance.element
    events: list[Element] = []
    if element.kind is Kind.CATCH and instance.role is not Role.LOOP:
        events.append(element)
    if element.boundary and instance.role is not Role.ITERATION:
        attached = (instance.definition.model.elements[event_id] for event_id in element.boundary)
        events += [event for event in attached if event.error is None]
    return events


def for_message(instance: Instance) -> bool:
    """Whether an instance waits for any message."""
    return any(target.message for target in _targets(instance))


def open_all(it: Interpreter, instance: Instance) -> None:
    """Starts timers and opens subscriptions; all expressions are evaluated before anything is written.

    Raises:
        Problem: an expression fails or has a value of the wrong kind.
    """
    targets = _targets(instance)
    if not targets:
        return
    rows = [_row(it, instance, target) for target in targets]
    for row in rows:
        if isinstance(row, TimerRow):
            it.store.timers.insert(row)
            it.effects.at(row.due)
        else:
            it.store.subscriptions.insert(row)


def close_all(it: Interpreter, instance: Instance) -> None:
    """Stops timers and closes subscriptions."""
    targets = _targets(instance)
    if any(target.timer for target in targets):
        it.store.timers.delete_of(instance.key)
    if any(target.message for target in targets):
        it.store.subscriptions.delete_of(instance.key)


def trigger(it: Interpreter, instance: Instance, target_id: str, variables: Document | None) -> None:
    """The event that ``instance`` waited for has come, with ``variables``."""
    target = instance.definition.model.elements[target_id]
    if target is instance.element:
        it.complete(instance, variables)
        return
    scope = it.get(instance.scope_key)
    assert scope is not None
    if target.interrupting:
        it.terminate(instance)  # its token goes on at the boundary event
    else:
        scope.tokens += 1
    event = it.new(scope, target)
    it.complete(event, variables)


def _row(it: Interpreter, instance: Instance, target: Element) -> TimerRow | SubscriptionRow:
    # The correlation key and the time of a boundary event are seen from outside of the activity.
    own = target is instance.element
    path = it.path(instance)
    context = Visible(it.store.variables, path if own else path[1:])
    key = it.store.new_key()
    if target.timer is not None:
        due, repetitions, interval = _schedule(it.now(), target.timer, context)
        return TimerRow(key, due, instance.key, target.id, repetitions, interval.months, interval.milliseconds)
    assert target.message is not None
    name, correlation_key = _name_and_key(target.message, context)
    return SubscriptionRow(key, name, correlation_key, instance.key, target.id, instance.definition.process_id)


def _name_and_key(message: MessageSpec, context: Visible) -> tuple[str, str]:
    name = evaluate(message.name, context, IncidentType.EXTRACT_VALUE_ERROR)
    if not isinstance(name, str):
        raise expected(message.name, "STRING", name)
    assert message.correlation_key is not None
    return name, _correlation_key(message.correlation_key, context)


def _correlation_key(expression: Expression, context: Visible) -> str:
    value = evaluate(expression, context, IncidentType.EXTRACT_VALUE_ERROR)
    if isinstance(value, str):
        return value
    if type_name(value) == "NUMBER":
        return str(value)
    raise Problem(
        IncidentType.EXTRACT_VALUE_ERROR,
        f"Failed to extract the correlation key for '{expression.text}': "
        f"The value must be either a string or a number, but was '{type_name(value)}'.",
    )


def _schedule(now: int, timer: TimerSpec, context: Visible) -> tuple[int, int, timing.Duration]:
    """The due time, the repetitions and the interval of a timer."""
    value: Any = evaluate(timer.expression, context, IncidentType.EXTRACT_VALUE_ERROR)
    if not isinstance(value, str):
        raise expected(timer.expression, "STRING", value)
    try:
        match timer.form:
            case TimerForm.DATE:
                return timing.parse_date(value), 1, timing.Duration(0, 0)
            case TimerForm.DURATION:
                return timing.parse_duration(value).after(now), 1, timing.Duration(0, 0)
            case TimerForm.CYCLE:
                cycle = timing.parse_cycle(value)
                first = cycle.interval.after(now) if cycle.start_ms is None else cycle.start_ms
                return max(first, now), cycle.repetitions, cycle.interval
    except ValueError as error:
        raise Problem(IncidentType.EXTRACT_VALUE_ERROR, f"The timer cannot be set: {error}") from error


def fire(it: Interpreter, row: TimerRow) -> None:
    """A timer is due: it triggers its event, and a cycle is set to its next time."""
    instance = it.get(row.element_key)
    if row.repetitions in (0, 1) or instance is None:
        it.store.timers.delete(row.key)
    else:
        due = timing.Duration(row.months, row.milliseconds).after(row.due)
        it.store.timers.reschedule(row.key, due, row.repetitions - 1 if row.repetitions > 0 else -1)
        it.effects.at(due)
    if instance is not None:
        trigger(it, instance, row.target_id, None)
