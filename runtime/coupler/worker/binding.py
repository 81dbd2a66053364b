"""From a job's variables text to the connector's input."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from coupler import json
from coupler.documents.binding import bind_documents
from coupler.documents.service import Documents
from coupler.errors import InputError

_CONSTRAINTS = "value_error", "too_short", "missing", "string_pattern_mismatch", "string_too_short", "too_long"


def decode(variables: str) -> dict[str, Any]:
    """The variables as plain values, numbers exact.

    Raises:
        InputError: not a JSON object.
    """
    try:
        values = json.loads(variables) if variables else {}
    except json.Malformed as error:
        raise InputError("This is not a JSON object") from error
    except RecursionError as error:
        raise InputError("The variables are nested too deeply") from error
    if not isinstance(values, dict):
        raise InputError("This is not a JSON object")
    return values


def bind(values: dict[str, Any], model: type[BaseModel]) -> BaseModel:
    """Validates decoded variables.

    Raises:
        InputError: they break the input model; the message names each property, never a value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(_explain(error, model)) from error


async def bind_with_documents(values: dict[str, Any], model: type[BaseModel], documents: Documents) -> BaseModel:
    """The same for variables that may hold document references and calls of intrinsic functions.

    Raises:
        InputError: as for ``bind``, or a document or call cannot be used.
        ConnectorError: a document could not be fetched now.
    """
    try:
        return await bind_documents(values, model.model_validate, documents)
    except ValidationError as error:
        raise InputError(_explain(error, model)) from error


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The Java runtime's two shapes of message: a value of the wrong kind, or constraints that do not hold."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    violated = [d for d in details if d["type"] in _CONSTRAINTS]
    if not violated:
        path = ", ".join(str(part) for part in _model_path(details[0]["loc"]))
        return (
            f"Json object contains an invalid field: {path}. It Must be `{model.__qualname__}`. {_reason(details[0])}"
        )
    lines = [
        f" - Property: {'.'.join(map(str, _model_path(d['loc'])))}: Validation failed. Original message: {_reason(d)}"
        for d in violated
    ]
    return "Found constraints violated while validating input: \n" + "\n".join(lines)


def _reason(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")


def _model_path(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Without the tags that pydantic puts in for the branches of a union: they are no part of the user's model."""
    return tuple(part for part in location if not (isinstance(part, str) and part.startswith("tag:")))
