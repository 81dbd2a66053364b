"""The threads in which boto3 blocks, so that nothing else does.

A thread cannot be cancelled. When the job that waits for it is, the work is told through its ``Cut``: blocks of content
are neither read nor sent any more, and no call is made again. It ends with the system call that it is in, at the latest
after the read timeout; the job does not wait for that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

from coupler.sdk import ConnectorError

T = TypeVar("T")


class CutShort(BaseException):
    """Nobody waits for this work any more. No ``Exception``: botocore takes those for reasons to try again."""


class Cut:
    """Tells work in a thread that nobody waits for it any more."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made = threading.Event()

    def make(self) -> None:
        """Called by who waited."""
        self._made.set()

    @property
    def made(self) -> bool:
        """Whether nobody waits any more."""
        return self._made.is_set()

    def check(self) -> None:
        """Called by the work wherever it can stop.

        Raises:
            CutShort: it shall.
        """
        if self._made.is_set():
            raise CutShort


Guard = Callable[[str, str | None], None]
"""Asked about a URL, and about the address of a connection that was made for it."""


class _Denied(BaseException):
    """A guard forbids a connection. No ``Exception``, as for ``CutShort``."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Running(threading.local):
    cut: Cut | None = None
    guard: Guard | None = None


_running = _Running()


def check_call(url: str) -> None:
    """The check before every attempt of a call that the work of this thread makes.

    Raises:
        CutShort: nobody waits for it.
        EgressDenied: the guard of the work forbids the address.
    """
    if _running.cut is not None:
        _running.cut.check()
    if _running.guard is not None:
        _running.guard(url, None)


def check_connection(url: str, address: str) -> None:
    """The check of a new connection, before anything is sent; it ends the work when the guard forbids the address."""
    if _running.guard is None:
        return
    try:
        _running.guard(url, address)
    except Exception as denied:
        raise _Denied(denied) from denied


class Owned(Generic[T]):
    """Something that threads use one at a time and that must be closed: by whoever comes last.

    Closing a socket or a file under a thread that reads it would leave that thread with a number that the system gives
    to the next file. So whoever closes while it is in use leaves the closing to the user, and waits for nobody.
    """

    def __init__(self, thing: T, close: Callable[[T], None]) -> None:
        self._thing: T | None = thing
        self._close = close
        self._in_use = threading.Lock()
        self._given_up = False

    @contextmanager
    def use(self) -> Iterator[T]:
        """Lends it.

        Raises:
            CutShort: it is closed.
        """
        try:
            with self._in_use:
                if self._given_up or self._thing is None:
                    raise CutShort
                yield self._thing
        finally:
            if self._given_up:
                self.close()

    def close(self) -> None:
        """Closes it, now or when it is not in use any more. Idempotent."""
        self._given_up = True
        if self._in_use.acquire(blocking=False):
            try:
                thing, self._thing = self._thing, None
                if thing is not None:
                    self._close(thing)
            finally:
                self._in_use.release()


class Threads:
    """A bounded pool. What does not fit waits, and is never started when it is cancelled before its turn."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="s3")

    async def run(self, work: Callable[[Cut], T], guard: Guard | None = None) -> T:
        """Does work in a thread; ``guard`` is asked about every address. Whatever either raises passes through."""
        cut = Cut()
        try:
            future = self._pool.submit(_do, work, cut, guard)
        except RuntimeError as error:
            raise ConnectorError("The runtime shuts down.", code="SHUTDOWN") from error
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cut.make()
            raise

    def start(self, work: Callable[[], None]) -> None:
        """Does work in a thread, and nobody waits for it; after ``close`` at once, here."""
        try:
            self._pool.submit(work)
        except RuntimeError:
            work()

    def close(self) -> None:
        """Starts nothing any more; does not wait for what runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _do(work: Callable[[Cut], T], cut: Cut, guard: Guard | None) -> T:
    _running.cut, _running.guard = cut, guard
    try:
        cut.check()
        return work(cut)
    except _Denied as denied:
        raise denied.reason from None
    finally:
        _running.cut = _running.guard = None


__all__ = ["Cut", "CutShort", "Guard", "Owned", "Threads", "check_call", "check_connection"]
