"""Java's regular expressions rewritten for the ``regex`` package, where the two differ.

Refused, as Java refuses it: unknown escapes, back references in a character class, a ``{`` that is no quantifier, and
all that only Python's packages know (recursion, conditionals, fuzzy matching).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn

_SAME: Final = frozenset("bBAGtnrf")
_ASCII: Final = {"d": "0-9", "w": "a-zA-Z0-9_", "s": r" \t\n\x0b\f\r"}
_CLASSES: Final = {
    "h": r"[ \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]",
    "v": r"[\n\x0b\f\r\x85\u2028\u2029]",
    "R": r"(?:\r\n|[\n\x0b\f\r\x85\u2028\u2029])",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "a": r"\x07",
    "e": r"\x1b",
}
_ANYTHING_BUT_LINE_ENDS: Final = r"[^\n\r\x85\u2028\u2029]"
_POSIX: Final = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`\{-\~",
    "Graph": "!-\\~",
    "Print": r"\x20-\~",
    "Blank": r"\x20\t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r"\x20\t\n\x0b\f\r",
}
_QUANTIFIER = re.compile(r"\{(\d{1,6})(?:,(\d{0,6}))?\}")
_GROUP = re.compile(r"\((?!\?)|\(\?(?:[:=!>]|<[=!]|<[a-zA-Z][a-zA-Z0-9]*>)")
_INLINE_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(-[a-zA-Z]*)?([:)])")
_PROPERTY = re.compile(r"[pP](?:\{\^?(\w+(?:=\w+)?)\}|([A-Z]))")
_HEXADECIMAL = re.compile(r"x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})|u([0-9a-fA-F]{4})")
_OCTAL = re.compile(r"0([0-3][0-7]{2}|[0-7]{1,2})")
_CAPTURING = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\((?!\?)|\(\?<[a-zA-Z])", re.DOTALL)


class Refused(ValueError):
    """Java would not take the pattern."""


class TooLarge(ValueError):
    """The pattern with its repetitions written out is too large to compile."""


class Translation:
    """One walk over a pattern.

    ``sizes`` holds, for each group that is open, how many parts it has with repetitions written out, and its last
    part's: the ``regex`` package compiles ``a{1000}`` into a thousand.
    """

    __slots__ = ("comments", "dot_all", "groups", "index", "is_ascii", "largest", "out", "pattern", "sizes")

    def __init__(self, pattern: str, flags: str, largest: int) -> None:
        self.largest = largest
        # Unicode properties need Unicode matching, where letters of other alphabets have cases too.
        self.is_ascii = True
        self.sizes = [[0, 0]]
        self.pattern = pattern
        self.index = 0
        self.out: list[str] = []
        self.comments = "x" in flags
        self.dot_all = "s" in flags or re.search(r"\(\?[a-z]*s", pattern) is not None
        self.groups = sum(1 for found in _CAPTURING.finditer(pattern) if found[1])

    def whole(self) -> str:
        """The pattern in the syntax of ``regex`` (version 1)."""
        while self.index < len(self.pattern):
            character = self.pattern[self.index]
            if character not in _WITHOUT_SIZE:
                self._grow(1)
            _RULES.get(character, Translation._literal)(self)
        return "".join(self.out)

    def _grow(self, size: int) -> None:
        group = self.sizes[-1]
        group[0] += size
        group[1] = size
        if group[0] > self.largest:
            raise TooLarge

    def refuse(self) -> NoReturn:
        raise Refused(self.pattern)

    def _literal(self) -> None:
        self.out.append(self.pattern[self.index])
        self.index += 1

    def _take(self, found: re.Match[str] | None) -> re.Match[str]:
        if found is None:
            self.refuse()
        self.index = found.end()
        return found

    def _dot(self) -> None:
        self.index += 1
        self.out.append("." if self.dot_all else _ANYTHING_BUT_LINE_ENDS)

    def _quantifier(self) -> None:
        found = self._take(_QUANTIFIER.match(self.pattern, self.index))
        last = self.sizes[-1][1]
        self._grow(last * max(int(found[1]) - 1, 0))
        self.sizes[-1][1] = last * max(int(found[1]), 1)
        self.out.append(found[0])

    def _group(self) -> None:
        flags = _INLINE_FLAGS.match(self.pattern, self.index)
        if flags is None or not (flags[1] or flags[2]):
            self.out.append(self._take(_GROUP.match(self.pattern, self.index))[0])
            self.sizes.append([0, 0])
            return
        if flags[3] == ":":
            self.sizes.append([0, 0])
        if not set(flags[1] + (flags[2] or "-")[1:]) <= set("idmsuxU"):
            self.refuse()
        self.index = flags.end()
        # d, u and U only change which characters beyond ASCII belong together.
        on, off = (re.sub("[duU]", "", part or "") for part in flags.groups()[:2])
        self.out.append(f"(?{on}{off if len(off) > 1 else ''}{flags[3]}" if on or len(off) > 1 else _NO_FLAGS[flags[3]])

    def _end_of_group(self) -> None:
        if len(self.sizes) > 1:
            self._grow(max(self.sizes.pop()[0], 1))
        self._literal()

    def _escape(self) -> None:
        self.index += 1
        if self.pattern.startswith("Q", self.index):
            return self._quoted()
        character = self.pattern[self.index : self.index + 1]
        if character.isdigit() and character != "0":
            return self._back_reference()
        if character == "k":
            self.index += 1
            found = self._take(re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)>").match(self.pattern, self.index))
            return self.out.append(f"(?P={found[1]})")
        if character in _CLASSES:
            self.index += 1
            return self.out.append(_CLASSES[character])
        return self.out.append(self._single(in_class=False))

    def _quoted(self) -> None:
        end = self.pattern.find(r"\E", self.index)
        stop = end if end >= 0 else len(self.pattern)
        self.out.append(re.escape(self.pattern[self.index + 1 : stop]))
        self.index = stop + 2

    def _back_reference(self) -> None:
        group = int(self.pattern[self.index])
        self.index += 1
        while self.index < len(self.pattern) and self.pattern[self.index] in "0123456789":
            longer = group * 10 + int(self.pattern[self.index])
            if longer > self.groups:
                break
            group = longer
            self.index += 1
        # A group that is not there never matches.
        self.out.append(f"(?:\\{group})" if group <= self.groups else "(?!)")

    def _single(self, *, in_class: bool) -> str:
        """What stands behind a backslash for one character or a class of characters."""
        pattern, index = self.pattern, self.index
        character = pattern[index : index + 1]
        if character in ("p", "P"):
            return self._property(in_class=in_class)
        if character in ("x", "u"):
            found = self._take(_HEXADECIMAL.match(pattern, index))
            return _code(int(found[1] or found[2] or found[3], 16), self.refuse)
        if character == "0":
            return _code(int(self._take(_OCTAL.match(pattern, index))[1], 8), self.refuse)
        if character.lower() in _ASCII:
            self.index += 1
            return _set(_ASCII[character.lower()], negated=character.isupper(), in_class=in_class)
        if not character or (character.isalnum() and character.isascii() and character not in _SAME):
            self.refuse()
        if in_class and character in "bBAG":
            self.refuse()
        self.index += 1
        return f"\\{character}"

    def _property(self, *, in_class: bool) -> str:
        found = self._take(_PROPERTY.match(self.pattern, self.index))
        negated = found[0][0] == "P"
        name = found[1] or found[2]
        if name in _POSIX:
            return _set(_POSIX[name], negated=negated, in_class=in_class)
        name = {"javaLowerCase": "Ll", "javaUpperCase": "Lu", "javaWhitespace": "Zs"}.get(name, name)
        if re.fullmatch(r"[A-Z][a-z&]?|Is\w+|In\w+|\w+=\w+", name) is None:
            self.refuse()
        self.is_ascii = False
        return f"\\{'P' if negated else 'p'}{{{name}}}"

    def _class(self) -> None:
        self.index += 1
        self.out.append("[")
        if self.pattern.startswith("^", self.index):
            self.index += 1
            self.out.append("^")
        empty = True
        while True:
            character = self.pattern[self.index : self.index + 1]
            if not character:
                self.refuse()
            if self.comments and character in " \t\n\r\f\x0b":
                self.index += 1
                continue
            if character == "]" and not empty:
                self.index += 1
                return self.out.append("]")
            self._class_member(character)
            empty = False

    def _class_member(self, character: str) -> None:
        if character == "[":
            self._class()
        elif character == "\\":
            self._class_escape()
        elif self.pattern.startswith("&&", self.index):
            self.index += 2
            self.out.append("&&")
        else:
            self.index += 1
            self.out.append(self._class_literal(character))

    def _class_literal(self, character: str) -> str:
        if character == "-":
            following = self.pattern[self.index : self.index + 1]
            # In front of a bracket it is a character; between two characters a range.
            return r"\-" if following in ("[", "]", "-") or self.out[-1] in ("[", "^") else "-"
        return f"\\{character}" if character in "|~&]" else character

    def _class_escape(self) -> None:
        self.index += 1
        if self.pattern.startswith("Q", self.index):
            return self._quoted()
        character = self.pattern[self.index : self.index + 1]
        if character in ("h", "v"):
            self.index += 1
            return self.out.append(_CLASSES[character])
        if character in ("a", "e"):
            self.index += 1
            return self.out.append(_CLASSES[character])
        if character.isdigit() and character != "0":
            self.refuse()
        return self.out.append(self._single(in_class=True))


def _set(members: str, *, negated: bool, in_class: bool) -> str:
    if negated:
        return f"[^{members}]"
    return members if in_class else f"[{members}]"


def _code(point: int, refuse: Callable[[], NoReturn]) -> str:
    if point > 0x10FFFF:
        refuse()
    return f"\\U{point:08x}"


_WITHOUT_SIZE: Final = frozenset("(){")
_NO_FLAGS: Final = {":": "(?:", ")": "(?:)"}
_RULES: Final[dict[str, Callable[[Translation], None]]] = {
    "\\": Translation._escape,
    "[": Translation._class,
    "(": Translation._group,
    ")": Translation._end_of_group,
    "{": Translation._quantifier,
    ".": Translation._dot,
}


def translate(pattern: str, flags: str, largest: int) -> tuple[str, bool]:
    """A pattern in the syntax of ``regex``, version 1, and whether it is about ASCII only.

    Raises:
        Refused: when Java would not take it.
        TooLarge: when it has more than ``largest`` parts with its repetitions written out.
    """
    translation = Translation(pattern, flags, largest)
    return translation.whole(), translation.is_ascii


__all__ = ["Refused", "TooLarge", "translate"]
