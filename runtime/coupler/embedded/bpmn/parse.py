"""From a BPMN resource to the models of its executable processes."""

from __future__ import annotations

from dataclasses import dataclass, field

from coupler.embedded.bpmn.elements import ElementReader, Surroundings, is_supported
from coupler.embedded.bpmn.events import Events
from coupler.embedded.bpmn.extensions import Extensions
from coupler.embedded.bpmn.model import Element, Flow, Kind, ProcessModel
from coupler.embedded.bpmn.problems import ModelError, Problems
from coupler.embedded.bpmn.xml import BPMN, Node, XmlError, parse_xml

# Parts of a process that describe and do not act.
_DESCRIPTIVE = frozenset(
    {
        "documentation", "extensionElements", "incoming", "outgoing", "laneSet", "dataObject", "dataObjectReference",
        "dataStoreReference", "association", "textAnnotation", "group", "ioSpecification", "property",
        "dataInputAssociation", "dataOutputAssociation", "multiInstanceLoopCharacteristics",
        "standardLoopCharacteristics",
    }
)  # fmt: skip


def parse_resource(name: str, content: bytes) -> tuple[ProcessModel, ...]:
    """Reads all executable processes of a file; others are left out, as in Zeebe.

    Raises:
        ModelError: not BPMN, or with something that the engine cannot run; the message names every element.
    """
    try:
        definitions = parse_xml(content)
    except XmlError as error:
        raise ModelError(f"'{name}' cannot be deployed: {error}") from error
    if definitions.name != "definitions" or definitions.namespace != BPMN:
        raise ModelError(f"'{name}' cannot be deployed: the root element is not bpmn:definitions")
    problems = Problems(name)
    events = Events(definitions, problems)
    executable = [p for p in definitions.all(BPMN, "process") if p.get("isExecutable") == "true"]
    models = tuple(_ProcessReader(process, events, problems).read() for process in executable)
    problems.raise_any()
    if not models:
        raise ModelError(f"'{name}' cannot be deployed: it has no process with isExecutable=\"true\"")
    ids = [model.id for model in models]
    if len(set(ids)) < len(ids):
        raise ModelError(f"'{name}' cannot be deployed: two processes have the same id")
    return models


@dataclass(slots=True)
class _ProcessReader:
    process: Node
    events: Events
    problems: Problems
    elements: dict[str, Element] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)

    def read(self) -> ProcessModel:
        process_id = self.process.get("id") or ""
        if not process_id:
            self.problems.add(self.process, "a process needs an id")
        Extensions(self.process, self.problems)
        starts = self._scope(self.process)
        if not starts:
            self.problems.add(self.process, "needs a start event")
        root = Element(process_id, "process", Kind.PROCESS, self.process.get("name") or "", start=_none_start(starts))
        self.elements[process_id] = root
        message_starts = tuple(s for s in starts if s.message is not None)
        return ProcessModel(process_id, root.name, root, self.elements, self.flows, message_starts)

    def _scope(self, container: Node) -> list[Element]:
        """Reads all flow nodes of a process or sub-process; returns its start events."""
        nodes = [c for c in container.children if c.namespace == BPMN and c.name not in _DESCRIPTIVE]
        flow_nodes = [n for n in nodes if n.name != "sequenceFlow"]
        flows = self._read_flows([n for n in nodes if n.name == "sequenceFlow"], {n.get("id"): n for n in flow_nodes})
        attachments = self._attachments(flow_nodes)
        surroundings = Surroundings(flows, attachments, in_process=container is self.process)
        starts = []
        for node in flow_nodes:
            element = self._element(node, surroundings)
            if element is not None and node.name == "startEvent":
                starts.append(element)
        if sum(1 for s in starts if s.message is None) > 1:
            self.problems.add(container, "has more than one none start event")
        return starts

    def _element(self, node: Node, surroundings: Surroundings) -> Element | None:
        element_id = node.get("id")
        if not element_id:
            self.problems.add(node, "needs an id")
            return None
        if element_id in self.elements:
            self.problems.add(node, "another element has the same id")
        if not is_supported(node):
            self.problems.add(node, "is not supported by the embedded engine")
            return None
        start = self._sub_process(node) if node.name == "subProcess" else None
        element = ElementReader(node, surroundings, self.events, self.problems, start).read()
        if element is not None:
            self.elements[element_id] = element
        return element

    def _sub_process(self, node: Node) -> str | None:
        if node.get("triggeredByEvent") == "true":
            self.problems.add(node, "event sub-processes are not supported by the embedded engine")
            return None
        start = _none_start(self._scope(node))
        if start is None:
            self.problems.add(node, "a sub-process needs a none start event")
        return start

    def _read_flows(self, nodes: list[Node], flow_nodes: dict[str | None, Node]) -> list[Flow]:
        flows = []
        for node in nodes:
            source, target = flow_nodes.get(node.get("sourceRef")), flow_nodes.get(node.get("targetRef"))
            if source is None or target is None:
                self.problems.add(node, "its sourceRef and targetRef must be flow nodes of the same scope")
                continue
            flow_id = node.get("id")
            if not flow_id or flow_id in self.flows:
                self.problems.add(node, "needs an id of its own")
                continue
            condition = node.find(BPMN, "conditionExpression")
            expression = None
            if condition is not None:
                if source.name != "exclusiveGateway":
                    self.problems.add(node, "a condition is supported only on the way out of an exclusive gateway")
                expression = self.problems.expression(node, "condition", _as_feel(condition.text.strip()))
            self.flows[flow_id] = Flow(flow_id, source.get("id") or "", target.get("id") or "", expression)
            flows.append(self.flows[flow_id])
        return flows

    def _attachments(self, nodes: list[Node]) -> dict[str, tuple[str, ...]]:
        hosts = {node.get("id") for node in nodes}
        attached: dict[str, tuple[str, ...]] = {}
        for node in nodes:
            host, event = node.get("attachedToRef"), node.get("id")
            if not host or not event:
                continue
            if host not in hosts:
                self.problems.add(node, f"attachedToRef '{host}' is not an activity of the same scope")
            attached[host] = (*attached.get(host, ()), event)
        return attached


def _as_feel(condition: str) -> str:
    # A condition without the leading "=" is still an expression in meaning, never a text.
    return condition if condition.startswith("=") else f"={condition}"


def _none_start(starts: list[Element]) -> str | None:
    return next((s.id for s in starts if s.message is None), None)
