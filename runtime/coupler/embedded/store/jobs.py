"""Jobs and their states.

ready ──activate──▶ leased ──complete──▶ (gone)
  ▲                   │ ├── lease ends ──▶ ready, retries unchanged
  │                   │ ├── fail, retries left ──▶ ready, or backoff until ``due``
  └─── resolve ───────┘ ├── fail, none left ──▶ failed, with an incident
                        └── error that nothing catches ──▶ error, with an incident
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coupler.embedded.store.database import Database


class JobRow(NamedTuple):
    """One job. ``scope_path`` are the keys of the scopes whose variables it sees, inner first, joined by blanks."""

    key: int
    type: str
    state: str
    retries: int
    due: int | None
    worker: str
    scope_path: str
    process_instance_key: int
    definition_key: int
    element_id: str
    element_key: int
    headers: str

    @property
    def path(self) -> list[int]:
        """The scopes whose variables the job sees, inner first."""
        return [int(key) for key in self.scope_path.split()]


class Jobs:
    """Reads and writes jobs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, row: JobRow) -> None:
        """Adds a job."""
        self._db.execute("INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, key: int) -> JobRow | None:
        """One job."""
        row = self._db.execute("SELECT * FROM job WHERE key = ?", (key,)).fetchone()
        return JobRow(*row) if row else None

    def delete(self, key: int) -> None:
        """Removes a job that is done."""
        self._db.execute("DELETE FROM job WHERE key = ?", (key,))

    def ready(self, job_type: str, limit: int) -> list[JobRow]:
        """The oldest jobs that can be activated."""
        sql = "SELECT * FROM job WHERE type = ? AND state = 'ready' ORDER BY key LIMIT ?"
        return [JobRow(*row) for row in self._db.execute(sql, (job_type, limit))]

    def lease(self, keys: Sequence[int], worker: str, due: int) -> None:
        """Gives jobs to a worker until ``due``."""
        sql = "UPDATE job SET state = 'leased', worker = ?, due = ? WHERE key = ?"
        self._db.executemany(sql, [(worker, due, key) for key in keys])

    def make_ready(self, key: int) -> None:
        """Lets a job be activated again, with unchanged retries."""
        self._db.execute("UPDATE job SET state = 'ready', due = NULL WHERE key = ?", (key,))

    def hand_back(self, key: int, due: int) -> str | None:
        """Undoes one lease, if it is still that very one; returns the job's type when it was."""
        sql = "UPDATE job SET state = 'ready', due = NULL WHERE key = ? AND due = ? AND state = 'leased' RETURNING type"
        row = self._db.execute(sql, (key, due)).fetchone()
        return row[0] if row else None

    def set_state(self, key: int, state: str, retries: int, due: int | None) -> None:
        """Puts a job into a state."""
        self._db.execute("UPDATE job SET state = ?, retries = ?, due = ? WHERE key = ?", (state, retries, due, key))

    def set_due(self, key: int, due: int) -> None:
        """Moves the end of a lease."""
        self._db.execute("UPDATE job SET due = ? WHERE key = ?", (due, key))

    def set_retries(self, key: int, retries: int) -> None:
        """Changes the retries left."""
        self._db.execute("UPDATE job SET retries = ? WHERE key = ?", (retries, key))

    def due(self, now: int, limit: int) -> list[tuple[int, str]]:
        """Jobs (key, type) whose lease or backoff has ended."""
        sql = "SELECT key, type FROM job WHERE due <= ? ORDER BY due LIMIT ?"
        return self._db.execute(sql, (now, limit)).fetchall()

    def next_due(self) -> int | None:
        """When the next lease or backoff ends."""
        row = self._db.execute("SELECT due FROM job WHERE due IS NOT NULL ORDER BY due LIMIT 1").fetchone()
        return row[0] if row else None

    def count_by_state(self) -> dict[str, int]:
        """How many jobs are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall())
