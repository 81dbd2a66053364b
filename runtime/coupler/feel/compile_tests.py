"""Rules for ``in``, intervals and unary tests."""

from __future__ import annotations

from typing import Any, Final

from coupler.feel import nodes
from coupler.feel.compile_names import implicit_input
from coupler.feel.compile_operators import compared
from coupler.feel.compiler import Code, Compiler, compiles, contains
from coupler.feel.scope import INPUT, Run, Scope
from coupler.feel.values import Range, equal, order_keys

_ABOUT_INPUT: Final = (nodes.InputComparison, nodes.InputEquals, nodes.Interval, nodes.InputValue)
_INPUT_NAMES: Final = {INPUT: False}


def within(run: Run, value: Any, low: Any, high: Any, *, low_included: bool, high_included: bool) -> bool | None:
    """Whether a value lies between two others; None when the three cannot be compared."""
    above, below = order_keys(value, low), order_keys(value, high)
    if above is None or below is None:
        return None
    after_low = above[0] >= above[1] if low_included else above[0] > above[1]
    before_high = below[0] <= below[1] if high_included else below[0] < below[1]
    return bool(after_low and before_high)


@compiles(nodes.Interval)
def _interval(compiler: Compiler, node: nodes.Interval) -> Code:
    low_of, high_of = compiler.compile(node.low), compiler.compile(node.high)
    low_included, high_included = node.low_included, node.high_included
    if node.is_value:
        return lambda scope: _range(low_of(scope), high_of(scope), low_included, high_included)

    def inside(scope: Scope) -> Any:
        return within(
            scope.run,
            implicit_input(scope),
            low_of(scope),
            high_of(scope),
            low_included=low_included,
            high_included=high_included,
        )

    return inside


def _range(low: Any, high: Any, low_included: bool, high_included: bool) -> Range | None:
    return None if order_keys(low, high) is None else Range(low, high, low_included, high_included)


@compiles(nodes.InputComparison)
def _input_comparison(compiler: Compiler, node: nodes.InputComparison) -> Code:
    symbol, value_of, position = node.operator, compiler.compile(node.value), node.position
    return lambda scope: compared(scope.run, symbol, implicit_input(scope), value_of(scope), position)


@compiles(nodes.InputEquals)
def _input_equals(compiler: Compiler, node: nodes.InputEquals) -> Code:
    value = node.value
    return lambda scope: equal(implicit_input(scope), value, scope.run.spend)


@compiles(nodes.In)
def _in(compiler: Compiler, node: nodes.In) -> Code:
    value_of = compiler.compile(node.value)
    test = _any_of(compiler, node.tests)

    def is_in(scope: Scope) -> Any:
        return test(Scope({INPUT: value_of(scope)}, scope, scope.run))

    return is_in


def _any_of(compiler: Compiler, tests: tuple[nodes.Node, ...]) -> Code:
    with compiler.inside(_INPUT_NAMES):
        codes = [_test(compiler, test) for test in tests]
    if len(codes) == 1:
        return codes[0]

    def any_of(scope: Scope) -> Any:
        result: bool | None = False
        for code in codes:
            passed = code(scope)
            if passed is True:
                return True
            if passed is None:
                result = None
        return result

    return any_of


def _test(compiler: Compiler, node: nodes.Node) -> Code:
    code = compiler.compile(node)
    if isinstance(node, (nodes.InputEquals, nodes.InputComparison, nodes.Interval)):
        return code
    if contains(node, (nodes.InputValue,)):
        return lambda scope: value if isinstance(value := code(scope), bool) else None
    return lambda scope: _passes(scope, code(scope))


def _passes(scope: Scope, outcome: Any) -> bool | None:
    """What the value of an expression says as a test: itself, a list with the input in it, or the input itself."""
    if outcome is True:
        return True
    value = implicit_input(scope)
    spend = scope.run.spend
    if type(outcome) is list:
        spend(len(outcome))
        if any(equal(item, value, spend) for item in outcome):
            return True
    same = equal(value, outcome, spend)
    if same is True or (same is None and outcome is not False and type(outcome) is not list):
        return same
    return False


@compiles(nodes.UnaryTests)
def _unary_tests(compiler: Compiler, node: nodes.UnaryTests) -> Code:
    if not node.tests:
        return lambda scope: True
    test = _any_of(compiler, node.tests)
    if not node.negated:
        return test

    def negated(scope: Scope) -> Any:
        passed = test(scope)
        return None if passed is None else not passed

    return negated


__all__ = ["within"]
