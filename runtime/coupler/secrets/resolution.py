"""Replacement of secret references in the raw text of job variables.

The text is JSON that has not been parsed yet, as in the Java runtime: references work in values, keys and outside of
strings, and what is inserted is escaped for a JSON string. ``{{secrets.NAME}}`` is always a reference. The bare form
``secrets.NAME`` also matches prose, so by default it is replaced only where a provider knows the name.

A value may refer to other secrets; it is made whole before it is inserted, and what is inserted is not looked at again.
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

# ASCII: Java's \s and \S know no other white space. The cluster's own secrets (camunda.secrets.NAME) look like the bare
# form and are not ours. Where the braced form is denied, the bare one must not match inside of it: hence one pattern.
_BRACED = r"\{\{\s*secrets\.(?P<braced>\S+?\s*)\}\}"
_BARE = r"(?<!camunda\.)secrets\.(?P<bare>(?:[a-zA-Z0-9]+[/._-])*[a-zA-Z0-9]+)"
_ANY = re.compile(f"{_BRACED}|{_BARE}", re.ASCII)
_ONLY_BRACED = re.compile(f"{_BRACED}(?P<bare>)", re.ASCII)
_TRIMMED = "".join(map(chr, range(0x21)))  # what Java's String.trim removes

MAX_DEPTH = 10
MAX_TEXT_LENGTH = 8 * 1024 * 1024  # far above what a gateway accepts; stops values that multiply
_MAX_WARNINGS = 1000

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
        self._pattern = _ONLY_BRACED if mode is BareReferences.OFF else _ANY
        self._bare_required = mode is BareReferences.ALL
        self._filter = secret_filter
        self._warned: set[tuple[str, str]] = set()

    async def resolve(self, text: str, scope: SecretScope) -> Resolved:
        """Replaces every reference in the text.

        Raises:
            InputError: a secret is not there; names it.
            SecretsUnavailable: a provider cannot be reached.
        """
        if "secrets." not in text or self._pattern.search(text) is None:
            return Resolved(text, NOTHING_TO_MASK)
        allowed = None if self._filter is None else await self._filter.allowed(scope)
        resolution = _Resolution(self, self._pattern, scope, bare_required=self._bare_required)
        return Resolved(await resolution.replace(text, allowed), Masker(resolution.values))

    async def find(self, name: str, scope: SecretScope) -> str | None:
        """The value of one secret as its provider has it, or ``None``."""
        for provider in self._providers:
            value = await provider.get(name, scope)
            if value is not None:
                return value
        return None

    def warn_once(self, reason: str, name: str, scope: SecretScope) -> None:
        """Says once per name and element why a reference was left as text."""
        if (name, scope.element_id) in self._warned or len(self._warned) >= _MAX_WARNINGS:
            return
        self._warned.add((name, scope.element_id))
        log.warning("Element %r of process %r: %s", scope.element_id, scope.process_id, reason)

    async def close(self) -> None:
        """Closes all providers."""
        for provider in self._providers:
            await provider.close()


class _Resolution:
    """One resolution: every name is asked for once."""

    def __init__(self, secrets: Secrets, pattern: re.Pattern[str], scope: SecretScope, *, bare_required: bool) -> None:
        self._secrets = secrets
        self._pattern = pattern
        self._scope = scope
        self._bare_required = bare_required
        self._known: dict[str, str | None] = {}
        self.values: set[str] = set()

    async def replace(self, text: str, allowed: frozenset[str] | None) -> str:
        """The job's text: references that are not allowed stay as they are."""
        found: dict[str, str] = {}
        for match in self._pattern.finditer(text):
            name = _name(match)
            if allowed is not None and name not in allowed:
                self._secrets.warn_once(_DENIED.format(name=name), name, self._scope)
                continue
            await self._collect(match, found, ())
        return self._insert(text, found, escaped=True)

    async def _collect(self, match: re.Match[str], found: dict[str, str], trail: tuple[str, ...]) -> None:
        name = _name(match)
        value = await self._value(name, trail)
        if value is not None:
            found[name] = value
        elif match["braced"] or self._bare_required:
            raise InputError(f"Secret with name '{name}' is not available")
        else:
            self._secrets.warn_once(_UNKNOWN.format(name=name), name, self._scope)

    async def _value(self, name: str, trail: tuple[str, ...]) -> str | None:
        """A secret with all that it refers to; what an operator wrote into a secret needs no permission."""
        if name in trail:
            raise InputError(f"Secrets refer to each other in a circle: {' -> '.join((*trail, name))}")
        if len(trail) >= MAX_DEPTH:
            raise InputError(f"Secrets refer to each other more than {MAX_DEPTH} deep: {' -> '.join(trail)}")
        if name not in self._known:
            value = await self._secrets.find(name, self._scope)
            if value is not None and "secrets." in value:
                found: dict[str, str] = {}
                for match in self._pattern.finditer(value):
                    await self._collect(match, found, (*trail, name))
                value = self._insert(value, found, escaped=False)
            self._known[name] = value
            if value:
                self.values.add(value)
        return self._known[name]

    def _insert(self, text: str, found: Mapping[str, str], *, escaped: bool) -> str:
        length = len(text) + sum(len(found.get(_name(match), "")) for match in self._pattern.finditer(text))
        if length > MAX_TEXT_LENGTH:
            raise InputError(f"With secrets in place, the variables exceed {MAX_TEXT_LENGTH} characters.")
        inserted = (
            {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in found.items()} if escaped else found
        )
        return self._pattern.sub(partial(_replacement, inserted), text)


_UNKNOWN = (
    "the input contains 'secrets.{name}', which no provider knows; it is left as text."
    " Write {{{{secrets.{name}}}}} if it is meant as a secret."
)
_DENIED = (
    "the secret '{name}' stands in the variables, but not in the element's own inputs; it is left as text."
    " COUPLER_SECRETS__FILTER decides about that."
)


def references(text: str) -> frozenset[str]:
    """The names of all secrets that a text refers to, in either form."""
    return frozenset(_name(match) for match in _ANY.finditer(text))


def _name(match: re.Match[str]) -> str:
    return (match["braced"] or match["bare"]).strip(_TRIMMED)


def _replacement(found: Mapping[str, str], match: re.Match[str]) -> str:
    return found.get(_name(match), match[0])
