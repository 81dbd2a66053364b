"""The ``zeebe:`` extension elements of one BPMN element."""

from __future__ import annotations

from coupler import json
from coupler.embedded.bpmn.model import CalledSpec, JobSpec, LoopSpec, ScriptSpec, VariableMapping
from coupler.embedded.bpmn.problems import Problems
from coupler.embedded.bpmn.xml import BPMN, ZEEBE, Node

_UNDERSTOOD = frozenset(
    {"taskDefinition", "taskHeaders", "ioMapping", "subscription", "loopCharacteristics", "calledElement", "script"}
)
# Of interest to modelers and task lists; a form at a start event is one, too.
_WITHOUT_EFFECT = frozenset({"properties", "versionTag", "linkedResources", "modelerTemplate", "formDefinition"})


class Extensions:
    """Reads the extension elements of ``node``; what the engine would have to ignore is a problem."""

    def __init__(self, node: Node, problems: Problems) -> None:
        self.node = node
        self._problems = problems
        container = node.find(BPMN, "extensionElements")
        self._children = [c for c in container.children if c.namespace == ZEEBE] if container else []
        for child in self._children:
            if child.name not in _UNDERSTOOD and child.name not in _WITHOUT_EFFECT:
                problems.add(node, f"zeebe:{child.name} is not supported by the embedded engine")

    def find(self, name: str) -> Node | None:
        """The extension element of that name."""
        return next((child for child in self._children if child.name == name), None)

    def job(self) -> JobSpec | None:
        """The job that the element creates, or None without a ``zeebe:taskDefinition``."""
        definition = self.find("taskDefinition")
        if definition is None:
            return None
        job_type = definition.get("type")
        if not job_type:
            self._problems.add(self.node, "zeebe:taskDefinition needs a type")
        return JobSpec(
            self._problems.expression(self.node, "job type", job_type or ""),
            self._problems.expression(self.node, "job retries", definition.get("retries") or "3"),
            self._headers(),
        )

    def _headers(self) -> str:
        container = self.find("taskHeaders")
        if container is None:
            return "{}"
        return json.dumps({h.get("key") or "": h.get("value") or "" for h in container.all(ZEEBE, "header")})

    def mappings(self, direction: str) -> tuple[VariableMapping, ...]:
        """The ``input`` or ``output`` entries of ``zeebe:ioMapping``, in order."""
        container = self.find("ioMapping")
        if container is None:
            return ()
        return tuple(self._mapping(direction, entry) for entry in container.all(ZEEBE, direction))

    def _mapping(self, direction: str, entry: Node) -> VariableMapping:
        target = entry.get("target") or ""
        path = tuple(target.split("."))
        if not all(path):
            self._problems.add(self.node, f"the {direction} mapping has no valid target: '{target}'")
        # A mapping without a source binds null, which is what an optional field of an element template leaves.
        source = entry.get("source")
        what = f"{direction} mapping to '{target}'"
        return VariableMapping(self._problems.expression(self.node, what, "=null" if source is None else source), path)

    def script(self) -> ScriptSpec | None:
        """The FEEL script of a script task, or None."""
        script = self.find("script")
        if script is None:
            return None
        expression = self._problems.expression(self.node, "script", script.get("expression") or "")
        return ScriptSpec(expression, script.get("resultVariable") or "")

    def called(self) -> CalledSpec | None:
        """The process that a call activity calls; problems are noted."""
        called = self.find("calledElement")
        if called is None or not called.get("processId"):
            self._problems.add(self.node, "needs a zeebe:calledElement with a processId")
            return None
        if (called.get("bindingType") or "latest") != "latest":
            self._problems.add(self.node, "only bindingType 'latest' is supported by the embedded engine")
        return CalledSpec(
            self._problems.expression(self.node, "processId", called.get("processId") or ""),
            called.get("propagateAllParentVariables") != "false",
            called.get("propagateAllChildVariables") != "false",
        )

    def loop(self) -> LoopSpec | None:
        """The multi-instance loop of an activity, or None."""
        if self.node.find(BPMN, "standardLoopCharacteristics") is not None:
            self._problems.add(self.node, "standard loops are not supported, only multi-instance")
        node = self.node.find(BPMN, "multiInstanceLoopCharacteristics")
        if node is None:
            return None
        inner = Extensions(node, self._problems).find("loopCharacteristics")
        if inner is None or not inner.get("inputCollection"):
            self._problems.add(self.node, "multi-instance needs a zeebe:loopCharacteristics with an inputCollection")
            return None
        condition = node.find(BPMN, "completionCondition")
        output_element = inner.get("outputElement")
        compile_ = self._problems.expression
        return LoopSpec(
            node.get("isSequential") == "true",
            compile_(self.node, "inputCollection", inner.get("inputCollection") or ""),
            inner.get("inputElement"),
            inner.get("outputCollection"),
            compile_(self.node, "outputElement", output_element) if output_element else None,
            compile_(self.node, "completionCondition", condition.text.strip()) if condition is not None else None,
        )
