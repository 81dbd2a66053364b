"""JSON as people write it into a field: strings may stand in single quotes, as Jackson lets them."""

from __future__ import annotations

import re
from typing import Any, Final

from coupler.sdk import ConnectorError
from coupler.sdk.json import Malformed, loads

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED_QUOTE: Final = re.compile(r"\\(.)|(\")", re.DOTALL)


def read_json(text: str) -> Any:
    """Decodes a text; numbers stay exact.

    Raises:
        ConnectorError: it is no JSON.
    """
    try:
        return loads(text)
    except (Malformed, RecursionError) as first:
        if "'" in text:
            try:
                return loads(_STRING.sub(_double_quoted, text))
            except (Malformed, RecursionError):
                pass
        raise ConnectorError(f"The message value is text, but no JSON as a schema needs it: {first}") from first


def _double_quoted(found: re.Match[str]) -> str:
    body = found[1]
    return found[0] if body is None else f'"{_ESCAPED_QUOTE.sub(_requoted, body)}"'


def _requoted(found: re.Match[str]) -> str:
    r"""``\'`` needs no escape in double quotes, a bare ``"`` needs one."""
    if found[2] is not None:
        return '\\"'
    return "'" if found[1] == "'" else found[0]


__all__ = ["read_json"]
