"""Deployed processes with their models, parsed once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from coupler.embedded.bpmn.model import Element, ProcessModel
from coupler.embedded.bpmn.parse import parse_resource
from coupler.embedded.rejection import not_found
from coupler.embedded.store.definitions import DefinitionRow
from coupler.embedded.store.store import Store
from coupler.errors import FeelError


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of one process."""

    key: int
    process_id: str
    version: int
    resource_name: str
    model: ProcessModel


@dataclass(frozen=True, slots=True)
class MessageStart:
    """A message start event of the newest version of a process."""

    definition: Definition
    event: Element
    message_name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A file to deploy, read and found to be fit."""

    name: str
    content: bytes
    digest: bytes
    models: tuple[ProcessModel, ...]

    @classmethod
    def parse(cls, name: str, content: bytes) -> Resource:
        """Reads a file.

        Raises:
            ModelError: with every reason why it cannot be deployed.
        """
        return cls(name, content, hashlib.sha256(content).digest(), parse_resource(name, content))


class Definitions:
    """Looks up definitions; the newest versions decide which messages start processes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parsed: dict[int, Definition] = {}
        self._latest: dict[str, Definition] = {}
        self._message_starts: dict[str, list[MessageStart]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Reads everything anew: at the start, and after a deployment was rolled back."""
        self._parsed.clear()
        self._latest = {d.process_id: d for d in map(self.get, self._store.definitions.latest_keys())}
        self._index_message_starts()

    def deploy(self, resource: Resource) -> list[Definition]:
        """Deploys a resource; an identical one keeps its versions."""
        deployed = [self._deploy(resource, model) for model in resource.models]
        self._index_message_starts()
        return deployed

    def _deploy(self, resource: Resource, model: ProcessModel) -> Definition:
        name, digest = resource.name, resource.digest
        latest = self._store.definitions.latest(model.id)
        if latest is not None and latest.digest == digest and latest.resource_name == name:
            return self.get(latest.key)
        version = latest.version + 1 if latest else 1
        key = self._store.new_key()
        self._store.definitions.insert(DefinitionRow(key, model.id, version, name, digest, resource.content))
        definition = self._parsed[key] = Definition(key, model.id, version, name, model)
        self._latest[model.id] = definition
        return definition

    def get(self, key: int) -> Definition:
        """One definition.

        Raises:
            Rejection: NOT_FOUND.
        """
        found = self._parsed.get(key)
        if found is not None:
            return found
        row = self._store.definitions.get(key)
        if row is None:
            raise not_found(f"Expected to find process definition with key '{key}', but none found")
        for model in parse_resource(row.resource_name, row.content):
            if model.id == row.process_id:
                found = self._parsed[key] = Definition(key, row.process_id, row.version, row.resource_name, model)
        assert found is not None
        return found

    def content(self, key: int) -> bytes:
        """The BPMN XML as it was deployed.

        Raises:
            Rejection: NOT_FOUND.
        """
        row = self._store.definitions.get(key)
        if row is None:
            raise not_found(f"Expected to find process definition with key '{key}', but none found")
        return row.content

    def find(self, process_id: str) -> Definition | None:
        """The newest version of a process."""
        return self._latest.get(process_id)

    def latest(self, process_id: str, version: int = -1) -> Definition:
        """The newest version of a process, or the given one.

        Raises:
            Rejection: NOT_FOUND.
        """
        if version > 0:
            key = self._store.definitions.key_of(process_id, version)
            if key is None:
                raise not_found(
                    f"Expected to find process definition with process ID '{process_id}' and version '{version}', "
                    "but none found"
                )
            return self.get(key)
        found = self._latest.get(process_id)
        if found is None:
            raise not_found(f"Expected to find process definition with process ID '{process_id}', but none found")
        return found

    def all_latest(self) -> list[Definition]:
        """The newest version of each process."""
        return list(self._latest.values())

    def message_starts(self, message_name: str) -> list[MessageStart]:
        """The start events that a message of this name triggers."""
        return self._message_starts.get(message_name, [])

    def message_starts_of(self, process_id: str) -> list[MessageStart]:
        """The message start events of the newest version of a process."""
        starts = (start for starts in self._message_starts.values() for start in starts)
        return [start for start in starts if start.definition.process_id == process_id]

    def _index_message_starts(self) -> None:
        self._message_starts = {}
        for definition in self._latest.values():
            for event in definition.model.message_starts:
                assert event.message is not None
                try:
                    name = str(event.message.name.evaluate({}))
                except FeelError:
                    continue  # a name that depends on variables can never be known before an instance exists
                self._message_starts.setdefault(name, []).append(MessageStart(definition, event, name))
