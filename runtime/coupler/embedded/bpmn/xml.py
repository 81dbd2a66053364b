"""XML as a small tree of nodes that know their line.

Written over expat directly: a document type declaration is refused before any entity exists, and every later message
can name the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"

_MAX_DEPTH = 200
_SEPARATOR = "\n"


class XmlError(Exception):
    """The text is not XML that we read; the message names the line."""


@dataclass(slots=True)
class Node:
    """One XML element. ``name`` is the local name; attributes in a namespace are left out."""

    namespace: str
    name: str
    attributes: dict[str, str]
    line: int
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def find(self, namespace: str, name: str) -> Node | None:
        """The first child of that name."""
        return next(self.all(namespace, name), None)

    def all(self, namespace: str, name: str) -> Iterator[Node]:
        """All children of that name."""
        return (child for child in self.children if child.name == name and child.namespace == namespace)

    def get(self, attribute: str) -> str | None:
        """An attribute without a namespace, or None."""
        return self.attributes.get(attribute)


class _TreeBuilder:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.stack: list[Node] = []
        self.root: Node | None = None

    def _doctype(self, *_: object) -> None:
        raise XmlError(f"line {self.parser.CurrentLineNumber}: a document type declaration (DTD) is not allowed")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.stack) >= _MAX_DEPTH:
            raise XmlError(f"line {self.parser.CurrentLineNumber}: elements are nested deeper than {_MAX_DEPTH}")
        namespace, _, name = tag.rpartition(_SEPARATOR)
        plain = {key: value for key, value in attributes.items() if _SEPARATOR not in key}
        node = Node(namespace, name, plain, self.parser.CurrentLineNumber)
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.root = node
        self.stack.append(node)

    def _end(self, _: str) -> None:
        self.stack.pop()

    def _characters(self, text: str) -> None:
        self.stack[-1].text += text


def parse_xml(content: bytes) -> Node:
    """Reads a document.

    Raises:
        XmlError: not well-formed, nested too deeply, or with a document type declaration.
    """
    builder = _TreeBuilder()
    try:
        builder.parser.Parse(content, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise XmlError(f"line {error.lineno}, column {error.offset + 1}: not well-formed XML: {reason}") from error
    except (LookupError, ValueError) as error:
        raise XmlError(f"its encoding cannot be read: {error}") from error
    assert builder.root is not None
    return builder.root
