"""Element instances: what is active in process instances, and the tokens that wait at joins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coupler.embedded.store.database import Database


class ElementRow(NamedTuple):
    """One active element instance; the process instance itself is one, with scope 0.

    ``state`` is ``activating``, ``active`` or ``completing``; ``role`` is ``element``, ``loop`` (the body of a
    multi-instance) or ``iteration`` (one run inside it).
    """

    key: int
    scope_key: int
    process_instance_key: int
    definition_key: int
    element_id: str
    state: str
    tokens: int
    job_key: int
    role: str
    loop_index: int


class Elements:
    """Reads and writes element instances."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, key: int) -> ElementRow | None:
        """One element instance."""
        row = self._db.execute("SELECT * FROM element WHERE key = ?", (key,)).fetchone()
        return ElementRow(*row) if row else None

    def children(self, scope_key: int) -> list[ElementRow]:
        """The element instances directly inside a scope."""
        rows = self._db.execute("SELECT * FROM element WHERE scope_key = ?", (scope_key,))
        return [ElementRow(*row) for row in rows]

    def insert(self, rows: Sequence[ElementRow]) -> None:
        """Adds element instances."""
        self._db.executemany("INSERT INTO element VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def update(self, row: ElementRow) -> None:
        """Writes what can change."""
        self._db.execute(
            "UPDATE element SET state = ?, tokens = ?, job_key = ?, loop_index = ? WHERE key = ?",
            (row.state, row.tokens, row.job_key, row.loop_index, row.key),
        )

    def delete(self, keys: Sequence[int]) -> None:
        """Removes element instances that have ended."""
        self._db.executemany("DELETE FROM element WHERE key = ?", [(key,) for key in keys])

    def arrive(self, scope_key: int, gateway_id: str, flow_id: str, incoming: int) -> bool:
        """Notes a token at a join; True when one has arrived on each incoming flow (they are taken away then)."""
        self._db.execute(
            "INSERT INTO arrived_token VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (scope_key, gateway_id, flow_id),
        )
        join = (scope_key, gateway_id)
        sql = "SELECT count(*) FROM arrived_token WHERE scope_key = ? AND gateway_id = ?"
        if self._db.execute(sql, join).fetchone()[0] < incoming:
            return False
        self._db.execute("UPDATE arrived_token SET count = count - 1 WHERE scope_key = ? AND gateway_id = ?", join)
        self._db.execute("DELETE FROM arrived_token WHERE scope_key = ? AND gateway_id = ? AND count = 0", join)
        return True

    def forget_arrived(self, scope_key: int) -> None:
        """Removes the waiting tokens of a scope that ends early."""
        self._db.execute("DELETE FROM arrived_token WHERE scope_key = ?", (scope_key,))

    def postpone(self, flows: Sequence[tuple[int, str]]) -> None:
        """Keeps flows (scope key, flow id) that are still to be taken."""
        self._db.executemany("INSERT INTO pending_flow (scope_key, flow_id) VALUES (?, ?)", flows)

    def take_postponed(self, limit: int) -> list[tuple[int, str]]:
        """Removes and returns the oldest postponed flows."""
        rows = self._db.execute("SELECT id, scope_key, flow_id FROM pending_flow ORDER BY id LIMIT ?", (limit,))
        taken = rows.fetchall()
        self._db.executemany("DELETE FROM pending_flow WHERE id = ?", [(row[0],) for row in taken])
        return [(scope_key, flow_id) for _, scope_key, flow_id in taken]

    def forget_flows(self, scope_key: int) -> None:
        """Removes the postponed flows of a scope."""
        self._db.execute("DELETE FROM pending_flow WHERE scope_key = ?", (scope_key,))

    def has_postponed(self) -> bool:
        """Whether any flow is postponed."""
        return self._db.execute("SELECT 1 FROM pending_flow LIMIT 1").fetchone() is not None

    def count(self) -> int:
        """How many element instances are active, processes included."""
        return int(self._db.execute("SELECT count(*) FROM element").fetchone()[0])

    def active_ids(self, process_instance_key: int) -> list[str]:
        """The ids of the elements that are active in a process instance, at every nesting level."""
        sql = """
            WITH RECURSIVE inside (key, element_id, scope_key) AS (
                SELECT key, element_id, scope_key FROM element WHERE key = ?
                UNION ALL
                SELECT e.key, e.element_id, e.scope_key FROM element e JOIN inside i ON e.scope_key = i.key
            )
            SELECT DISTINCT element_id FROM inside WHERE scope_key <> 0 LIMIT 20
        """
        return [element_id for (element_id,) in self._db.execute(sql, (process_instance_key,))]
