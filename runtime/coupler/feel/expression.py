"""Compiled expressions, kept by their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel import builtins as builtins
from coupler.feel import compile_calls, compile_loops, compile_names, compile_operators, compile_tests
from coupler.feel.compiler import Code, Compiler
from coupler.feel.limits import DEFAULT, LimitExceeded, Limits
from coupler.feel.nodes import Node
from coupler.feel.parser import parse, parse_unary_tests
from coupler.feel.registry import Overload
from coupler.feel.scope import INPUT, Run, Scope

Functions = Mapping[str, tuple[Overload, ...]]

RULES: Final = (compile_calls, compile_loops, compile_names, compile_operators, compile_tests)
_NO_FUNCTIONS: Final[Functions] = {}
_CACHED_EXPRESSIONS: Final = 2_000
_HEAVY: Final = 1_000  # nodes; below that straight code is too cheap to be charged


class Expression:
    """An expression that was read; evaluate it as often as wanted, in any thread. ``weight`` is its number of parts."""

    __slots__ = ("_code", "text", "weight")

    def __init__(self, text: str, code: Code, weight: int) -> None:
        self.text = text
        self._code = code
        self.weight = weight

    def evaluate(
        self,
        context: Mapping[str, Any],
        functions: Functions | None = None,
        limits: Limits | None = None,
        warnings: list[tuple[int, str]] | None = None,
    ) -> Any:
        """The value for a context.

        Args:
            context: the variables, plain decoded JSON.
            functions: more functions than FEEL has; a ``Registry`` is one.
            limits: the budget; the defaults when None.
            warnings: receives why values are null, with offsets in the text.

        Raises:
            FeelError: where feel-scala fails: ``assert``, a substring that starts behind the text, ``log(0)``.
            LimitExceeded: when the budget is used up; the message says which limit.
        """
        return self.evaluate_in(Run(context, functions or _NO_FUNCTIONS, limits or DEFAULT, warnings))

    def evaluate_in(self, run: Run) -> Any:
        """The value in a run that the caller has made; errors as ``evaluate``."""
        if self.weight > _HEAVY:
            run.spend(self.weight)
        try:
            return self._code(Scope(run.root, None, run))
        except RecursionError:
            raise LimitExceeded("call_depth", run.limits.call_depth) from None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


class UnaryTests:
    """Unary tests that were read, such as ``< 10, [20..30]``."""

    __slots__ = ("_expression",)

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def matches(
        self,
        value: Any,
        context: Mapping[str, Any] | None = None,
        functions: Functions | None = None,
        limits: Limits | None = None,
    ) -> bool | None:
        """Whether ``value`` passes; None when it cannot be compared. Errors as ``Expression.evaluate``."""
        passed = self._expression.evaluate({**(context or {}), INPUT: value}, functions, limits)
        return passed if isinstance(passed, bool) else None


def compile(text: str, limits: Limits = DEFAULT) -> Expression:  # noqa: A001 - the API's name
    """Reads an expression, once per text.

    Raises:
        FeelError: when it cannot be read; the message shows the place with a caret and what was expected.
        LimitExceeded: ``text_length`` or ``nesting_depth``.
    """
    return _compiled(text, limits.text_length, limits.nesting_depth)


def unary(text: str, limits: Limits = DEFAULT) -> UnaryTests:
    """Reads unary tests, once per text; errors as ``compile``."""
    return _compiled_unary(text, limits.text_length, limits.nesting_depth)


# Only the limits of reading are part of the key: they are cheap to compare.
@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def _compiled(text: str, length: int, depth: int) -> Expression:
    return _expression(text, parse(text, replace(DEFAULT, text_length=length, nesting_depth=depth)))


@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def _compiled_unary(text: str, length: int, depth: int) -> UnaryTests:
    tree = parse_unary_tests(text, replace(DEFAULT, text_length=length, nesting_depth=depth))
    return UnaryTests(_expression(text, tree))


def _expression(text: str, tree: Node) -> Expression:
    compiler = Compiler()
    try:
        code = compiler.compile(tree)
    except RecursionError:
        raise LimitExceeded("nesting_depth", DEFAULT.nesting_depth) from None
    return Expression(text, code, compiler.weight)


def evaluate(text: str, context: Mapping[str, Any], functions: Functions | None = None) -> Any:
    """``compile(text).evaluate(context, functions)``."""
    return compile(text).evaluate(context, functions)


def strip_marker(text: str) -> str:
    """The expression without the ``=`` that marks it: space trimmed, one ``=`` taken off, space trimmed again."""
    return text.strip().removeprefix("=").strip()


__all__ = ["Expression", "FeelError", "Functions", "UnaryTests", "compile", "evaluate", "strip_marker", "unary"]
