"""Connectors that raise, return and ignore what no connector should: the engine is told in every case."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from coupler import json
from coupler.errors import BpmnError, ConnectorError, RetryLater
from coupler.testing import CompleteCommand, FailCommand, ThrowErrorCommand, UpdateTimeoutCommand
from tests.worker.kit import JOB_TYPE, connector, run_one, working

SURROGATE = "half \ud83d a character"
HUGE = 10**5000


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {"name": "a"}
    value["self"] = value
    return value


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raising(make: Callable[[], BaseException]) -> Any:
    async def execute(bound: Any, context: Any) -> Any:
        raise make()

    return execute


RAISED: list[tuple[str, Callable[[], BaseException], int]] = [
    ("memory", lambda: MemoryError("no memory"), 2),
    ("recursion", lambda: RecursionError("too deep"), 2),
    ("group", lambda: ExceptionGroup("several", [ValueError("a"), TypeError("b")]), 2),
    ("base group", lambda: BaseExceptionGroup("several", [asyncio.CancelledError(), ValueError("a")]), 2),
    ("exit", lambda: SystemExit(3), 2),
    ("cancelled", lambda: asyncio.CancelledError(), 2),
    ("stop", lambda: StopAsyncIteration(), 2),
    ("timeout", lambda: TimeoutError(), 2),
    ("unprintable", lambda: Unprintable(), 2),
    ("surrogate", lambda: ValueError(SURROGATE), 2),
    ("surrogate code", lambda: ConnectorError("m", code=SURROGATE), 2),
    ("number code", lambda: ConnectorError("m", code=400), 2),  # type: ignore[arg-type]
    ("cyclic", lambda: ConnectorError("m", variables=cyclic()), 2),
    ("deep", lambda: ConnectorError("m", variables={"deep": nested(5000)}), 2),
    ("huge", lambda: ConnectorError("m", variables={"n": HUGE}), 2),
    ("surrogates", lambda: ConnectorError("m", variables={SURROGATE: SURROGATE}), 2),
    ("object", lambda: ConnectorError("m", variables={"o": object(), "ok": 1}), 2),
    ("endless retries", lambda: RetryLater("m", retries=10**12), 2**31 - 1),
    ("negative retries", lambda: RetryLater("m", retries=-5), 0),
    ("text as retries", lambda: RetryLater("m", retries="many"), 2),  # type: ignore[arg-type]
    ("nan backoff", lambda: RetryLater("m", after_seconds=float("nan")), 2),
    ("endless backoff", lambda: RetryLater("m", after_seconds=float("inf")), 2),
    ("negative backoff", lambda: RetryLater("m", after_seconds=-1.0), 2),
]


def assert_sendable(command: FailCommand | ThrowErrorCommand | CompleteCommand) -> None:
    """As a gateway client needs it: valid text, 32-bit retries, 64-bit milliseconds, JSON."""
    if isinstance(command, FailCommand):
        command.message.encode()
        assert 0 <= command.retries < 2**31
        assert 0 <= command.backoff_seconds * 1000 < 2**63
    if isinstance(command, ThrowErrorCommand):
        command.code.encode()
        command.message.encode()
    if command.variables:
        assert isinstance(json.loads(command.variables), dict)


@pytest.mark.parametrize(("make", "retries"), [case[1:] for case in RAISED], ids=[case[0] for case in RAISED])
async def test_whatever_is_raised_becomes_a_failure(make: Callable[[], BaseException], retries: int) -> None:
    command = await run_one(raising(make))
    assert isinstance(command, FailCommand)
    assert command.retries == retries
    assert_sendable(command)


@pytest.mark.parametrize(
    "make", [lambda: StopIteration("end"), lambda: SystemExit(3), lambda: asyncio.CancelledError()]
)
async def test_whatever_is_raised_in_a_thread_becomes_a_failure(make: Callable[[], BaseException]) -> None:
    def blocking(bound: Any, context: Any) -> Any:
        raise make()

    command = await run_one(blocking)
    assert isinstance(command, FailCommand)
    assert command.retries == 2


async def test_an_error_expression_sees_a_connector_that_was_cancelled_from_within() -> None:
    expression = 'if contains(error.message, "from within") then bpmnError("CUT", "c") else null'
    command = await run_one(raising(lambda: asyncio.CancelledError()), headers={"errorExpression": expression})
    assert isinstance(command, ThrowErrorCommand)


async def test_parts_without_a_json_form_do_not_take_the_rest_of_the_error_with_them() -> None:
    variables = {"circle": cyclic(), "ok": 1, "set": {1}, "number": HUGE}
    command = await run_one(raising(lambda: ConnectorError("the reason", code="C", variables=variables)))
    error = json.loads(command.variables)["error"]
    assert error["message"] == "the reason"
    assert error["code"] == "C"
    assert error["variables"]["ok"] == 1
    assert error["variables"]["set"] == [1]
    assert error["variables"]["circle"]["self"] == "[circular reference]"


RETURNED: list[tuple[str, Callable[[], Any], type[Any], str | None]] = [
    ("cyclic", cyclic, FailCommand, None),
    ("deep", lambda: nested(100_000), FailCommand, None),
    ("object", object, FailCommand, None),
    ("huge", lambda: HUGE, FailCommand, None),
    ("huge inside", lambda: {"n": HUGE}, FailCommand, None),
    ("surrogate", lambda: SURROGATE, FailCommand, None),
    ("surrogate inside", lambda: {"t": SURROGATE}, FailCommand, None),
    ("1.5 MB", lambda: "x" * 1_572_864, FailCommand, None),
    ("not a number", lambda: {"n": float("nan"), "i": float("inf")}, CompleteCommand, '{"r":{"n":null,"i":null}}'),
    ("bytes", lambda: b"ab", CompleteCommand, '{"r":"YWI="}'),
    ("decimal", lambda: Decimal("1.50"), CompleteCommand, '{"r":1.50}'),
    ("number keys", lambda: {1: 2}, CompleteCommand, '{"r":{"1":2}}'),
    ("below 1.5 MB", lambda: "x" * 1_572_000, CompleteCommand, None),
]


@pytest.mark.parametrize(("make", "kind", "variables"), [c[1:] for c in RETURNED], ids=[c[0] for c in RETURNED])
async def test_whatever_is_returned(make: Callable[[], Any], kind: type[Any], variables: str | None) -> None:
    async def execute(bound: Any, context: Any) -> Any:
        return make()

    command = await run_one(execute, headers={"resultVariable": "r"})
    assert isinstance(command, kind)
    assert_sendable(command)
    if isinstance(command, FailCommand):
        assert command.retries == 0  # the call was made: another one would give the same
    if variables is not None:
        assert command.variables == variables


@pytest.mark.parametrize(
    "make",
    [
        lambda: BpmnError("C", variables=cyclic()),
        lambda: BpmnError("C", variables={"t": SURROGATE}),
        lambda: BpmnError("C", variables={"t": "x" * 1_600_000}),
        lambda: BpmnError(SURROGATE, SURROGATE),
        lambda: BpmnError(404, variables={"ok": 1}),  # type: ignore[arg-type]
    ],
)
async def test_whatever_a_bpmn_error_holds(make: Callable[[], BaseException]) -> None:
    assert_sendable(await run_one(raising(make)))


HEADERS = [
    '{"retryBackoff": 5}',
    '{"retryBackoff": {}}',
    '{"jobTimeout": 5}',
    '{"jobTimeout": ["PT1S"]}',
    '{"jobTimeout": "P99999999999999999D"}',
    '{"retryBackoff": "P99999999999999999D"}',
    "[]",
    "{",
    "nonsense",
]


@pytest.mark.parametrize("headers", HEADERS)
async def test_headers_that_cannot_be_read_are_incidents_and_the_connector_is_not_run(headers: str) -> None:
    runs = 0

    async def execute(bound: Any, context: Any) -> Any:
        nonlocal runs
        runs += 1

    async with working(connector(execute)) as kit:
        key = kit.gateway.add_job(JOB_TYPE, headers=headers)
        await kit.gateway.drain(expect_failures=True)
        (command,) = kit.gateway.commands_for(key)
    assert isinstance(command, FailCommand)
    assert (command.retries, command.backoff_seconds, runs) == (0, 0.0, 0)


@pytest.mark.parametrize("name", ["resultVariable", "resultExpression", "errorExpression"])
async def test_names_and_expressions_that_are_no_text_count_as_absent(name: str) -> None:
    async with working(connector(raising(lambda: ValueError("x")))) as kit:
        key = kit.gateway.add_job(JOB_TYPE, headers=f'{{"{name}": 5}}', retries=1)
        await kit.gateway.drain(expect_failures=True)
        assert isinstance(kit.gateway.commands_for(key)[0], FailCommand)


@pytest.mark.parametrize(("retries", "left"), [(0, 0), (-3, 0), (1, 0), (2**31 - 1, 2**31 - 2)])
async def test_retries_never_fall_below_none(retries: int, left: int) -> None:
    command = await run_one(raising(lambda: ValueError("x")), retries=retries)
    assert isinstance(command, FailCommand)
    assert command.retries == left


class Deaf:
    """Ignores its cancellation until it is let go."""

    def __init__(self) -> None:
        self.cancelled = 0
        self.started = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.started.set()
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
        return {"late": True}


async def test_a_connector_deaf_to_its_cancellation_keeps_its_slot_and_its_result_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coupler.worker.lease._CLEANUP_SECONDS", 0.1)
    deaf = Deaf()
    async with working(connector(deaf), max_execution_seconds=0.1, lease_tick_seconds=0.02) as kit:
        key = kit.gateway.add_job(JOB_TYPE, retries=1)
        await kit.gateway.drain(expect_failures=True)
        await asyncio.sleep(0.1)
        assert kit.worker.subscriptions()[0].active == 1
        assert deaf.cancelled >= 2
        deaf.release.set()
        await kit.until(lambda: kit.worker.subscriptions()[0].active == 0)
        commands = [c for c in kit.gateway.commands_for(key) if not isinstance(c, UpdateTimeoutCommand)]
        assert [type(c) for c in commands] == [FailCommand]
        assert kit.worker.running() == []


async def test_a_connector_that_swallows_one_cancellation_and_ends_well_is_believed() -> None:
    async def execute(bound: Any, context: Any) -> Any:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return {"done": "just in time"}

    command = await run_one(
        execute, headers={"resultVariable": "r"}, max_execution_seconds=0.05, lease_tick_seconds=0.02
    )
    assert isinstance(command, CompleteCommand)


async def test_a_connector_that_turns_its_cancellation_into_an_error_was_still_cut() -> None:
    async def execute(bound: Any, context: Any) -> Any:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise ConnectorError("connection closed", code="500") from None

    command = await run_one(execute, max_execution_seconds=0.05, lease_tick_seconds=0.02)
    assert json.loads(command.variables)["error"]["code"] == "TIMEOUT"


async def test_a_thread_that_never_ends_does_not_hold_up_a_shutdown() -> None:
    release = threading.Event()
    started = threading.Event()

    def blocking(bound: Any, context: Any) -> Any:
        started.set()
        release.wait(60)

    async with working(connector(blocking), max_execution_seconds=0.05, lease_tick_seconds=0.02) as kit:
        key = kit.gateway.add_job(JOB_TYPE, retries=1)
        await kit.until(started.is_set)
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        # The command was sent: nothing is left to wait for
        async with asyncio.timeout(4.0):  # the drain limit of these tests is 5 s
            summary = await kit.worker.drain()
        assert (summary.cut_short, summary.left_behind) == (0, 0)
    release.set()


def test_a_thread_that_never_ends_does_not_keep_the_process_alive() -> None:
    program = """
import threading
from coupler.worker.threads import DaemonThreads
pool = DaemonThreads(2, "hanging")
started = threading.Event()
pool.submit(lambda: (started.set(), threading.Event().wait()))
started.wait(20)
pool.shutdown()
print("ended")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "ended"
