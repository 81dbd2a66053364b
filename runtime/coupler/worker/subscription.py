"""How one job type gets its jobs: a stream, and polls beside it.

A pushed job arrives at once, a polled one costs a fraction of the CPU. While slots are free the stream brings every
job. Once they are full the stream is not read, the gateway finds it blocked and keeps the jobs for polls, and polls
fetch them in batches as slots come free. An open stream is not closed because of load: what a gateway has written to it
already would be lost to everybody until its lease ends.

Jobs are read from the stream one at a time and only when a slot is free, so none waits in a buffer of ours while its
lease runs. What a gateway has pushed up to then waits in the connection, and its leases run: when no slot came free for
a quarter of a lease, the stream is read out and closed, and what it held waits here, where leases are kept alive.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from coupler.errors import GatewayError, GatewayStatus
from coupler.gateway.protocol import ActivateRequest, Gateway, Job, StreamRequest
from coupler.gateway.retry import Backoff
from coupler.worker.limits import Slots
from coupler.worker.tasks import ended

log = logging.getLogger(__name__)

_MIN_POLL_INTERVAL_SECONDS = 0.005
_BATCH_PATIENCE_SECONDS = 0.25
_EMPTY_POLL_INTERVAL_SECONDS = 0.1  # a gateway without long polling answers at once
_CATCH_UP_FIRST_SECONDS = 0.1
_CATCH_UP_FACTOR = 1.6
_TRUSTED_SECONDS = 0.5  # a gateway says nothing when it holds a stream or poll: one that has not broken by then stands
_LAST_ANSWER_SECONDS = 0.25
_STALLED_SHARE = 0.25  # of a lease
_READ_OUT_GAP_SECONDS = 0.05  # nothing came for so long: the gateway had nothing more on its way
_READ_OUT_JOBS = 1000


@dataclass(slots=True, frozen=True, kw_only=True)
class SubscriptionConfig:
    """Timing and limits of one job type's subscription."""

    activate: ActivateRequest  # as for a long poll; the number of jobs and the wait are set per call
    stream_enabled: bool
    poll_enabled: bool
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
        self._stream_backoff = Backoff()
        self._poll_backoff = Backoff()
        self._streaming_possible = config.stream_enabled
        self._last_poll_at = 0.0
        self._polls_turn = False
        self._streams_turn = asyncio.Event()
        self._too_late: list[Job] = []
        self.reserved = 0  # slots that a poll under way has taken, for jobs that may come
        self.mode = "stopped"
        self.ready = False
        self.last_error = ""

    async def run(self) -> None:
        """Streams and polls for ever. Cancelled, it passes on what the gateway has pushed already, and ends."""
        try:
            while True:
                reopen_at = 0.0
                if self._streaming_possible:
                    reopen_at = await self._stream_until_it_ends()
                if self._config.poll_enabled or not self._streaming_possible:
                    await self._poll_until(reopen_at)
                else:
                    await asyncio.sleep(max(0.0, reopen_at - time.monotonic()))
        finally:
            self.mode = "stopped"
            self._accept_late()

    async def _stream_until_it_ends(self) -> float:
        """Returns the time from which a new stream may be opened."""
        self.mode = "stream"
        await self._until_stream_may_read()
        catch_up = asyncio.create_task(self._catch_up()) if self._config.poll_enabled else None
        opened_at = time.monotonic()
        trusted = asyncio.get_running_loop().call_later(_TRUSTED_SECONDS, self._worked)
        try:
            await self._read_stream()
        except GatewayError as error:
            self._stream_broke(error)
        except (Exception, asyncio.CancelledError) as problem:  # noqa: BLE001 - a job type must not fall silent
            self._stream_broke(_unexpected(problem))
        finally:
            trusted.cancel()
            if catch_up is not None:
                await ended(catch_up)
        self._accept_late()
        if time.monotonic() - opened_at > 1.0:
            self._stream_backoff.reset()
        return time.monotonic() + self._stream_backoff.next()

    def _accept_late(self) -> None:
        """Jobs that came while a stream or poll was being closed; handed back before that, they would come again."""
        late, self._too_late = self._too_late, []
        for job in late:
            self._accept(job, False)

    async def _read_stream(self) -> None:
        patience_seconds = self._config.activate.lease_seconds * _STALLED_SHARE
        async with aclosing(self._gateway.stream(self._config.stream)) as jobs:
            while True:
                try:
                    if not self._stream_may_read:
                        # Not wait_for: on 3.11 it swallows a cancellation that comes as what it waits for is done.
                        async with asyncio.timeout(patience_seconds):
                            await self._until_stream_may_read()
                except TimeoutError:
                    await _read_out(jobs, self._too_late)
                    return
                except asyncio.CancelledError:
                    await _read_out(jobs, self._too_late)
                    raise
                try:
                    job = await anext(jobs)
                except StopAsyncIteration:
                    return
                self._worked()
                self._accept(job, False)

    @property
    def _stream_may_read(self) -> bool:
        """A slot of the type and one of the process must be free, and no poll may be waiting for slots."""
        return not self._polls_turn and self._slots.free > 0 and self._total.free > 0

    async def _until_stream_may_read(self) -> None:
        while not self._stream_may_read:
            if self._polls_turn:
                await self._streams_turn.wait()
            await self._slots.until_free(1)
            await self._total.until_free(1)

    async def _catch_up(self) -> None:
        """Polls beside the stream: jobs that are older than it, that a push has missed, or that found it blocked."""
        delay = _CATCH_UP_FIRST_SECONDS
        while True:
            try:
                taken, asked = await self._poll_while_the_stream_rests()
            except GatewayError as error:
                await asyncio.sleep(self._poll_failed(error))
                continue
            if taken == asked:
                await asyncio.sleep(_MIN_POLL_INTERVAL_SECONDS)
                continue
            delay = _CATCH_UP_FIRST_SECONDS if taken else delay
            await asyncio.sleep(delay)
            delay = min(delay * _CATCH_UP_FACTOR, self._config.catch_up_max_seconds)

    async def _poll_while_the_stream_rests(self) -> tuple[int, int]:
        """Without this, a stream that is never empty would take every slot, and older jobs would starve."""
        self._polls_turn = True
        self._streams_turn.clear()
        try:
            return await self._poll(hold_seconds=-1.0)
        finally:
            self._polls_turn = False
            self._streams_turn.set()

    async def _poll_until(self, reopen_at: float) -> None:
        """Long polls: for ever without streaming, else until a stream may be opened again."""
        self.mode = "poll"
        hold = self._config.activate.request_timeout_seconds
        while True:
            if self._streaming_possible:
                left = reopen_at - time.monotonic()
                if left <= 0:
                    return
                hold = min(hold, max(left, 0.001))
            await self._poll_in_turn(hold)

    async def _poll_in_turn(self, hold_seconds: float) -> None:
        """One poll, no sooner than the last one allows."""
        await asyncio.sleep(self._last_poll_at + _MIN_POLL_INTERVAL_SECONDS - time.monotonic())
        started_at = self._last_poll_at = time.monotonic()
        try:
            taken, _ = await self._poll(hold_seconds)
        except GatewayError as error:
            await asyncio.sleep(self._poll_failed(error))
            return
        if not taken:
            await asyncio.sleep(started_at + _EMPTY_POLL_INTERVAL_SECONDS - time.monotonic())

    async def _poll(self, hold_seconds: float) -> tuple[int, int]:
        """Asks for as many jobs as there are free slots; returns how many came and how many were asked for."""
        await self._until_worth_a_poll()
        await self._total.until_free(1)
        asked = self._slots.reserve(min(self._slots.free, max(1, self._total.free)))
        if not asked:
            return 0, 1  # taken while we waited for the process's slots
        unused = self.reserved = asked
        try:
            request = replace(self._config.activate, max_jobs=asked, request_timeout_seconds=hold_seconds)
            for job in await self._activate(request):
                unused -= 1
                self._accept(job, True)
        finally:
            self.reserved = 0
            self._slots.release(unused)
        return asked - unused, asked

    async def _until_worth_a_poll(self) -> None:
        """Waits for a tenth of the slots, then for any: behind long calls the last tenth would stay idle."""
        try:
            async with asyncio.timeout(_BATCH_PATIENCE_SECONDS):
                await self._slots.until_free(max(1, self._slots.limit // 10))
        except TimeoutError:
            await self._slots.until_free(1)

    async def _activate(self, request: ActivateRequest) -> list[Job]:
        """One call. Cancelled, it waits a moment for an answer that may be on its way with jobs in it."""
        call = asyncio.ensure_future(self._gateway.activate(request))
        trusted = None if self.ready else asyncio.get_running_loop().call_later(_TRUSTED_SECONDS, self._worked)
        try:
            jobs = await asyncio.shield(call)
        except GatewayError:
            raise
        except (Exception, asyncio.CancelledError) as problem:
            if _is_cancelled(problem):
                await self._wait_for_last_answer(call)
            raise _unexpected(problem) from problem
        finally:
            if trusted is not None:
                trusted.cancel()
        self._worked()
        return jobs

    async def _wait_for_last_answer(self, call: asyncio.Future[list[Job]]) -> None:
        try:
            await asyncio.wait({call}, timeout=_LAST_ANSWER_SECONDS)
        finally:
            if call.done() and not call.cancelled() and call.exception() is None:
                self._too_late.extend(call.result())
            call.cancel()

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


async def _read_out(jobs: AsyncIterator[Job], late: list[Job]) -> None:
    """Adds to ``late`` what the gateway had pushed before it learns that nobody reads any more.

    Job by job: a second cancellation while it reads, by a shutdown during a pause, must not lose those read so far.
    """
    with suppress(TimeoutError, StopAsyncIteration, GatewayError):
        for _ in range(_READ_OUT_JOBS):
            async with asyncio.timeout(_READ_OUT_GAP_SECONDS):
                late.append(await anext(jobs))


def _is_cancelled(problem: BaseException) -> bool:
    """Whether this very task was cancelled, and not something that it waited for."""
    task = asyncio.current_task()
    return isinstance(problem, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _unexpected(problem: BaseException) -> GatewayError:
    """What a gateway must not raise counts as a broken connection, and is said loudly.

    Raises:
        CancelledError: this very task was cancelled.
    """
    if _is_cancelled(problem):
        raise problem
    log.error("The gateway client failed in an unexpected way.", exc_info=problem)
    return GatewayError(GatewayStatus.UNAVAILABLE, f"{type(problem).__name__}: {problem}")
