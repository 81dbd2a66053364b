"""One property of an element template, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from coupler.errors import ConfigError
from coupler.sdk.template import (
    Binding,
    Choice,
    CredentialTemplate,
    Feel,
    HeaderBinding,
    InputBinding,
    Kind,
    Pattern,
    TaskBinding,
    Value,
    When,
)


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition, and the path of the model in which its property is looked for first."""

    when: When
    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property with everything inferred."""

    id: str
    path: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    label: str | None = None
    description: str | None = None
    tooltip: str | None = None
    placeholder: str | None = None
    group: str | None = None
    kind: Kind = "String"
    feel: Feel = "off"
    default: Value = None
    choices: tuple[Choice, ...] = ()
    required: bool = False
    optional: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: Pattern | None = None
    secret: bool = False
    binding: Binding
    guards: tuple[Guard, ...] = ()
    credential: CredentialTemplate | None = None
    model: type[BaseModel] | None = None
    order: int = 0


def binding_json(binding: Binding) -> dict[str, str]:
    """A binding as the schema has it."""
    match binding:
        case InputBinding(name=name):
            return {"type": "zeebe:input", "name": name}
        case HeaderBinding(key=key):
            return {"type": "zeebe:taskHeader", "key": key}
        case TaskBinding(property=name):
            return {"type": "zeebe:taskDefinition", "property": name}
        case _:
            return {"type": "zeebe:property", "name": binding.name}


def _constraints(each: Property) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if each.required:
        found["notEmpty"] = True
    if each.min_length is not None:
        found["minLength"] = each.min_length
    if each.max_length is not None:
        found["maxLength"] = each.max_length
    if each.pattern is not None:
        found["pattern"] = {"value": each.pattern.regex, "message": each.pattern.message}
    # The schema wants to see this said wherever an optional property has constraints at all.
    return {"notEmpty": False} | found if found and each.optional else found


def _condition(each: Property, resolve: Resolver) -> dict[str, Any] | None:
    conditions = [_simple(each, guard, resolve) for guard in each.guards]
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"allMatch": conditions}


def _simple(each: Property, guard: Guard, resolve: Resolver) -> dict[str, Any]:
    when = guard.when
    condition: dict[str, Any] = {"property": resolve(guard, each)}
    if when.one_of:
        condition["oneOf"] = list(when.one_of)
    elif when.active is not None:
        condition["isActive"] = when.active
    else:
        condition["equals"] = when.equals
    return condition | {"type": "simple"}


class Resolver:
    """Finds the id of the property that a condition names: an id, or the name of a field beside it."""

    def __init__(self, properties: tuple[Property, ...]) -> None:
        self._ids = {each.id for each in properties}
        self._named: dict[tuple[str, ...], list[str]] = {}
        for each in properties:
            for name in each.names:
                self._named.setdefault((*each.path[:-1], name), []).append(each.id)

    def __call__(self, guard: Guard, owner: Property) -> str:
        """The id.

        Raises:
            ConfigError: there is no such property, or more than one.
        """
        name = guard.when.property
        beside = self._named.get((*guard.scope, name), [])
        if len(beside) == 1:
            return beside[0]
        if name in self._ids:
            return name
        problem = f"several properties ({', '.join(beside)})" if beside else "no property"
        raise ConfigError(f"The condition of {owner.id!r} names {name!r}, which fits {problem}. Name the id of one.")


def property_json(each: Property, resolve: Resolver) -> dict[str, Any]:
    """A property as the schema has it; nothing that is not said is written."""
    texts = ("label", "description", "tooltip", "placeholder", "group")
    found: dict[str, Any] = {"id": each.id}
    found |= {name: getattr(each, name) for name in texts if getattr(each, name) is not None}
    found["type"] = each.kind
    if each.choices:
        found["choices"] = [{"name": choice.label, "value": choice.value} for choice in each.choices]
    if each.default is not None:
        found["value"] = each.default
    if each.optional:
        found["optional"] = True
    if each.feel != "off":
        found["feel"] = each.feel
    if each.secret:
        found["secret"] = True
    if each.credential is not None:
        found["configurationTemplate"] = each.credential.id
    constraints = _constraints(each)
    if constraints:
        found["constraints"] = constraints
    found["binding"] = binding_json(each.binding)
    condition = _condition(each, resolve)
    if condition is not None:
        found["condition"] = condition
    return found


__all__ = ["Guard", "Property", "Resolver", "binding_json", "property_json"]
