"""The parts of a parsed expression. Tuples, because an expression has many and each is made once and read once."""

from __future__ import annotations

from typing import Any, NamedTuple


class Literal(NamedTuple):
    """A value as written; ``complaint`` says why a date, time or duration is null."""

    value: Any
    position: int = 0
    complaint: str = ""


class Name(NamedTuple):
    """A variable."""

    name: str
    position: int


class Path(NamedTuple):
    """``base.name.name``; a position for each name."""

    base: Node
    names: tuple[str, ...]
    positions: tuple[int, ...]


class Filter(NamedTuple):
    """``base[condition]``."""

    base: Node
    condition: Node
    position: int


class ListOf(NamedTuple):
    items: tuple[Node, ...]


class ContextOf(NamedTuple):
    entries: tuple[tuple[str, Node], ...]


class If(NamedTuple):
    """``if … then … else if … then … else …``: pairs of condition and value, then the last value."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node
    position: int


class Counting(NamedTuple):
    """``start..end`` behind ``in`` of an iterator."""

    start: Node
    end: Node


class For(NamedTuple):
    iterators: tuple[tuple[str, Node], ...]
    body: Node
    position: int


class Quantified(NamedTuple):
    """``some`` or ``every``."""

    every: bool
    iterators: tuple[tuple[str, Node], ...]
    condition: Node
    position: int


class Junction(NamedTuple):
    """``and`` (``decides`` is False) or ``or`` (``decides`` is True) over two or more items."""

    decides: bool
    items: tuple[Node, ...]
    position: int


class Comparison(NamedTuple):
    operator: str
    left: Node
    right: Node
    position: int


class Between(NamedTuple):
    value: Node
    low: Node
    high: Node
    position: int


class InstanceOf(NamedTuple):
    value: Node
    type_name: str


class In(NamedTuple):
    value: Node
    tests: tuple[Node, ...]
    position: int


class Arithmetic(NamedTuple):
    """``first op item op item`` of one precedence, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node, int], ...]


class Negation(NamedTuple):
    value: Node
    position: int


class Call(NamedTuple):
    """A function call; ``keywords`` is None for positional arguments."""

    name: str
    arguments: tuple[Node, ...]
    keywords: tuple[str, ...] | None
    position: int


class MethodCall(NamedTuple):
    """``base.name(…)``: a function that is an entry of a context."""

    base: Node
    name: str
    arguments: tuple[Node, ...]
    keywords: tuple[str, ...] | None
    position: int


class FunctionOf(NamedTuple):
    parameters: tuple[str, ...]
    body: Node


class Interval(NamedTuple):
    """``[1..5)``: an argument is a range; anywhere else it is a test of the implicit input."""

    low: Node
    high: Node
    low_included: bool
    high_included: bool
    is_value: bool
    position: int


class InputComparison(NamedTuple):
    """``< 5``: a test of the implicit input."""

    operator: str
    value: Node
    position: int


class InputEquals(NamedTuple):
    """A boolean literal as a test."""

    value: Any


class InputValue(NamedTuple):
    """``?``."""

    position: int


class UnaryTests(NamedTuple):
    """A whole text of unary tests; no tests mean ``-``, which everything passes."""

    tests: tuple[Node, ...]
    negated: bool


Node = (
    Literal
    | Name
    | Path
    | Filter
    | ListOf
    | ContextOf
    | If
    | Counting
    | For
    | Quantified
    | Junction
    | Comparison
    | Between
    | InstanceOf
    | In
    | Arithmetic
    | Negation
    | Call
    | MethodCall
    | FunctionOf
    | Interval
    | InputComparison
    | InputEquals
    | InputValue
    | UnaryTests
)
