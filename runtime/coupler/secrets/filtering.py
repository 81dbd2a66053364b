"""Which secrets an element may use: those that its own inputs name in the deployed process.

Without this, whoever can set a process variable could write ``{{secrets.NAME}}`` into it and have the value sent to an
address of their choice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from xml.etree import ElementTree

from coupler.errors import GatewayError, SecretsUnavailable
from coupler.secrets.cache import TtlCache
from coupler.secrets.provider import SecretScope
from coupler.secrets.resolution import references

MAX_DEFINITIONS = 1000

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
_TASKS = frozenset(f"{_BPMN}{name}" for name in ("serviceTask", "sendTask", "scriptTask", "businessRuleTask"))

PAUSE_SECONDS = 10.0
"""After a definition could not be fetched, none is asked for during this time."""

DefinitionXml = Callable[[int], Awaitable[str]]
"""Fetches the XML of a deployed process definition by its key; raises ``GatewayError``."""

log = logging.getLogger(__name__)


class FilterMode(Enum):
    """How strictly the inputs of an element are held to."""

    DISABLED = "DISABLED"  # every element may use every secret
    LAX = "LAX"  # where the process cannot be looked up, all is allowed, with a warning
    STRICT = "STRICT"  # there the job fails; and tasks without an element template may use no secret at all


class _Unknown(Exception):
    """A process definition cannot be looked up."""


class AllowList:
    """The filter: one index per process definition, kept because definitions never change."""

    def __init__(self, fetch: DefinitionXml, *, strict: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._strict = strict
        self._clock = clock
        self._index = TtlCache(self._load, ttl_seconds=None, max_size=MAX_DEFINITIONS)
        self._asked_again_at = 0.0
        self._warned: set[int] = set()

    async def allowed(self, scope: SecretScope) -> frozenset[str] | None:
        """The names that stand in the element's inputs.

        Raises:
            SecretsUnavailable: in strict mode, when the process cannot be looked up.
        """
        try:
            index = await self._lookup(scope.process_definition_key)
        except _Unknown as error:
            if self._strict:
                raise SecretsUnavailable(
                    f"The process '{scope.process_id}' cannot be looked up to see which secrets its elements may use."
                ) from error
            self._warn(scope, error)
            return None
        return index.get(scope.element_id, frozenset())

    async def _lookup(self, key: int) -> Mapping[str, frozenset[str]]:
        """The index of a definition; while the cluster does not answer, jobs do not wait for it one after the other."""
        if key not in self._index and self._clock() < self._asked_again_at:
            raise _Unknown("it could not be fetched a moment ago")
        try:
            return await self._index.get(key)
        except (GatewayError, ElementTree.ParseError, ValueError) as error:
            self._asked_again_at = self._clock() + PAUSE_SECONDS
            raise _Unknown(str(error)) from error

    async def _load(self, key: int) -> Mapping[str, frozenset[str]]:
        return names_by_element(await self._fetch(key), only_templates=self._strict)

    def _warn(self, scope: SecretScope, error: Exception) -> None:
        if scope.process_definition_key in self._warned or len(self._warned) >= MAX_DEFINITIONS:
            return
        self._warned.add(scope.process_definition_key)
        log.warning(
            "Process %r (definition %d) cannot be looked up, so its elements may use every secret: %s",
            scope.process_id,
            scope.process_definition_key,
            error,
        )


def names_by_element(xml: str, *, only_templates: bool = False) -> dict[str, frozenset[str]]:
    """The secrets that each task's input mappings name, sub-processes included.

    Args:
        xml: a BPMN document.
        only_templates: leave out tasks that no element template was applied to, as the Java runtime does.

    Raises:
        ValueError: the document declares entities, which no modeler writes.
        xml.etree.ElementTree.ParseError: it is not well-formed.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise ValueError("the process declares a document type")
    root = ElementTree.fromstring(xml)  # noqa: S314 - entities are refused above
    return {
        element.get("id", ""): _names(element)
        for element in root.iter()
        if element.tag in _TASKS and not (only_templates and element.get(f"{_ZEEBE}modelerTemplate") is None)
    }


def _names(element: ElementTree.Element) -> frozenset[str]:
    mappings = element.iterfind(f"{_BPMN}extensionElements/{_ZEEBE}ioMapping/{_ZEEBE}input")
    return frozenset(name for mapping in mappings for name in references(mapping.get("source", "")))
