"""Functions that make one value of a list: the smallest, the sum, the average and the like."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from coupler.errors import FeelError
from coupler.feel.arithmetic import OPERATORS, from_double
from coupler.feel.registry import builtin
from coupler.feel.scope import Run
from coupler.feel.values import NUMBERS, number, order_keys

_List = list[Any]


def _extreme(run: Run, items: _List, wanted: int) -> Any:
    run.spend(len(items))
    if not items:
        return None
    best = items[0]
    for item in items:
        keys = order_keys(item, best)
        if keys is None:
            return None
        if ((keys[0] > keys[1]) - (keys[0] < keys[1])) == wanted:
            best = item
    return best


@builtin("min(list: list...)", "The smallest item.")
def _min(run: Run, items: _List) -> Any:
    return _extreme(run, items, -1)


@builtin("max(list: list...)", "The largest item.")
def _max(run: Run, items: _List) -> Any:
    return _extreme(run, items, 1)


def _numbers(run: Run, items: _List) -> list[int | Decimal] | None:
    run.spend(len(items))
    if not items or any(type(item) not in NUMBERS for item in items):
        return None
    return [number(item) for item in items]


def _folded(run: Run, numbers: list[int | Decimal], symbol: str) -> Any:
    operate = OPERATORS[symbol]
    result: Any = numbers[0]
    for item in numbers[1:]:
        result = operate(run, result, item)
    return result


@builtin("sum(list: list...)", "The sum of numbers; null for an empty list.")
def _sum(run: Run, items: _List) -> Any:
    numbers = _numbers(run, items)
    return None if numbers is None else _folded(run, numbers, "+")


@builtin("product(list: list...)", "The product of numbers.")
def _product(run: Run, items: _List) -> Any:
    numbers = _numbers(run, items)
    return None if numbers is None else _folded(run, numbers, "*")


def _mean_of(run: Run, numbers: list[int | Decimal]) -> Any:
    return OPERATORS["/"](run, _folded(run, numbers, "+"), len(numbers))


@builtin("mean(list: list...)", "The average of numbers.")
def _mean(run: Run, items: _List) -> Any:
    numbers = _numbers(run, items)
    return None if numbers is None else _mean_of(run, numbers)


@builtin("median(list: list...)", "The middle of numbers.")
def _median(run: Run, items: _List) -> Any:
    numbers = _numbers(run, items)
    if numbers is None:
        return None
    numbers.sort()
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else _mean_of(run, numbers[middle - 1 : middle + 1])


@builtin("stddev(list: list...)", "The standard deviation of a sample of numbers.")
def _stddev(run: Run, items: _List) -> Any:
    numbers = _numbers(run, items)
    if numbers is None:
        return None
    if len(numbers) == 1:
        raise FeelError("stddev: one number has no deviation")
    mean = _mean_of(run, numbers)
    deviations = [OPERATORS["**"](run, OPERATORS["-"](run, item, mean), 2) for item in numbers]
    return from_double(math.sqrt(OPERATORS["/"](run, _folded(run, deviations, "+"), len(numbers) - 1)))


@builtin("mode(list: list...)", "The most frequent numbers, in ascending order.")
def _mode(run: Run, items: _List) -> _List | None:
    if not items:
        return []
    numbers = _numbers(run, items)
    if numbers is None:
        return None
    counts: dict[int | Decimal, int] = {}
    for item in numbers:
        counts[item] = counts.get(item, 0) + 1
    most = max(counts.values())
    return sorted(item for item, count in counts.items() if count == most)
