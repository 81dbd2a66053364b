"""Incidents: element instances that cannot go on before somebody helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coupler.embedded.store.database import Database
from coupler.embedded.store.search import Condition, search


class IncidentRow(NamedTuple):
    """One open incident; ``job_key`` is 0 when no job is concerned."""

    key: int
    type: str
    message: str
    element_key: int
    element_id: str
    process_instance_key: int
    definition_key: int
    job_key: int
    created_ms: int


class Incidents:
    """Reads and writes incidents."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, row: IncidentRow) -> None:
        """Adds an incident."""
        self._db.execute("INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, key: int) -> IncidentRow | None:
        """One incident."""
        row = self._db.execute("SELECT * FROM incident WHERE key = ?", (key,)).fetchone()
        return IncidentRow(*row) if row else None

    def delete(self, key: int) -> None:
        """Removes a resolved incident."""
        self._db.execute("DELETE FROM incident WHERE key = ?", (key,))

    def delete_of(self, element_key: int) -> None:
        """Removes the incidents of an element instance that ends."""
        self._db.execute("DELETE FROM incident WHERE element_key = ?", (element_key,))

    def recent(self, limit: int) -> list[IncidentRow]:
        """The newest incidents."""
        rows = self._db.execute("SELECT * FROM incident ORDER BY key DESC LIMIT ?", (limit,))
        return [IncidentRow(*row) for row in rows]

    def search(self, conditions: Sequence[Condition], offset: int, limit: int) -> tuple[list[IncidentRow], int]:
        """Some of the incidents that fulfil the conditions, newest first, and how many do."""
        rows, total = search(self._db, "incident", conditions, offset, limit)
        return [IncidentRow(*row) for row in rows], total

    def count_of(self, process_instance_key: int) -> int:
        """How many incidents of a process instance are open."""
        sql = "SELECT count(*) FROM incident WHERE process_instance_key = ?"
        return int(self._db.execute(sql, (process_instance_key,)).fetchone()[0])

    def count(self) -> int:
        """How many incidents are open."""
        return int(self._db.execute("SELECT count(*) FROM incident").fetchone()[0])
