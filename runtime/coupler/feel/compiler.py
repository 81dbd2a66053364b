"""Parsed expressions to closures.

A node becomes a Python function of the scope. What can be decided once is decided here: which scope a name is found
in, which overload is called, how much a loop's body weighs. A step is one node, charged where repetition is possible:
per item of a loop and per call. Straight code is bounded by the length of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from coupler.feel.nodes import Call, FunctionOf, Name, Node
from coupler.feel.scope import Scope

Code = Callable[[Scope], Any]
_N = TypeVar("_N")
_Rule = Callable[["Compiler", Any], Code]

# A scope's names, as far as they are known when compiling, with whether a name is bound to a function.
# None: any name, as with the items of a filter.
Names = Mapping[str, bool] | None

_RULES: Final[dict[type, _Rule]] = {}


def compiles(kind: type[_N]) -> Callable[[Callable[[Compiler, _N], Code]], Callable[[Compiler, _N], Code]]:
    """Registers the function below as the rule for nodes of ``kind``."""

    def register(rule: Callable[[Compiler, _N], Code]) -> Callable[[Compiler, _N], Code]:
        _RULES[kind] = rule
        return rule

    return register


class Compiler:
    """Compiles one expression; keeps the names in sight and the weight so far."""

    __slots__ = ("functions", "scopes", "weight")

    def __init__(self) -> None:
        self.scopes: list[Names] = []
        self.weight = 0
        self.functions = 0

    def compile(self, node: Node) -> Code:
        """The closure for a node."""
        self.weight += 1
        return _RULES[type(node)](self, node)

    @contextmanager
    def inside(self, names: Names) -> Iterator[None]:
        """Compiles what stands in a new scope."""
        self.scopes.append(names)
        try:
            yield
        finally:
            self.scopes.pop()

    def body(self, node: Node, names: Names) -> tuple[Code, int, bool]:
        """The closure of a repeated part in its own scope, its weight, and whether a function keeps that scope."""
        weight, functions = self.weight, self.functions
        with self.inside(names):
            code = self.compile(node)
        return code, self.weight - weight, self.functions > functions

    def binding(self, name: str) -> Names | bool:
        """Where a name is bound: True in a known scope, None perhaps in a filter's item, False at the root only."""
        for names in reversed(self.scopes):
            if names is None:
                return None
            if name in names:
                return True
        return False

    def is_bound(self, name: str) -> bool:
        """Whether a scope that is known when compiling has the name, also one around a filter."""
        return any(names is not None and name in names for names in self.scopes)

    def is_bound_to_function(self, name: str) -> bool:
        """Whether the nearest binding of the name is the entry of a context that defines a function."""
        for names in reversed(self.scopes):
            if names is not None and name in names:
                return names[name]
        return False


def mentioned(node: object, found: set[str] | None = None) -> set[str]:
    """All names of variables and functions that appear in a node."""
    names: set[str] = set() if found is None else found
    if isinstance(node, Name | Call):
        names.add(node.name)
    if isinstance(node, tuple):
        for part in node:
            if isinstance(part, tuple):
                mentioned(part, names)
    return names


def contains(node: object, kinds: tuple[type, ...]) -> bool:
    """Whether a node of one of the kinds appears in ``node``."""
    if isinstance(node, kinds):
        return True
    return isinstance(node, tuple) and any(contains(part, kinds) for part in node if isinstance(part, tuple))


__all__ = ["Code", "Compiler", "FunctionOf", "Names", "compiles", "contains", "mentioned"]
