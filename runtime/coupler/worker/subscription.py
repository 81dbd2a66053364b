"""How one job type gets its jobs: a stream when it is quiet, polls in batches when it is busy.

A pushed job costs several times the CPU of a polled one, but arrives at once. So the stream is the low-latency path and
the poll the bulk path. Jobs are read from the stream one at a time and only when a slot is free, so none waits in a
buffer while its lease runs.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Gateway, Job, StreamRequest
from coupler.gateway.retry import Backoff
from coupler.worker.limits import Slots
from coupler.worker.rate import ArrivalRate

log = logging.getLogger(__name__)

_MIN_POLL_INTERVAL_SECONDS = 0.005
_EMPTY_POLL_INTERVAL_SECONDS = 0.1  # a gateway without long polling answers at once
_BUSY_POLL_TIMEOUT_SECONDS = 1.0  # while a stream waits to be (re)opened, polls are held open no longer
_EMPTY_POLLS_UNTIL_QUIET = 2
_CATCH_UP_FIRST_SECONDS = 0.1
_CATCH_UP_FACTOR = 1.6


@dataclass(slots=True, frozen=True, kw_only=True)
class SubscriptionConfig:
    """Timing and limits of one job type's subscription."""

    activate: ActivateRequest  # as for a long poll; the number of jobs and the wait are set per call
    stream_enabled: bool
    poll_enabled: bool
    busy_jobs_per_second: float
    catch_up_max_seconds: float

    @property
    def stream(self) -> StreamRequest:
        """The same jobs, to be pushed."""
        ask = self.activate
        return StreamRequest(ask.type, ask.worker, ask.lease_seconds, ask.fetch_variables, ask.tenant_ids)


class Subscription:
    """Keeps jobs of one type coming, until its task is cancelled.

    ``accept(job, slot_held)`` is called for every job: a polled job comes with a slot of its type taken for it, a
    pushed job takes its own.
    """

    def __init__(
        self,
        config: SubscriptionConfig,
        *,
        gateway: Gateway,
        slots: Slots,
        total: Slots,
        accept: Callable[[Job, bool], None],
    ) -> None:
        self._config = config
        self._gateway = gateway
        self._slots = slots
        self._total = total
        self._accept = accept
        self._rate = ArrivalRate(config.busy_jobs_per_second)
        self._stream_backoff = Backoff()
        self._poll_backoff = Backoff()
        self._streaming_possible = config.stream_enabled
        self._last_poll_at = 0.0
        self.mode = "stopped"
        self.ready = False
        self.last_error = ""

    async def run(self) -> None:
        """Streams and polls, in turn, for ever."""
        try:
            while True:
                reopen_at = 0.0
                if self._streaming_possible:
                    reopen_at = await self._stream_until_busy_or_broken()
                if self._config.poll_enabled:
                    await self._poll_until_quiet(reopen_at)
                else:
                    await asyncio.sleep(max(0.0, reopen_at - time.monotonic()))
        finally:
            self.mode = "stopped"

    async def _stream_until_busy_or_broken(self) -> float:
        """Returns when polling is the better way: the time from which a new stream may be opened, 0 when busy."""
        self.mode = "stream"
        self._rate.reset()
        catch_up = asyncio.create_task(self._catch_up()) if self._config.poll_enabled else None
        try:
            await self._read_stream()
        except GatewayError as error:
            self._stream_broke(error)
            return time.monotonic() + self._stream_backoff.next()
        finally:
            if catch_up is not None:
                catch_up.cancel()
                with suppress(asyncio.CancelledError):
                    await catch_up
        # Ended without an error: because it is busy here, or because the gateway ended it (a restart, a life time).
        return 0.0 if self._rate.busy else time.monotonic() + self._stream_backoff.next()

    async def _read_stream(self) -> None:
        opened_at = time.monotonic()
        async with aclosing(self._gateway.stream(self._config.stream)) as jobs:
            while not (self._rate.busy and self._config.poll_enabled):
                await self._slots.until_free(1)
                await self._total.until_free(1)
                try:
                    job = await anext(jobs)
                except StopAsyncIteration:
                    if time.monotonic() - opened_at > 1.0:
                        self._stream_backoff.reset()
                    return
                self._stream_backoff.reset()
                self._worked()
                self._rate.add()
                self._accept(job, False)

    async def _catch_up(self) -> None:
        """Polls beside the stream: jobs that are older than the stream, or that a push has missed."""
        delay = _CATCH_UP_FIRST_SECONDS
        while True:
            try:
                taken, asked = await self._poll(hold_seconds=-1.0)
            except GatewayError as error:
                await asyncio.sleep(self._poll_failed(error))
                continue
            if taken == asked:
                continue
            delay = _CATCH_UP_FIRST_SECONDS if taken else delay
            await asyncio.sleep(delay)
            delay = min(delay * _CATCH_UP_FACTOR, self._config.catch_up_max_seconds)

    async def _poll_until_quiet(self, reopen_at: float) -> None:
        """Long polls, until two in a row come back empty; a broken stream is tried again from ``reopen_at`` on."""
        self.mode = "poll"
        empty = 0
        hold = self._config.activate.request_timeout_seconds
        if self._streaming_possible:
            hold = min(hold, _BUSY_POLL_TIMEOUT_SECONDS)
        broken = reopen_at > 0.0
        while not self._streaming_possible or (empty < _EMPTY_POLLS_UNTIL_QUIET and not broken):
            empty = 0 if await self._poll_in_turn(hold) else empty + 1
        while broken and time.monotonic() < reopen_at:
            await self._poll_in_turn(min(hold, max(0.001, reopen_at - time.monotonic())))

    async def _poll_in_turn(self, hold_seconds: float) -> bool:
        """One poll, no sooner than the last one allows. Returns whether there may be more jobs."""
        await asyncio.sleep(self._last_poll_at + _MIN_POLL_INTERVAL_SECONDS - time.monotonic())
        started_at = self._last_poll_at = time.monotonic()
        try:
            taken, _ = await self._poll(hold_seconds)
        except GatewayError as error:
            await asyncio.sleep(self._poll_failed(error))
            return True
        if not taken:
            await asyncio.sleep(started_at + _EMPTY_POLL_INTERVAL_SECONDS - time.monotonic())
        return taken > 0

    async def _poll(self, hold_seconds: float) -> tuple[int, int]:
        """Asks for as many jobs as there are free slots; returns how many came and how many were asked for."""
        await self._slots.until_free(max(1, self._slots.limit // 10))
        await self._total.until_free(1)
        asked = self._slots.reserve(min(self._slots.free, max(1, self._total.free)))
        if not asked:
            return 0, 1  # the stream was faster
        unused = asked
        try:
            request = replace(self._config.activate, max_jobs=asked, request_timeout_seconds=hold_seconds)
            jobs = await self._gateway.activate(request)
            self._worked()
            for job in jobs:
                unused -= 1
                self._accept(job, True)
        finally:
            self._slots.release(unused)
        if jobs:
            self._rate.add(len(jobs))
        return len(jobs), asked

    def _worked(self) -> None:
        if self.last_error:
            log.info("%s: jobs can be fetched again.", self._config.activate.type)
        self.ready = True
        self.last_error = ""
        self._poll_backoff.reset()

    def _poll_failed(self, error: GatewayError) -> float:
        """Notes a failed poll; returns how long to wait, in seconds."""
        if error.status is not GatewayStatus.BACKPRESSURE:
            self._not_ready(error)
        return self._poll_backoff.next()

    def _stream_broke(self, error: GatewayError) -> None:
        if error.status is GatewayStatus.UNIMPLEMENTED:
            self._streaming_possible = False
            log.warning("%s: this gateway cannot push jobs; polling instead.", self._config.activate.type)
        elif error.status is not GatewayStatus.BACKPRESSURE:
            self._not_ready(error)

    def _not_ready(self, error: GatewayError) -> None:
        if not self.last_error:
            log.warning("%s: no jobs can be fetched, trying again: %s", self._config.activate.type, error)
        self.ready = False
        self.last_error = error.message or error.status.value
