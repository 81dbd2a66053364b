"""Jobs of the benchmark's gateway: made in batches, handed out once, timed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import Any

from bench.payload import ELEMENT, HEADERS, JOB_TYPE, PROCESS, VARIABLES
from coupler.gateway.proto import gateway_pb2 as pb

_PUSHED_BYTES = 32 * 1024  # what a gateway in Java writes to a stream that nobody reads before it finds it blocked


class Pipe:
    """One open stream: what was pushed into it and has not been written yet."""

    def __init__(self) -> None:
        self.keys: deque[int] = deque()
        self.filled = asyncio.Event()

    def push(self, key: int) -> None:
        """Adds a job."""
        self.keys.append(key)
        self.filled.set()


class Store:
    """All jobs are alike, so each is only a key, the time it was made and the time it was finished.

    A new job is pushed to an open stream, unless the stream is blocked: then it is for polls. With ``stream_only`` it
    waits for the stream instead.
    """

    def __init__(self) -> None:
        self.pending: deque[int] = deque()  # for polls
        self.pipes: list[Pipe] = []
        self.stream_only = False
        self.created: dict[int, float] = {}
        self.finished: dict[int, float] = {}
        self.failed = 0
        self.sample_error = ""
        self.sample_variables = ""
        self._rest = _all_but_the_key()
        self._pushed_jobs = max(1, _PUSHED_BYTES // len(self._rest))
        self._next_key = 2251799813685249
        self._polls: deque[asyncio.Future[None]] = deque()
        self._done = asyncio.Event()
        self._size = 0

    async def load(self, n: int, rate: float = 0.0) -> None:
        """Makes ``n`` jobs: all at once, or spread evenly with jitter at ``rate`` a second."""
        self.created.clear()
        self.finished.clear()
        self.failed, self.sample_error, self.sample_variables = 0, "", ""
        self._size = n
        self._done.clear()
        start = time.monotonic()
        for i in range(n):
            if rate:
                due = start + (i + random.random()) / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._next_key += 2
            self.created[self._next_key] = time.monotonic()
            self._offer(self._next_key)

    async def wait(self, limit_seconds: float) -> None:
        """Until all jobs of the batch are finished, or the limit."""
        try:
            async with asyncio.timeout(limit_seconds):
                await self._done.wait()
        except TimeoutError:
            pass

    def _offer(self, key: int) -> None:
        for pipe in self.pipes:
            if self.stream_only or len(pipe.keys) < self._pushed_jobs:
                pipe.push(key)
                return
        self.pending.append(key)
        _wake(self._polls)

    async def until_pending(self, limit_seconds: float) -> None:
        """Waits for a job for polls, or until the limit."""
        if not self.pending:
            await _wait(self._polls, limit_seconds)

    def close_pipe(self, pipe: Pipe) -> None:
        """What was pushed and not written is offered anew."""
        self.pipes.remove(pipe)
        for key in pipe.keys:
            self._offer(key)

    def message(self, key: int) -> bytes:
        """The serialised job: protobuf messages may be put together from parts, so only the key is encoded anew."""
        return b"\x08" + _varint(key) + self._rest

    def batch(self, most: int) -> bytes:
        """A serialised ActivateJobsResponse of up to ``most`` pending jobs."""
        parts: list[bytes] = []
        while self.pending and len(parts) < most:
            message = self.message(self.pending.popleft())
            parts.append(b"\x0a" + _varint(len(message)) + message)
        return b"".join(parts)

    def finish(self, key: int, variables: str) -> bool:
        """Ends a job; ``False`` when it is not there or ended before."""
        if key not in self.created or key in self.finished:
            return False
        self.finished[key] = time.monotonic()
        self.sample_variables = self.sample_variables or variables
        if len(self.finished) == self._size:
            self._done.set()
        return True

    def fail(self, key: int, message: str) -> bool:
        """Ends a job that was failed; the benchmark's jobs are not supposed to."""
        self.failed += 1
        self.sample_error = self.sample_error or message
        return self.finish(key, "")

    def result(self) -> dict[str, Any]:
        """Counts and times of the batch, in seconds."""
        delays = sorted(self.finished[key] - self.created[key] for key in self.finished)
        first, last = min(self.created.values(), default=0.0), max(self.finished.values(), default=0.0)
        return {
            "jobs": self._size,
            "finished": len(self.finished),
            "failed": self.failed,
            "sample_error": self.sample_error,
            "sample_variables": self.sample_variables,
            "seconds": last - first,
            "first_finished_at": min(self.finished.values(), default=0.0),
            "p50_seconds": _percentile(delays, 0.50),
            "p99_seconds": _percentile(delays, 0.99),
        }


async def _wait(waiters: deque[asyncio.Future[None]], limit_seconds: float) -> None:
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiters.append(waiter)
    try:
        await asyncio.wait([waiter], timeout=limit_seconds)
    except asyncio.CancelledError:
        if waiter.done():
            _wake(waiters)  # the job is for somebody else
        raise
    finally:
        waiter.cancel()


def _wake(waiters: deque[asyncio.Future[None]]) -> None:
    while waiters:
        waiter = waiters.popleft()
        if not waiter.done():
            waiter.set_result(None)
            return


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _all_but_the_key() -> bytes:
    return pb.ActivatedJob(
        type=JOB_TYPE,
        processInstanceKey=2251799813685250,
        bpmnProcessId=PROCESS,
        processDefinitionVersion=1,
        processDefinitionKey=2251799813685248,
        elementId=ELEMENT,
        elementInstanceKey=2251799813685251,
        customHeaders=HEADERS,
        worker="bench",
        retries=3,
        deadline=int(time.time() * 1000) + 3_600_000,
        variables=VARIABLES,
        tenantId="<default>",
    ).SerializeToString()


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
