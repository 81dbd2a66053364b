"""The base of input models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Input(BaseModel):
    """Base of input models: camelCase names in the model's variables, unknown properties ignored, numbers taken as text.

    The rules follow what process models already rely on (docs/compatibility.md).
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )
