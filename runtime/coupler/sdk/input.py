"""The base of input models."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from coupler.sdk.coercion import Coercion, coercion_for


@cache
def _coercions(model: type[BaseModel]) -> tuple[tuple[str, Coercion], ...]:
    """Property name and coercion of every field that has one."""
    found: list[tuple[str, Coercion]] = []
    for name, field in model.model_fields.items():
        coercion = coercion_for(field.annotation)
        if coercion is not None:
            found.append((field.alias or name, coercion))
            if field.alias not in (None, name):
                found.append((name, coercion))
    return tuple(found)


class Input(BaseModel):
    """Base of input models: camelCase names in the model's variables, unknown properties ignored, values coerced.

    The rules follow what process models already rely on: numbers and booleans become text where text is wanted and the
    other way round, enumerations ignore case, a list of one element and the element itself stand for each other, empty
    text for a number or boolean means "not given" (docs/compatibility.md).
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _coerce(cls, data: Any) -> Any:
        if type(data) is list and len(data) == 1:
            data = data[0]
        if type(data) is not dict:
            return data
        changed: dict[str, Any] | None = None
        for name, coercion in _coercions(cls):
            if name in data:
                value = data[name]
                coerced = coercion(value)
                if coerced is not value:
                    if changed is None:
                        changed = dict(data)
                    changed[name] = coerced
        return data if changed is None else changed


__all__ = ["Input"]
