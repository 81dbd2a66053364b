"""What a property is, where its author says nothing: from the type, the default and the constraints of the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo

from coupler.sdk.template import Choice, Feel, Inferred, InputBinding, Kind, TaskBinding, Template, Value
from coupler.templates.annotations import FieldType, kind_of, values_of
from coupler.templates.property import Guard, Property


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the model the walk is: the path of inputs, what it puts into ids, and what properties inherit."""

    path: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    group: str | None = None
    order: int = 0
    nullable: bool = False
    chosen: str | None = None

    def into(self, alias: str, template: Template, nullable: bool) -> Place:
        """The place inside a field that holds a model."""
        return Place(
            (*self.path, alias),
            (*self.ids, alias),
            guards_of(template, self),
            template.group or self.group,
            template.order or self.order,
            self.nullable or nullable,
        )


def guards_of(template: Template, place: Place) -> tuple[Guard, ...]:
    """The conditions of a field: its own, then those of the place where it stands."""
    own = template.when if isinstance(template.when, tuple) else (template.when,)
    return (*(Guard(when, place.path) for when in own), *place.guards)


def property_of(alias: str, names: tuple[str, ...], found: FieldType, info: FieldInfo | None, place: Place) -> Property:
    """A property with everything inferred.

    Args:
        alias: the field's name in the job's variables.
        names: the names under which conditions of fields beside it may refer to it.
        info: ``None`` for a property that belongs to no field.
    """
    template = found.template
    kind, feel = _kind(template, found)
    default = _default(template, info, kind, found)
    required = _required(template, found, info, place, kind, default)
    binding = template.binding or InputBinding(".".join((*place.path, alias)))
    choices = template.choices or tuple(Choice(value, value) for value in values_of(found.plain))
    return Property(
        id=template.id or ".".join((*place.ids, alias)),
        path=(*place.path, alias),
        names=tuple(dict.fromkeys(names)),
        label=template.label or (None if kind == "Hidden" else label_of(alias)),
        description=template.description,
        tooltip=template.tooltip,
        placeholder=template.placeholder,
        group=template.group or place.group,
        kind=kind,
        feel=feel,
        default=default,
        choices=choices if kind == "Dropdown" else (),
        required=required,
        optional=_optional(template, kind, default, required, info),
        min_length=template.min_length if template.min_length is not None else _over_one(found.min_length()),
        max_length=template.max_length if template.max_length is not None else found.max_length(),
        pattern=template.pattern,
        secret=template.secret,
        binding=binding,
        guards=guards_of(template, place),
        credential=template.credential,
        model=found.model,
        order=template.order or place.order,
    )


def _kind(template: Template, found: FieldType) -> tuple[Kind, Feel]:
    inferred, feel = kind_of(found.plain)
    if template.credential is not None:
        return "Configuration", "off"
    kind = template.kind or inferred
    if len(values_of(found.plain)) == 1 and template.kind is None:
        kind = "Hidden"
    if kind in ("Dropdown", "Hidden"):
        return kind, "off"
    if kind != inferred and kind in ("Number", "Boolean"):
        feel = "static"
    return kind, template.feel or feel


def _default(template: Template, info: FieldInfo | None, kind: Kind, found: FieldType) -> Value:
    if not isinstance(template.default, Inferred):
        return template.default
    values = values_of(found.plain)
    if len(values) == 1:
        return values[0]
    if info is None or info.is_required():
        return None
    value = plain_value(info.default)
    return str(value) if kind == "Dropdown" and value is not None else value


def plain_value(value: Any) -> Value:
    """A default as a template can hold it."""
    value = value.value if isinstance(value, Enum) else value
    return value if isinstance(value, str | int | float | bool) else None


def _required(
    template: Template, found: FieldType, info: FieldInfo | None, place: Place, kind: Kind, default: Value
) -> bool:
    if template.required is not None:
        return template.required
    if kind in ("Hidden", "Boolean", "Configuration") or (kind == "Dropdown" and default is not None):
        return False
    if found.min_length():
        return True
    return info is not None and info.is_required() and not found.nullable and not place.nullable


def _optional(template: Template, kind: Kind, default: Value, required: bool, info: FieldInfo | None) -> bool:
    if template.optional is not None:
        return template.optional
    if kind in ("Dropdown", "Boolean") or required or default is not None:
        return False
    return info is not None and not isinstance(template.binding, TaskBinding)


def _over_one(length: int | None) -> int | None:
    """A minimum of one is what "not empty" says already."""
    return length if length is not None and length > 1 else None


def label_of(name: str) -> str:
    """Words for a name in camelCase or snake_case."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " ").replace("-", " ")).strip()
    return words[:1].upper() + words[1:].lower() if words != words.upper() else words


__all__ = ["Place", "guards_of", "label_of", "plain_value", "property_of"]
