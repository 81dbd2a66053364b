"""A bounded pool of daemon threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Call = tuple[Future[Any], Callable[[], Any]]


class DaemonThreads(Executor):
    """Like ``ThreadPoolExecutor``, but the process does not wait for these threads when it ends.

    A blocking library that never returns would keep a drained process alive until it is killed. Threads are started as
    they are needed, up to the limit, and stay.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs a call in a thread, as soon as one is free."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the threads of {self._name} have been closed")
            self._calls.put((future, lambda: fn(*args, **kwargs)))
            if self._idle > 0:
                self._idle -= 1
            elif self._started < self._limit:
                self._started += 1
                threading.Thread(target=self._work, name=f"{self._name}_{self._started}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:
        """Takes no more calls, cancels those that wait, and waits for nobody."""
        with self._lock:
            self._closed = True
            started = self._started
        with suppress(Empty):
            while cancel_futures:
                call = self._calls.get_nowait()
                if call is not None:
                    call[0].cancel()
        for _ in range(started):
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            _run(*call)
            del call
            with self._lock:
                self._idle += 1


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except StopIteration as error:  # asyncio's futures refuse it, and whoever awaits one would wait for ever
        future.set_exception(RuntimeError(f"StopIteration: {error}"))
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the call
        future.set_exception(error)
    else:
        future.set_result(result)
