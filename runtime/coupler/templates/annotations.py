"""What a field's type says: its model or models, whether it may be absent, its constraints and its ``Template``."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from coupler.sdk.template import Feel, Kind, Template, Variant


@dataclass(frozen=True, slots=True)
class Arm:
    """One model of a union."""

    model: type[BaseModel]
    variant: Variant


@dataclass(slots=True)
class FieldType:
    """A field's type with all its layers taken off."""

    plain: Any
    nullable: bool = False
    metadata: list[Any] = field(default_factory=list)
    arms: tuple[Arm, ...] = ()

    @property
    def template(self) -> Template:
        """What the author says about the field."""
        return next((item for item in self.metadata if isinstance(item, Template)), Template())

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, where the field holds exactly one."""
        return self.plain if is_model(self.plain) else None

    def min_length(self) -> int | None:
        """The shortest text that validation accepts."""
        return next((item.min_length for item in self.metadata if isinstance(item, MinLen)), None)

    def max_length(self) -> int | None:
        """The longest text that validation accepts."""
        return next((item.max_length for item in self.metadata if isinstance(item, MaxLen)), None)


def is_model(annotation: Any) -> bool:
    """Whether a type is a pydantic model."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def type_of(info: FieldInfo) -> FieldType:
    """Reads the type of a model's field."""
    found = FieldType(info.annotation, metadata=list(info.metadata))
    _unwrap(found)
    return found


def _unwrap(found: FieldType) -> None:
    """Takes off ``Annotated``, type aliases and ``None``; what is inside counts less than what is outside."""
    while True:
        origin = get_origin(found.plain)
        if hasattr(found.plain, "__value__"):
            found.plain = found.plain.__value__
        elif origin is Annotated:
            found.metadata.extend(found.plain.__metadata__)
            found.plain = get_args(found.plain)[0]
        elif origin in (Union, types.UnionType):
            present = [arm for arm in get_args(found.plain) if arm is not type(None)]
            found.nullable = found.nullable or len(present) < len(get_args(found.plain))
            if len(present) > 1:
                found.plain, found.arms = Any, _arms(present)
                return
            found.plain = present[0]
        else:
            return


def _arms(candidates: Iterable[Any]) -> tuple[Arm, ...]:
    """The models of a union, or nothing where a member is no model."""
    arms: list[Arm] = []
    for candidate in candidates:
        inner = FieldType(candidate)
        _unwrap(inner)
        if inner.arms and all(inner.arms):
            arms.extend(inner.arms)
        elif inner.model is None:
            return ()
        else:
            variant = next((item for item in inner.metadata if isinstance(item, Variant)), Variant())
            arms.append(Arm(inner.model, variant))
    return tuple(arms)


_KINDS: Final[dict[Any, tuple[Kind, Feel]]] = {
    str: ("String", "optional"),
    bool: ("Boolean", "static"),
    int: ("Number", "static"),
    float: ("Number", "static"),
    Decimal: ("Number", "static"),
}
_CONTAINERS: Final = (dict, list, tuple, set, frozenset, Mapping, Sequence)


def kind_of(annotation: Any) -> tuple[Kind, Feel]:
    """Property type and FEEL mode of a plain type."""
    if annotation in _KINDS:
        return _KINDS[annotation]
    if values_of(annotation):
        return "Dropdown", "off"
    if (get_origin(annotation) or annotation) in _CONTAINERS:
        return "String", "required"
    return "String", "optional"


def values_of(annotation: Any) -> tuple[str, ...]:
    """The values of an enumeration or a ``Literal``, as text; empty for every other type."""
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()


__all__ = ["Arm", "FieldType", "is_model", "kind_of", "type_of", "values_of"]
