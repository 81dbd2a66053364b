"""The names of all settings, read off the model."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from coupler.settings.model import Settings

PREFIX = "COUPLER_"

SettingPath = tuple[str, ...]
"""``("worker", "max_jobs_active")``."""

OPEN_SECTIONS = {"connectors": 2, "connectors_by_name": 2, "secrets": 2, "documents": 2}
"""Sections where connectors, providers and stores bring names of their own, and the depth below which they do."""

_SECRET_WORDS = ("password", "secret", "token", "passphrase", "private_key", "access_key", "api_key")


@dataclass(slots=True, frozen=True)
class Leaf:
    """One setting that takes a value."""

    path: SettingPath
    annotation: Any
    default: Any

    @property
    def is_list(self) -> bool:
        """Whether the environment may give several values, separated by commas."""
        return any(typing.get_origin(each) in (tuple, list, frozenset, set) for each in _options(self.annotation))

    @property
    def may_be_none(self) -> bool:
        """Whether "nothing" is a value."""
        return type(None) in _options(self.annotation)


def variable(path: SettingPath) -> str:
    """The environment variable of a setting."""
    return PREFIX + "__".join(path).upper()


def is_secret(path: SettingPath) -> bool:
    """Whether the value of a setting is never shown."""
    name = path[-1]
    return any(word in name for word in _SECRET_WORDS) and not name.endswith(("_url", "_path", "_seconds"))


def is_open(path: SettingPath) -> bool:
    """Whether a path lies where connectors or providers bring their own names."""
    depth = OPEN_SECTIONS.get(path[0]) if path else None
    return depth is not None and len(path) > depth and path[:depth] not in _sections()


@cache
def leaves() -> dict[SettingPath, Leaf]:
    """Every setting with a fixed name."""
    return {leaf.path: leaf for leaf in _walk((), Settings, None)}


@cache
def _sections() -> frozenset[SettingPath]:
    """Sections of sections that are ours, such as ``documents.limits``."""
    return frozenset(path[:2] for path in leaves() if len(path) > 2)


@cache
def connector_leaves() -> dict[str, Leaf]:
    """The settings that every connector has."""
    from coupler.settings.model import ConnectorSettings

    return {leaf.path[-1]: leaf for leaf in _walk((), ConnectorSettings, None)}


def leaf_of(path: SettingPath) -> Leaf | None:
    """The setting of a path, ``None`` for an unknown name or one that belongs to a connector or provider."""
    if len(path) == 3 and path[0] == "connectors":
        return connector_leaves().get(path[2])
    return leaves().get(path)


def _walk(path: SettingPath, owner: Any, instance: Any) -> Iterator[Leaf]:
    for name, annotation, default in _fields(owner, instance):
        inner = (*path, name)
        section = next((each for each in _options(annotation) if _is_section(each)), None)
        if section is not None:
            yield from _walk(inner, section, default)
        elif name not in OPEN_SECTIONS or path:
            yield Leaf(inner, annotation, default)


def _fields(owner: Any, instance: Any) -> Iterator[tuple[str, Any, Any]]:
    if issubclass(owner, BaseModel):
        for name, info in owner.model_fields.items():
            default = (
                getattr(instance, name, None) if instance is not None else info.get_default(call_default_factory=True)
            )
            yield name, info.annotation, default
        return
    hints = typing.get_type_hints(owner)
    for each in dataclasses.fields(owner):
        yield each.name, hints[each.name], _dataclass_default(each, instance)


def _dataclass_default(each: dataclasses.Field[Any], instance: Any) -> Any:
    if instance is not None:
        return getattr(instance, each.name)
    if each.default_factory is not dataclasses.MISSING:
        return each.default_factory()
    return None if each.default is dataclasses.MISSING else each.default


def _options(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and (dataclasses.is_dataclass(annotation) or issubclass(annotation, BaseModel))
