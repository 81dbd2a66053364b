"""Rules for calls and function definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coupler.feel import nodes
from coupler.feel.compiler import Code, Compiler, compiles
from coupler.feel.limits import LimitExceeded
from coupler.feel.properties import near_function
from coupler.feel.registry import BUILTINS, Overload, fitting
from coupler.feel.scope import Scope
from coupler.feel.values import Function, type_name

_Keywords = tuple[str, ...] | None


def _matching(overloads: Sequence[Overload], count: int, keywords: _Keywords) -> list[Overload]:
    """The overloads that can be called so, in the order in which they are tried."""
    if keywords is None:
        return [overload for overload in overloads if overload.takes(count)]
    return [overload for overload in overloads if overload.takes_names(keywords)]


def _arranged(overload: Overload, arguments: Sequence[Code], keywords: _Keywords) -> list[Code | None]:
    """The arguments in the order of the parameters; None for one that is not given."""
    if keywords is None:
        return list(arguments)
    given = dict(zip(keywords, arguments, strict=True))
    return [given.get(parameter.name) for parameter in overload.parameters]


@compiles(nodes.Call)
def _call(compiler: Compiler, node: nodes.Call) -> Code:
    arguments = [compiler.compile(argument) for argument in node.arguments]
    overloads = BUILTINS.get(node.name)
    fixed = None if overloads is None else _call_of(overloads, node, arguments)
    if compiler.is_bound(node.name):
        return _local_call(node, arguments, fixed)
    return fixed if fixed is not None else _foreign_call(node, arguments)


def _call_of(overloads: Sequence[Overload], node: nodes.Call, arguments: list[Code]) -> Code | None:
    """The call of the overloads that take such arguments; None when there is none."""
    matching = _matching(overloads, len(arguments), node.keywords)
    if not matching:
        return None
    if len(matching) == 1:
        return _single_call(matching[0], node, arguments)
    return _overloaded_call(matching, node, arguments)


def _single_call(overload: Overload, node: nodes.Call, arguments: list[Code]) -> Code:
    codes = _arranged(overload, arguments, node.keywords)
    implementation, wants_run, position = overload.implementation, overload.wants_run, node.position
    collects = overload.collects and node.keywords is None

    def call(scope: Scope) -> Any:
        run = scope.run
        values = [None if code is None else code(scope) for code in codes]
        if collects:
            values = _collected(values, overload)
        misfit = fitting(overload, values)
        if misfit is not None:
            return run.warn(position, misfit)
        run.spend(1)
        result = implementation(run, *values) if wants_run else implementation(*values)
        if result is None and values and values[0] is not None:
            run.warn(position, lambda: _null_result(overload, values))
        return result

    return call


def _null_result(overload: Overload, values: list[Any]) -> str:
    return f"{overload.name}({', '.join(type_name(value) for value in values)}) is null for these values"


def _overloaded_call(overloads: list[Overload], node: nodes.Call, arguments: list[Code]) -> Code:
    """A call that the types of the arguments decide: the first overload that they fit."""
    keywords, position = node.keywords, node.position

    def call(scope: Scope) -> Any:
        run = scope.run
        run.spend(1)
        evaluated = [argument(scope) for argument in arguments]
        misfits = []
        for overload in overloads:
            values = _placed(overload, evaluated, keywords)
            misfit = fitting(overload, values)
            if misfit is None:
                return _invoked(overload, scope, values, position)
            misfits.append(misfit)
        return run.warn(position, misfits[0])

    return call


def _invoked(overload: Overload, scope: Scope, values: list[Any], position: int) -> Any:
    run = scope.run
    result = overload.implementation(run, *values) if overload.wants_run else overload.implementation(*values)
    if result is None and values[0] is not None:
        run.warn(position, lambda: _null_result(overload, values))
    return result


def _placed(overload: Overload, values: list[Any], keywords: _Keywords) -> list[Any]:
    if keywords is not None:
        given = dict(zip(keywords, values, strict=True))
        return [given.get(parameter.name) for parameter in overload.parameters]
    return _collected(values, overload) if overload.collects else list(values)


def _collected(values: list[Any], overload: Overload) -> list[Any]:
    place = len(overload.parameters) - 1
    if place == 0 and len(values) == 1 and type(values[0]) is list:
        return values
    return [*values[:place], values[place:]]


def _foreign_call(node: nodes.Call, arguments: list[Code]) -> Code:
    """A call of a function that whoever evaluates may have given."""
    name = node.name
    # One registry is in use in practice; the pair is replaced as a whole, so that threads see a consistent one.
    chosen: list[tuple[Sequence[Overload], Code | None]] = [((), None)]

    def call(scope: Scope) -> Any:
        overloads = scope.run.functions.get(name, ())
        known, code = chosen[0]
        if known is not overloads:
            code = _call_of(overloads, node, arguments)
            chosen[0] = (overloads, code)
        return code(scope) if code is not None else _unknown_function(scope, node, overloads)

    return call


def _unknown_function(scope: Scope, node: nodes.Call, overloads: Sequence[Overload]) -> None:
    def message() -> str:
        candidates = overloads or BUILTINS.get(node.name, ())
        if candidates:
            forms = "; ".join(f"{node.name}({', '.join(p.name for p in one.parameters)})" for one in candidates)
            return f"'{node.name}' is not called like that: there is {forms}"
        return f"there is no function '{node.name}': {near_function(node.name, scope.run.functions)}"

    scope.run.warn(node.position, message)


def _local_call(node: nodes.Call, arguments: list[Code], otherwise: Code | None) -> Code:
    name, keywords, position = node.name, node.keywords, node.position

    def call(scope: Scope) -> Any:
        around: Scope | None = scope
        while around is not None:
            # feel-scala keeps functions apart from variables: a variable of the same name hides none.
            function = around.vars.get(name)
            if type(function) is Function:
                values = _ordered(function, [argument(scope) for argument in arguments], keywords)
                if values is not None:
                    return function.invoke(values)
            around = around.parent
        if otherwise is not None:
            return otherwise(scope)
        return scope.run.warn(position, f"'{name}' is no function with these parameters")

    return call


def _ordered(function: Function, values: list[Any], keywords: _Keywords) -> list[Any] | None:
    if keywords is None:
        return values if len(values) == len(function.parameters) else None
    if not set(function.parameters).issuperset(keywords):
        return None
    given = dict(zip(keywords, values, strict=True))
    return [given.get(name) for name in function.parameters]


@compiles(nodes.MethodCall)
def _method_call(compiler: Compiler, node: nodes.MethodCall) -> Code:
    base = compiler.compile(node.base)
    arguments = [compiler.compile(argument) for argument in node.arguments]
    name, keywords, position = node.name, node.keywords, node.position

    def call(scope: Scope) -> Any:
        context = base(scope)
        function = context.get(name) if type(context) is dict else None
        if type(function) is Function:
            values = _ordered(function, [argument(scope) for argument in arguments], keywords)
            if values is not None:
                return function.invoke(values)
        return scope.run.warn(position, f"there is no function '{name}' with these parameters in the context")

    return call


@compiles(nodes.FunctionOf)
def _function(compiler: Compiler, node: nodes.FunctionOf) -> Code:
    compiler.functions += 1
    parameters = node.parameters
    body, weight, _ = compiler.body(node.body, dict.fromkeys(parameters, False))

    def function(scope: Scope) -> Any:
        run = scope.run

        def invoke(values: Sequence[Any]) -> Any:
            run.spend(weight + 2)
            run.depth += 1
            if run.depth > run.limits.call_depth:
                raise LimitExceeded("call_depth", run.limits.call_depth)
            result = body(Scope(dict(zip(parameters, values, strict=True)), scope, run))
            run.depth -= 1
            return result

        return Function(parameters, invoke)

    return function


__all__: list[str] = []
