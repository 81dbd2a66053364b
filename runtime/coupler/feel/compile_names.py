"""Rules for literals, names, paths, lists and contexts."""

from __future__ import annotations

from typing import Any, Final

from coupler.errors import FeelError
from coupler.feel import nodes
from coupler.feel.compiler import Code, Compiler, compiles, mentioned
from coupler.feel.properties import member, suggestion
from coupler.feel.scope import INPUT, Scope

_MISSING = object()
_WEIGHT_OF_A_CONTEXT: Final = 3  # a dict takes some 200 bytes


@compiles(nodes.Literal)
def _literal(compiler: Compiler, node: nodes.Literal) -> Code:
    value, position, complaint = node.value, node.position, node.complaint
    if complaint:
        return lambda scope: scope.run.warn(position, complaint)
    return lambda scope: value


def find(scope: Scope, name: str) -> Any:
    """The value of a name in the nearest scope that has it; ``_MISSING`` otherwise."""
    around: Scope | None = scope
    while around is not None:
        if name in around.vars:
            return around.vars[name]
        around = around.parent
    return _MISSING


def _unknown(scope: Scope, name: str, position: int) -> None:
    scope.run.warn(position, lambda: f"there is no variable '{name}': {suggestion(name, scope.run.root)}")


@compiles(nodes.Name)
def _name(compiler: Compiler, node: nodes.Name) -> Code:
    name, position = node.name, node.position
    if compiler.is_bound_to_function(name):
        # feel-scala keeps functions apart from variables: the name of one is no value.
        return lambda scope: _unknown(scope, name, position)
    if not compiler.scopes:
        return _root_name(name, position)
    innermost = compiler.scopes[-1]
    if innermost is not None and name in innermost:
        return _near_name(name, position)
    if compiler.binding(name) is False:
        return _far_root_name(name, position)

    def walk(scope: Scope) -> Any:
        near = scope.vars
        value = near[name] if name in near else find(scope, name)
        if value is _MISSING:
            return _unknown(scope, name, position)
        return value

    return walk


def _near_name(name: str, position: int) -> Code:
    def near(scope: Scope) -> Any:
        try:
            return scope.vars[name]
        except KeyError:
            return _unknown(scope, name, position)

    return near


def _root_name(name: str, position: int) -> Code:
    def at_root(scope: Scope) -> Any:
        try:
            return scope.vars[name]
        except KeyError:
            return _unknown(scope, name, position)

    return at_root


def _far_root_name(name: str, position: int) -> Code:
    def at_root(scope: Scope) -> Any:
        try:
            return scope.run.root[name]
        except KeyError:
            return _unknown(scope, name, position)

    return at_root


def _labelled(node: nodes.Path) -> list[tuple[str, str, int]]:
    """Each name of a path with what stands in front of it and its place."""
    label = node.base.name if isinstance(node.base, nodes.Name) else ""
    steps = []
    for name, position in zip(node.names, node.positions, strict=True):
        steps.append((name, label, position))
        label = f"{label}.{name}" if label else name
    return steps


@compiles(nodes.Path)
def _path(compiler: Compiler, node: nodes.Path) -> Code:
    steps = _labelled(node)
    if isinstance(node.base, nodes.Name) and not compiler.scopes:
        return _root_path(node.base, steps)
    base = compiler.compile(node.base)
    if len(steps) == 1:
        return _single_path(base, *steps[0])

    def path(scope: Scope) -> Any:
        value = base(scope)
        for name, label, position in steps:
            if type(value) is dict and name in value:
                value = value[name]
            else:
                value = member(scope.run, value, name, position, label)
                if value is None:
                    return None
        return value

    return path


def _single_path(base: Code, name: str, label: str, position: int) -> Code:
    def path(scope: Scope) -> Any:
        value = base(scope)
        if type(value) is dict and name in value:
            return value[name]
        return member(scope.run, value, name, position, label)

    return path


def _root_path(base: nodes.Name, steps: list[tuple[str, str, int]]) -> Code:
    """A path from a variable at the root: what expressions consist of, so the straight way comes first."""
    root, root_position = base.name, base.position
    names = tuple(name for name, _, _ in steps)

    def path(scope: Scope) -> Any:
        try:
            value = scope.vars[root]
            for name in names:
                if type(value) is not dict:
                    break
                value = value[name]
            else:
                return value
        except KeyError:
            pass
        return winding(scope)

    def winding(scope: Scope) -> Any:
        try:
            value = scope.vars[root]
        except KeyError:
            return _unknown(scope, root, root_position)
        for name, label, position in steps:
            if type(value) is dict and name in value:
                value = value[name]
            else:
                value = member(scope.run, value, name, position, label)
                if value is None:
                    return None
        return value

    return path


@compiles(nodes.ListOf)
def _list(compiler: Compiler, node: nodes.ListOf) -> Code:
    compiler.weight += 1
    items = [compiler.compile(item) for item in node.items]
    return lambda scope: [item(scope) for item in items]


@compiles(nodes.ContextOf)
def _context(compiler: Compiler, node: nodes.ContextOf) -> Code:
    compiler.weight += _WEIGHT_OF_A_CONTEXT
    if _refers_to_itself(node):
        return _scoped_context(compiler, node)
    entries = [(key, compiler.compile(value)) for key, value in node.entries]
    return lambda scope: {key: value(scope) for key, value in entries}


def _refers_to_itself(node: nodes.ContextOf) -> bool:
    keys: set[str] = set()
    for key, value in node.entries:
        if keys and not keys.isdisjoint(mentioned(value)):
            return True
        keys.add(key)
    return False


def _scoped_context(compiler: Compiler, node: nodes.ContextOf) -> Code:
    known: dict[str, bool] = {}
    entries: list[tuple[str, Code]] = []
    with compiler.inside(known):
        for key, value in node.entries:
            entries.append((key, compiler.compile(value)))
            known[key] = type(value) is nodes.FunctionOf

    def context(scope: Scope) -> Any:
        made: dict[str, Any] = {}
        inner = Scope(made, scope, scope.run)
        for key, value in entries:
            made[key] = value(inner)
        return made

    return context


@compiles(nodes.InputValue)
def _input_value(compiler: Compiler, node: nodes.InputValue) -> Code:
    def input_value(scope: Scope) -> Any:
        value = find(scope, INPUT)
        if value is _MISSING:
            raise FeelError("there is no input value: '?' can only be used inside a unary test, behind 'in'")
        return value

    return input_value


def implicit_input(scope: Scope) -> Any:
    """The value that a test without a left side is about; None outside of tests."""
    value = find(scope, INPUT)
    return None if value is _MISSING else value


__all__ = ["find", "implicit_input"]
