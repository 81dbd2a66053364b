"""Keeps leases alive, and ends runs that may not go on: one ticker a second, no timer per job."""

from __future__ import annotations

import asyncio
import logging
import time

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import Gateway
from coupler.worker.active import ActiveJobs, Cut, Held, Phase
from coupler.worker.tasks import ended

log = logging.getLogger(__name__)

_CLEANUP_SECONDS = 3.0  # what a connector gets to clean up after its cancellation; less than a drain leaves for reports


class LeaseKeeper:
    """Walks over the held jobs once a second; their number is bounded by the slots."""

    def __init__(self, active: ActiveJobs, gateway: Gateway, *, tick_seconds: float = 1.0) -> None:
        self._active = active
        self._gateway = gateway
        self._tick_seconds = tick_seconds
        self._extensions: set[asyncio.Task[None]] = set()
        self._extending: set[int] = set()
        self._unsupported = False

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(self._tick_seconds)
                try:
                    self.tick(time.monotonic())
                except Exception:
                    log.exception("Leases could not be looked at; next try in a moment.")
        finally:
            await ended(*self._extensions)

    def tick(self, now: float) -> None:
        """Looks at every held job: too long a run is cut short, a lease past its half-life is extended."""
        for held in self._active:
            if held.phase is Phase.RUNNING and held.cut is not None:
                _insist(held, now)
            elif held.phase is Phase.RUNNING and now - held.started_at > held.max_run_seconds:
                held.cut_short(Cut.TOO_LONG)
            elif not self._unsupported and _wants_extension(held, now):
                self._extend_soon(held)

    def _extend_soon(self, held: Held) -> None:
        if held.job.key not in self._extending:
            self._extending.add(held.job.key)
            task = asyncio.create_task(self._extend(held))
            self._extensions.add(task)  # the loop itself keeps only weak references
            task.add_done_callback(self._extensions.discard)

    async def _extend(self, held: Held) -> None:
        asked_at = time.monotonic()
        renewals = held.renewals
        try:
            await self._gateway.update_timeout(held.job.key, held.lease_seconds)
            held.extended_until(asked_at + held.lease_seconds)
        except GatewayError as error:
            self._not_extended(held, error, renewed=held.renewals != renewals)
        finally:
            self._extending.discard(held.job.key)

    def _not_extended(self, held: Held, error: GatewayError, *, renewed: bool) -> None:
        match error.status:
            case GatewayStatus.NOT_FOUND:
                if not renewed and held.phase in (Phase.WAITING, Phase.RUNNING):  # else it was delivered to us again
                    held.cut_short(Cut.LEASE_LOST)
            case GatewayStatus.UNIMPLEMENTED:
                self._unsupported = True
                log.warning(
                    "The gateway cannot extend leases. Jobs that run longer than %g s may be run twice.",
                    held.lease_seconds,
                )
            case _:
                log.debug("The lease of job %d was not extended, next try in a moment: %s", held.job.key, error)


def _wants_extension(held: Held, now: float) -> bool:
    if held.superseded or held.phase is Phase.ENDED:  # the lease may be somebody else's by now
        return False
    return held.lease_ends_at - now < held.lease_seconds / 2


def _insist(held: Held, now: float) -> None:
    """A connector that has been cancelled, but goes on: told once more, and then the engine is told without it."""
    if now - held.cut_at < _CLEANUP_SECONDS or held.disowned is not None:
        return
    if held.task is not None:
        held.task.cancel()
    if held.owner is not None:
        held.owner.disown(held)
