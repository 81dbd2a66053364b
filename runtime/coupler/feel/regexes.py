"""Regular expressions with a time limit: Java's patterns on the ``regex`` package, which lets go of the interpreter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Final

import regex

from coupler.feel.java_patterns import Refused, TooLarge, translate
from coupler.feel.limits import LimitExceeded
from coupler.feel.scope import Run

_FLAGS: Final = {"s": regex.DOTALL, "m": regex.MULTILINE, "i": regex.IGNORECASE, "x": regex.VERBOSE}
_CACHED_PATTERNS: Final = 500
_STEPS_TO_COMPILE: Final = 1_000
_STEPS_PER_SECOND: Final = 3_000_000

_cache: dict[tuple[str, str], regex.Pattern[str] | None] = {}


def compiled(run: Run, pattern: str, flags: str = "") -> regex.Pattern[str] | None:
    """The pattern, or None when Java would not take it."""
    key = (pattern, flags)
    try:
        return _cache[key]
    except KeyError:
        run.spend(_STEPS_TO_COMPILE + len(pattern) * 10)
    if len(_cache) >= _CACHED_PATTERNS:
        _cache.clear()
    try:
        _cache[key] = found = _compile(pattern, flags, run.limits.pattern_size)
    except TooLarge:
        raise LimitExceeded("pattern_size", run.limits.pattern_size, "a regular expression is too large") from None
    return found


def _compile(pattern: str, flags: str, largest: int) -> regex.Pattern[str] | None:
    if len(pattern) > largest:
        raise TooLarge
    value = regex.V1
    for letter in flags:
        value |= _FLAGS.get(letter, 0)
    try:
        translated, is_ascii = translate(pattern, flags, largest)
        return regex.compile(translated, flags=value | regex.ASCII if is_ascii else value, cache_pattern=False)
    except (Refused, regex.error, OverflowError, RecursionError, MemoryError):
        return None


def timed(run: Run, action: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a step of matching and charges for its time.

    Raises:
        LimitExceeded: ``regex_seconds``.
    """
    start = perf_counter()
    try:
        result = action(*arguments)
    except TimeoutError:
        raise LimitExceeded("regex_seconds", run.limits.regex_seconds, "a regular expression takes too long") from None
    run.spend(1 + int((perf_counter() - start) * _STEPS_PER_SECOND))
    return result


def first_match(run: Run, pattern: regex.Pattern[str], text: str) -> regex.Match[str] | None:
    """The first match in a text."""

    def search() -> regex.Match[str] | None:
        return pattern.search(text, timeout=run.limits.regex_seconds, concurrent=True)

    found: regex.Match[str] | None = timed(run, search)
    return found


def all_matches(run: Run, pattern: regex.Pattern[str], text: str) -> Iterator[regex.Match[str]]:
    """The matches one after the other."""
    matches = pattern.finditer(text, timeout=run.limits.regex_seconds, concurrent=True)
    while (found := timed(run, next, matches, None)) is not None:
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
            group, position = _numbered(replacement, int(found[2]), position, pattern.groups)
            parts.append(group)
        elif found[3] is not None:
            parts.append(_named(found[3], pattern))
        elif found[5] is not None:
            raise BadReplacement
        else:
            parts.append(found[1] or found[4])
    return parts


def _numbered(replacement: str, group: int, position: int, groups: int) -> tuple[int, int]:
    if group > groups:
        raise BadReplacement
    while replacement[position : position + 1] in _DIGITS and group * 10 + int(replacement[position]) <= groups:
        group = group * 10 + int(replacement[position])
        position += 1
    return group, position


_DIGITS: Final = frozenset("0123456789")


def _named(name: str, pattern: regex.Pattern[str]) -> int:
    if name not in pattern.groupindex:
        raise BadReplacement
    return int(pattern.groupindex[name])


__all__ = ["BadReplacement", "all_matches", "compiled", "first_match", "template"]
