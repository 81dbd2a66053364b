"""Runs commands: each is one transaction, and the outside hears of its effects once it is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from coupler.embedded.definitions import Definitions
from coupler.embedded.interpreter.core import Interpreter
from coupler.embedded.interpreter.effects import Effects
from coupler.embedded.store.store import Store
from coupler.embedded.store.variables import Document

T = TypeVar("T")

_COMMITS_BETWEEN_CHECKPOINTS = 1_000


class Listener(Protocol):
    """Who hears what commands have caused, after they are committed."""

    def jobs_ready(self, jobs: Sequence[tuple[str, int]]) -> None:
        """Jobs (type, key) can be activated."""

    def due_at(self, due_ms: int) -> None:
        """``Engine.tick`` must be called then, if not before."""

    def work_postponed(self) -> None:
        """``Engine.resume`` must be called soon."""

    def checkpoint_due(self) -> None:
        """The write-ahead log has grown; ``checkpoint`` should run in some thread."""


@dataclass(slots=True)
class Totals:
    """Counts since the start."""

    completed: int = 0
    terminated: int = 0


def epoch_ms() -> int:
    """Now."""
    return time.time_ns() // 1_000_000


class Commands:
    """Runs one command at a time. Not thread-safe: one thread owns it."""

    def __init__(self, store: Store, definitions: Definitions, listener: Listener, now: Callable[[], int]) -> None:
        self.store = store
        self.definitions = definitions
        self.now = now
        self.it = Interpreter(store, definitions, now)
        self.totals = Totals()
        self._listener = listener
        self._next_checkpoint = _COMMITS_BETWEEN_CHECKPOINTS
        self._results: dict[int, Callable[[Document | None], None]] = {}

    def run(self, work: Callable[[], T]) -> T:
        """Runs a command; returns what it returns, committed. When it raises, nothing has changed."""
        try:
            with self.store.transaction():
                result = work()
                self.it.settle()
        except BaseException:
            self.it.reset()
            raise
        self._publish(self.it.reset())
        return result

    def _publish(self, effects: Effects) -> None:
        if effects.ready:
            self._listener.jobs_ready(effects.ready)
        for ended in effects.ended:
            self.it.awaited.discard(ended.process_instance_key)
            on_end = self._results.pop(ended.process_instance_key, None)
            if on_end is not None:
                on_end(ended.variables)
        if effects.due is not None:
            self._listener.due_at(effects.due)
        if effects.postponed:
            self._listener.work_postponed()
        self.totals.completed += effects.completed
        self.totals.terminated += effects.terminated
        if self.store.database.path is not None and self.store.database.commits >= self._next_checkpoint:
            self._next_checkpoint = self.store.database.commits + _COMMITS_BETWEEN_CHECKPOINTS
            self._listener.checkpoint_due()

    def tell_end(self, key: int, on_end: Callable[[Document | None], None]) -> None:
        """Tells ``on_end`` the final variables of a process instance that this command has started."""
        self._results[key] = on_end

    def forget_end(self, key: int) -> None:
        """Nobody waits for the end of this process instance any more."""
        self.it.awaited.discard(key)
        self._results.pop(key, None)
