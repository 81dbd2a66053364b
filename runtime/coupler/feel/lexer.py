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

# What follows the first group always matches, so it never backtracks; not possessive, since Python before 3.11.5 takes
# half a comment then (python/cpython#106052).
_TOKEN = re.compile(
    rf"""
    (?:{_SPACE}|//[^\n]*|/\*.*?\*/)*
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
# In the order of the groups above.
_KINDS: Final = (OTHER, NAME, STRING, NUMBER, SYMBOL, QUOTED_NAME, END, OTHER)


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
    append, make = tokens.append, tuple.__new__
    for found in _TOKEN.finditer(text):
        group = found.lastindex or 0
        word = found[group]
        start, end = found.span(group)
        append(make(Token, (_KINDS[group], word, start, end)))
        if word == "/" and text.startswith("/*", start):
            raise FeelSyntaxError(text, start, "'*/' at the end of the comment")
        if start == end:
            break
    return tokens


_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'"}
_ESCAPE = re.compile(r"(?P<pairs>(?:\\\\)+)(?P<rest>\\.)?|\\(?P<letter>.)", re.DOTALL)


def _unescape(found: re.Match[str]) -> str:
    # An unknown escape (\d in a pattern, \u269D) stays as written, and so does any behind an escaped backslash,
    # as feel-scala leaves them.
    if found["pairs"]:
        return found["pairs"][::2] + (found["rest"] or "")
    return _ESCAPES.get(found["letter"], found[0])


def unquote(quoted: str) -> str:
    """The value of a string literal."""
    inner = quoted[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


__all__ = ["END", "NAME", "NUMBER", "OTHER", "QUOTED_NAME", "STRING", "SYMBOL", "Token", "tokenize", "unquote"]
