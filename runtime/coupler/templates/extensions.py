"""The extension elements of one element: what it has, and what a template makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from coupler.templates.markup import Node, open_tag, tag
from coupler.templates.values import BindingKey

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE: Final = "http://camunda.org/schema/zeebe/1.0"

_KEYS: Final = {
    "input": ("zeebe:input", "target", "source"),
    "output": ("zeebe:output", "source", "target"),
    "header": ("zeebe:taskHeader", "key", "value"),
    "property": ("zeebe:property", "name", "value"),
}
_WRITTEN_HERE: Final = ("taskDefinition", "ioMapping", "taskHeaders", "properties")


def existing_texts(extensions: Node | None) -> dict[BindingKey, str]:
    """The texts that an element has, by binding."""
    found: dict[BindingKey, str] = {}
    for node in extensions.walk() if extensions else ():
        if node.namespace != ZEEBE:
            continue
        if node.local == "taskDefinition":
            found |= {("zeebe:taskDefinition", name): value for name, value in node.attributes.items()}
        elif node.local in _KEYS:
            found[_key(node)] = node.attributes.get(_KEYS[node.local][2], "")
    return found


def _key(node: Node) -> BindingKey:
    kind, name, _ = _KEYS[node.local]
    return kind, node.attributes.get(name, "")


@dataclass(frozen=True, slots=True)
class Extensions:
    """Writes the extension elements anew: what the template binds from ``texts``, all else as it stands.

    Args:
        own: every binding of the template, those that are not offered at the moment included.
        raw: the text of a node as it stands in the document.
    """

    existing: Node | None
    texts: Mapping[BindingKey, str]
    own: Set[BindingKey]
    raw: Callable[[Node], str]
    bpmn: str
    zeebe: str
    indent: str

    def text(self) -> str:
        """The whole element, without the whitespace before it."""
        inner = f"\n{self.indent}  "
        parts = [
            self._task_definition(),
            self._io_mapping(),
            self._list("taskHeaders", self._lines("taskHeaders", "header")),
            self._list("properties", self._lines("properties", "property")),
        ]
        others = self.existing.children if self.existing else []
        parts += [self.raw(node) for node in others if node.namespace != ZEEBE or node.local not in _WRITTEN_HERE]
        name = f"{self.bpmn}:extensionElements" if self.bpmn else "extensionElements"
        opening = open_tag(name, self.existing.attributes if self.existing else {})
        return f"{opening}{inner}{inner.join(part for part in parts if part)}\n{self.indent}</{name}>"

    def _task_definition(self) -> str:
        node = self._child("taskDefinition")
        attributes = dict(node.attributes) if node else {}
        for (kind, name), text in self.texts.items():
            if kind == "zeebe:taskDefinition" and text:
                attributes[name] = text
        return tag(f"{self.zeebe}:taskDefinition", attributes) if attributes else ""

    def _io_mapping(self) -> str:
        return self._list("ioMapping", [*self._lines("ioMapping", "input"), *self._lines("ioMapping", "output")])

    def _lines(self, container: str, local: str) -> list[str]:
        """What is not the template's, then what is."""
        node = self._child(container)
        lines = [
            self.raw(each)
            for each in (node.children if node else ())
            if each.local == local and _key(each) not in self.own
        ]
        wanted, name, value = _KEYS[local]
        for (kind, key), text in self.texts.items():
            if kind == wanted and text:
                attributes = {name: key, value: text}
                ordered = sorted(attributes.items(), key=lambda item: item[0] in ("target", "value"))
                lines.append(tag(f"{self.zeebe}:{local}", dict(ordered)))
        return lines

    def _list(self, local: str, lines: Iterable[str]) -> str:
        inner = f"\n{self.indent}    "
        joined = inner.join(lines)
        node, name = self._child(local), f"{self.zeebe}:{local}"
        opening = open_tag(name, node.attributes if node else {})
        return f"{opening}{inner}{joined}\n{self.indent}  </{name}>" if joined else ""

    def _child(self, local: str) -> Node | None:
        return self.existing.child(ZEEBE, local) if self.existing else None


__all__ = ["BPMN", "ZEEBE", "Extensions", "existing_texts"]
