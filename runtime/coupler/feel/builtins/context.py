"""Functions of contexts."""

from __future__ import annotations

from typing import Any

from coupler.feel.registry import builtin
from coupler.feel.scope import Run
from coupler.feel.values import Function

_Context = dict[str, Any]


def _entries(run: Run, context: _Context) -> list[Any]:
    run.check_list(len(context))
    return [{"key": key, "value": value} for key, value in context.items() if type(value) is not Function]


builtin("get entries(context: context)", "A list of contexts with key and value.")(_entries)
builtin("get entries(m: context)", "The same under the standard's parameter name.")(_entries)


@builtin("get value(context: context, key: string)", "The entry of that key, or null.")
def _value(context: _Context, key: str) -> Any:
    return context.get(key)


builtin("get value(m: context, key: string)", "The same under the standard's parameter name.")(_value)


@builtin("get value(context: context, keys: list)", "The entry at that path of keys, or null.", standard=False)
def _value_at(context: _Context, keys: list[Any]) -> Any:
    if not keys:
        return None
    value: Any = context
    for key in keys:
        if type(value) is not dict or type(key) is not str:
            return None
        value = value.get(key)
    return value


@builtin("context put(context: context, key: string, value: any)", "The context with the entry added or replaced.")
def _put(run: Run, context: _Context, key: str, value: Any) -> _Context:
    run.check_list(len(context) + 1)
    return {**context, key: value}


@builtin(
    "context put(context: context, keys: list, value: any)",
    "The context with the entry at that path of keys added or replaced.",
)
def _put_at(run: Run, context: _Context, keys: list[Any], value: Any) -> _Context | None:
    if not keys or len(keys) > run.limits.nesting_depth or any(type(key) is not str for key in keys):
        return None
    run.check_list(len(context) + 1)
    if len(keys) == 1:
        return {**context, keys[0]: value}
    inner = context.get(keys[0])
    return {**context, keys[0]: _put_at(run, inner if type(inner) is dict else {}, keys[1:], value)}


builtin(
    "context put(context: context, key: list, value: any)", "The same; feel-scala takes both names.", standard=False
)(_put_at)
builtin("put(context: context, key: string, value: any)", "As context put; deprecated.", standard=False)(_put)


def _merge(run: Run, contexts: list[Any]) -> _Context | None:
    merged: _Context = {}
    for context in contexts:
        if type(context) is not dict:
            return None
        run.check_list(len(merged) + len(context))
        merged.update(context)
    return merged


builtin("context merge(contexts: list...)", "One context with the entries of all; later ones win.")(_merge)
builtin("put all(contexts: list...)", "As context merge; deprecated.", standard=False)(_merge)


@builtin("context(entries: list)", "A context from a list of contexts with key and value.")
def _context(run: Run, entries: list[Any]) -> _Context | None:
    run.check_list(len(entries))
    made: _Context = {}
    for entry in entries:
        if type(entry) is not dict or type(entry.get("key")) is not str or "value" not in entry:
            return None
        made[entry["key"]] = entry["value"]
    return made
