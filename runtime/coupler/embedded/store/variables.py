"""Variables: one row for each name in a scope, the value as JSON text that is never decoded on the way through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from coupler import json
from coupler.embedded.store.database import Database

Document: TypeAlias = Mapping[str, bytes]
"""Names with their values as JSON text."""

_MAX_MARKS = 1_000  # SQLite limits the parameters of a statement; above this all names are read


class Variables:
    """Reads and writes variables. A ``path`` is a scope's key followed by those of the scopes around it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def set_local(self, scope_key: int, document: Document) -> None:
        """Sets variables in this very scope."""
        self._db.executemany(
            "INSERT INTO variable VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(scope_key, name, value) for name, value in document.items()],
        )

    def merge(self, path: Sequence[int], document: Document) -> None:
        """Sets each variable in the nearest scope that has it, otherwise in the outermost."""
        if not document:
            return
        owners = self._owners(path, document)
        self._db.executemany(
            "INSERT INTO variable VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(owners.get(name, path[-1]), name, value) for name, value in document.items()],
        )

    def _owners(self, path: Sequence[int], names: Iterable[str]) -> dict[str, int]:
        if len(path) == 1:
            return {}
        names = tuple(names)
        if len(names) > _MAX_MARKS:
            names = ()
        found = self._db.execute(_select("scope_key, name", path, names), (*path, *names)).fetchall()
        found.sort(key=lambda row: path.index(row[0]), reverse=True)  # the innermost comes last and wins
        return {name: scope_key for scope_key, name in found}

    def local(self, scope_key: int) -> dict[str, bytes]:
        """The variables of this very scope."""
        return dict(self._db.execute("SELECT name, value FROM variable WHERE scope_key = ?", (scope_key,)))

    def visible(self, path: Sequence[int], names: Sequence[str] = ()) -> dict[str, bytes]:
        """All variables that an element sees, inner ones hiding outer ones; only ``names`` when given."""
        if len(names) > _MAX_MARKS:
            found, wanted = self.visible(path), set(names)
            return {name: value for name, value in found.items() if name in wanted}
        rows = self._db.execute(_select("scope_key, name, value", path, names), (*path, *names)).fetchall()
        if len(path) > 1:
            rows.sort(key=lambda row: path.index(row[0]), reverse=True)
        return {name: value for _, name, value in rows}

    def get(self, path: Sequence[int], name: str) -> bytes | None:
        """The variable that an element sees under this name."""
        return self.visible(path, (name,)).get(name)

    def names(self, path: Sequence[int]) -> set[str]:
        """The names that an element sees."""
        return {name for (name,) in self._db.execute(_select("name", path, ()), path)}

    def delete(self, scope_key: int) -> None:
        """Removes the variables of a scope that ends."""
        self._db.execute("DELETE FROM variable WHERE scope_key = ?", (scope_key,))

    def summary(self, scope_key: int, limit: int = 200) -> str:
        """The beginning of the variables as JSON-like text, for people."""
        sql = "SELECT name, substr(value, 1, 64), length(value) FROM variable WHERE scope_key = ? LIMIT 10"
        parts = []
        for name, start, length in self._db.execute(sql, (scope_key,)):
            text = bytes(start).decode(errors="ignore")
            parts.append(f"{json.dumps(name)}:{text}{'…' if length > 64 else ''}")
        text = "{" + ",".join(parts) + "}"
        return text if len(text) <= limit else text[: limit - 1] + "…"


def _select(columns: str, path: Sequence[int], names: Sequence[str]) -> str:
    """The query for the variables of some scopes, all of them or those with some names; only its length varies."""
    parts = ["SELECT", columns, "FROM variable WHERE scope_key IN (", ",".join("?" * len(path)), ")"]
    if names:
        parts += ["AND name IN (", ",".join("?" * len(names)), ")"]
    return " ".join(parts)
