"""Rules for arithmetic, comparison, and, or, between, instance of and if."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from coupler.feel import nodes
from coupler.feel.arithmetic import LARGEST_INT, OPERATORS
from coupler.feel.compiler import Code, Compiler, compiles
from coupler.feel.scope import Run, Scope
from coupler.feel.values import NUMBERS, equal, negated, number, order_keys, type_name

_SAME: Final = frozenset((str, int, bool, Decimal, type(None)))
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WHOLE: Final[dict[str, Callable[[int, int], int]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_VERBS: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "raise"}


def _describe(verb: str, left: Any, right: Any) -> str:
    return f"cannot {verb} {type_name(left)} and {type_name(right)}"


@compiles(nodes.Arithmetic)
def _arithmetic(compiler: Compiler, node: nodes.Arithmetic) -> Code:
    first = compiler.compile(node.first)
    rest = [(OPERATORS[symbol], compiler.compile(item), symbol, position) for symbol, item, position in node.rest]
    if len(rest) == 1:
        whole = _WHOLE.get(rest[0][2])
        return _single_arithmetic(first, *rest[0]) if whole is None else _whole_arithmetic(first, whole, *rest[0])

    def chain(scope: Scope) -> Any:
        value = first(scope)
        for operate, item, symbol, position in rest:
            value = _operated(scope.run, operate, value, item(scope), symbol, position)
        return value

    return chain


def _single_arithmetic(
    left: Code, operate: Callable[[Run, Any, Any], Any], right: Code, symbol: str, position: int
) -> Code:
    def arithmetic(scope: Scope) -> Any:
        return _operated(scope.run, operate, left(scope), right(scope), symbol, position)

    return arithmetic


def _whole_arithmetic(
    left: Code,
    whole: Callable[[int, int], int],
    operate: Callable[[Run, Any, Any], Any],
    right: Code,
    symbol: str,
    position: int,
) -> Code:
    """Whole numbers, which most are, without a detour."""

    def arithmetic(scope: Scope) -> Any:
        a, b = left(scope), right(scope)
        if type(a) is int and type(b) is int:
            result = whole(a, b)
            if -LARGEST_INT < result < LARGEST_INT:
                return result
        return _operated(scope.run, operate, a, b, symbol, position)

    return arithmetic


def _operated(
    run: Run, operate: Callable[[Run, Any, Any], Any], left: Any, right: Any, symbol: str, position: int
) -> Any:
    value = operate(run, left, right)
    if value is None:
        run.warn(position, lambda: _describe(_VERBS[symbol], left, right))
    return value


@compiles(nodes.Negation)
def _negation(compiler: Compiler, node: nodes.Negation) -> Code:
    value_of, position = compiler.compile(node.value), node.position

    def negation(scope: Scope) -> Any:
        value = value_of(scope)
        if type(value) is int:
            return -value
        if type(value) in NUMBERS:
            return negated(number(value))
        scope.run.warn(position, lambda: f"cannot negate {type_name(value)}")
        return None

    return negation


def compared(run: Run, symbol: str, left: Any, right: Any, position: int) -> bool | None:
    """``left symbol right`` for ``= != < <= > >=``; None when the two cannot be compared."""
    order = _ORDERS.get(symbol)
    if order is not None:
        keys = order_keys(left, right)
        if keys is not None:
            return order(*keys)
    else:
        same = equal(left, right, run.spend)
        if same is not None:
            return same if symbol == "=" else not same
    run.warn(position, lambda: _describe("compare", left, right))
    return None


@compiles(nodes.Comparison)
def _comparison(compiler: Compiler, node: nodes.Comparison) -> Code:
    if node.operator in _ORDERS:
        return _ordered(compiler, node)
    if type(node.right) is nodes.Literal and type(node.right.value) in _SAME:
        return _equal_to_literal(compiler, node)
    left_of, right_of = compiler.compile(node.left), compiler.compile(node.right)
    symbol, position, positive = node.operator, node.position, node.operator == "="

    def equality(scope: Scope) -> Any:
        left, right = left_of(scope), right_of(scope)
        if type(left) is type(right) and type(left) in _SAME:
            return (left == right) is positive
        return compared(scope.run, symbol, left, right, position)

    return equality


def _equal_to_literal(compiler: Compiler, node: nodes.Comparison) -> Code:
    left_of = compiler.compile(node.left)
    compiler.weight += 1
    assert isinstance(node.right, nodes.Literal)
    right = node.right.value
    kind = type(right)
    symbol, position, positive = node.operator, node.position, node.operator == "="

    def equality(scope: Scope) -> Any:
        left = left_of(scope)
        if type(left) is kind:
            return (left == right) is positive
        return compared(scope.run, symbol, left, right, position)

    return equality


def _ordered(compiler: Compiler, node: nodes.Comparison) -> Code:
    left_of, right_of = compiler.compile(node.left), compiler.compile(node.right)
    symbol, position, order = node.operator, node.position, _ORDERS[node.operator]

    def ordered(scope: Scope) -> Any:
        left, right = left_of(scope), right_of(scope)
        if type(left) is int and type(right) is int:
            return order(left, right)
        return compared(scope.run, symbol, left, right, position)

    return ordered


@compiles(nodes.Between)
def _between(compiler: Compiler, node: nodes.Between) -> Code:
    value_of, low_of, high_of = compiler.compile(node.value), compiler.compile(node.low), compiler.compile(node.high)
    position = node.position

    def between(scope: Scope) -> Any:
        value = value_of(scope)
        above = compared(scope.run, ">=", value, low_of(scope), position)
        if above is False:
            return False
        below = compared(scope.run, "<=", value, high_of(scope), position)
        return below if above is True or below is False else None

    return between


@compiles(nodes.Junction)
def _junction(compiler: Compiler, node: nodes.Junction) -> Code:
    """Three-valued logic: a decisive item decides, whatever is null beside it."""
    items = [compiler.compile(item) for item in node.items]
    decisive, position = node.decides, node.position
    neutral = not decisive
    word = "or" if decisive else "and"

    def junction(scope: Scope) -> Any:
        result: bool | None = neutral
        for item in items:
            value = item(scope)
            if value is decisive:
                return decisive
            if value is not neutral:
                scope.run.warn(position, f"'{word}' needs true or false, not {type_name(value)}")
                result = None
        return result

    return junction


@compiles(nodes.If)
def _if(compiler: Compiler, node: nodes.If) -> Code:
    branches = [(compiler.compile(condition), compiler.compile(value)) for condition, value in node.branches]
    otherwise, position = compiler.compile(node.otherwise), node.position
    if len(branches) == 1:
        return _single_if(*branches[0], otherwise, position)

    def conditional(scope: Scope) -> Any:
        for condition, value in branches:
            outcome = condition(scope)
            if outcome is True:
                return value(scope)
            if outcome is not False:
                _no_condition(scope, outcome, position)
        return otherwise(scope)

    return conditional


def _single_if(condition: Code, value: Code, otherwise: Code, position: int) -> Code:
    def conditional(scope: Scope) -> Any:
        outcome = condition(scope)
        if outcome is True:
            return value(scope)
        if outcome is not False:
            _no_condition(scope, outcome, position)
        return otherwise(scope)

    return conditional


def _no_condition(scope: Scope, outcome: Any, position: int) -> None:
    scope.run.warn(
        position, lambda: f"the condition of 'if' is {type_name(outcome)}, not true or false: 'else' is taken"
    )


_ALIASES: Final = {
    "date time": "date and time",
    "year-month-duration": "years and months duration",
    "day-time-duration": "days and time duration",
}


@compiles(nodes.InstanceOf)
def _instance_of(compiler: Compiler, node: nodes.InstanceOf) -> Code:
    value_of = compiler.compile(node.value)
    if node.type_name == "Any":
        return lambda scope: value_of(scope) is not None
    wanted = _ALIASES.get(node.type_name, node.type_name)
    return lambda scope: type_name(value_of(scope)) == wanted


__all__ = ["compared"]
