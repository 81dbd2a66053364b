"""What element instances wait for (timers, message subscriptions), and the messages that wait for them."""

from __future__ import annotations

from typing import NamedTuple

from coupler.embedded.store.database import Database


class TimerRow(NamedTuple):
    """One timer; ``repetitions`` counts what is left including this one, -1 is for ever."""

    key: int
    due: int
    element_key: int
    target_id: str
    repetitions: int
    months: int
    milliseconds: int


class SubscriptionRow(NamedTuple):
    """One element instance that waits for a message."""

    key: int
    message_name: str
    correlation_key: str
    element_key: int
    target_id: str
    process_id: str


class MessageRow(NamedTuple):
    """One buffered message; ``variables`` is JSON text of an object."""

    key: int
    name: str
    correlation_key: str
    message_id: str
    variables: bytes
    expires: int


class Timers:
    """Reads and writes timers."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, row: TimerRow) -> None:
        """Adds a timer."""
        self._db.execute("INSERT INTO timer VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def due(self, now: int, limit: int) -> list[TimerRow]:
        """Timers whose time has come, in order."""
        rows = self._db.execute("SELECT * FROM timer WHERE due <= ? ORDER BY due, key LIMIT ?", (now, limit))
        return [TimerRow(*row) for row in rows]

    def reschedule(self, key: int, due: int, repetitions: int) -> None:
        """Sets a repeating timer to its next time."""
        self._db.execute("UPDATE timer SET due = ?, repetitions = ? WHERE key = ?", (due, repetitions, key))

    def delete(self, key: int) -> None:
        """Removes one timer."""
        self._db.execute("DELETE FROM timer WHERE key = ?", (key,))

    def delete_of(self, element_key: int) -> None:
        """Removes the timers of an element instance."""
        self._db.execute("DELETE FROM timer WHERE element_key = ?", (element_key,))

    def next_due(self) -> int | None:
        """When the next timer is due."""
        row = self._db.execute("SELECT due FROM timer ORDER BY due LIMIT 1").fetchone()
        return row[0] if row else None


class Subscriptions:
    """Reads and writes message subscriptions."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, row: SubscriptionRow) -> None:
        """Adds a subscription."""
        self._db.execute("INSERT INTO subscription VALUES (?, ?, ?, ?, ?, ?)", row)

    def of_message(self, name: str, correlation_key: str) -> list[SubscriptionRow]:
        """The subscriptions that a message fits, oldest first."""
        sql = "SELECT * FROM subscription WHERE message_name = ? AND correlation_key = ? ORDER BY key"
        return [SubscriptionRow(*row) for row in self._db.execute(sql, (name, correlation_key))]

    def of_element(self, element_key: int) -> list[SubscriptionRow]:
        """The subscriptions of an element instance."""
        rows = self._db.execute("SELECT * FROM subscription WHERE element_key = ?", (element_key,))
        return [SubscriptionRow(*row) for row in rows]

    def delete_of(self, element_key: int) -> None:
        """Removes the subscriptions of an element instance."""
        self._db.execute("DELETE FROM subscription WHERE element_key = ?", (element_key,))


class Messages:
    """Reads and writes buffered messages. A message is correlated at most once to each process id."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, row: MessageRow) -> None:
        """Buffers a message."""
        self._db.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)", row)

    def exists(self, name: str, correlation_key: str, message_id: str) -> bool:
        """Whether a message with this id is buffered."""
        sql = "SELECT 1 FROM message WHERE name = ? AND correlation_key = ? AND message_id = ?"
        return self._db.execute(sql, (name, correlation_key, message_id)).fetchone() is not None

    def waiting_for(self, process_id: str, name: str, correlation_key: str, now: int) -> MessageRow | None:
        """The oldest buffered message that fits and was not yet correlated to this process."""
        sql = """
            SELECT * FROM message m WHERE name = ? AND correlation_key = ? AND expires > ? AND NOT EXISTS
            (SELECT 1 FROM correlation c WHERE c.message_key = m.key AND c.process_id = ?) ORDER BY key LIMIT 1
        """
        row = self._db.execute(sql, (name, correlation_key, now, process_id)).fetchone()
        return MessageRow(*row) if row else None

    def mark_correlated(self, key: int, process_id: str) -> None:
        """Notes that a process has had this message."""
        self._db.execute("INSERT OR IGNORE INTO correlation VALUES (?, ?)", (key, process_id))

    def delete_expired(self, now: int) -> None:
        """Removes messages whose time to live has passed."""
        expired = self._db.execute("DELETE FROM message WHERE expires <= ? RETURNING key", (now,)).fetchall()
        self._db.executemany("DELETE FROM correlation WHERE message_key = ?", expired)

    def next_due(self) -> int | None:
        """When the next message expires."""
        row = self._db.execute("SELECT expires FROM message ORDER BY expires LIMIT 1").fetchone()
        return row[0] if row else None
