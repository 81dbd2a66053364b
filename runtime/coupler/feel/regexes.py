"""Regular expressions as Java has them, on the ``regex`` package, whose matching can be given a time.

Java's syntax is rewritten where the two differ: escapes, nested character classes, ASCII-only ``\\d \\w \\s``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

import regex

from coupler.feel.limits import LimitExceeded
from coupler.feel.scope import Run

_FLAGS: Final = {"s": regex.DOTALL, "m": regex.MULTILINE, "i": regex.IGNORECASE, "x": regex.VERBOSE}
_LONGEST_PATTERN: Final = 2_000


@lru_cache(maxsize=512)
def _compiled(pattern: str, flags: str) -> regex.Pattern[str] | None:
    if len(pattern) > _LONGEST_PATTERN:
        return None
    value = regex.V1 | regex.ASCII
    for letter in flags:
        value |= _FLAGS.get(letter, 0)
    try:
        return regex.compile(_translated(pattern), flags=value, cache_pattern=False)
    except (regex.error, ValueError, OverflowError, RecursionError):
        return None


_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|\Z)", re.DOTALL)
_TRANSLATED: Final = {r"\h": r"[ \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]", r"\z": r"\Z", r"\Z": r"(?=\n?\Z)"}
_ESCAPE = re.compile(r"\\(?:p\{Is(\w+)\}|p\{(Lower|Upper|Alpha|Digit|Alnum|Punct|Space)\}|(.))", re.DOTALL)
_POSIX: Final = {
    "Lower": "[a-z]",
    "Upper": "[A-Z]",
    "Alpha": "[a-zA-Z]",
    "Digit": "[0-9]",
    "Alnum": "[a-zA-Z0-9]",
    "Punct": r"[!-/:-@\[-`{-~]",
    "Space": r"[ \t\n\x0b\f\r]",
}


def _translated(pattern: str) -> str:
    quoted = _QUOTED.sub(lambda found: re.escape(found[1]), pattern)
    return _ESCAPE.sub(_translated_escape, quoted)


def _translated_escape(found: re.Match[str]) -> str:
    if found[2]:
        return _POSIX[found[2]]
    return _TRANSLATED.get(found[0], found[0])


def compiled(pattern: str, flags: str = "") -> regex.Pattern[str] | None:
    """The pattern, or None when Java would not take it."""
    return _compiled(pattern, flags)


def matched(run: Run, action: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a matching method of a pattern with the time that is left for it.

    Raises:
        LimitExceeded: ``regex_seconds``.
    """
    run.spend(1)
    try:
        return action(*arguments, timeout=run.limits.regex_seconds)
    except TimeoutError:
        raise LimitExceeded("regex_seconds", run.limits.regex_seconds) from None


def all_matches(run: Run, pattern: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    """The matches one after the other, each charged."""
    matches = iter(matched(run, pattern.finditer, text))
    while True:
        try:
            found = next(matches)
        except StopIteration:
            return
        except TimeoutError:
            raise LimitExceeded("regex_seconds", run.limits.regex_seconds) from None
        run.spend(1)
        yield found


class BadReplacement(ValueError):
    """A replacement text that Java refuses."""


_PART = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}|([^\\$]+)|(.)", re.DOTALL)


def template(replacement: str, pattern: regex.Pattern[str]) -> list[str | int]:
    """A replacement as texts and numbers of groups: ``$1`` takes as many digits as make a group that exists.

    Raises:
        BadReplacement: for a lone ``$`` or a group that is not there.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(replacement):
        found = _PART.match(replacement, position)
        assert found is not None
        position = found.end()
        if found[2] is not None:
            group = int(found[2])
            while (
                position < len(replacement)
                and replacement[position] in "0123456789"
                and group * 10 + int(replacement[position]) <= pattern.groups
            ):
                group = group * 10 + int(replacement[position])
                position += 1
            if group > pattern.groups:
                raise BadReplacement
            parts.append(group)
        elif found[3] is not None:
            if found[3] not in pattern.groupindex:
                raise BadReplacement
            parts.append(pattern.groupindex[found[3]])
        elif found[5] is not None:
            raise BadReplacement
        else:
            parts.append(found[1] or found[4])
    return parts


__all__ = ["BadReplacement", "all_matches", "compiled", "matched", "template"]
