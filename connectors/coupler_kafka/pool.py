"""Producers by connection: made once, shared by all jobs, closed when nobody needs them.

A producer for each job, as the Java runtime makes it, costs two handshakes and nearly thirty times the CPU.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from coupler.sdk import ConnectorError


class Poolable(Protocol):
    """What the pool asks of a producer."""

    spoilt: bool

    async def close(self, limit_seconds: float) -> None:
        """Ends it within the limit."""
        ...


P = TypeVar("P", bound=Poolable)


class Entry(Generic[P]):
    """One producer and how many jobs use it."""

    __slots__ = ("producer", "retired", "used_at", "users")

    def __init__(self, producer: P, now: float) -> None:
        self.producer = producer
        self.users = 0
        self.used_at = now
        self.retired = False


class Loan(Generic[P]):
    """A producer in use. A class, since a generator for each job costs more than the rest of the pool."""

    __slots__ = ("_create", "_entry", "_key", "_pool")

    def __init__(self, pool: Pool[P], key: str, create: Callable[[], Awaitable[P]]) -> None:
        self._pool = pool
        self._key = key
        self._create = create
        self._entry: Entry[P] | None = None

    async def __aenter__(self) -> P:
        self._entry = await self._pool.take(self._key, self._create)
        return self._entry.producer

    async def __aexit__(self, *_: object) -> None:
        assert self._entry is not None
        self._pool.give_back(self._key, self._entry)


class Pool(Generic[P]):
    """Producers by key.

    Args:
        limit: the most that are kept; those in use beyond it are closed when their last job is done.
        idle_seconds: how long one is kept without use.
        close_seconds: the most time that closing takes.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        limit: int,
        idle_seconds: float,
        close_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._close_seconds = close_seconds
        self._clock = clock
        self._entries: OrderedDict[str, Entry[P]] = OrderedDict()
        self._flights: dict[str, asyncio.Task[Entry[P]]] = {}
        self._closings: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._entries)

    def lend(self, key: str, create: Callable[[], Awaitable[P]]) -> Loan[P]:
        """A producer for as long as an ``async with`` block lasts; ``create`` makes it when there is none.

        Entering raises ConnectorError: what ``create`` raises, to all who wait for it; or the pool is closed.
        """
        return Loan(self, key, create)

    async def take(self, key: str, create: Callable[[], Awaitable[P]]) -> Entry[P]:
        """For ``Loan``: an entry, counted as used."""
        entry = await self._entry(key, create)
        entry.users += 1
        return entry

    def give_back(self, key: str, entry: Entry[P]) -> None:
        """For ``Loan``: the entry is used by one job less."""
        entry.users -= 1
        entry.used_at = self._clock()
        if entry.producer.spoilt and not entry.retired:
            self._retire(key, entry)
        elif entry.retired and not entry.users:
            self._close_soon(entry)

    def sweep(self) -> None:
        """Closes what was not used for too long."""
        oldest = self._clock() - self._idle_seconds
        for key, entry in list(self._entries.items()):
            if not entry.users and entry.used_at <= oldest:
                self._retire(key, entry)

    async def close(self) -> None:
        """Closes all, those in use too."""
        self._closed = True
        flights = list(self._flights.values())
        if self._sweeper is not None:
            flights.append(self._sweeper)  # type: ignore[arg-type]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        for key, entry in list(self._entries.items()):
            entry.users = 0
            self._retire(key, entry)
        await asyncio.gather(*self._closings, return_exceptions=True)

    async def _entry(self, key: str, create: Callable[[], Awaitable[P]]) -> Entry[P]:
        while True:
            if self._closed:
                raise ConnectorError("The connector is being shut down")
            entry = self._entries.get(key)
            if entry is None:
                entry = await self._created(key, create)
            if entry.producer.spoilt and not entry.retired:
                self._retire(key, entry)
            if not entry.retired:  # it may have been, between its start and now
                if not self._closed and key in self._entries:
                    self._entries.move_to_end(key)
                return entry

    async def _created(self, key: str, create: Callable[[], Awaitable[P]]) -> Entry[P]:
        flight = self._flights.get(key)
        if flight is None:
            # In an empty context: the producer's tasks outlive the job, whose log lines are not theirs.
            flight = asyncio.create_task(self._create(key, create), context=contextvars.Context())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: a job that is cancelled while it waits must not take the producer from the others.
        return await asyncio.shield(flight)

    async def _create(self, key: str, create: Callable[[], Awaitable[P]]) -> Entry[P]:
        entry = self._entries[key] = Entry(await create(), self._clock())
        while len(self._entries) > self._limit:
            oldest = next(iter(self._entries))
            self._retire(oldest, self._entries[oldest])
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep_now_and_then())
        return entry

    def _landed(self, key: str, flight: asyncio.Task[Entry[P]]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # seen, also when every waiting job has gone meanwhile

    def _retire(self, key: str, entry: Entry[P]) -> None:
        """Takes it out; it is closed when nobody uses it."""
        entry.retired = True
        if self._entries.get(key) is entry:
            del self._entries[key]
        if not entry.users:
            self._close_soon(entry)

    def _close_soon(self, entry: Entry[P]) -> None:
        closing = asyncio.create_task(entry.producer.close(self._close_seconds))
        self._closings.add(closing)  # the loop itself keeps only a weak reference to a task
        closing.add_done_callback(self._closings.discard)

    async def _sweep_now_and_then(self) -> None:
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(max(self._idle_seconds / 4, 0.05))
                self.sweep()


__all__ = ["Pool", "Poolable"]
