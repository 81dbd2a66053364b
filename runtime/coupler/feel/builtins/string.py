"""Functions of strings. Positions and lengths count UTF-16 units, as Java does."""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from typing import Any

from regex import Pattern

from coupler.errors import FeelError
from coupler.feel.regexes import BadReplacement, all_matches, compiled, first_match, template
from coupler.feel.registry import builtin
from coupler.feel.scope import Run


def _units(text: str) -> bytes | None:
    """UTF-16 for a text with characters outside the basic plane; None when units and characters are the same."""
    if text.isascii() or max(text) < "\U00010000":
        return None
    return text.encode("utf-16-le", "surrogatepass")


def _length(text: str) -> int:
    units = _units(text)
    return len(text) if units is None else len(units) // 2


def _cut(text: str, start: int, end: int) -> str:
    units = _units(text)
    if units is None:
        return text[start:end]
    return units[start * 2 : end * 2].decode("utf-16-le", "replace")


def _part(run: Run, text: str, start: Any, length: Any) -> str:
    size = _length(text)
    position = int(start)
    begin = position - 1 if position > 0 else size + position
    end = size if length is None else min(begin + int(length), size)
    if begin < 0 or begin > end:
        raise FeelError(
            f"substring: position {position} with length {'to the end' if length is None else int(length)}"
            f" lies outside of a text of {size} characters"
        )
    run.check_string(size)
    return _cut(text, begin, end)


@builtin(
    "substring(string: string, start position: number)",
    "The text from a position on; negative positions count from the end.",
)
def _substring(run: Run, text: str, start: Any) -> str:
    return _part(run, text, start, None)


@builtin("substring(string: string, start position: number, length: number)", "So many characters from a position on.")
def _substring_of(run: Run, text: str, start: Any, length: Any) -> str:
    return _part(run, text, start, length)


@builtin("string length(string: string)", "How long the text is.")
def _string_length(text: str) -> int:
    return _length(text)


@builtin("upper case(string: string)", "In capital letters.")
def _upper_case(run: Run, text: str) -> str:
    run.check_string(len(text))
    return text.upper()


@builtin("lower case(string: string)", "In small letters.")
def _lower_case(run: Run, text: str) -> str:
    run.check_string(len(text))
    return text.lower()


@builtin("substring before(string: string, match: string)", "What stands before the first match.")
def _substring_before(run: Run, text: str, match: str) -> str:
    run.check_string(len(text))
    return text[: max(text.find(match), 0)]


@builtin("substring after(string: string, match: string)", "What stands behind the first match.")
def _substring_after(run: Run, text: str, match: str) -> str:
    run.check_string(len(text))
    place = text.find(match)
    return "" if place < 0 else text[place + len(match) :]


@builtin("contains(string: string, match: string)", "Whether the text has the match in it.")
def _contains(run: Run, text: str, match: str) -> bool:
    run.check_string(len(text))
    return match in text


@builtin("starts with(string: string, match: string)", "Whether the text begins with the match.")
def _starts_with(text: str, match: str) -> bool:
    return text.startswith(match)


@builtin("ends with(string: string, match: string)", "Whether the text ends with the match.")
def _ends_with(text: str, match: str) -> bool:
    return text.endswith(match)


@builtin(
    "matches(input: string, pattern: string[, flags: string])",
    "Whether the pattern is found in the text; flags are i, m, s and x.",
)
def _matches(run: Run, text: str, pattern: str, flags: str = "") -> bool | None:
    expression = compiled(run, pattern, flags)
    return None if expression is None else first_match(run, expression, text) is not None


@builtin(
    "replace(input: string, pattern: string, replacement: string[, flags: string])",
    "Every match replaced; $1 is the first group.",
)
def _replace(run: Run, text: str, pattern: str, replacement: str, flags: str = "") -> str | None:
    expression = compiled(run, pattern, flags)
    if expression is None:
        return None
    run.check_string(len(text))
    try:
        return _replaced(run, text, expression, replacement)
    except BadReplacement:
        return None


def _replaced(run: Run, text: str, expression: Pattern[str], replacement: str) -> str:
    pieces: list[str] = []
    size = len(text)
    end = 0
    parts: list[str | int] | None = None  # Java looks at the replacement only when there is something to replace
    for found in all_matches(run, expression, text):
        parts = template(replacement, expression) if parts is None else parts
        put = "".join(part if isinstance(part, str) else found.group(part) or "" for part in parts)
        size += len(put)
        run.check_string(size)
        pieces += (text[end : found.start()], put)
        end = found.end()
    return "".join(pieces) + text[end:]


@builtin("split(string: string, delimiter: string)", "The pieces between the matches of a pattern.")
def _split(run: Run, text: str, delimiter: str) -> list[str] | None:
    expression = compiled(run, delimiter)
    if expression is None:
        return None
    pieces: list[str] = []
    end = 0
    for found in all_matches(run, expression, text):
        if found.end() == 0:
            continue  # Java gives no empty piece for an empty match at the start
        pieces.append(text[end : found.start()])
        end = found.end()
    pieces.append(text[end:])
    run.check_list(len(pieces))
    return pieces


@builtin("extract(string: string, pattern: string)", "All matches of a pattern.", standard=False)
def _extract(run: Run, text: str, pattern: str) -> list[str] | None:
    expression = compiled(run, pattern)
    if expression is None:
        return None
    found = [match.group() for match in all_matches(run, expression, text)]
    run.check_list(len(found))
    return found


builtin("extract(input: string, pattern: string)", "The same under the name in feel-scala.", standard=False)(_extract)

_NO_JAVA_SPACE = "\x85\xa0\u2007\u202f"  # Character.isWhitespace leaves these out
_JAVA_SPACE = "".join(map(chr, range(33)))


@builtin("trim(string: string)", "Without space at both ends.", standard=False)
def _trim(run: Run, text: str) -> str:
    run.check_string(len(text))
    return text.strip(_JAVA_SPACE)


@builtin("is blank(string: string)", "Whether the text is empty or space only.", standard=False)
def _is_blank(text: str) -> bool:
    return all(character.isspace() and character not in _NO_JAVA_SPACE for character in text)


@builtin("uuid()", "A new UUID, of version 7: by time.", standard=False)
def _uuid() -> str:
    millis = time.time_ns() // 1_000_000
    value = (millis << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=value))


@builtin("to base64(value: string)", "The text's UTF-8 in Base64.", standard=False)
def _to_base64(run: Run, value: str) -> str:
    run.check_string(len(value) * 2)
    return base64.b64encode(value.encode("utf-8", "replace")).decode()
