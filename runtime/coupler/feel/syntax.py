"""The error for an expression that cannot be read: the line with a caret, and what was expected there."""

from __future__ import annotations

from typing import Final

from coupler.errors import FeelError

_WIDTH: Final = 100  # of a long line, this many characters around the place are shown


class FeelSyntaxError(FeelError):
    """An expression that cannot be read; ``position`` is the offset of the fault in ``expression``."""

    def __init__(self, expression: str, position: int, expected: str, found: str | None = None) -> None:
        self.expression = expression
        self.position = position
        self.expected = expected
        self.found = found if found is not None else _found(expression, position)
        line = expression.count("\n", 0, position) + 1
        start = expression.rfind("\n", 0, position) + 1
        place = f"line {line}, column {position - start + 1}"
        super().__init__(
            f"the expression cannot be read at {place}: expected {expected}, found {self.found}\n"
            f"{excerpt(expression, position)}"
        )


def _found(expression: str, position: int) -> str:
    rest = expression[position : position + 20].split("\n")[0].strip()
    if not rest:
        return "the end of the expression" if position >= len(expression.rstrip()) else "the end of the line"
    word = rest.split()[0]
    return f"'{word}'"


def excerpt(expression: str, position: int) -> str:
    """The line around an offset, with a caret below the place."""
    start = expression.rfind("\n", 0, position) + 1
    end = expression.find("\n", position)
    line = expression[start : end if end >= 0 else len(expression)]
    column = position - start
    left = max(0, column - _WIDTH // 2)
    shown = line[left : left + _WIDTH].replace("\t", " ")
    prefix = "…" if left else ""
    suffix = "…" if left + _WIDTH < len(line) else ""
    return f"    {prefix}{shown}{suffix}\n    {' ' * (column - left + len(prefix))}^"


__all__ = ["FeelSyntaxError", "excerpt"]
