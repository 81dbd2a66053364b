"""Step 5 of a job's life: calling the connector, on the loop or in a thread of its own pool."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

from pydantic import BaseModel

from coupler.errors import ConnectorError
from coupler.sdk.connector import Connector
from coupler.sdk.context import JobContext
from coupler.worker.active import Held
from coupler.worker.routing import Target
from coupler.worker.threads import DaemonThreads


class Invocation:
    """Calls one connector. Plain ``def`` methods get a bounded thread pool that no other connector shares."""

    def __init__(self, connector: Connector[Any]) -> None:
        self._name = connector.name
        self._threads = connector.threads
        self._pool: DaemonThreads | None = None

    async def call(self, held: Held, target: Target, bound: BaseModel, context: JobContext) -> Any:
        """The connector's response; errors that it raises pass through.

        Raises:
            ConnectorError: it raised what would otherwise end the task without a command, or the process.
        """
        try:
            if target.is_async:
                return await target.method(bound, context)
            return await self._in_thread(held, target, bound, context)
        except Exception:
            raise
        except BaseException as raised:
            if _is_ours(held, raised):
                raise
            raise ConnectorError(_unusual(raised)) from raised

    async def _in_thread(self, held: Held, target: Target, bound: BaseModel, context: JobContext) -> Any:
        if self._pool is None:
            self._pool = DaemonThreads(self._threads, self._name)
        held.thread = self._pool.submit(copy_context().run, target.method, bound, context)
        return await asyncio.wrap_future(held.thread)

    @staticmethod
    async def until_thread_ended(held: Held) -> None:
        """A thread cannot be cancelled: its slot stays taken until it ends, and what it returns is dropped."""
        if held.thread is not None:
            late = asyncio.wrap_future(held.thread)
            await asyncio.wait({late})  # never raises what the thread raised, a SystemExit least of all
            if not late.cancelled():
                late.exception()

    def close(self) -> None:
        """Ends the pool without waiting for threads that hang."""
        if self._pool is not None:
            self._pool.shutdown()


def _is_ours(held: Held, raised: BaseException) -> bool:
    """Whether it is meant for the runtime: a cancellation of this very task, or the end of the process."""
    if isinstance(raised, KeyboardInterrupt | GeneratorExit):
        return True
    task = asyncio.current_task()
    return isinstance(raised, asyncio.CancelledError) and (
        held.cut is not None or task is None or task.cancelling() > 0
    )


def _unusual(raised: BaseException) -> str:
    if isinstance(raised, asyncio.CancelledError):
        return "The connector's call was cancelled from within, as happens when a client is closed while it is used."
    return f"The connector raised {type(raised).__name__}: {raised}"
