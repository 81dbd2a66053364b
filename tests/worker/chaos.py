"""A worker in trouble: random jobs, outcomes, faults, lost leases, pauses and shutdowns, all from one seed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from coupler.errors import BpmnError, ConnectorError, GatewayStatus, InputError, RetryLater
from coupler.testing import CompleteCommand, FailCommand, FakeGateway, JobState, ManualClock, ThrowErrorCommand
from coupler.worker.adaptive import AdaptiveConfig
from tests.worker.kit import Kit, connector, registered, working

TYPES = ("chaos:a:1", "chaos:b:1")
LEASE_SECONDS = 60.0  # leases end when the chaos turns the clock, never by themselves
OUTCOMES = (
    "complete", "complete", "complete", "bpmn", "fail", "fail", "input", "retry", "exit", "cancelled", "deaf", "rude",
    "document", "big",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"resultVariable": "r"},
    {"resultExpression": "={s: response.state}"},
    {"resultExpression": "=1"},
    {"errorExpression": '=if error != null and error.code = "C" then bpmnError("B", "b") else null'},
    {"errorExpression": '=if error != null then jobError("j", {}, job.retries - 1) else null'},
    {"errorExpression": "=if error != null then ignoreError() else null"},
    {"errorExpression": "=("},
    {"jobTimeout": "PT60S"},
)  # fmt: skip


class Chaotic:
    """A connector that ends as its job asks, and counts its runs."""

    def __init__(self, dice: random.Random) -> None:
        self.runs: Counter[int] = Counter()
        self.running = 0
        self._dice = dice

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.runs[context.job_key] += 1
        self.running += 1
        try:
            return await self._end(bound.value, self._dice.choice((0.0, 0.0, 0.001, 0.01, 0.05)))
        finally:
            self.running -= 1

    async def _end(self, outcome: str, seconds: float) -> Any:
        if outcome == "deaf":
            for _ in range(3):
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(seconds)
            return {"state": "deaf"}
        if outcome == "rude":
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                raise ConnectorError("connection closed") from None
        await asyncio.sleep(seconds)
        return _result(outcome)


def _result(outcome: str) -> Any:
    match outcome:
        case "bpmn":
            raise BpmnError("B", "b")
        case "fail":
            raise ConnectorError("no", code="C")
        case "input":
            raise InputError("wrong")
        case "retry":
            raise RetryLater("later", after_seconds=0.0)
        case "exit":
            raise SystemExit(1)
        case "cancelled":
            raise asyncio.CancelledError
        case "big":
            return {"state": "x" * 2000}
        case _:
            return {"state": outcome}


class Chaos:
    """What happens to the worker meanwhile."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.gateway = FakeGateway(clock=ManualClock(), stream_capacity=self.dice.choice((None, 1, 20)))
        self.connectors = [Chaotic(self.dice) for _ in TYPES]
        self.keys: list[int] = []

    def working(self, **config: Any) -> Any:
        """A started worker, with limits and settings by chance."""
        dice = self.dice
        instances = [
            registered(connector(each, type=job_type, name=job_type), max_jobs_active=dice.choice((1, 3, 20)))
            for each, job_type in zip(self.connectors, TYPES, strict=True)
        ]
        settings = {
            "max_jobs_active_total": dice.choice((1, 4, 500)),
            "lease_seconds": LEASE_SECONDS,
            "lease_tick_seconds": 0.01,
            "request_timeout_seconds": 0.05,
            "stream_enabled": dice.random() < 0.7,
            "max_variables_bytes": 1000,
            "drain_seconds": dice.choice((0.0, 0.02, 5.0)),
            "adaptive": AdaptiveConfig(enabled=dice.random() < 0.5, window_jobs=3),
            "catch_up_poll_max_seconds": 0.2,
            **config,
        }
        return working(*instances, gateway=self.gateway, **settings)

    def add_jobs(self, count: int) -> None:
        """New jobs of random types, outcomes and headers."""
        for _ in range(count):
            self.keys.append(
                self.gateway.add_job(
                    self.dice.choice(TYPES),
                    {"value": self.dice.choice(OUTCOMES)},
                    self.dice.choice(HEADERS),
                    retries=self.dice.choice((1, 2, 3)),
                )
            )

    async def rage(self, kit: Kit, rounds: int) -> None:
        """Random trouble, one at a time."""
        for _ in range(rounds):
            self.add_jobs(self.dice.randrange(8))
            await self._trouble(kit, self.dice.randrange(9))
            await asyncio.sleep(self.dice.choice((0, 0, 0.001, 0.01)))

    async def calm(self, kit: Kit) -> None:
        """No more trouble."""
        self.gateway.faults.clear()
        for job_type in TYPES:
            kit.worker.resume(job_type)

    async def _trouble(self, kit: Kit, which: int) -> None:
        dice, gateway = self.dice, self.gateway
        match which:
            case 0:
                gateway.advance(LEASE_SECONDS + 1)  # every lease is over, and every job is handed out again
            case 1:
                gateway.end_streams()
            case 2:
                await kit.worker.pause(dice.choice(TYPES))
            case 3:
                kit.worker.resume(dice.choice(TYPES))
            case 4:
                pausing = asyncio.create_task(kit.worker.pause(TYPES[0]))
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                kit.worker.resume(TYPES[0])
                await pausing
            case 5:
                for held in list(kit.worker._active)[:2]:
                    half_life = time.monotonic() + LEASE_SECONDS / 2  # past it: to be extended, and never over
                    held.lease_ends_at = min(held.lease_ends_at, half_life - 1)
            case _:
                self._fault()

    def _fault(self) -> None:
        dice = self.dice
        call = dice.choice(("complete", "fail", "throw_error", "activate", "stream", "update_timeout"))
        statuses = [GatewayStatus.UNAVAILABLE, GatewayStatus.BACKPRESSURE]
        if call in ("complete", "throw_error"):
            statuses.append(GatewayStatus.REJECTED)
        status = dice.choice(statuses)
        applied = status is GatewayStatus.UNAVAILABLE and call not in ("activate", "stream") and dice.random() < 0.5
        delay = dice.choice((0.0, 0.0, 0.02))
        self.gateway.faults.inject(
            call, status, times=dice.choice((1, 1, 3)), every=dice.choice((1, 2)), applied=applied, delay_seconds=delay
        )

    def verify_history(self) -> None:
        """Every job ends at most once, retries only go down, and no activation is run twice."""
        runs: Counter[int] = sum((each.runs for each in self.connectors), Counter())
        for key in self.keys:
            job = self.gateway.job(key)
            assert runs[key] <= job.activations, f"job {key} ran {runs[key]} times in {job.activations} activations"
            ends = 0
            retries: int | None = None
            for command in self.gateway.commands_for(key):
                assert not ends, f"a command after the end of job {key}: {command}"
                if isinstance(command, CompleteCommand | ThrowErrorCommand):
                    ends += 1
                elif isinstance(command, FailCommand):
                    assert retries is None or 0 <= command.retries <= retries
                    retries = command.retries
                    ends += command.retries == 0

    def verify_idle(self, kit: Kit) -> None:
        """Nothing is held, every slot is free."""
        assert [job for job in kit.worker.running() if job.state != "ended"] == []
        for status in kit.worker.subscriptions():
            assert status.active == 0, status
        for channel in kit.worker._channels.values():
            assert channel._total.used == 0

    def orphans(self) -> list[int]:
        """Jobs that are active at the gateway, though nobody runs them."""
        return [key for key in self.keys if self.gateway.job(key).state is JobState.ACTIVE]
