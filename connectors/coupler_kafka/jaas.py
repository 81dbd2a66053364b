"""The text of ``sasl.jaas.config``: a login module and its options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coupler.sdk import ConnectorError

_HEAD: Final = re.compile(r"\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b", re.IGNORECASE)
_OPTION: Final = re.compile(
    r"""\s*([\w.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))""", re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(slots=True, frozen=True)
class Jaas:
    """What a login module is given."""

    module: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def pair(self) -> tuple[str, str] | None:
        """User name and password, where the module has both."""
        username, password = self.options.get("username"), self.options.get("password")
        return None if username is None or password is None else (username, password)


def parse_jaas(text: str) -> Jaas:
    """Reads the one entry that a client has.

    Raises:
        ConnectorError: it is not of the form ``module required name="value" …;``.
    """
    head = _HEAD.match(text)
    if head is None:
        raise ConnectorError('sasl.jaas.config must read like: ...PlainLoginModule required username="…" password="…";')
    options: dict[str, str] = {}
    position = head.end()
    while found := _OPTION.match(text, position):
        name, *values = found.groups()
        quoted = values[0] if values[0] is not None else values[1]
        options[name] = values[2] if quoted is None else _ESCAPE.sub(r"\1", quoted)
        position = found.end()
    if text[position:].strip() not in ("", ";"):
        raise ConnectorError("sasl.jaas.config cannot be read: an option must be name=\"value\", and the end a ';'")
    return Jaas(head[1], options)


__all__ = ["Jaas", "parse_jaas"]
