"""Text to tokens.

The grammar depends on context (a context key may be any text, a function name may hold spaces), so a token keeps its
place and the parser looks back into the text where it must.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from coupler.feel.syntax import FeelSyntaxError

# White space of the DMN standard (chapter 10.3.1.2, rules 61 and 62).
_SPACE: Final = r"[\t-\r \x85\xa0\u1680\u180e\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]"

NAME: Final = "name"
QUOTED_NAME: Final = "quoted name"
NUMBER: Final = "number"
STRING: Final = "string"
SYMBOL: Final = "symbol"
OTHER: Final = "other"
END: Final = "end"

_TOKEN = re.compile(
    rf"""
    (?:{_SPACE}|//[^\n]*|/\*.*?\*/)*+
    (?: (?P<name>[^\W\d][\w$]*|\$[\w$]*)
      | (?P<string>"(?:\\.|[^"\\])*+")
      | (?P<number>(?:\d++(?:\.\d+)?|\.\d+))
      | (?P<symbol>\*\*|\.\.|<=|>=|!=|->|[-+*/=<>(){{}}\[\],.:?@])
      | (?P<quoted>`[^`]+`)
      | (?P<end>\Z)
      | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_KINDS: Final = {
    "name": NAME,
    "string": STRING,
    "number": NUMBER,
    "symbol": SYMBOL,
    "quoted": QUOTED_NAME,
    "end": END,
    "other": OTHER,
}


class Token(NamedTuple):
    """One word of an expression: ``text`` as written, from ``start`` to before ``end``."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Splits ``text``; the last token has kind ``END``.

    Raises:
        FeelSyntaxError: for an unfinished comment.
    """
    tokens: list[Token] = []
    append = tokens.append
    position = 0
    length = len(text)
    match = _TOKEN.match
    while True:
        found = match(text, position)
        if found is None:  # every character is matched by a branch
            raise FeelSyntaxError(text, position, "an expression", "nothing that can be read")
        group = found.lastgroup or "other"
        start, end = found.span(group)
        if group == "symbol" and text.startswith("/*", start):
            raise FeelSyntaxError(text, start, "'*/' at the end of the comment")
        append(Token(_KINDS[group], text[start:end], start, end))
        if group == "end":
            return tokens
        position = min(end, length)


_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _unescape(found: re.Match[str]) -> str:
    # An unknown escape (\d in a pattern, \u269D) stays as written, as feel-scala leaves it.
    return _ESCAPES.get(found[1], found[0])


def unquote(quoted: str) -> str:
    """The value of a string literal."""
    inner = quoted[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


__all__ = ["END", "NAME", "NUMBER", "OTHER", "QUOTED_NAME", "STRING", "SYMBOL", "Token", "tokenize", "unquote"]
