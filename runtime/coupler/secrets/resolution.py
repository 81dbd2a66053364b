"""Replacement of secret references in the raw text of job variables.

The text is JSON that has not been parsed yet, as in the Java runtime: references work in values, keys and outside of
strings, and what is inserted is escaped for a JSON string. ``{{secrets.NAME}}`` is always a reference. The bare form
``secrets.NAME`` also matches prose, so by default it is replaced only where a provider knows the name.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol

from coupler.errors import InputError
from coupler.secrets.masking import NOTHING_TO_MASK, Masker
from coupler.secrets.provider import SecretProvider, SecretScope

# ASCII: Java's \s and \S know no other white space.
_BRACED = re.compile(r"\{\{\s*secrets\.(?P<name>\S+?\s*)\}\}", re.ASCII)
# What is left in braces after the first pattern was denied by the filter: never resolved in part. The cluster's own
# secrets (camunda.secrets.NAME) look like ours and are not ours.
_BARE = re.compile(
    r"\{\{\s*secrets\.\S+?\s*\}\}|(?<!camunda\.)secrets\.(?P<name>(?:[a-zA-Z0-9]+[/._-])*[a-zA-Z0-9]+)", re.ASCII
)
_TRIMMED = "".join(map(chr, range(0x21)))  # what Java's String.trim removes

MAX_DEPTH = 10
MAX_TEXT_LENGTH = 8 * 1024 * 1024  # far above what a gateway accepts; stops values that multiply

log = logging.getLogger(__name__)


class BareReferences(Enum):
    """What ``secrets.NAME`` without braces means."""

    KNOWN = "known"  # a reference where a provider knows the name, otherwise text
    ALL = "all"  # always a reference, as in the Java runtime: an unknown name fails the job
    OFF = "off"  # text


class SecretFilter(Protocol):
    """Decides which names an element may use."""

    async def allowed(self, scope: SecretScope) -> frozenset[str] | None:
        """The names that the element may use, ``None`` for all.

        Raises:
            SecretsUnavailable: the answer cannot be found out now, and the mode does not let the job pass.
        """
        ...


@dataclass(slots=True, frozen=True)
class Resolved:
    """Variables with secrets in place, and the masker for everything that leaves the process afterwards."""

    text: str
    masker: Masker


class Secrets:
    """Resolves references through providers, the first that knows a name wins."""

    def __init__(
        self,
        providers: Sequence[SecretProvider],
        mode: BareReferences = BareReferences.KNOWN,
        secret_filter: SecretFilter | None = None,
    ) -> None:
        self._providers = tuple(providers)
        self._mode = mode
        self._filter = secret_filter
        self._warned: set[tuple[str, str]] = set()

    async def resolve(self, text: str, scope: SecretScope) -> Resolved:
        """Replaces every reference in the text.

        Raises:
            InputError: a secret is not there; names it.
            SecretsUnavailable: a provider cannot be reached.
        """
        if "secrets." not in text:
            return Resolved(text, NOTHING_TO_MASK)
        return await _Resolution(self, scope).run(text)

    async def find(self, name: str, scope: SecretScope) -> str | None:
        """The value of one secret, or ``None``."""
        for provider in self._providers:
            value = await provider.get(name, scope)
            if value is not None:
                return value
        return None

    async def allowed(self, scope: SecretScope) -> frozenset[str] | None:
        """The names that an element may use, ``None`` for all."""
        return None if self._filter is None else await self._filter.allowed(scope)

    @property
    def mode(self) -> BareReferences:
        """What a bare reference means."""
        return self._mode

    def warn_unknown(self, name: str, scope: SecretScope) -> None:
        """Says once per element that a text looks like a reference and was left alone."""
        if (name, scope.element_id) in self._warned or len(self._warned) >= 1000:
            return
        self._warned.add((name, scope.element_id))
        log.warning(
            "The input of element %r of process %r contains 'secrets.%s', which no provider knows; it is left as text."
            " Write {{secrets.%s}} if it is meant as a secret.",
            scope.element_id,
            scope.process_id,
            name,
            name,
        )

    async def close(self) -> None:
        """Closes all providers."""
        for provider in self._providers:
            await provider.close()


class _Resolution:
    """One resolution: values are asked for once."""

    def __init__(self, secrets: Secrets, scope: SecretScope) -> None:
        self._secrets = secrets
        self._scope = scope
        self._values: dict[str, str | None] = {}
        self._allowed: frozenset[str] | None = None

    async def run(self, text: str) -> Resolved:
        mode = self._secrets.mode
        if not (_BRACED.search(text) or (mode is not BareReferences.OFF and _has_bare(text))):
            return Resolved(text, NOTHING_TO_MASK)
        self._allowed = await self._secrets.allowed(self._scope)
        text = await self._passes(_BRACED, text, required=True)
        if mode is not BareReferences.OFF:
            text = await self._passes(_BARE, text, required=mode is BareReferences.ALL)
        return Resolved(text, Masker(value for value in self._values.values() if value))

    async def _passes(self, pattern: re.Pattern[str], text: str, *, required: bool) -> str:
        """Repeats, because a value may itself be a reference."""
        for _ in range(MAX_DEPTH):
            known = await self._look_up(pattern, text, required=required)
            if not known:
                return text
            if _length(pattern, known, text) > MAX_TEXT_LENGTH:
                raise InputError(f"With secrets in place, the variables exceed {MAX_TEXT_LENGTH} characters.")
            text = pattern.sub(partial(_insert, known), text)
        if not await self._look_up(pattern, text, required=required):
            return text
        names = sorted({_name(match) for match in pattern.finditer(text) if match["name"]})
        raise InputError(f"Secrets refer to each other in a circle, or more than {MAX_DEPTH} deep: {', '.join(names)}")

    async def _look_up(self, pattern: re.Pattern[str], text: str, *, required: bool) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for match in pattern.finditer(text):
            if not match["name"]:
                continue
            name = _name(match)
            if name in known or not self._may_use(name):
                continue
            value = await self._value(name)
            if value is not None:
                known[name] = value
            elif required:
                raise InputError(f"Secret with name '{name}' is not available")
            else:
                self._secrets.warn_unknown(name, self._scope)
        return known

    async def _value(self, name: str) -> str | None:
        if name not in self._values:
            self._values[name] = await self._secrets.find(name, self._scope)
        return self._values[name]

    def _may_use(self, name: str) -> bool:
        return self._allowed is None or name in self._allowed


def references(text: str) -> frozenset[str]:
    """The names of all secrets that a text refers to, in either form."""
    names = {_name(match) for match in _BRACED.finditer(text)}
    names.update(_name(match) for match in _BARE.finditer(text) if match["name"])
    return frozenset(names)


def _has_bare(text: str) -> bool:
    return any(match["name"] for match in _BARE.finditer(text))


def _name(match: re.Match[str]) -> str:
    return match["name"].strip(_TRIMMED)


def _length(pattern: re.Pattern[str], known: Mapping[str, str], text: str) -> int:
    """About how long the text becomes; found out before it is built."""
    return len(text) + sum(len(known.get(_name(match), "")) for match in pattern.finditer(text) if match["name"])


def _insert(known: Mapping[str, str], match: re.Match[str]) -> str:
    value = known.get(_name(match)) if match["name"] else None
    return match[0] if value is None else json.dumps(value, ensure_ascii=False)[1:-1]
