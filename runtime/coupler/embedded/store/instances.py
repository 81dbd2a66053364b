"""Process instances as people look at them, also for a while after their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coupler.embedded.store.database import Database
from coupler.embedded.store.search import Condition, search

# Enough to look back at, little enough that the database of a long test run stays small.
_KEEP_ENDED = 1_000


class InstanceRow(NamedTuple):
    """One process instance; ``state`` is ``active``, ``completed`` or ``terminated``.

    ``parent_key`` is the key of the call activity instance that started it, or 0; ``correlation_key`` is that of the
    message that started it, or None.
    """

    key: int
    definition_key: int
    state: str
    parent_key: int
    correlation_key: str | None
    started_ms: int
    ended_ms: int | None
    summary: str


class Instances:
    """Reads and writes process instances."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._since_pruned = 0

    def insert(self, row: InstanceRow) -> None:
        """Adds a process instance."""
        self._db.execute("INSERT INTO process_instance VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, key: int) -> InstanceRow | None:
        """One process instance."""
        row = self._db.execute("SELECT * FROM process_instance WHERE key = ?", (key,)).fetchone()
        return InstanceRow(*row) if row else None

    def end(self, key: int, state: str, ended_ms: int, summary: str) -> tuple[int, str | None]:
        """Notes the end of a process instance; only the last thousand ended ones are kept.

        Returns its parent key and the correlation key of the message that started it.
        """
        sql = """
            UPDATE process_instance SET state = ?, ended_ms = ?, summary = ? WHERE key = ?
            RETURNING parent_key, correlation_key
        """
        parent_key, correlation_key = self._db.execute(sql, (state, ended_ms, summary, key)).fetchone()
        self._since_pruned += 1
        if self._since_pruned >= _KEEP_ENDED // 10:
            self._since_pruned = 0
            self._prune()
        return parent_key, correlation_key

    def _prune(self) -> None:
        self._db.execute(
            "DELETE FROM process_instance WHERE ended_ms IS NOT NULL AND key <= (SELECT key FROM process_instance "
            "WHERE ended_ms IS NOT NULL ORDER BY key DESC LIMIT 1 OFFSET ?)",
            (_KEEP_ENDED,),
        )

    def started_by(self, process_id: str, correlation_key: str) -> bool:
        """Whether an instance of the process that a message with this correlation key started still runs."""
        sql = """
            SELECT 1 FROM process_instance p JOIN definition d ON d.key = p.definition_key
            WHERE p.correlation_key = ? AND p.ended_ms IS NULL AND d.process_id = ? LIMIT 1
        """
        return self._db.execute(sql, (correlation_key, process_id)).fetchone() is not None

    def called_by(self, element_key: int) -> int | None:
        """The process instance that a call activity instance has started."""
        sql = "SELECT key FROM process_instance WHERE parent_key = ? AND parent_key <> 0 AND state = 'active'"
        row = self._db.execute(sql, (element_key,)).fetchone()
        return row[0] if row else None

    def recent(self, limit: int) -> list[InstanceRow]:
        """The newest process instances."""
        rows = self._db.execute("SELECT * FROM process_instance ORDER BY key DESC LIMIT ?", (limit,))
        return [InstanceRow(*row) for row in rows]

    def search(self, conditions: Sequence[Condition], offset: int, limit: int) -> tuple[list[InstanceRow], int]:
        """Some of the process instances that fulfil the conditions, newest first, and how many do."""
        rows, total = search(self._db, "process_instance", conditions, offset, limit)
        return [InstanceRow(*row) for row in rows], total

    def count_active(self) -> int:
        """How many process instances run."""
        sql = "SELECT count(*) FROM element WHERE scope_key = 0"
        return int(self._db.execute(sql).fetchone()[0])
