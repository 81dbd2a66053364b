"""Functions of lists."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key, wraps
from typing import Any

from coupler.feel.registry import builtin
from coupler.feel.scope import Run
from coupler.feel.values import NUMBERS, Function, equal, number

_List = list[Any]


@builtin("list contains(list: list, element: any)", "Whether the list has that item.")
def _list_contains(run: Run, items: _List, element: Any) -> bool:
    run.spend(len(items))
    return any(equal(item, element, run.spend) for item in items)


@builtin("count(list: list)", "How many items the list has.")
def _count(items: _List) -> int:
    return len(items)


def _decided(items: _List, *, decisive: bool) -> bool | None:
    result: bool | None = not decisive
    for item in items:
        if item is decisive:
            return bool(item)
        if item is not (not decisive):
            result = None
    return result


def _all(run: Run, items: _List) -> bool | None:
    run.spend(len(items))
    return _decided(items, decisive=False)


def _any(run: Run, items: _List) -> bool | None:
    run.spend(len(items))
    return _decided(items, decisive=True)


builtin("all(list: list...)", "Whether every item is true.")(_all)
builtin("and(list: list...)", "As all.")(_all)
builtin("any(list: list...)", "Whether some item is true.")(_any)
builtin("or(list: list...)", "As any.")(_any)


def _place(items: _List, position: Any) -> int:
    """The index of a position that counts from 1, or from the end when negative."""
    index = int(position)
    return index - 1 if index > 0 else len(items) + index


def _slice(items: _List, start: int, end: int) -> _List:
    return items[max(start, 0) : max(end, 0)]


def _counts_from_one(run_on: Callable[..., _List]) -> Callable[..., _List | None]:
    """Position 0 makes the result null: there is none."""

    @wraps(run_on)
    def checked(run: Run, items: _List, position: Any, *more: Any) -> _List | None:
        return run_on(run, items, position, *more) if position else None

    return checked


@builtin("sublist(list: list, start position: number)", "The items from a position on.")
@_counts_from_one
def _sublist(run: Run, items: _List, start: Any) -> _List:
    run.check_list(len(items))
    return _slice(items, _place(items, start), len(items))


@builtin("sublist(list: list, start position: number, length: number)", "So many items from a position on.")
@_counts_from_one
def _sublist_of(run: Run, items: _List, start: Any, length: Any) -> _List:
    run.check_list(len(items))
    place = _place(items, start)
    return _slice(items, place, place + int(length))


builtin("sublist(list: list, start: number)", "The same under the name in feel-scala.", standard=False)(_sublist)
builtin("sublist(list: list, start: number, length: number)", "The same under the name in feel-scala.", standard=False)(
    _sublist_of
)


@builtin("append(list: list, items: list...)", "The list with items added at its end.")
def _append(run: Run, items: _List, more: _List) -> _List:
    run.check_list(len(items) + len(more))
    return items + more


def _concatenated(run: Run, lists: _List) -> _List:
    result: _List = []
    for item in lists:
        result += item if type(item) is list else [item]
        run.check_list(len(result))
    return result


builtin("concatenate(lists: list...)", "One list of the items of all.")(_concatenated)


@builtin("insert before(list: list, position: number, newItem: any)", "The list with an item put in.")
@_counts_from_one
def _insert_before(run: Run, items: _List, position: Any, new_item: Any) -> _List:
    run.check_list(len(items) + 1)
    place = max(_place(items, position), 0)
    return [*items[:place], new_item, *items[place:]]


@builtin("remove(list: list, position: number)", "The list without one item.")
@_counts_from_one
def _remove(run: Run, items: _List, position: Any) -> _List:
    run.check_list(len(items))
    before = max(_place(items, position), 0)
    after = max(_place(items, int(position) + 1), 0)
    return items[:before] + items[after:]


@builtin("reverse(list: list)", "The list from its end.")
def _reverse(run: Run, items: _List) -> _List:
    run.check_list(len(items))
    return items[::-1]


@builtin("index of(list: list, match: any)", "The positions of an item.")
def _index_of(run: Run, items: _List, match: Any) -> _List:
    run.check_list(len(items))
    return [index for index, item in enumerate(items, 1) if equal(item, match, run.spend)]


def _key(value: Any) -> Any:
    """Something hashable that equal scalars share, or None for what must be compared one by one."""
    if type(value) in NUMBERS:
        return ("number", number(value))
    return None if type(value) in (list, dict, Function) else (type(value), value)


def _distinct(run: Run, items: _List) -> tuple[_List, _List]:
    """The items without repetition, and of them those that were repeated."""
    seen: set[Any] = set()
    firsts: _List = []
    others: _List = []
    repeated: _List = []
    run.check_list(len(items))
    for item in items:
        key = _key(item)
        known = key in seen if key is not None else any(equal(item, other, run.spend) for other in others)
        if not known:
            firsts.append(item)
            seen.add(key) if key is not None else others.append(item)
        else:
            repeated.append(item)
    return firsts, repeated


@builtin("distinct values(list: list)", "The list without repeated items.")
def _distinct_values(run: Run, items: _List) -> _List:
    return _distinct(run, items)[0]


@builtin("duplicate values(list: list)", "The items that the list has more than once.", standard=False)
def _duplicate_values(run: Run, items: _List) -> _List:
    firsts, repeated = _distinct(run, items)
    duplicates = _distinct(run, repeated)[0]
    run.spend(len(firsts) * len(duplicates) >> 3)
    return [item for item in firsts if any(equal(item, other, run.spend) for other in duplicates)]


@builtin("union(lists: list...)", "One list of the items of all, without repetition.")
def _union(run: Run, lists: _List) -> _List:
    return _distinct(run, _concatenated(run, lists))[0]


@builtin("flatten(list: list)", "The items of all lists inside each other.")
def _flatten(run: Run, items: _List) -> _List:
    result: _List = []
    stack = [iter(items)]
    while stack:
        for item in stack[-1]:
            run.spend(1)
            if type(item) is list:
                stack.append(iter(item))
                break
            result.append(item)
        else:
            stack.pop()
    run.check_list(len(result))
    return result


@builtin(
    "sort(list: list, precedes: function)",
    "The list in the order of a function of two items, which says whether the first precedes.",
)
def _sort(run: Run, items: _List, precedes: Function) -> _List | None:
    if len(precedes.parameters) != 2:
        return None
    run.check_list(len(items))
    invoke: Callable[..., Any] = precedes.invoke

    def order(left: Any, right: Any) -> int:
        first = invoke((left, right))
        if first is True:
            return -1
        if first is not False:
            raise _NoOrder
        return 1 if invoke((right, left)) is True else 0

    try:
        return sorted(items, key=cmp_to_key(order))
    except _NoOrder:
        return None


class _NoOrder(Exception):
    pass


def _joined(
    run: Run, items: _List, delimiter: str | None = None, prefix: str | None = None, suffix: str | None = None
) -> str | None:
    if any(item is not None and type(item) is not str for item in items) or (prefix is None) != (suffix is None):
        return None
    texts = [item for item in items if item is not None]
    between = delimiter or ""
    run.spend(len(items))
    run.check_string(sum(map(len, texts)) + len(between) * len(texts) + len(prefix or "") + len(suffix or ""))
    return (prefix or "") + between.join(texts) + (suffix or "")


builtin("string join(list: list[, delimiter: string?])", "The texts of a list in one, without the nulls.")(_joined)
builtin(
    "string join(list: list, delimiter: string?, prefix: string?, suffix: string?)",
    "The same with something before and after.",
    standard=False,
)(_joined)


@builtin("is empty(list: list)", "Whether the list has no items.", standard=False)
def _is_empty(items: _List) -> bool:
    return not items


@builtin("partition(list: list, size: number)", "Lists of so many items each.", standard=False)
def _partition(run: Run, items: _List, size: Any) -> _List | None:
    width = int(size)
    if width <= 0:
        return None
    run.check_list(len(items))
    return [items[start : start + width] for start in range(0, len(items), width)]
