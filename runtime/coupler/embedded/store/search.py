"""Conditions of a search, put into SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from coupler.embedded.store.database import Database


class Condition(NamedTuple):
    """A column (SQL, never from outside) that must have one of some values."""

    column: str
    values: Sequence[Any]


def search(
    database: Database, table: str, conditions: Sequence[Condition], offset: int, limit: int
) -> tuple[list[tuple[Any, ...]], int]:
    """Rows of a table that has keys of definitions, newest first; and how many there are in all.

    The table is called ``found`` in the conditions, and the table of definitions ``definition``.
    """
    wanted = " AND ".join(f"{c.column} IN ({', '.join('?' * len(c.values))})" for c in conditions) or "TRUE"
    source = f"FROM {table} found JOIN definition ON definition.key = found.definition_key WHERE {wanted}"
    values = [value for condition in conditions for value in condition.values]
    (total,) = database.execute(f"SELECT count(*) {source}", values).fetchone()
    rows = database.execute(
        f"SELECT found.* {source} ORDER BY found.key DESC LIMIT ? OFFSET ?", [*values, limit, offset]
    )
    return rows.fetchall(), total
