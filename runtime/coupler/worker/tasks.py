"""Ending tasks for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def ended(*tasks: asyncio.Task[Any], closing: Iterable[asyncio.Task[Any]] = ()) -> None:
    """Cancels tasks and waits until they have ended, whatever they raise.

    Args:
        tasks: to be cancelled.
        closing: cancelled already, only waited for: a second cancellation would cut short what they do at their end.

    Raises:
        CancelledError: the caller was cancelled meanwhile; raised after the tasks have ended. A plain
            ``suppress(CancelledError)`` around ``await task`` would swallow it, and the caller would go on for ever.
    """
    for task in tasks:
        task.cancel()
    cancelled = False
    everyone = (*tasks, *closing)
    while waiting := [task for task in everyone if not task.done()]:
        try:
            await asyncio.wait(waiting)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
