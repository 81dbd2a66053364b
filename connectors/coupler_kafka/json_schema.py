"""JSON Schema: checks a value where the model asks for it. Imports jsonschema with the first check."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from coupler.sdk import ConnectorError


@lru_cache(maxsize=256)
def _validator(text: str) -> Any:
    import jsonschema
    import referencing

    try:
        schema = json.loads(text)
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
        kind.check_schema(schema)
    except (ValueError, jsonschema.SchemaError) as error:
        raise ConnectorError(f"The JSON Schema cannot be read: {str(error).partition(chr(10))[0]}") from error
    # An empty registry: references to other documents are not fetched.
    return kind(schema, registry=referencing.Registry())


def json_schema_title(text: str) -> str | None:
    """What names the record in a subject.

    Raises:
        ConnectorError: the text is no JSON.
    """
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise ConnectorError("The JSON Schema cannot be read: it is no JSON") from error
    title = schema.get("title") if isinstance(schema, dict) else None
    return title if isinstance(title, str) else None


def check_json(text: str, payload: bytes) -> None:
    """Checks an encoded value.

    Raises:
        ConnectorError: it breaks the schema; the message names the place and the rule, never the value.
    """
    import referencing.exceptions

    try:
        fault = next(iter(_validator(text).iter_errors(json.loads(payload))), None)
    except referencing.exceptions.Unresolvable as error:
        raise ConnectorError(f"The JSON Schema refers to another document, which is not fetched: {error}") from error
    if fault is not None:
        raise ConnectorError(f"The message value does not fit the schema: {fault.json_path} breaks {fault.validator!r}")


__all__ = ["check_json", "json_schema_title"]
