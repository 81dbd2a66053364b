"""An attribute of the model that is either a constant or, with a leading ``=``, a FEEL expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coupler import feel


class Expression:
    """A constant text or a compiled FEEL expression.

    A constant is always text, as in Zeebe: ``source="5"`` binds the string ``"5"``.
    """

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str) -> None:
        """Compiles at once.

        Raises:
            FeelError: the expression cannot be parsed.
        """
        self.source = source
        self._compiled = feel.compile(source[1:]) if source.startswith("=") else None

    @property
    def text(self) -> str:
        """The expression as messages quote it, without the marker."""
        return self.source.removeprefix("=").strip()

    @property
    def is_constant(self) -> bool:
        """Whether the value never depends on variables."""
        return self._compiled is None

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """The value in the form that JSON can carry.

        Raises:
            FeelError: the evaluation fails.
        """
        if self._compiled is None:
            return self.source
        return feel.to_json(self._compiled.evaluate(context))

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"
