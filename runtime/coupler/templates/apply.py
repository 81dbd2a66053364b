"""Writes a template into an element of a process model, as a modeler would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.templates.extensions import BPMN, ZEEBE, Extensions, existing_texts
from coupler.templates.generate import ElementTemplate
from coupler.templates.markup import Edit, Node, edited, parse, start_tag
from coupler.templates.values import BindingKey, Values, binding_key

_WRITABLE: Final = (
    "zeebe:input",
    "zeebe:output",
    "zeebe:property",
    "zeebe:taskDefinition",
    "zeebe:taskHeader",
)
# What "no value" is written as where a modeler would write an empty mapping, which clusters before 8.8 refuse.
_NOTHING: Final = "=null"


def apply(template: ElementTemplate, document: bytes, element_id: str, values: Mapping[str, str]) -> bytes:
    """The document with the template on the element.

    Values that the element has are kept where ``values`` says nothing, so that a newer version of a template can be
    applied to an element that has an older one. Inputs, headers and outputs that are not the template's stay.

    Args:
        values: by property id, or by the name of an input or the key of a header. FEEL starts with ``=``.

    Raises:
        ConfigError: the document, the element or a value does not fit.
    """
    root = parse(document)
    element = _element(root, element_id)
    name = _element_name(element, template)
    extensions = element.child(BPMN, "extensionElements")
    existing = {key: text for key, text in existing_texts(extensions).items() if text != _NOTHING}
    offered = Values(template, values, existing).offered()
    zeebe, declared = _zeebe_prefix(element)
    indent = _indent_of(document, element)
    written = Extensions(
        existing=extensions,
        texts=_texts(offered),
        own={binding_key(each["binding"]) for each in template["properties"]},
        raw=lambda node: document[node.start : node.end].decode(),
        bpmn=element.prefix,
        zeebe=zeebe,
        indent=f"{indent}  ",
    ).text()
    attributes = {f"{zeebe}:{key}": value for key, value in _identity(template).items()}
    opening = start_tag(document, element, name, attributes)
    edits = _edits(element, name, opening, written.encode(), indent.encode())
    if not declared:
        top = start_tag(document, root, root.name, {f"xmlns:{zeebe}": ZEEBE})
        edits.append(Edit(root.start, root.open_end, top))
    return edited(document, edits)


def _element(root: Node, element_id: str) -> Node:
    nodes = [node for node in root.walk() if node.namespace == BPMN]
    by_id = {node.attributes["id"]: node for node in nodes if "id" in node.attributes}
    found = by_id.get(element_id)
    if found is None:
        near = did_you_mean(element_id, by_id)
        raise ConfigError(f"The process model has no element with the id {element_id!r}.{near}")
    return found


def _element_name(element: Node, template: ElementTemplate) -> str:
    """The tag name that the element gets."""
    kind = f"bpmn:{element.local[:1].upper()}{element.local[1:]}"
    applies_to: list[str] = template["appliesTo"]
    wanted: str = template.get("elementType", {}).get("value", kind)
    if not set(applies_to) & {kind, *_kinds_above(kind)}:
        raise ConfigError(
            f"The template {template['id']!r} is for {', '.join(applies_to)}; the element"
            f" {element.attributes['id']!r} is a {kind}."
        )
    if kind != wanted and not (kind.endswith("Task") and wanted.endswith("Task")):
        raise ConfigError(f"The template makes a {wanted} of the element, which a {kind} cannot become.")
    definition = template.get("elementType", {}).get("eventDefinition", "").removeprefix("bpmn:")
    if definition and element.child(BPMN, definition[:1].lower() + definition[1:]) is None:
        raise ConfigError(
            f"The template is for events with a {definition}, which {element.attributes['id']!r} has not."
        )
    local = wanted.removeprefix("bpmn:")
    local = local[:1].lower() + local[1:]
    return f"{element.prefix}:{local}" if element.prefix else local


def _kinds_above(kind: str) -> Iterable[str]:
    if kind.endswith("Task"):
        return ("bpmn:Task", "bpmn:Activity", "bpmn:FlowNode")
    if kind.endswith("Event"):
        return ("bpmn:Event", "bpmn:FlowNode")
    return ("bpmn:Activity",) if kind in ("bpmn:SubProcess", "bpmn:CallActivity") else ()


def _texts(offered: Iterable[tuple[dict[str, Any], str]]) -> dict[BindingKey, str]:
    """What is written, by binding, in the order of the template."""
    texts: dict[BindingKey, str] = {}
    for each, text in offered:
        key = binding_key(each["binding"])
        if key[0] not in _WRITABLE:
            raise ConfigError(
                f"The property {each.get('id')!r} has a binding of type {key[0]!r}, not to be applied here."
            )
        nothing = _NOTHING if key[0] == "zeebe:input" and not each.get("optional") else ""
        texts[key] = text or nothing
    return texts


def _identity(template: ElementTemplate) -> dict[str, str]:
    """What tells a modeler which template an element has."""
    identity = {"modelerTemplate": template["id"]}
    if "version" in template:
        identity["modelerTemplateVersion"] = str(template["version"])
    if "icon" in template:
        identity["modelerTemplateIcon"] = template["icon"]["contents"]
    return identity


def _edits(element: Node, name: str, opening: bytes, extensions: bytes, indent: bytes) -> list[Edit]:
    inserted = b"\n" + indent + b"  " + extensions
    closing = f"</{name}>".encode()
    if element.empty_tag:
        return [Edit(element.start, element.end, opening + inserted + b"\n" + indent + closing)]
    edits = [
        Edit(element.start, element.open_end, opening),
        Edit(element.close_start, element.end, closing),
    ]
    existing = element.child(BPMN, "extensionElements")
    if existing is not None:
        return [*edits, Edit(existing.start, existing.end, extensions)]
    # The schema of BPMN wants documentation first, then the extension elements.
    documentation = [each.end for each in element.children if each.local == "documentation"]
    if documentation:
        return [*edits, Edit(max(documentation), max(documentation), inserted)]
    edits[0] = Edit(element.start, element.open_end, opening + inserted)
    return edits


def _zeebe_prefix(element: Node) -> tuple[str, bool]:
    """A prefix of Zeebe's namespace, and whether the document declares it where the element stands."""
    for prefix, uri in element.namespaces.items():
        if uri == ZEEBE and prefix:
            return prefix, True
    taken = set(element.namespaces)
    return next(prefix for prefix in ("zeebe", *(f"zeebe{n}" for n in range(len(taken)))) if prefix not in taken), False


def _indent_of(document: bytes, element: Node) -> str:
    line = document[document.rfind(b"\n", 0, element.start) + 1 : element.start]
    return "" if line.strip() else line.decode()


__all__ = ["apply"]
