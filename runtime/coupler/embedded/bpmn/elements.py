"""From one flow node in the XML to an ``Element`` of the model, or to a problem that says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from coupler.embedded.bpmn.events import EventDefinition, Events
from coupler.embedded.bpmn.extensions import Extensions
from coupler.embedded.bpmn.model import Element, Flow, Kind, TimerForm
from coupler.embedded.bpmn.problems import Problems
from coupler.embedded.bpmn.xml import Node

_ACTIVITIES = frozenset(
    {
        "task", "manualTask", "serviceTask", "sendTask", "scriptTask", "businessRuleTask", "receiveTask",
        "subProcess", "callActivity",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a flow node needs to know of the scope it stands in."""

    flows: Sequence[Flow]
    attachments: Mapping[str, tuple[str, ...]]
    in_process: bool  # directly in the process, not in a sub-process


class ElementReader:
    """Reads one supported flow node; ``start`` is the none start event when the node is a sub-process."""

    def __init__(
        self, node: Node, surroundings: Surroundings, events: Events, problems: Problems, start: str | None
    ) -> None:
        self._node = node
        self._surroundings = surroundings
        self._events = events
        self._problems = problems
        self._extensions = Extensions(node, problems)
        element_id = node.get("id") or ""
        self._base = Element(
            element_id,
            node.name,
            Kind.PASS,
            node.get("name") or "",
            outgoing=tuple(f for f in surroundings.flows if f.source == element_id),
            incoming=sum(1 for f in surroundings.flows if f.target == element_id),
            default_flow=node.get("default"),
            inputs=self._extensions.mappings("input"),
            outputs=self._extensions.mappings("output"),
            boundary=surroundings.attachments.get(element_id, ()),
            start=start,
        )

    def read(self) -> Element | None:
        """The element, or None when the problems say why there is none."""
        if self._base.boundary and self._node.name not in _ACTIVITIES:
            self._problem("boundary events can be attached to activities only")
        element = _READERS[self._node.name](self)
        if element is not None and self._node.name in _ACTIVITIES:
            element = replace(element, loop=self._extensions.loop())
        return element

    def _problem(self, what: str) -> None:
        self._problems.add(self._node, what)

    def plain_task(self) -> Element:
        """``task`` and ``manualTask`` pass through."""
        return self._base

    def job_task(self) -> Element | None:
        """A task done by a job worker."""
        job = self._extensions.job()
        if job is None:
            self._problem("needs a zeebe:taskDefinition with a type")
            return None
        return replace(self._base, kind=Kind.JOB, job=job)

    def script_task(self) -> Element | None:
        """A script task with ``zeebe:script`` is evaluated here; otherwise it is a job."""
        script = self._extensions.script()
        if script is None:
            return self.job_task()
        return replace(self._base, kind=Kind.SCRIPT, script=script)

    def receive_task(self) -> Element | None:
        """Waits for a message."""
        message = self._events.message(self._node, self._node.get("messageRef"), needs_key=True)
        return replace(self._base, kind=Kind.CATCH, message=message) if message else None

    def sub_process(self) -> Element:
        """An embedded sub-process."""
        return replace(self._base, kind=Kind.SUB_PROCESS)

    def call_activity(self) -> Element:
        """Starts another process and waits for its end."""
        return replace(self._base, kind=Kind.CALL_ACTIVITY, called=self._extensions.called())

    def exclusive_gateway(self) -> Element:
        """Takes one flow."""
        outgoing = self._base.outgoing
        if self._base.default_flow and all(f.id != self._base.default_flow for f in outgoing):
            self._problem(f"its default flow '{self._base.default_flow}' does not leave it")
        if len(outgoing) > 1:
            for flow in outgoing:
                if flow.condition is None and flow.id != self._base.default_flow:
                    self._problem(f"the flow '{flow.id}' needs a condition or must be the default flow")
        return replace(self._base, kind=Kind.EXCLUSIVE)

    def parallel_gateway(self) -> Element:
        """Joins all incoming flows and takes all outgoing ones."""
        return replace(self._base, kind=Kind.PARALLEL)

    def start_event(self) -> Element | None:
        """None start events everywhere, message start events in a process."""
        if self._base.incoming:
            self._problem("a start event cannot have an incoming flow")
        allowed = frozenset({"none", "message"} if self._surroundings.in_process else {"none"})
        definition = self._events.definition(self._node, allowed)
        if definition is None or definition.kind == "none":
            return self._base if definition else None
        message = self._events.message(self._node, definition.node.get("messageRef"), needs_key=False)
        return replace(self._base, message=message) if message else None

    def end_event(self) -> Element | None:
        """None, error, terminate and (as a job) message end events."""
        if self._base.outgoing:
            self._problem("an end event cannot have an outgoing flow")
        definition = self._events.definition(self._node, frozenset({"none", "error", "terminate", "message"}))
        match definition:
            case None:
                return None
            case EventDefinition("message"):
                return self.job_task()
            case EventDefinition("error"):
                error = self._events.error(self._node, definition.node, throws=True)
                return replace(self._base, kind=Kind.ERROR_END, error=error) if error else None
            case EventDefinition("terminate"):
                return replace(self._base, kind=Kind.TERMINATE_END)
            case _:
                return self._base

    def throw_event(self) -> Element | None:
        """None throw events pass through; message throw events are jobs."""
        definition = self._events.definition(self._node, frozenset({"none", "message"}))
        if definition is None:
            return None
        return self.job_task() if definition.kind == "message" else self._base

    def catch_event(self) -> Element | None:
        """Waits for a timer or a message."""
        definition = self._events.definition(self._node, frozenset({"timer", "message"}))
        if definition is None:
            return None
        element = self._awaited(replace(self._base, kind=Kind.CATCH), definition)
        if element and element.timer and element.timer.form is TimerForm.CYCLE:
            self._problem("a cycle makes sense only on a non-interrupting boundary event")
        return element

    def boundary_event(self) -> Element | None:
        """Reacts to a timer, a message or an error while its activity is active."""
        definition = self._events.definition(self._node, frozenset({"timer", "message", "error"}))
        if definition is None:
            return None
        if self._base.incoming:
            self._problem("a boundary event cannot have an incoming flow")
        host, interrupting = self._node.get("attachedToRef"), self._node.get("cancelActivity") != "false"
        if not host:
            self._problem("needs an attachedToRef")
        base = replace(self._base, kind=Kind.BOUNDARY, attached_to=host, interrupting=interrupting)
        if definition.kind == "error":
            if not interrupting:
                self._problem("an error boundary event always interrupts (cancelActivity must not be false)")
            error = self._events.error(self._node, definition.node, throws=False)
            return replace(base, error=error) if error else None
        element = self._awaited(base, definition)
        if element and element.timer and element.timer.form is TimerForm.CYCLE and interrupting:
            self._problem("a cycle makes sense only on a non-interrupting boundary event")
        return element

    def _awaited(self, base: Element, definition: EventDefinition) -> Element | None:
        if definition.kind == "timer":
            timer = self._events.timer(self._node, definition.node)
            return replace(base, timer=timer) if timer else None
        message = self._events.message(self._node, definition.node.get("messageRef"), needs_key=True)
        return replace(base, message=message) if message else None


_READERS: dict[str, Callable[[ElementReader], Element | None]] = {
    "task": ElementReader.plain_task,
    "manualTask": ElementReader.plain_task,
    "serviceTask": ElementReader.job_task,
    "sendTask": ElementReader.job_task,
    "businessRuleTask": ElementReader.job_task,
    "scriptTask": ElementReader.script_task,
    "receiveTask": ElementReader.receive_task,
    "subProcess": ElementReader.sub_process,
    "callActivity": ElementReader.call_activity,
    "exclusiveGateway": ElementReader.exclusive_gateway,
    "parallelGateway": ElementReader.parallel_gateway,
    "startEvent": ElementReader.start_event,
    "endEvent": ElementReader.end_event,
    "intermediateThrowEvent": ElementReader.throw_event,
    "intermediateCatchEvent": ElementReader.catch_event,
    "boundaryEvent": ElementReader.boundary_event,
}


def is_supported(node: Node) -> bool:
    """Whether the engine knows the type of a flow node; the details may still be refused."""
    return node.name in _READERS
