"""What is wrong with a model, collected, so that its author sees everything at once."""

from __future__ import annotations

from coupler.embedded.bpmn.expression import Expression
from coupler.embedded.bpmn.xml import Node
from coupler.errors import CouplerError, FeelError


class ModelError(CouplerError):
    """A resource cannot be deployed; the message has one line for each problem."""


class Problems:
    """Collects problems while a resource is read."""

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self._lines: list[str] = []

    def add(self, node: Node, what: str) -> None:
        """Notes a problem of an element, named by its type and id."""
        self._lines.append(f"line {node.line}: {node.name} '{node.get('id') or '?'}': {what}")

    def expression(self, node: Node, what: str, source: str) -> Expression:
        """Compiles an expression; one that cannot be parsed becomes a problem and an empty constant."""
        try:
            return Expression(source)
        except FeelError as error:
            self.add(node, f"{what}: {error}")
            return Expression("")

    def raise_any(self) -> None:
        """Raises ModelError when a problem was noted."""
        if self._lines:
            raise ModelError(
                f"'{self.resource}' cannot be deployed:\n" + "\n".join(f"- {line}" for line in self._lines)
            )
