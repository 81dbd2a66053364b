"""A connector's element template, as the JSON that modelers read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from coupler.errors import ConfigError
from coupler.nearest import did_you_mean
from coupler.sdk.connector import Connector
from coupler.sdk.template import Group, TemplateInfo
from coupler.templates.common import COMMON_GROUPS, common_properties, job_type_property
from coupler.templates.fields import extra_property, properties_of
from coupler.templates.property import Property, Resolver, property_json

ElementTemplate: TypeAlias = dict[str, Any]

SCHEMA_URL: Final = "https://unpkg.com/@camunda/zeebe-element-templates-json-schema/resources/schema.json"


def template_info(connector: type[Connector[Any]]) -> TemplateInfo | None:
    """What a connector says about its template; ``None`` when it has none."""
    info = getattr(connector, "template", None)
    if info is None or isinstance(info, TemplateInfo):
        return info
    raise ConfigError(f"{connector.__name__}.template must be a TemplateInfo, not {info!r}.")


def input_model(connector: type[Connector[Any]]) -> type[BaseModel]:
    """The model of a connector's variables."""
    model: type[BaseModel] = connector.Input
    return model


def template_properties(connector: type[Connector[Any]], info: TemplateInfo) -> tuple[Property, ...]:
    """Every property of a connector's template, in the order of the panel."""
    name = info.name or connector.name
    own = (*(extra_property(extra) for extra in info.extras), *properties_of(input_model(connector)))
    groups = _groups(info)
    return (
        job_type_property(connector.type),
        *_in_panel_order(own, groups, name),
        *common_properties(info),
    )


def generate(connector: type[Connector[Any]]) -> ElementTemplate:
    """The element template of a connector.

    Raises:
        ConfigError: the connector has no ``template``, or what it says does not fit together.
    """
    info = template_info(connector)
    if info is None:
        raise ConfigError(
            f"{connector.__name__} ({connector.type}) says nothing about an element template."
            f" Give the class a 'template = TemplateInfo(…)'."
        )
    properties = template_properties(connector, info)
    used = {each.group for each in properties}
    resolve = Resolver(properties)
    template: ElementTemplate = {
        "$schema": SCHEMA_URL,
        "name": info.name or connector.name,
        "id": info.id,
        "version": info.version,
        "description": info.description,
    }
    if info.keywords:
        template["keywords"] = list(info.keywords)
    if info.documentation:
        template["documentationRef"] = info.documentation
    template |= {
        "engines": {"camunda": info.engines},
        "category": {"id": "connectors", "name": "Connectors"},
        "appliesTo": list(info.applies_to),
        "elementType": {"value": info.element_type},
        "groups": [{"id": group.id, "label": group.label} for group in _groups(info) if group.id in used],
        "properties": [property_json(each, resolve) for each in properties],
    }
    credentials = _credential_templates(connector, properties)
    if credentials:
        template["configurationTemplates"] = credentials
    if info.icon is not None:
        template["icon"] = {"contents": icon_uri(info.icon)}
    return template


def icon_uri(icon: str | Path) -> str:
    """An SVG as a data URI.

    Raises:
        ConfigError: it is no SVG, or the file cannot be read.
    """
    try:
        text = icon.read_text(encoding="utf-8") if isinstance(icon, Path) else icon
    except OSError as error:
        raise ConfigError(f"The icon {icon} cannot be read: {error.strerror}.") from error
    if "<svg" not in text:
        raise ConfigError(f"The icon must be an SVG, not {text[:40]!r}.")
    return "data:image/svg+xml;base64," + b64encode(text.strip().encode()).decode("ascii")


def _groups(info: TemplateInfo) -> tuple[Group, ...]:
    own = {group.id for group in info.groups}
    return (*info.groups, *(group for group in COMMON_GROUPS if group.id not in own))


def _in_panel_order(properties: Iterable[Property], groups: Sequence[Group], name: str) -> list[Property]:
    """By group, then by ``order``, then as declared; properties without a group come first."""
    position: Mapping[str | None, int] = {None: -1} | {group.id: index for index, group in enumerate(groups)}
    found = list(properties)
    for each in found:
        if each.group not in position:
            known = [group.id for group in groups]
            raise ConfigError(
                f"The property {each.id!r} of {name} is in the group {each.group!r}, which TemplateInfo.groups does not"
                f" have.{did_you_mean(str(each.group), known)}"
            )
    return sorted(found, key=lambda each: (position[each.group], each.order))


def _credential_templates(connector: type[Connector[Any]], properties: Iterable[Property]) -> list[dict[str, Any]]:
    """The templates of the credentials that properties refer to, one for each id."""
    found: dict[str, dict[str, Any]] = {}
    for each in properties:
        if each.credential is None or each.credential.id in found:
            continue
        if each.model is None:
            raise ConfigError(
                f"The property {each.id!r} of {connector.__name__} refers to a credential but holds no model."
            )
        fields = tuple(_as_credential_field(inner) for inner in properties_of(each.model))
        resolve = Resolver(fields)
        found[each.credential.id] = {
            "id": each.credential.id,
            "kind": "CREDENTIAL",
            "version": each.credential.version,
            "name": each.credential.name,
            "properties": [_bound_to_itself(property_json(inner, resolve)) for inner in fields],
        }
    return list(found.values())


def _as_credential_field(each: Property) -> Property:
    """Fields of credentials are plain values: no FEEL, nothing optional, no groups."""
    return replace(each, feel="off", optional=False, group=None)


def _bound_to_itself(rendered: dict[str, Any]) -> dict[str, Any]:
    rendered["binding"] = {"type": "property", "name": rendered["binding"]["name"]}
    return rendered


__all__ = [
    "SCHEMA_URL",
    "ElementTemplate",
    "generate",
    "icon_uri",
    "input_model",
    "template_info",
    "template_properties",
]
