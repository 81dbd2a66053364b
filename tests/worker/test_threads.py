"""The bounded pool of daemon threads."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from coupler.worker.threads import DaemonThreads


def test_calls_run_and_no_more_threads_than_allowed() -> None:
    pool = DaemonThreads(3, "pool")
    lock = threading.Lock()
    running = peak = 0
    pause = threading.Event()

    def call(number: int) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        pause.wait(0.01)
        with lock:
            running -= 1
        return number * 2

    futures = [pool.submit(call, number) for number in range(30)]
    assert [future.result(20) for future in futures] == [number * 2 for number in range(30)]
    assert peak <= 3
    pool.shutdown()


def test_a_thread_is_used_again() -> None:
    pool = DaemonThreads(8, "pool")
    names = set()
    for _ in range(20):
        names.add(pool.submit(lambda: threading.current_thread().name).result(20))
    assert 1 <= len(names) <= 8
    pool.shutdown()


def test_a_closed_pool_cancels_what_waits_and_takes_nothing_more() -> None:
    pool = DaemonThreads(1, "pool")
    started, release = threading.Event(), threading.Event()

    def hold() -> None:
        started.set()
        release.wait(20)

    first = pool.submit(hold)
    assert started.wait(20)
    second = pool.submit(int)
    pool.shutdown()
    with pytest.raises(CancelledError):
        second.result(20)
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(int)
    release.set()
    first.result(20)


def test_an_error_belongs_to_the_caller() -> None:
    pool = DaemonThreads(1, "pool")

    def broken() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        pool.submit(broken).result(20)
    assert pool.submit(int).result(20) == 0
    pool.shutdown()
