"""How a runtime ends: SIGTERM and SIGINT drain it, a second one does not wait."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import suppress

from coupler.app.runtime import Runtime

log = logging.getLogger(__name__)

_LAST_SECONDS = 2.0


async def run_until_signalled(runtime: Runtime) -> None:
    """Starts a runtime, waits for SIGTERM or SIGINT, and drains it.

    Raises:
        ConfigError: it cannot start; what was opened is closed again.
    """
    stop = asyncio.Event()
    own_signals(stop)
    try:
        await runtime.start()
        await stop.wait()
    finally:
        await runtime.stop()
    await _end_in_spite_of_deaf_tasks()


async def _end_in_spite_of_deaf_tasks() -> None:
    """A connector that swallows every cancellation would keep the event loop, and so the process, for ever."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if not others:
        return
    _, deaf = await asyncio.wait(others, timeout=_LAST_SECONDS)
    if deaf:
        log.warning("Ending with %d tasks that ignore their cancellation.", len(deaf))
        logging.shutdown()
        os._exit(0)


def own_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set the event; the next one ends the process without waiting."""
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            log.warning("%s again: ending now; jobs that still run come back when their leases end.", number.name)
            logging.shutdown()
            os._exit(128 + number)
        log.info("%s: draining.", number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, on_signal, number)
