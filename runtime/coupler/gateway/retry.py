"""Waiting between attempts, and the policy for commands."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from coupler.errors import GatewayError, GatewayStatus


class Backoff:
    """Growing delays with jitter: 50 ms, 80 ms, 128 ms … up to 5 s, each ± 10 % unless told otherwise."""

    __slots__ = ("_factor", "_initial", "_jitter", "_maximum", "_next", "_random")

    def __init__(
        self,
        initial_seconds: float = 0.05,
        maximum_seconds: float = 5.0,
        *,
        factor: float = 1.6,
        jitter: float = 0.1,
        source: random.Random | None = None,
    ) -> None:
        self._initial = self._next = initial_seconds
        self._maximum = maximum_seconds
        self._factor = factor
        self._jitter = jitter
        self._random = source or random.Random()  # noqa: S311 - spreads load, guards nothing

    def next(self) -> float:
        """The delay before the next attempt, in seconds."""
        delay = self._next
        self._next = min(self._maximum, delay * self._factor)
        return delay * (1 + self._jitter * self._random.uniform(-1, 1))

    def reset(self) -> None:
        """After a success: start over with the first delay."""
        self._next = self._initial


async def retry_command(
    command: Callable[[], Awaitable[None]],
    give_up_at_monotonic: float,
    *,
    may_repeat: Callable[[], bool] | None = None,
    backoff: Backoff | None = None,
) -> bool:
    """Sends a command, and again after backpressure or connection trouble, until the lease ends.

    The Java runtime tries three times within a quarter of a second; a gateway that restarts takes longer than that,
    and until the lease ends nobody else has the job.

    A lost answer leaves open whether the command was applied. So a NOT_FOUND that follows one counts as delivered:
    most likely the first attempt finished the job.

    Args:
        command: sends the command once.
        give_up_at_monotonic: the end of the lease on ``time.monotonic``; no attempt starts after it.
        may_repeat: asked before every attempt but the first; ``False`` gives up. For commands that must not hit a newer
            activation of the same job.
        backoff: the delays, by default 50 ms to 5 s.

    Returns:
        ``True`` when the gateway acknowledged the command, ``False`` when that is only presumed.

    Raises:
        GatewayError: of the last attempt.
    """
    answer_lost = False
    while True:
        try:
            await command()
        except GatewayError as error:
            if answer_lost and error.status is GatewayStatus.NOT_FOUND:
                return False
            if not error.retriable:
                raise
            answer_lost = answer_lost or error.status is GatewayStatus.UNAVAILABLE
            backoff = backoff or Backoff()
            delay = backoff.next()
            if time.monotonic() + delay >= give_up_at_monotonic:
                raise
            await asyncio.sleep(delay)
            if may_repeat is not None and not may_repeat():
                raise
        else:
            return True
