"""All tables behind one name."""

from __future__ import annotations

from pathlib import Path

from coupler.embedded.store.database import Database
from coupler.embedded.store.definitions import DefinitionRows
from coupler.embedded.store.elements import Elements
from coupler.embedded.store.events import Messages, Subscriptions, Timers
from coupler.embedded.store.incidents import Incidents
from coupler.embedded.store.instances import Instances
from coupler.embedded.store.jobs import Jobs
from coupler.embedded.store.variables import Variables


class Store:
    """The engine's state. ``path`` None keeps it in memory."""

    def __init__(self, path: Path | None) -> None:
        self.database = Database(path)
        self.new_key = self.database.new_key
        self.transaction = self.database.transaction
        self.definitions = DefinitionRows(self.database)
        self.instances = Instances(self.database)
        self.elements = Elements(self.database)
        self.variables = Variables(self.database)
        self.jobs = Jobs(self.database)
        self.timers = Timers(self.database)
        self.subscriptions = Subscriptions(self.database)
        self.messages = Messages(self.database)
        self.incidents = Incidents(self.database)

    def next_due(self) -> int | None:
        """When the next lease, backoff, timer or message ends, in epoch milliseconds."""
        times = (self.jobs.next_due(), self.timers.next_due(), self.messages.next_due())
        return min((time for time in times if time is not None), default=None)

    def close(self) -> None:
        """Closes the database. Idempotent."""
        self.database.close()
