"""A place in the tokens, with the ways to look, accept, demand and try.

Trying is bounded: what failed at a place is remembered, so that no text makes the parser read a part many times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from coupler.feel.lexer import END, NAME, QUOTED_NAME, STRING, SYMBOL, Token
from coupler.feel.limits import LimitExceeded, Limits
from coupler.feel.syntax import FeelSyntaxError

_T = TypeVar("_T")

# Names that the grammar keeps for itself; a variable of such a name is written in backticks.
RESERVED = frozenset(("null", "true", "false", "function", "in"))


class Mismatch(Exception):
    """An alternative does not read; the cursor knows the furthest place that was reached."""


class Cursor:
    """Walks over tokens and keeps the furthest failure, which is what the user is told.

    ``lenient`` collects what is read here, though feel-scala would refuse it.
    """

    __slots__ = (
        "depth",
        "failed",
        "furthest",
        "furthest_expected",
        "index",
        "lenient",
        "limits",
        "memo",
        "text",
        "tokens",
    )

    def __init__(self, text: str, tokens: list[Token], limits: Limits) -> None:
        self.text = text
        self.tokens = tokens
        self.limits = limits
        self.index = 0
        self.lenient: list[tuple[int, str]] = []
        self.depth = 0
        self.furthest = -1
        self.furthest_expected = ""
        self.failed: set[tuple[str, int]] = set()
        self.memo: dict[int, tuple[object, int]] = {}

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.index]

    def enter(self) -> None:
        """Goes one level deeper; the caller comes back by ``self.depth -= 1``."""
        self.depth += 1
        if self.depth > self.limits.nesting_depth:
            raise LimitExceeded("nesting_depth", self.limits.nesting_depth)

    def fail(self, expected: str) -> NoReturn:
        """Gives up here; ``expected`` is in the user's words."""
        start = self.tokens[self.index].start
        # Nobody who forgot a word meant a range.
        is_better = start == self.furthest and self.furthest_expected == "'..'"
        if start > self.furthest or is_better:
            self.furthest = start
            self.furthest_expected = expected
        raise Mismatch

    def error(self) -> FeelSyntaxError:
        """The error for the furthest place that was reached."""
        return FeelSyntaxError(self.text, max(self.furthest, 0), self.furthest_expected or "an expression")

    def attempt(self, key: str, rule: Callable[[], _T]) -> _T | None:
        """Reads ``rule``, or goes back to where it began and returns None."""
        start, depth = self.index, self.depth
        if (key, start) in self.failed:
            return None
        try:
            return rule()
        except Mismatch:
            self.failed.add((key, start))
            self.index, self.depth = start, depth
            return None

    def at_symbol(self, symbol: str) -> bool:
        """Whether ``symbol`` comes next."""
        token = self.tokens[self.index]
        return token.text == symbol and token.kind == SYMBOL

    def at_word(self, word: str) -> bool:
        """Whether the bare word comes next."""
        token = self.tokens[self.index]
        return token.text == word and token.kind == NAME

    def accept(self, symbol: str) -> bool:
        """Steps over ``symbol`` if it comes next."""
        token = self.tokens[self.index]
        if token.text == symbol and token.kind == SYMBOL:
            self.index += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        """Steps over ``symbol``, which must come next."""
        token = self.tokens[self.index]
        if token.text != symbol or token.kind != SYMBOL:
            self.fail(f"'{symbol}'")
        self.index += 1

    def expect_word(self, word: str) -> None:
        """Steps over the bare word, which must come next."""
        if not self.at_word(word):
            self.fail(f"'{word}'")
        self.index += 1

    def expect_end(self, expected: str) -> None:
        """Demands that nothing follows."""
        if self.tokens[self.index].kind != END:
            self.fail(expected)

    def name(self, expected: str) -> str:
        """Steps over a name, bare or in backticks."""
        token = self.tokens[self.index]
        if token.kind == NAME and token.text not in RESERVED:
            self.index += 1
            return token.text
        if token.kind == QUOTED_NAME:
            self.index += 1
            return token.text[1:-1]
        return self.fail(expected)

    def is_string(self) -> bool:
        """Whether a string literal comes next."""
        return self.tokens[self.index].kind == STRING


__all__ = ["RESERVED", "Cursor", "Mismatch"]
