"""Looking at process instances and incidents over the REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from coupler.embedded.engine import Engine
from coupler.embedded.rejection import not_found, unimplemented
from coupler.embedded.server.checks import DEFAULT_TENANT
from coupler.embedded.server.rest import answers
from coupler.embedded.server.rest.asgi import Answer, Request
from coupler.embedded.server.rest.bodies import SearchBody, key_of, read_body
from coupler.embedded.store.incidents import IncidentRow
from coupler.embedded.store.instances import InstanceRow
from coupler.embedded.store.search import Condition

_MAX_VALUES: Final = 1_000

_Read = Callable[[Any], Any]


def _text(value: Any) -> str:
    return str(value)


def _key(value: Any) -> int:
    return key_of(value if isinstance(value, (str, int)) else "?")


def _state(value: Any) -> str:
    return str(value).lower()


_INSTANCE_FILTERS: Final[Mapping[str, tuple[str, _Read]]] = {
    "processInstanceKey": ("found.key", _key),
    "processDefinitionKey": ("found.definition_key", _key),
    "processDefinitionId": ("definition.process_id", _text),
    "processDefinitionVersion": ("definition.version", _key),
    "parentElementInstanceKey": ("found.parent_key", _key),
    "state": ("found.state", _state),
    "hasIncident": ("(EXISTS (SELECT 1 FROM incident i WHERE i.process_instance_key = found.key))", bool),
    "tenantId": (f"'{DEFAULT_TENANT}'", _text),
}
_INCIDENT_FILTERS: Final[Mapping[str, tuple[str, _Read]]] = {
    "incidentKey": ("found.key", _key),
    "processInstanceKey": ("found.process_instance_key", _key),
    "processDefinitionKey": ("found.definition_key", _key),
    "processDefinitionId": ("definition.process_id", _text),
    "elementId": ("found.element_id", _text),
    "elementInstanceKey": ("found.element_key", _key),
    "jobKey": ("found.job_key", _key),
    "errorType": ("found.type", _text),
    "errorMessage": ("found.message", _text),
    "state": ("'active'", _state),
    "tenantId": (f"'{DEFAULT_TENANT}'", _text),
}


class Searches:
    """Answers questions; what the engine cannot filter by it refuses instead of leaving it out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store

    async def instance(self, _: Request, key: str) -> Answer:
        """One process instance; the last thousand that have ended are there as well."""
        row = self._store.instances.get(key_of(key))
        if row is None:
            raise not_found(f"Process instance with key '{key}' not found")
        return Answer(self._instance(row))

    async def instances(self, request: Request) -> Answer:
        """Process instances, newest first."""
        body = await read_body(request, SearchBody)
        conditions = _conditions(body, _INSTANCE_FILTERS)
        rows, total = self._store.instances.search(conditions, body.page.offset, body.page.limit)
        return Answer(answers.page([self._instance(row) for row in rows], total))

    async def incident(self, _: Request, key: str) -> Answer:
        """One open incident."""
        row = self._store.incidents.get(key_of(key))
        if row is None:
            raise not_found(f"Incident with key '{key}' not found")
        return Answer(self._incident(row))

    async def incidents(self, request: Request) -> Answer:
        """Open incidents, newest first."""
        return self._incidents(await read_body(request, SearchBody))

    async def incidents_of_instance(self, request: Request, key: str) -> Answer:
        """Open incidents of a process instance, newest first."""
        of_instance = Condition("found.process_instance_key", (key_of(key),))
        return self._incidents(await read_body(request, SearchBody), of_instance)

    def _incidents(self, body: SearchBody, *more: Condition) -> Answer:
        conditions = [*_conditions(body, _INCIDENT_FILTERS), *more]
        rows, total = self._store.incidents.search(conditions, body.page.offset, body.page.limit)
        return Answer(answers.page([self._incident(row) for row in rows], total))

    def _instance(self, row: InstanceRow) -> dict[str, Any]:
        caller = self._store.elements.get(row.parent_key) if row.parent_key else None
        return answers.process_instance(
            row,
            self._engine.definitions.get(row.definition_key),
            caller.process_instance_key if caller else None,
            self._store.incidents.count_of(row.key),
        )

    def _incident(self, row: IncidentRow) -> dict[str, Any]:
        return answers.incident(row, self._engine.definitions.get(row.definition_key))


def _conditions(body: SearchBody, known: Mapping[str, tuple[str, _Read]]) -> list[Condition]:
    if body.sort:
        raise unimplemented("The embedded engine sorts results by their keys, newest first, and no other way")
    if body.page.after or body.page.before:
        raise unimplemented("The embedded engine has no cursors: ask with page.from and page.limit")
    return [_condition(name, wanted, known) for name, wanted in body.filter.items()]


def _condition(name: str, wanted: Any, known: Mapping[str, tuple[str, _Read]]) -> Condition:
    if name not in known:
        raise unimplemented(f"The embedded engine cannot filter by '{name}', only by {', '.join(known)}")
    column, read = known[name]
    match wanted:
        case {"$eq": value, **rest} if not rest:
            return Condition(column, (read(value),))
        case {"$in": [*values], **rest} if not rest and len(values) <= _MAX_VALUES:
            return Condition(column, tuple(read(value) for value in values))
        case dict() | list():
            raise unimplemented(f"The embedded engine filters '{name}' by a value, $eq or $in, and nothing else")
        case _:
            return Condition(column, (read(wanted),))
