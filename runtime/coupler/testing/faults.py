"""Faults injected into the fake gateway."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from coupler.errors import GatewayError, GatewayStatus

CALLS = frozenset(
    {"activate", "stream", "complete", "fail", "throw_error", "update_timeout", "topology", "process_definition_xml"}
)


@dataclass(slots=True)
class _Fault:
    error: GatewayError | None
    remaining: int | None
    every: int
    applied: bool
    delay_seconds: float
    calls: int = 0


class Faults:
    """What goes wrong, by call.

    gateway.faults.inject("complete", GatewayStatus.BACKPRESSURE, times=2)
    gateway.faults.inject("fail", GatewayStatus.UNAVAILABLE, applied=True)  # applied, but the answer is lost
    gateway.faults.inject("activate", GatewayStatus.BACKPRESSURE, times=None, every=2)  # half of all calls
    gateway.faults.inject("topology", delay_seconds=0.2)  # slow, no error
    """

    def __init__(self) -> None:
        self._by_call: dict[str, list[_Fault]] = {}

    def inject(
        self,
        call: str,
        status: GatewayStatus | None = None,
        *,
        message: str = "injected",
        times: int | None = 1,
        every: int = 1,
        applied: bool = False,
        delay_seconds: float = 0.0,
    ) -> None:
        """Adds a fault to a method of ``Gateway``, by its name; faults of one call strike in the order they were added.

        Args:
            call: the method's name.
            status: the error's status; ``None`` only delays.
            message: the error's text.
            times: how often it strikes, ``None``: for ever.
            every: only every n-th call is struck.
            applied: the command is applied first, then its answer is lost.
            delay_seconds: how long the call hangs before.
        """
        if call not in CALLS:
            raise ValueError(f"the gateway has no call '{call}'; it has {', '.join(sorted(CALLS))}")
        error = None if status is None else GatewayError(status, f"{call}: {message}")
        self._by_call.setdefault(call, []).append(_Fault(error, times, every, applied, delay_seconds))

    def clear(self) -> None:
        """Everything works again."""
        self._by_call.clear()

    async def strike(self, call: str) -> GatewayError | None:
        """The next fault of a call: raised, or returned when it strikes after the call was applied."""
        faults = self._by_call.get(call)
        if not faults:
            return None
        fault = faults[0]
        fault.calls += 1
        if fault.calls % fault.every:
            return None
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining <= 0:
                faults.pop(0)
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.error is not None and not fault.applied:
            raise fault.error
        return fault.error


__all__ = ["CALLS", "Faults"]
