"""XML read with byte positions, so that one element can be changed and every other byte stays as it is.

A process model belongs to the person who drew it: comments, prefixes, indentation and CDATA survive, and a diff shows
only what was changed. Document types are refused, so that no entity can be declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from coupler.errors import ConfigError

_ATTRIBUTE: Final = re.compile(rb"""(?P<name>[^\s=<>"'/]+)\s*=\s*(?P<value>"[^"]*"|'[^']*')""")
_START_TAG: Final = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_TAG_NAME: Final = re.compile(rb"</?(?P<name>[^\s/>]+)")


@dataclass(slots=True, eq=False)
class Node:
    """An element: its name as written, and where its tags stand in the document."""

    name: str
    attributes: dict[str, str]
    namespaces: Mapping[str, str]
    parent: Node | None
    start: int
    open_end: int
    close_start: int = 0
    end: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def local(self) -> str:
        """The name without its prefix."""
        return self.name.rpartition(":")[2]

    @property
    def prefix(self) -> str:
        """The prefix, empty for the default namespace."""
        return self.name.rpartition(":")[0]

    @property
    def namespace(self) -> str:
        """The namespace of the element."""
        return self.namespaces.get(self.prefix, "")

    @property
    def empty_tag(self) -> bool:
        """Whether it is written as ``<name/>``."""
        return self.close_start == self.end

    def child(self, namespace: str, local: str) -> Node | None:
        """The first child of that name."""
        return next((each for each in self.children if each.namespace == namespace and each.local == local), None)

    def walk(self) -> Iterator[Node]:
        """The element and all below it, in document order."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))


@dataclass(slots=True, frozen=True)
class Edit:
    """Bytes to put in the place of others."""

    start: int
    end: int
    text: bytes


class _Builder:
    def __init__(self, document: bytes) -> None:
        self.document = document
        self.root: Node | None = None
        self._open: list[Node] = []
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def parse(self) -> Node:
        try:
            self._parser.Parse(self.document, True)
        except expat.ExpatError as error:
            raise ConfigError(f"This is no well-formed XML: {error}.") from error
        assert self.root is not None
        return self.root

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise ConfigError(f"The document is written in {encoding}. Save it in UTF-8.")

    def _doctype(self, *declaration: object) -> None:
        raise ConfigError("The document has a document type (<!DOCTYPE …>), which is not allowed here. Remove it.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        parent = self._open[-1] if self._open else None
        declared = {key[6:]: value for key, value in attributes.items() if key.startswith("xmlns:")}
        if "xmlns" in attributes:
            declared[""] = attributes["xmlns"]
        inherited = parent.namespaces if parent else {}
        namespaces = {**inherited, **declared} if declared else inherited
        node = Node(name, attributes, namespaces, parent, start, _tag_end(self.document, start))
        if parent is None:
            self.root = node
        else:
            parent.children.append(node)
        self._open.append(node)

    def _end(self, name: str) -> None:
        node = self._open.pop()
        if self.document[node.open_end - 2 : node.open_end] == b"/>":
            node.close_start = node.end = node.open_end
        else:
            node.close_start = self._parser.CurrentByteIndex
            node.end = self.document.index(b">", node.close_start) + 1


def _tag_end(document: bytes, start: int) -> int:
    """The position after the ``>`` of a start tag; a ``>`` inside quotes does not end it."""
    found = _START_TAG.match(document, start)
    assert found is not None  # the parser has seen the end of this tag
    return found.end()


def parse(document: bytes) -> Node:
    """Reads a document.

    Raises:
        ConfigError: it is not well-formed, not in UTF-8, or has a document type.
    """
    if document[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError("The document is written in UTF-16. Save it in UTF-8.")
    return _Builder(document).parse()


def edited(document: bytes, edits: Iterable[Edit]) -> bytes:
    """The document with all edits made. They must not overlap."""
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        document = document[: edit.start] + edit.text + document[edit.end :]
    return document


def escaped(value: str) -> str:
    """A text as it may stand between double quotes; line breaks and tabs would not survive as they are."""
    for character, reference in _REFERENCES:
        value = value.replace(character, reference)
    return value


_REFERENCES: Final = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("\n", "&#10;"),
    ("\r", "&#13;"),
    ("\t", "&#9;"),
)


def tag(name: str, attributes: Mapping[str, str]) -> str:
    """An empty element."""
    return f"<{name}{_written(attributes)} />"


def open_tag(name: str, attributes: Mapping[str, str]) -> str:
    """A start tag."""
    return f"<{name}{_written(attributes)}>"


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())


def start_tag(document: bytes, node: Node, name: str, attributes: Mapping[str, str]) -> bytes:
    """The start tag of a node with another name and with attributes set; what it had keeps its place.

    The result never closes itself: ``<name …>``.
    """
    text = document[node.start : node.open_end].removesuffix(b"/>").removesuffix(b">").rstrip()
    missing = dict(attributes)

    def replaced(match: re.Match[bytes]) -> bytes:
        value = missing.pop(match["name"].decode(), None)
        return match[0] if value is None else match["name"] + f'="{escaped(value)}"'.encode()

    text = _ATTRIBUTE.sub(replaced, text)
    text = _TAG_NAME.sub(b"<" + name.encode(), text, count=1)
    return text + _written(missing).encode() + b">"


__all__ = ["Edit", "Node", "edited", "escaped", "open_tag", "parse", "start_tag", "tag"]
