"""What the published schema does not see: mistakes that a modeler would accept and people would find."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any, Final

from pydantic import BaseModel

from coupler.templates.annotations import FieldType, type_of
from coupler.templates.fields import alias_of
from coupler.templates.generate import ElementTemplate
from coupler.templates.values import binding_key

Json = dict[str, Any]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEMPLATE_KEYS: Final = _words(
    "$schema name id version description keywords documentationRef engines category appliesTo elementType groups"
    " properties configurationTemplates icon entriesVisible metadata deprecated isDefault steps presets"
)
_PROPERTY_KEYS: Final = _words(
    "id label description tooltip placeholder group type choices value generatedValue optional editable feel language"
    " secret constraints binding condition configurationTemplate"
)
_ENGINES: Final = re.compile(r"(\^|~|>=?|<=?|=)?\d+(\.\d+){0,2}( (\^|~|>=?|<=?|=)?\d+(\.\d+){0,2})*")


def lint(
    template: ElementTemplate, *, model: type[BaseModel] | None = None, known_types: Set[str] | None = None
) -> list[str]:
    """Everything that is wrong with a template, as sentences; empty when nothing is.

    Args:
        model: the input model of the connector that the template is for.
        known_types: the job types that a worker serves.
    """
    found = [problem for rule in _RULES for problem in rule(template)]
    if known_types is not None:
        found += _served(template, known_types)
    if model is not None:
        found += _fits(template, model)
    return found


def _unknown_keys(template: ElementTemplate) -> Iterator[str]:
    yield from (f"The key {key!r} is not known." for key in template if key not in _TEMPLATE_KEYS)
    for each in template["properties"]:
        yield from (f"{_name(each)}: the key {key!r} is not known." for key in each if key not in _PROPERTY_KEYS)


def _unique_ids(template: ElementTemplate) -> Iterator[str]:
    counts = Counter(each["id"] for each in template["properties"] if "id" in each)
    yield from (f"{count} properties have the id {name!r}." for name, count in counts.items() if count > 1)


def _groups(template: ElementTemplate) -> Iterator[str]:
    groups = [group["id"] for group in template.get("groups", [])]
    yield from (f"{count} groups have the id {name!r}." for name, count in Counter(groups).items() if count > 1)
    used = [each["group"] for each in template["properties"] if "group" in each]
    for each in template["properties"]:
        if "group" in each and each["group"] not in groups:
            yield f"{_name(each)} is in the group {each['group']!r}, which does not exist."
    yield from (f"The group {name!r} is empty." for name in groups if name not in used)


def _simple_conditions(each: Json) -> Iterable[Json]:
    condition = each.get("condition")
    return [] if condition is None else condition.get("allMatch", [condition])


def _conditions(template: ElementTemplate) -> Iterator[str]:
    by_id = {each["id"]: each for each in template["properties"] if "id" in each}
    for each in template["properties"]:
        for condition in _simple_conditions(each):
            other = by_id.get(condition["property"])
            if other is None:
                yield f"{_name(each)} depends on {condition['property']!r}, which does not exist."
                continue
            offered = [choice["value"] for choice in other.get("choices", [])]
            for value in condition.get("oneOf", [condition.get("equals")]):
                if offered and value is not None and value not in offered:
                    yield f"{_name(each)} depends on {other['id']} being {value!r}, which is no choice."


def _circles(template: ElementTemplate) -> Iterator[str]:
    """Conditions in a circle: such properties are never offered."""
    needs = {
        each["id"]: {condition["property"] for condition in _simple_conditions(each)}
        for each in template["properties"]
        if "id" in each
    }
    while free := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in free:
            del needs[name]
    if needs:
        yield f"The conditions of these properties go in a circle: {', '.join(needs)}."


def _shared_bindings(template: ElementTemplate) -> Iterator[str]:
    """Properties may share a binding only when never two of them are offered."""
    by_binding: dict[tuple[str, str], list[Json]] = {}
    for each in template["properties"]:
        by_binding.setdefault(binding_key(each["binding"]), []).append(each)
    for (kind, name), sharing in by_binding.items():
        for index, first in enumerate(sharing):
            if any(not _exclusive(first, second) for second in sharing[index + 1 :]):
                yield f"Several properties write to {kind} {name!r} at the same time: {_name(first)} is one."


def _exclusive(first: Json, second: Json) -> bool:
    mine = {c["property"]: set(_values(c)) for c in _simple_conditions(first)}
    theirs = {c["property"]: set(_values(c)) for c in _simple_conditions(second)}
    return any(mine[name] and theirs[name] and not mine[name] & theirs[name] for name in mine.keys() & theirs.keys())


def _values(condition: Json) -> list[Any]:
    return condition.get("oneOf") or ([condition["equals"]] if "equals" in condition else [])


def _own_headers(template: ElementTemplate) -> Iterator[str]:
    values = {binding_key(each["binding"]): each.get("value") for each in template["properties"]}
    wanted = {"elementTemplateId": template["id"], "elementTemplateVersion": str(template.get("version"))}
    for key, value in wanted.items():
        found = values.get(("zeebe:taskHeader", key))
        if found != value:
            yield f"The header {key!r} must be {value!r}, not {found!r}."


def _default_values(template: ElementTemplate) -> Iterator[str]:
    for each in template["properties"]:
        value, kind = each.get("value"), each.get("type", "String")
        choices = [choice["value"] for choice in each.get("choices", [])]
        if choices and value is not None and value not in choices:
            yield f"{_name(each)}: the value {value!r} is no choice."
        if kind == "Number" and isinstance(value, str):
            yield f"{_name(each)}: the value of a number is the text {value!r}."
        if kind == "Boolean" and value is not None and not isinstance(value, bool):
            yield f"{_name(each)}: the value of a boolean is {value!r}."
        if kind in ("Number", "Boolean") and each.get("feel", "static") not in ("static", "optional", "required"):
            yield f"{_name(each)}: a {kind.lower()} cannot have feel {each['feel']!r}."
        if kind == "Number" and each.get("feel") == "optional":
            yield f"{_name(each)}: feel 'optional' has no effect on a number; 'static' is meant."


def _labels(template: ElementTemplate) -> Iterator[str]:
    for each in template["properties"]:
        if each.get("type") != "Hidden" and not each.get("label"):
            yield f"{_name(each)} has no label."


def _whole(template: ElementTemplate) -> Iterator[str]:
    if not isinstance(template.get("version"), int):
        yield "There is no version, or it is no whole number."
    if "elementType" not in template:
        yield "There is no elementType: the modeler would leave the element as it is."
    engines = template.get("engines", {}).get("camunda", "")
    if not _ENGINES.fullmatch(engines):
        yield f"engines.camunda is {engines!r}, no range of versions."
    if not str(template.get("icon", {}).get("contents", "data:image/")).startswith("data:image/"):
        yield "The icon is no data URI: it would be fetched from somewhere."
    credentials = {each["id"] for each in template.get("configurationTemplates", [])}
    for each in template["properties"]:
        if each.get("type") == "Configuration" and each.get("configurationTemplate") not in credentials:
            yield f"{_name(each)} refers to a credential that the template does not describe."


_RULES: Final[tuple[Callable[[ElementTemplate], Iterator[str]], ...]] = (
    _whole,
    _unknown_keys,
    _unique_ids,
    _labels,
    _groups,
    _conditions,
    _circles,
    _shared_bindings,
    _own_headers,
    _default_values,
)


def _served(template: ElementTemplate, known_types: Set[str]) -> Iterator[str]:
    for each in template["properties"]:
        if binding_key(each["binding"]) == ("zeebe:taskDefinition", "type") and each.get("value") not in known_types:
            yield f"No connector serves the job type {each.get('value')!r}."


def _fits(template: ElementTemplate, model: type[BaseModel]) -> Iterator[str]:
    """Inputs that the model does not know, and fields of the model that the template does not offer."""
    inputs = [each["binding"]["name"] for each in template["properties"] if each["binding"]["type"] == "zeebe:input"]
    helpers = set(_helpers(model))
    for name in inputs:
        if name.rpartition(".")[2] not in helpers and not _knows([model], name.split(".")):
            yield f"The input {name!r} is not a field of {model.__name__}."
    for name, info in model.model_fields.items():
        alias = alias_of(name, info)
        offered = any(each == alias or each.startswith(f"{alias}.") for each in inputs)
        if not offered and not type_of(info).template.omit:
            yield f"The field {name!r} of {model.__name__} has no property. Offer it, or say Template(omit=True)."


def _helpers(model: type[BaseModel]) -> Iterator[str]:
    """The names of properties that belong to no field, anywhere in the model."""
    for info in model.model_fields.values():
        found = type_of(info)
        yield from (extra.name for extra in found.template.before)
        for inner in _models(found):
            yield from _helpers(inner)


def _models(found: FieldType) -> list[type[BaseModel]]:
    return [found.model] if found.model is not None else [arm.model for arm in found.arms]


def _knows(models: list[type[BaseModel]], path: list[str]) -> bool:
    """Whether one of the models has the field; below a field of another type every name is one."""
    for model in models:
        for name, info in model.model_fields.items():
            if alias_of(name, info) != path[0]:
                continue
            inner = _models(type_of(info))
            if len(path) == 1 or not inner or _knows(inner, path[1:]):
                return True
    return False


def _name(each: Json) -> str:
    return str(each.get("id") or each.get("label") or "/".join(binding_key(each["binding"])))


__all__ = ["lint"]
