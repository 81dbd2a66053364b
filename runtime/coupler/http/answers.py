"""The result object: status, headers, body, reason, document."""

from __future__ import annotations

import json as stdlib_json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

from coupler.http.messages import HttpResponse
from coupler.json import Malformed, loads


def header_map(lines: list[tuple[str, str]]) -> dict[str, Any]:
    """Headers by the server's spelling; one value is text, several are a list."""
    headers: dict[str, Any] = {}
    for name, value in lines:
        present = headers.get(name)
        if present is None:
            headers[name] = value
        elif isinstance(present, list):
            present.append(value)
        else:
            headers[name] = [present, value]
    return headers


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_lenient: Final = stdlib_json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def leading_json(body: bytes, *, scalars: bool = False) -> Any:
    """The JSON object or list (or, with ``scalars``, any value) at the start of ``body``; what follows it is ignored.

    Raises:
        ValueError: there is none.
    """
    text = body.decode("utf-8-sig", "replace").lstrip()
    if not scalars and text[:1] not in ("{", "["):
        raise ValueError("neither an object nor a list")
    try:
        value, _ = _lenient.raw_decode(text)
    except ArithmeticError as error:
        raise ValueError("a number is too large") from error
    return _whole(value) if _SURROGATE_ESCAPE.search(text) is not None else value


def _whole(value: Any) -> Any:
    """The value with U+FFFD for halves of characters, which servers leave where they cut a text in two."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(element) for element in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(member) for key, member in value.items()}
    return value


_NOT_JSON: Final = (Malformed, UnicodeDecodeError, RecursionError, ArithmeticError)
"""What the strict decoder raises; the last for numbers beyond all bounds."""


def any_json(body: bytes) -> Any:
    """The JSON value, of any kind, that the body holds; what follows it is ignored.

    Raises:
        ValueError: there is none.
    """
    try:
        return loads(body)
    except _NOT_JSON:
        pass
    try:
        return leading_json(body, scalars=True)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def structured_or_text(body: bytes) -> Any:
    """An object or list when the body begins with one, ``None`` when it is blank, else its text.

    The Content-Type does not count, and scalars stay text, quotes included: that is what process models rely on.
    """
    start = body[:64].lstrip()[:1]
    if start in (b"{", b"["):
        try:
            return loads(body)
        except _NOT_JSON:
            pass
    elif not start and (not body or body.isspace()):
        return None
    try:
        return leading_json(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def result(response: HttpResponse, body: Any, document: Any = None) -> dict[str, Any]:
    """What result expressions see as ``response``."""
    return {
        "status": response.status,
        "headers": header_map(response.headers),
        "body": body,
        "reason": response.reason,
        "document": document,
    }


__all__ = ["any_json", "header_map", "leading_json", "result", "structured_or_text"]
