"""From a connector's input model to the properties of its template, in the order of the fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.fields import FieldInfo

from coupler.errors import ConfigError
from coupler.sdk.template import Choice, Extra, Inferred, When
from coupler.templates.annotations import Arm, FieldType, type_of, values_of
from coupler.templates.inference import Place, guards_of, label_of, plain_value, property_of
from coupler.templates.property import Guard, Property


def properties_of(model: type[BaseModel]) -> tuple[Property, ...]:
    """The properties of a model.

    Raises:
        ConfigError: two properties would have the same id, or a union has no field that tells its models apart.
    """
    found = tuple(_walk(model, Place()))
    seen: dict[str, Property] = {}
    for each in found:
        other = seen.setdefault(each.id, each)
        if other is not each:
            raise ConfigError(
                f"Two properties of {model.__name__} have the id {each.id!r}. Set Template(id=…) on one of the fields,"
                f" or Variant(id=…) on the model that holds it."
            )
    return found


def extra_property(extra: Extra, place: Place | None = None) -> Property:
    """A property that belongs to no field."""
    place = place or Place()
    template = extra.template
    return property_of(extra.name, (extra.name,), FieldType(str, metadata=[template]), None, place)


def alias_of(name: str, info: FieldInfo) -> str:
    """The name of a field in the job's variables."""
    alias: Any = info.validation_alias or info.alias or name
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return str(alias.path[0]) if isinstance(alias, AliasPath) else str(alias)


def _walk(model: type[BaseModel], place: Place) -> Iterator[Property]:
    for name, info in model.model_fields.items():
        alias = alias_of(name, info)
        if alias != place.chosen:
            yield from _field(name, alias, info, place)


def _field(name: str, alias: str, info: FieldInfo, place: Place) -> Iterator[Property]:
    found = type_of(info)
    template = found.template
    if template.omit:
        return
    for extra in template.before:
        yield extra_property(
            extra, replace(place, group=template.group or place.group, guards=guards_of(template, place))
        )
    whole = template.kind is not None or template.credential is not None
    if found.arms and not whole:
        yield from _union(name, alias, info, found, place)
    elif found.model is not None and not whole:
        yield from _walk(found.model, place.into(alias, template, found.nullable))
    else:
        yield property_of(alias, (alias, name), found, info, place)


def _union(name: str, alias: str, info: FieldInfo, found: FieldType, place: Place) -> Iterator[Property]:
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
    place: Place,
) -> Property:
    """The dropdown that chooses a model. It stands under the conditions of the union, which ``place`` has."""
    template = found.template
    alias = alias_of(discriminator, found.arms[0].model.model_fields[discriminator])
    choices = tuple(Choice(value, arm.variant.label or label_of(value)) for arm, chosen in values for value in chosen)
    default = template.default
    if isinstance(default, Inferred):
        default = plain_value(getattr(info.default, discriminator, None))
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
    return property_of(alias, (alias, discriminator), FieldType(str, metadata=[described]), None, place)


__all__ = ["alias_of", "extra_property", "properties_of"]
