"""What a command causes outside of the database, to be told once it is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from coupler.embedded.store.variables import Document


@dataclass(frozen=True, slots=True)
class Ended:
    """A process instance has ended; ``variables`` is None when it was terminated."""

    process_instance_key: int
    variables: Document | None


@dataclass(slots=True)
class Effects:
    """What the outside must hear of once the command is committed."""

    ready: list[tuple[str, int]] = field(default_factory=list)  # jobs (type, key) that can be activated now
    ended: list[Ended] = field(default_factory=list)
    due: int | None = None  # the earliest new due time, epoch milliseconds
    postponed: bool = False
    completed: int = 0  # process instances
    terminated: int = 0

    def at(self, due: int) -> None:
        """Something is due then."""
        if self.due is None or due < self.due:
            self.due = due
