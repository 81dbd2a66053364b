"""Ending tasks for sure."""

from __future__ import annotations

import asyncio
from typing import Any


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks and waits until they have ended, whatever they raise.

    Raises:
        CancelledError: the caller was cancelled meanwhile; raised after the tasks have ended. A plain
            ``suppress(CancelledError)`` around ``await task`` would swallow it, and the caller would go on for ever.
    """
    for task in tasks:
        task.cancel()
    cancelled = False
    while waiting := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(waiting)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
