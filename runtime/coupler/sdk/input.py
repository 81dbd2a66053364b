"""The base of input models."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from coupler.sdk.coercion import Coercion, coercion_for, settled_type


@cache
def _coercions(model: type[BaseModel]) -> dict[str, tuple[type | None, Coercion]]:
    """By property name, for every field that has one: its coercion, and the type of values that need none."""
    found: dict[str, tuple[type | None, Coercion]] = {}
    for name, field in model.model_fields.items():
        coercion = coercion_for(field.annotation)
        if coercion is not None:
            found[name] = found[field.alias or name] = settled_type(field.annotation), coercion
    return found


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
        defer_build=True,  # a validator is built when the first job of its type comes: the start is faster
    )

    @model_validator(mode="before")
    @classmethod
    def _coerce(cls, data: Any) -> Any:
        if type(data) is list and len(data) == 1:
            data = data[0]
        if type(data) is not dict:
            return data
        changed: dict[str, Any] | None = None
        coercions = _coercions(cls)
        for name, value in data.items():
            known = coercions.get(name)
            if known is None or type(value) is known[0]:
                continue
            coerced = known[1](value)
            if coerced is not value:
                if changed is None:
                    changed = dict(data)
                changed[name] = coerced
        return data if changed is None else changed


__all__ = ["Input"]
