"""Intrinsic functions: calls that stand as JSON objects in a job's input and are evaluated while it is bound."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from coupler import feel, json
from coupler.documents.document import Document
from coupler.durations import parse_duration
from coupler.errors import FeelError, InputError

FUNCTION_KEY: Final = "camunda.function.type"

Function: TypeAlias = Callable[[Sequence[Any]], Awaitable[Any]]


def is_call(value: object) -> bool:
    """Whether a decoded JSON value is a call of an intrinsic function."""
    return type(value) is dict and FUNCTION_KEY in value


def parameters_of(call: Mapping[str, Any]) -> list[Any]:
    """The parameters; a single one may stand without a list."""
    parameters = call.get("params")
    if parameters is None:
        return []
    return parameters if isinstance(parameters, list) else [parameters]


async def call_function(name: Any, parameters: Sequence[Any]) -> Any:
    """Calls a function; parameters are evaluated already, references are ``Document``s.

    Raises:
        InputError: unknown name, wrong parameters, or a document that cannot be used.
        ConnectorError: a document could not be fetched now.
    """
    function = _FUNCTIONS.get(name) if isinstance(name, str) else None
    if function is None:
        raise InputError(f"No intrinsic function found with name: {name}")
    return await function(parameters)


async def _base64(parameters: Sequence[Any]) -> str:
    (value,) = _between("base64", parameters, 1, 1)
    if isinstance(value, Document):
        return await value.base64()
    if isinstance(value, str):
        return base64.b64encode(value.encode()).decode("ascii")
    raise InputError(f"base64 needs a document or text, not {_kind(value)}")


async def _create_link(parameters: Sequence[Any]) -> str:
    document, *rest = _between("createLink", parameters, 1, 2)
    text = _optional_text("createLink", "duration", rest)
    seconds = None
    if text is not None:
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            raise InputError(f"createLink: {error}") from error
        if seconds <= 0:
            raise InputError(f"createLink: the duration {text} must be more than 0")
    return await _document("createLink", document).link(seconds)


async def _get_text(parameters: Sequence[Any]) -> str:
    document, *rest = _between("getText", parameters, 1, 2)
    charset = _optional_text("getText", "charset", rest) or "utf-8"
    try:
        return await _document("getText", document).text(charset)
    except LookupError as error:
        raise InputError(f"getText: there is no charset {charset!r}") from error


async def _get_json(parameters: Sequence[Any]) -> Any:
    document, *rest = _between("getJson", parameters, 1, 2)
    expression = _optional_text("getJson", "expression", rest)
    content = await _document("getJson", document).read()
    try:
        value = json.loads(content)
    except (json.Malformed, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"getJson: the document is not JSON: {error}") from error
    return value if not expression else await _selected(value, expression)


async def _selected(value: Any, expression: str) -> Any:
    """A FEEL expression over the document: the keys of an object are in scope, and ``response`` is the whole."""
    scope = {"response": value, **value} if isinstance(value, dict) else {"response": value}
    try:
        return await feel.evaluate_json(feel.strip_marker(expression), scope)
    except FeelError as error:
        raise InputError(f"getJson: {error}") from error


_FUNCTIONS: Final[dict[str, Function]] = {
    "base64": _base64,
    "createLink": _create_link,
    "getText": _get_text,
    "getJson": _get_json,
}


def _between(name: str, parameters: Sequence[Any], least: int, most: int) -> Sequence[Any]:
    if not least <= len(parameters) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise InputError(f"{name} takes {wanted} parameters, but got {len(parameters)}")
    return parameters


def _document(name: str, value: Any) -> Document:
    if type(value) is list and len(value) == 1:
        value = value[0]
    if not isinstance(value, Document):
        raise InputError(f"{name} needs a document as its first parameter, not {_kind(value)}")
    return value


def _optional_text(name: str, parameter: str, rest: Sequence[Any]) -> str | None:
    value = rest[0] if rest else None
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name}: the {parameter} must be text, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case Document():
            return "a document"
        case _:
            return "a number"


__all__ = ["FUNCTION_KEY", "call_function", "is_call", "parameters_of"]
