"""What the text alone tells: parts that feel-scala refuses, and parts that are null whatever the variables are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from coupler.feel import builtins as builtins
from coupler.feel import nodes
from coupler.feel.parser import parse_leniently
from coupler.feel.properties import near_function
from coupler.feel.registry import BUILTINS, Overload

Finding = tuple[int, str]
_Functions = Mapping[str, tuple[Overload, ...]]

_KEYWORDS: Final = frozenset(
    ("and", "or", "then", "else", "return", "satisfies", "between", "instance", "of", "if", "for", "some", "every")
)
# In the DMN standard, but not in feel-scala.
_ABSENT: Final = frozenset(("is", "range", "list replace"))


def check(text: str, functions: _Functions | None = None) -> list[Finding]:
    """Findings as offset and message, in the order of the text; none for an expression without fault.

    Args:
        functions: those that will be there beside FEEL's own.

    Raises:
        FeelError: when the text cannot be read at all.
    """
    tree, lenient = parse_leniently(text)
    walk = _Walk({**(functions or {})}, set(_bound(tree)))
    return sorted({*lenient, *walk.visit(tree, tested=False)})


def _bound(node: object) -> Iterator[str]:
    """Every name that the expression itself binds somewhere."""
    if isinstance(node, nodes.ContextOf):
        yield from (key for key, _ in node.entries)
    elif isinstance(node, nodes.For | nodes.Quantified):
        yield from (name for name, _ in node.iterators)
    elif isinstance(node, nodes.FunctionOf):
        yield from node.parameters
    if isinstance(node, tuple):
        for part in node:
            if isinstance(part, tuple):
                yield from _bound(part)


class _Walk:
    __slots__ = ("bound", "functions")

    def __init__(self, functions: _Functions, bound: Collection[str]) -> None:
        self.functions = functions
        self.bound = bound

    def visit(self, node: object, *, tested: bool) -> Iterator[Finding]:
        """Findings in a node; ``tested`` tells whether an input value is in sight."""
        if isinstance(node, nodes.In):
            yield from self.visit(node.value, tested=tested)
            yield from _swallowed(node)
            yield from self.visit(node.tests, tested=True)
            return
        yield from self._about(node, tested=tested)
        if isinstance(node, tuple):
            for part in node:
                if isinstance(part, tuple):
                    yield from self.visit(part, tested=tested)

    def _about(self, node: object, *, tested: bool) -> Iterator[Finding]:
        if isinstance(node, nodes.Call):
            yield from self._call(node)
        elif isinstance(node, nodes.Literal) and node.complaint:
            yield node.position, f"{node.complaint}: this is always null"
        elif isinstance(node, nodes.Name) and node.name in _KEYWORDS:
            yield node.position, f"'{node.name}' is a word of the language: write `{node.name}` for a variable"
        elif not tested:
            yield from _without_input(node)

    def _call(self, node: nodes.Call) -> Iterator[Finding]:
        if node.name in self.bound:
            return
        overloads = BUILTINS.get(node.name) or self.functions.get(node.name)
        if overloads is None:
            yield node.position, self._unknown(node.name)
        elif not any(_fits(overload, node) for overload in overloads):
            forms = sorted({f"{node.name}({', '.join(p.name for p in one.parameters)})" for one in overloads})
            yield node.position, f"'{node.name}' is not called like that, which gives null: there is {'; '.join(forms)}"

    def _unknown(self, name: str) -> str:
        if name in _ABSENT:
            return f"feel-scala has no function '{name}': this is always null"
        return f"there is no function '{name}', which gives null: {near_function(name, self.functions)}"


def _fits(overload: Overload, node: nodes.Call) -> bool:
    if node.keywords is not None:
        return overload.takes_names(node.keywords)
    return overload.takes(len(node.arguments))


def _swallowed(node: nodes.In) -> Iterator[Finding]:
    for test in node.tests:
        if isinstance(test, nodes.Junction):
            word = "or" if test.decides else "and"
            yield (
                node.position,
                f"'in' takes everything behind it as one test, the '{word}' too: write (… in …) {word} …",
            )


def _without_input(node: object) -> Iterator[Finding]:
    if isinstance(node, nodes.InputValue):
        yield node.position, "'?' has no value here and makes the evaluation fail: it belongs behind 'in'"
    elif isinstance(node, nodes.InputComparison) or (isinstance(node, nodes.Interval) and not node.is_value):
        yield node.position, "a test has nothing to test here, which gives null: it belongs behind 'in'"


__all__ = ["Finding", "check"]
