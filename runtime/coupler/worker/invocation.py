"""Step 5 of a job's life: calling the connector, on the loop or in a thread of its own pool."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from coupler.sdk.connector import Connector
from coupler.sdk.context import JobContext
from coupler.worker.active import Held
from coupler.worker.routing import Target


class Invocation:
    """Calls one connector. Plain ``def`` methods get a bounded thread pool that no other connector shares."""

    def __init__(self, connector: Connector[Any]) -> None:
        self._name = connector.name
        self._threads = connector.threads
        self._pool: ThreadPoolExecutor | None = None

    async def call(self, held: Held, target: Target, bound: BaseModel, context: JobContext) -> Any:
        """The connector's response; whatever it raises passes through."""
        if target.is_async:
            return await target.method(bound, context)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        thread = self._pool.submit(target.method, bound, context)
        held.thread = thread
        return await asyncio.wrap_future(thread)

    @staticmethod
    async def until_thread_ended(held: Held) -> None:
        """A thread cannot be cancelled: its slot stays taken until it ends, and what it returns is dropped."""
        if held.thread is not None and held.thread.running():
            with suppress(Exception):
                await asyncio.wrap_future(held.thread)

    def close(self) -> None:
        """Ends the pool without waiting for threads that hang."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
