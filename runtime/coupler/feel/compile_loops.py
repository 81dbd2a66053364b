"""Rules for ``for``, ``some``, ``every`` and filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Any, Final

from coupler.feel import nodes
from coupler.feel.arithmetic import DECIMAL
from coupler.feel.compiler import Code, Compiler, compiles, mentioned
from coupler.feel.limits import LimitExceeded
from coupler.feel.scope import Run, Scope
from coupler.feel.values import NUMBERS, number, type_name

_NEVER_NUMBERS: Final = (
    nodes.Comparison,
    nodes.Junction,
    nodes.Between,
    nodes.In,
    nodes.InstanceOf,
    nodes.Quantified,
    nodes.InputComparison,
)
_PARTIAL: Final = "partial"
_LOOKING: Final = frozenset(("count", "sum", "min", "max", "mean", "list contains", "is empty"))
_CALLS: Final = (nodes.Call, nodes.MethodCall)


class Steps:
    """The numbers from one to another in steps of one, not made before they are needed."""

    __slots__ = ("first", "length", "step")

    def __init__(self, first: Decimal, last: Decimal) -> None:
        self.first = first
        self.step = 1 if first < last else -1
        self.length = int(DECIMAL.subtract(last, first).copy_abs()) + 1

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Decimal]:
        value = self.first
        for _ in range(self.length):
            yield value
            value = DECIMAL.add(value, self.step)


@compiles(nodes.Counting)
def _counting(compiler: Compiler, node: nodes.Counting) -> Code:
    start_of, end_of = compiler.compile(node.start), compiler.compile(node.end)

    def counting(scope: Scope) -> Any:
        start, end = start_of(scope), end_of(scope)
        if type(start) is int and type(end) is int:
            return range(start, end + 1) if start < end else range(start, end - 1, -1)
        if type(start) in NUMBERS and type(end) in NUMBERS:
            return Steps(Decimal(number(start)), Decimal(number(end)))
        return None

    return counting


def _sources(scope: Scope, iterators: Sequence[tuple[str, Code]], position: int) -> list[Any] | None:
    sources = []
    for name, source_of in iterators:
        source = source_of(scope)
        if type(source) not in (list, range, Steps):
            scope.run.warn(position, f"'{name}' iterates over {type_name(source)}, not a list")
            return None
        sources.append(source)
    return sources


def _size(sources: list[Any]) -> int:
    size = 1
    for source in sources:
        try:
            size *= len(source)
        except OverflowError:
            return 2**63
    return size


def _rows(sources: list[Any], size: int) -> Iterable[tuple[Any, ...]]:
    if len(sources) == 1:
        return zip(sources[0], strict=True)
    # product() keeps its inputs in memory.
    return product(*sources) if size < 1_000_000 else _nested(sources)


def _nested(sources: list[Any]) -> Iterator[tuple[Any, ...]]:
    if not sources:
        yield ()
        return
    for value in sources[0]:
        for rest in _nested(sources[1:]):
            yield (value, *rest)


def _scopes(
    run: Run, outer: Scope, names: Sequence[str], rows: Iterable[tuple[Any, ...]], *, keep: bool
) -> Iterator[Scope]:
    """A scope for each row; the same one again unless a function may keep it."""
    scope = Scope({}, outer, run)
    if len(names) == 1 and not keep:
        name = names[0]
        variables: dict[str, Any] = {}
        scope.vars = variables
        for (variables[name],) in rows:
            yield scope
        return
    for row in rows:
        if keep:
            scope = Scope({}, outer, run)
        scope.vars = dict(zip(names, row, strict=True))
        yield scope


def _keeps_partial(node: object) -> bool:
    """Whether the list of results so far may become part of a value; looking into it is no reason to copy it."""
    if isinstance(node, nodes.Name):
        return node.name == _PARTIAL
    if isinstance(node, nodes.Filter) and isinstance(node.base, nodes.Name):
        return _keeps_partial(node.condition)
    if isinstance(node, nodes.Call) and node.name in _LOOKING:
        return any(_keeps_partial(argument) for argument in node.arguments if not isinstance(argument, nodes.Name))
    return isinstance(node, tuple) and any(_keeps_partial(part) for part in node if isinstance(part, tuple))


def _snapshot(run: Run, results: list[Any]) -> list[Any]:
    run.check_list(len(results))
    return results.copy()


@compiles(nodes.For)
def _for(compiler: Compiler, node: nodes.For) -> Code:
    iterators = [(name, compiler.compile(source)) for name, source in node.iterators]
    names, position = [name for name, _ in iterators], node.position
    body, weight, keep = compiler.body(node.body, {**dict.fromkeys(names, False), _PARTIAL: False})
    uses_partial = _PARTIAL in mentioned(node.body)
    keeps_partial = uses_partial and (keep or _keeps_partial(node.body))

    def loop(scope: Scope) -> Any:
        sources = _sources(scope, iterators, position)
        if sources is None:
            return None
        run = scope.run
        size = _size(sources)
        if size > run.limits.list_length:
            raise LimitExceeded("list_length", run.limits.list_length)
        results: list[Any] = []
        add = results.append
        run.spend(size * (weight + 1))  # nothing ends the loop early
        for inner in _scopes(run, scope, names, _rows(sources, size), keep=keep):
            if uses_partial:
                inner.vars[_PARTIAL] = _snapshot(run, results) if keeps_partial else results  # type: ignore[index]
            add(body(inner))
        return results

    return loop


@compiles(nodes.Quantified)
def _quantified(compiler: Compiler, node: nodes.Quantified) -> Code:
    iterators = [(name, compiler.compile(source)) for name, source in node.iterators]
    names, position = [name for name, _ in iterators], node.position
    condition, weight, keep = compiler.body(node.condition, dict.fromkeys(names, False))
    neutral = node.every
    decisive = not neutral

    def quantified(scope: Scope) -> Any:
        sources = _sources(scope, iterators, position)
        if sources is None:
            return None
        run = scope.run
        result: bool | None = neutral
        for inner in _scopes(run, scope, names, _rows(sources, _size(sources)), keep=keep):
            run.spend(weight + 1)
            value = condition(inner)
            if value is decisive:
                return decisive
            if value is not neutral:
                result = None
        return result

    return quantified


@compiles(nodes.Filter)
def _filter(compiler: Compiler, node: nodes.Filter) -> Code:
    base, position = compiler.compile(node.base), node.position
    condition = node.condition
    if type(condition) is nodes.Literal and type(condition.value) in NUMBERS:
        index = condition.value
        return lambda scope: _item(scope.run, base(scope), index, position)
    select = _selection(compiler, condition)
    if isinstance(condition, (*_NEVER_NUMBERS, *_CALLS)):
        return lambda scope: (
            select(scope, items) if type(items := base(scope)) is list else _no_list(scope.run, items, position)
        )
    outside = compiler.compile(condition)

    def filtered(scope: Scope) -> Any:
        items = base(scope)
        if type(items) is not list:
            return _no_list(scope.run, items, position)
        index = _quietly(outside, scope)
        return _item(scope.run, items, index, position) if type(index) in NUMBERS else select(scope, items)

    return filtered


def _selecting(base: Code, select: Any, position: int) -> Code:
    def filtered(scope: Scope) -> Any:
        items = base(scope)
        return select(scope, items) if type(items) is list else _no_list(scope.run, items, position)

    return filtered


def _quietly(code: Code, scope: Scope) -> Any:
    """Evaluates without warnings: outside of the items most names of a condition are unknown."""
    run = scope.run
    warnings, run.warnings = run.warnings, None
    try:
        return code(scope)
    finally:
        run.warnings = warnings


def _no_list(run: Run, value: Any, position: int) -> None:
    run.warn(position, lambda: f"a filter needs a list, not {type_name(value)}")


def _item(run: Run, items: Any, index: Any, position: int) -> Any:
    if type(items) is not list:
        return _no_list(run, items, position)
    place = int(index) - 1 if index > 0 else int(len(items) + index) if len(items) + index >= 0 else -1
    if 0 <= place < len(items):
        return items[place]
    run.warn(position, lambda: f"there is no item {index}: the list has {len(items)}")
    return None


def _selection(compiler: Compiler, condition: nodes.Node) -> Any:
    """The items for which a condition is true, or the item whose number it is."""
    with compiler.inside({"item": False}):
        code, weight, keep = compiler.body(condition, None)

    def select(scope: Scope, items: list[Any]) -> Any:
        run = scope.run
        run.check_list(len(items))
        run.spend(len(items) * (weight + 1))
        variables: dict[str, Any] = {}
        around = Scope(variables, scope, run)
        inner = Scope({}, around, run)
        selected: list[Any] = []
        first = True
        for item in items:
            if keep:
                variables = {}
                around = Scope(variables, scope, run)
                inner = Scope({}, around, run)
            variables["item"] = item
            if type(item) is dict:
                inner.vars = item
                value = code(inner)
            else:
                value = code(around)
            if value is True:
                selected.append(item)
            elif first and type(value) in NUMBERS:
                return _item(run, items, value, 0)
            first = False
        return selected

    return select


__all__: list[str] = []
