"""Event definitions: timers, messages, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coupler.embedded.bpmn import timing
from coupler.embedded.bpmn.model import ErrorSpec, MessageSpec, TimerForm, TimerSpec
from coupler.embedded.bpmn.problems import Problems
from coupler.embedded.bpmn.xml import BPMN, ZEEBE, Node

_SUFFIX = "EventDefinition"
_TIMER_PARSERS: dict[TimerForm, Callable[[str], object]] = {
    TimerForm.DATE: timing.parse_date,
    TimerForm.DURATION: timing.parse_duration,
    TimerForm.CYCLE: timing.parse_cycle,
}


@dataclass(frozen=True, slots=True)
class EventDefinition:
    """What an event reacts to or does; ``kind`` is ``none``, ``timer``, ``message``, ``error`` or ``terminate``."""

    kind: str
    node: Node


class Events:
    """Reads event definitions; knows the messages and errors declared in the file."""

    def __init__(self, definitions: Node, problems: Problems) -> None:
        self._problems = problems
        self._messages = {m.get("id"): m for m in definitions.all(BPMN, "message")}
        self._errors = {e.get("id"): e for e in definitions.all(BPMN, "error")}

    def definition(self, node: Node, allowed: frozenset[str]) -> EventDefinition | None:
        """The one event definition of an event, or None with a problem when the engine cannot run it."""
        found = [c for c in node.children if c.namespace == BPMN and c.name.endswith(_SUFFIX)]
        kinds = [c.name.removesuffix(_SUFFIX) for c in found] or ["none"]
        if len(kinds) > 1 or kinds[0] not in allowed:
            what = " and ".join(kinds)
            self._problems.add(
                node,
                f"the kind '{what}' is not supported by the embedded engine (it runs: {', '.join(sorted(allowed))})",
            )
            return None
        return EventDefinition(kinds[0], found[0] if found else node)

    def timer(self, node: Node, definition: Node) -> TimerSpec | None:
        """The timer of ``node``; a constant is checked now."""
        for form in TimerForm:
            child = definition.find(BPMN, form.value)
            if child is None:
                continue
            expression = self._problems.expression(node, form.value, child.text.strip())
            if expression.is_constant:
                self._check_constant(node, form, expression.source)
            return TimerSpec(form, expression)
        self._problems.add(node, "the timer has no timeDate, timeDuration or timeCycle")
        return None

    def _check_constant(self, node: Node, form: TimerForm, text: str) -> None:
        try:
            _TIMER_PARSERS[form](text)
        except ValueError as error:
            self._problems.add(node, f"{form.value}: {error}")

    def message(self, node: Node, reference: str | None, *, needs_key: bool) -> MessageSpec | None:
        """The message that ``node`` waits for."""
        message = self._messages.get(reference)
        if message is None or not message.get("name"):
            self._problems.add(node, "needs a messageRef to a message with a name")
            return None
        name = self._problems.expression(node, "message name", message.get("name") or "")
        if not needs_key:
            return MessageSpec(name, None)
        extensions = message.find(BPMN, "extensionElements")
        subscription = extensions.find(ZEEBE, "subscription") if extensions else None
        key = subscription.get("correlationKey") if subscription else None
        if not key:
            self._problems.add(node, f"the message '{message.get('name')}' needs a zeebe:subscription correlationKey")
            return None
        return MessageSpec(name, self._problems.expression(node, "correlationKey", key))

    def error(self, node: Node, definition: Node, *, throws: bool) -> ErrorSpec | None:
        """The error that ``node`` throws or catches."""
        reference = definition.get("errorRef")
        error = self._errors.get(reference)
        if reference is not None and error is None:
            self._problems.add(node, f"errorRef '{reference}' does not exist")
            return None
        code = error.get("errorCode") if error else None
        if throws and not code:
            self._problems.add(node, "needs an errorRef to an error with an errorCode")
            return None
        expression = self._problems.expression(node, "errorCode", code) if code else None
        if expression is not None and not throws and not expression.is_constant:
            self._problems.add(node, "the errorCode of a catching event must be a constant")
        return ErrorSpec(expression)
