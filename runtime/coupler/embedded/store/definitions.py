"""Deployed process definitions."""

from __future__ import annotations

from typing import NamedTuple

from coupler.embedded.store.database import Database


class DefinitionRow(NamedTuple):
    """One version of one process; ``content`` is the whole resource, byte by byte."""

    key: int
    process_id: str
    version: int
    resource_name: str
    digest: bytes
    content: bytes


class DefinitionRows:
    """Reads and writes process definitions."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, row: DefinitionRow) -> None:
        """Adds a version."""
        self._db.execute("INSERT INTO definition VALUES (?, ?, ?, ?, ?, ?)", row)

    def get(self, key: int) -> DefinitionRow | None:
        """One definition."""
        row = self._db.execute("SELECT * FROM definition WHERE key = ?", (key,)).fetchone()
        return DefinitionRow(*row) if row else None

    def latest(self, process_id: str) -> DefinitionRow | None:
        """The newest version of a process."""
        sql = "SELECT * FROM definition WHERE process_id = ? ORDER BY version DESC LIMIT 1"
        row = self._db.execute(sql, (process_id,)).fetchone()
        return DefinitionRow(*row) if row else None

    def latest_keys(self) -> list[int]:
        """The keys of the newest versions of all processes."""
        sql = "SELECT key, max(version) FROM definition GROUP BY process_id ORDER BY key"
        return [key for key, _ in self._db.execute(sql)]

    def key_of(self, process_id: str, version: int) -> int | None:
        """The key of one version of a process."""
        sql = "SELECT key FROM definition WHERE process_id = ? AND version = ?"
        row = self._db.execute(sql, (process_id, version)).fetchone()
        return row[0] if row else None
