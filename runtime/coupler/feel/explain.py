"""The command ``coupler feel``: evaluates an expression and says why parts of it are null."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from coupler import json
from coupler.errors import FeelError
from coupler.feel import expression as expressions
from coupler.feel.expression import Functions
from coupler.feel.jsonable import to_json
from coupler.feel.limits import DEFAULT, Limits
from coupler.feel.scope import Run
from coupler.feel.strict import check
from coupler.feel.syntax import excerpt
from coupler.feel.tagged import encode
from coupler.feel.values import type_name

_UNREADABLE = 2
_FAILED = 1


class Explanation(NamedTuple):
    """A value with why it, or a part of it, is null (offsets and messages) and how many steps it took."""

    value: Any
    warnings: list[tuple[int, str]]
    steps: int


def explain_text(
    text: str, context: Mapping[str, Any], functions: Functions | None = None, limits: Limits = DEFAULT
) -> Explanation:
    """Evaluates with all warnings; errors as ``Expression.evaluate``."""
    warnings: list[tuple[int, str]] = []
    run = Run(context, functions or {}, limits, warnings)
    expression = expressions.compile(text, limits)
    value = expression.evaluate_in(run)
    return Explanation(value, warnings, expression.weight + limits.steps - run.remaining)


def run(expression: str, context_file: str | None, explain: bool, functions: Functions | None = None) -> int:
    """Prints the value as JSON, and on standard error the warnings; with ``explain`` the type, steps and findings too.

    Args:
        expression: with or without the leading ``=``.
        context_file: a JSON object with the variables; None for no variables, ``-`` for standard input.
        functions: those of jobs, from ``coupler.expressions``.

    Returns:
        The exit code: 0 for a value (null is one), 1 when the expression cannot be read or evaluated, 2 for a bad file.
    """
    text = expressions.strip_marker(expression)
    try:
        context = _context(context_file)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"the context {context_file} cannot be read: {error}\n")
        return _UNREADABLE
    try:
        explained = explain_text(text, context, functions)
    except FeelError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    sys.stdout.write(f"{_printed(explained.value)}\n")
    _print_notes(text, explained.warnings, sys.stderr)
    if explain:
        sys.stderr.write(f"type: {type_name(explained.value)}\nsteps: {explained.steps:,}\n")
        _print_notes(text, [note for note in check(text, functions) if note not in explained.warnings], sys.stderr)
    return 0


def _context(path: str | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    content = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    context = json.loads(content)
    if not isinstance(context, dict):
        raise ValueError("it must be a JSON object, with a variable for each key")
    return context


def _printed(value: Any) -> str:
    try:
        return json.dumps(to_json(value))
    except FeelError:  # a function or a range, which is a value but no result
        return json.dumps(encode(value))


def _print_notes(text: str, notes: list[tuple[int, str]], out: TextIO) -> None:
    for position, message in notes:
        out.write(f"{message}\n")
        if position >= 0:
            out.write(f"{excerpt(text, position)}\n")


__all__ = ["Explanation", "explain_text", "run"]
