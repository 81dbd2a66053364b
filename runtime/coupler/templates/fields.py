"""From a connector's input model to the properties of its template, in the order of the fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.fields import FieldInfo

from coupler.errors import ConfigError
from coupler.sdk.template import (
    Choice,
    Extra,
    Feel,
    Inferred,
    InputBinding,
    Kind,
    TaskBinding,
    Template,
    Value,
    When,
)
from coupler.templates.annotations import Arm, FieldType, kind_of, type_of, values_of
from coupler.templates.property import Guard, Property


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the model the walk is: the path of inputs, what it puts into ids, and what properties inherit."""

    path: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    group: str | None = None
    order: int = 0
    nullable: bool = False
    chosen: str | None = None

    def into(self, alias: str, template: Template, nullable: bool) -> _Place:
        """The place inside a field that holds a model."""
        return _Place(
            (*self.path, alias),
            (*self.ids, alias),
            _guards(template, self),
            template.group or self.group,
            template.order or self.order,
            self.nullable or nullable,
        )


def properties_of(model: type[BaseModel]) -> tuple[Property, ...]:
    """The properties of a model.

    Raises:
        ConfigError: two properties would have the same id, or a union has no field that tells its models apart.
    """
    found = tuple(_walk(model, _Place()))
    seen: dict[str, Property] = {}
    for each in found:
        other = seen.setdefault(each.id, each)
        if other is not each:
            raise ConfigError(
                f"Two properties of {model.__name__} have the id {each.id!r}. Set Template(id=…) on one of the fields,"
                f" or Variant(id=…) on the model that holds it."
            )
    return found


def extra_property(extra: Extra, place: _Place | None = None) -> Property:
    """A property that belongs to no field."""
    place = place or _Place()
    template = extra.template
    return _property(extra.name, (extra.name,), FieldType(str, metadata=[template]), None, place)


def alias_of(name: str, info: FieldInfo) -> str:
    """The name of a field in the job's variables."""
    alias: Any = info.validation_alias or info.alias or name
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return str(alias.path[0]) if isinstance(alias, AliasPath) else str(alias)


def _walk(model: type[BaseModel], place: _Place) -> Iterator[Property]:
    for name, info in model.model_fields.items():
        alias = alias_of(name, info)
        if alias != place.chosen:
            yield from _field(name, alias, info, place)


def _field(name: str, alias: str, info: FieldInfo, place: _Place) -> Iterator[Property]:
    found = type_of(info)
    template = found.template
    if template.omit:
        return
    for extra in template.before:
        yield extra_property(
            extra, replace(place, group=template.group or place.group, guards=_guards(template, place))
        )
    whole = template.kind is not None or template.credential is not None
    if found.arms and not whole:
        yield from _union(name, alias, info, found, place)
    elif found.model is not None and not whole:
        yield from _walk(found.model, place.into(alias, template, found.nullable))
    else:
        yield _property(alias, (alias, name), found, info, place)


def _guards(template: Template, place: _Place) -> tuple[Guard, ...]:
    own = template.when if isinstance(template.when, tuple) else (template.when,)
    return (*(Guard(when, place.path) for when in own), *place.guards)


def _union(name: str, alias: str, info: FieldInfo, found: FieldType, place: _Place) -> Iterator[Property]:
    template = found.template
    inside = place.into(alias, template, nullable=False)
    if template.chosen_by is not None:
        guard = Guard(When(template.chosen_by), place.path)
        values = [(arm, _chosen_value(arm, alias)) for arm in found.arms]
        discriminator = None
    else:
        discriminator = _discriminator(found.arms, f"{'.'.join(place.path)}.{name}".lstrip("."))
        values = [(arm, values_of(type_of(arm.model.model_fields[discriminator]).plain)) for arm in found.arms]
        chooser = _chooser(discriminator, info, found, values, inside)
        guard = Guard(When(chooser.id))
        yield chooser
    for arm, chosen in values:
        when = replace(guard.when, equals=chosen[0]) if len(chosen) == 1 else replace(guard.when, one_of=chosen)
        variant = arm.variant
        yield from _walk(
            arm.model,
            replace(
                inside,
                ids=(*inside.ids, variant.id) if variant.id else inside.ids,
                guards=(replace(guard, when=when), *inside.guards),
                group=variant.group or inside.group,
                chosen=discriminator and alias_of(discriminator, arm.model.model_fields[discriminator]),
            ),
        )


def _chosen_value(arm: Arm, alias: str) -> tuple[str, ...]:
    if arm.variant.value is None:
        raise ConfigError(
            f"The model {arm.model.__name__} of {alias!r} needs Variant(value=…): the value that chooses it."
        )
    return (arm.variant.value,)


def _discriminator(arms: tuple[Arm, ...], where: str) -> str:
    """The field whose ``Literal`` tells the models of a union apart."""
    for name in arms[0].model.model_fields:
        values = [_literal(arm.model, name) for arm in arms]
        flat = [value for each in values for value in each]
        if all(values) and len(set(flat)) == len(flat):
            return name
    models = ", ".join(arm.model.__name__ for arm in arms)
    raise ConfigError(f"No field with a Literal type tells the models of {where!r} apart ({models}).")


def _literal(model: type[BaseModel], name: str) -> tuple[str, ...]:
    info = model.model_fields.get(name)
    return () if info is None else values_of(type_of(info).plain)


def _chooser(
    discriminator: str,
    info: FieldInfo,
    found: FieldType,
    values: list[tuple[Arm, tuple[str, ...]]],
    place: _Place,
) -> Property:
    """The dropdown that chooses a model. It stands under the conditions of the union, which ``place`` has."""
    template = found.template
    alias = alias_of(discriminator, found.arms[0].model.model_fields[discriminator])
    choices = tuple(Choice(value, arm.variant.label or _label(value)) for arm, chosen in values for value in chosen)
    default = template.default
    if isinstance(default, Inferred):
        default = _plain(getattr(info.default, discriminator, None))
    required = template.required
    if required is None:
        required = default is None and info.is_required() and not (found.nullable or place.nullable)
    described = replace(
        template,
        choices=template.choices or choices,
        default=default,
        required=required,
        kind="Dropdown",
        when=(),
        before=(),
    )
    return _property(alias, (alias, discriminator), FieldType(str, metadata=[described]), None, place)


def _property(alias: str, names: tuple[str, ...], found: FieldType, info: FieldInfo | None, place: _Place) -> Property:
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
        label=template.label or (None if kind == "Hidden" else _label(alias)),
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
        guards=_guards(template, place),
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
    value = _plain(info.default)
    return str(value) if kind == "Dropdown" and value is not None else value


def _plain(value: Any) -> Value:
    """A default as a template can hold it."""
    value = value.value if isinstance(value, Enum) else value
    return value if isinstance(value, str | int | float | bool) else None


def _required(
    template: Template, found: FieldType, info: FieldInfo | None, place: _Place, kind: Kind, default: Value
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


def _label(name: str) -> str:
    """Words for a name in camelCase or snake_case."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " ").replace("-", " ")).strip()
    return words[:1].upper() + words[1:].lower() if words != words.upper() else words


__all__ = ["alias_of", "extra_property", "properties_of"]
