"""Regular expressions: Java's syntax and meaning on another engine."""

from __future__ import annotations

import pytest

from coupler.errors import FeelError
from coupler.feel.java_patterns import Refused, TooLarge, translate
from coupler.feel.limits import DEFAULT
from coupler.feel.regexes import compiled
from coupler.feel.scope import Run


def found(pattern: str, text: str, flags: str = "") -> bool | None:
    """Whether a Java pattern is found in a text; None when Java refuses it."""
    expression = compiled(Run({}, {}, DEFAULT), pattern, flags)
    return None if expression is None else expression.search(text) is not None


MATCHES = [
    ("^fo*b", "foobar", "", True),
    ("foo", "FOO", "i", True),
    ("(?i)foo", "FOO", "", True),
    ("a.b", "a\nb", "", False),
    ("a.b", "a\nb", "s", True),
    ("a.b", "a\rb", "", False),
    ("^b", "a\nb", "m", True),
    ("hello\\ sworld", "hello world", "x", False),
    (" h e l l o ", "hello", "x", True),
    (r"\d", "٣", "", False),
    (r"\w", "ä", "", False),
    ("k", "\u212a", "i", False),
    (r"\p{Lu}", "Ä", "", True),
    (r"\p{Lower}", "ä", "", False),
    (r"\P{Alpha}", "1", "", True),
    (r"[\p{Alpha}_]+$", "ab_", "", True),
    (r"\Qa.b\E", "a.b", "", True),
    (r"\Qa.b\E", "axb", "", False),
    (r"\x41B\x{43}\0104", "ABCD", "", True),
    (r"(a)\1", "aa", "", True),
    (r"(?<x>a)\k<x>", "aa", "", True),
    (r"(.)\2", "hh", "", False),
    (r"\3", "input", "", False),
    (r"[a-z&&[^b]]", "b", "", False),
    (r"[a-z&&[^b]]", "c", "", True),
    (r"[A-Z-[OI]]", "-", "", True),
    (r"[a--b]", "-", "", True),
    (r"[|~]", "|", "", True),
    (r"[]a]", "]", "", True),
    (r"a{2,3}+b", "aaab", "", True),
    (r"(?>a+)b", "aab", "", True),
    (r"(?<=a)b", "ab", "", True),
    (r"\R\h\z", "\n\t", "", True),
    (r"a\Z", "a\n", "", True),
]

REFUSED = [
    "[",
    "(",
    "a{",
    "a{x}",
    r"\y",
    "\\",
    r"[\1]",
    r"[asd\0]",
    r"\p{ IsBasicLatin}",
    "(?P<n>a)",
    "(?R)",
    "(?|a|b)",
    "(?:a){e<=1}",
    "(?q)a",
    r"\x{110000}",
    "*a",
]


@pytest.mark.parametrize(("pattern", "text", "flags", "expected"), MATCHES)
def test_patterns_match_as_in_java(pattern: str, text: str, flags: str, expected: bool) -> None:
    assert found(pattern, text, flags) is expected


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_java_refuses_is_null(pattern: str) -> None:
    assert found(pattern, "a") is None


def test_refusal_has_its_own_error() -> None:
    with pytest.raises(Refused):
        translate(r"\y", "", 100)


@pytest.mark.parametrize("pattern", ["((a{1000}){1000}){1000}", "(?:a{1000}b{1000}){1000}", "a" * 6000])
def test_large_patterns_are_not_compiled(pattern: str) -> None:
    with pytest.raises(TooLarge):
        translate(pattern, "", 5000)
    with pytest.raises(FeelError, match="pattern_size"):
        found(pattern, "a")
