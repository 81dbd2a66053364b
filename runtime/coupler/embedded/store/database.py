"""The SQLite connection: transactions, keys, and write-ahead log upkeep."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coupler.embedded.store.schema import SCHEMA, VERSION
from coupler.errors import ConfigError

# Keys look like those of partition 1 of a Zeebe cluster, so that nobody grows to rely on small numbers.
_FIRST_KEY = 1 << 51
_KEY_BLOCK = 1_000
_LARGE_LOG_BYTES = 32 << 20


class Database:
    """One connection, used from one thread. ``path`` None keeps everything in memory.

    A file is in WAL mode with ``synchronous=NORMAL``: a committed transaction survives the end of the process by any
    means (kill -9), not necessarily the power failure of the machine.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = _lock(path) if path else None
        self._connection = self._open(path)
        self.execute = self._connection.execute
        self.executemany = self._connection.executemany
        self._next_key, self._reserved_key, self._reserving = 0, 0, False
        self.commits = 0

    def _open(self, path: Path | None) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(path or ":memory:", isolation_level=None, cached_statements=512)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("PRAGMA cache_size = -16384")
            self._migrate(connection)
        except (sqlite3.DatabaseError, OSError) as error:
            if connection is not None:
                connection.close()
            self._unlock()
            raise ConfigError(f"the engine's database '{path}' cannot be used: {error}") from error
        return connection

    @staticmethod
    def _migrate(connection: sqlite3.Connection) -> None:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
            return
        if "meta" not in tables:
            raise sqlite3.DatabaseError("it is a database of another program")
        (version,) = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
        if version != VERSION:
            raise sqlite3.DatabaseError(f"it was written by another version of the engine (format {version})")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; committed when the block ends."""
        self._reserving = False
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            if self._reserving:  # rolled back with the rest
                self._next_key = self._reserved_key = 0
            raise
        self.commits += 1

    def new_key(self) -> int:
        """A key that was never used before, also not before a restart. Only inside a transaction."""
        if self._next_key >= self._reserved_key:
            sql = "UPDATE meta SET value = value + ? WHERE name = 'next_key' RETURNING value"
            (self._reserved_key,) = self.execute(sql, (_KEY_BLOCK,)).fetchone()
            self._next_key = self._reserved_key - _KEY_BLOCK
            self._reserving = True
        key = _FIRST_KEY + self._next_key
        self._next_key += 1
        return key

    def finish_checkpoint(self) -> None:
        """Merges the little that was written while ``checkpoint`` ran, so that the log starts over.

        Without this a log that is written to all the time would grow for ever.
        """
        assert self.path is not None
        log = Path(f"{self.path}-wal")
        if log.exists() and log.stat().st_size > _LARGE_LOG_BYTES:
            self.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Closes the file; the write-ahead log is merged into it. Idempotent."""
        self._connection.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _lock(path: Path) -> sqlite3.Connection:
    """Takes the file for this process, with a lock that the operating system frees even after kill -9."""
    lock: sqlite3.Connection | None = None
    try:
        lock = sqlite3.connect(f"{path}.lock", isolation_level=None, timeout=0)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if lock is not None:
            lock.close()
        if "locked" in str(error):
            raise ConfigError(f"the engine's database '{path}' is in use by another engine") from error
        raise ConfigError(f"the engine's database '{path}' cannot be used: {error}") from error
    return lock


def checkpoint(path: Path) -> None:
    """Moves what the write-ahead log holds into the file, over a connection of its own; for a thread.

    This is where the disk is waited for, so it must not run where commands are answered.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()
