"""Secrets with quotes, line breaks and letters beyond ASCII, in jobs that fail in many ways: they appear nowhere."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from prometheus_client import generate_latest

from coupler.admin.application import create_app
from coupler.errors import BpmnError, ConnectorError, GatewayStatus, InputError, RetryLater
from coupler.telemetry import logs
from coupler.testing import CompleteCommand, FakeGateway, UpdateTimeoutCommand
from coupler.worker.status import FinishedJob, RunningJob, SubscriptionStatus
from tests.admin.view import FakeView
from tests.worker.kit import JOB_TYPE, DictSecrets, Kit, connector, working

PLANTED = {
    "QUOTE": "pa\"ss'w\\ord-1",
    "LINES": '-----BEGIN KEY-----\nQUJDREVGR0g"=\nSUpLTE1OT1A=\n-----END KEY-----\n',
    "LETTERS": "tøken-ñandú-ключ-密",
}
VARIABLES = {"value": {name: f"{{{{secrets.{name}}}}}" for name in PLANTED}}
PIECES = ("QUJDREVGR0g", "SUpLTE1OT1A")  # lines of the one with line breaks

log = logging.getLogger("a.library")


def raising(make: Callable[[str], BaseException]) -> Any:
    async def execute(bound: Any, context: Any) -> Any:
        raise make(" and ".join(bound.value.values()))

    return execute


async def give_back(bound: Any, context: Any) -> Any:
    return {"echo": bound.value, "all": " ".join(bound.value.values())}


async def give_text(bound: Any, context: Any) -> Any:
    return " ".join(bound.value.values())


async def write_lines(bound: Any, context: Any) -> Any:
    for value in bound.value.values():
        log.warning("sending %s as %r", value, value)
    raise KeyError(bound.value["QUOTE"])


async def take_too_long(bound: Any, context: Any) -> Any:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise ConnectorError(f"closed {bound.value}") from None


def several(text: str) -> BaseException:
    return BaseExceptionGroup(text, [ValueError(text), SystemExit(text)])


def encoded(text: str) -> BaseException:
    letters = PLANTED["LETTERS"]
    return ValueError(f"{quote(letters)} {base64.b64encode(letters.encode()).decode()} {json.dumps(text)} {text!r}")


CASES: list[tuple[str, Any, dict[str, str]]] = [
    ("message", raising(ValueError), {}),
    ("exit", raising(SystemExit), {}),
    ("several", raising(several), {}),
    ("encoded", raising(encoded), {}),
    ("code", raising(lambda text: ConnectorError("m", code=text)), {}),
    ("variables", raising(lambda text: ConnectorError(text, variables={text: [text, {"a": text}]})), {}),
    ("object", raising(lambda text: ConnectorError("m", variables={"o": ValueError(text)})), {}),
    ("input", raising(InputError), {}),
    ("retry", raising(RetryLater), {"retryBackoff": "PT1H"}),
    ("bpmn", raising(lambda text: BpmnError("B", text, variables={"v": text})), {}),
    ("caught", raising(ConnectorError), {"errorExpression": '=bpmnError("B", error.message, {e: error})'}),
    ("job error", raising(ConnectorError), {"errorExpression": "=jobError(error.message, {e: error})"}),
    ("job error of a result", give_back, {"errorExpression": '=jobError(all, {e: response, "x": echo})'}),
    ("broken error expression", raising(ConnectorError), {"errorExpression": "=error.message +"}),
    ("no verdict", raising(ConnectorError), {"errorExpression": "=error.message"}),
    ("wrong verdict", give_back, {"errorExpression": "={errorType: all}"}),
    ("text as result", give_text, {"resultExpression": "=response"}),
    ("forbidden literal", give_back, {"resultExpression": '={"camunda.function.type": all}'}),
    ("too large", give_back, {"resultExpression": "={a: " + " + ".join(["all"] * 20) + "}"}),
    ("lines", write_lines, {}),
    ("too long", take_too_long, {}),
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the runtime's own handler writes, in full detail."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@dataclass
class WorkerView(FakeView):
    """The admin's view of a worker."""

    kit: Kit | None = None

    def running(self) -> list[RunningJob]:
        assert self.kit is not None
        return self.kit.worker.running()

    def recent(self) -> list[FinishedJob]:
        assert self.kit is not None
        return self.kit.worker.recent()

    def subscriptions(self) -> list[SubscriptionStatus]:
        assert self.kit is not None
        return self.kit.worker.subscriptions()


async def answers_of_admin(kit: Kit) -> str:
    """All that can be read over HTTP."""
    app = create_app(WorkerView(kit=kit), kit.metrics.registry)
    paths = [path for path, methods in app.openapi()["paths"].items() if "get" in methods and "{" not in path]
    assert any("recent" in path or "job" in path for path in paths), paths
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8080") as client:
        return "\n".join([(await client.get(path)).text for path in [*paths, "/", "/metrics"]])


def hits(text: str) -> list[str]:
    """Traces of the secrets in any of the forms in which they travel."""
    forms = [*PIECES]
    for value in PLANTED.values():
        forms += [value, value.strip(), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
        forms += [repr(value)[1:-1], ascii(value)[1:-1], quote(value), base64.b64encode(value.encode()).decode()]
    return [form for form in forms if form in text]


@pytest.mark.parametrize(("execute", "headers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_planted_secrets_are_nowhere(execute: Any, headers: dict[str, str], lines: io.StringIO) -> None:
    settings: dict[str, Any] = {
        "max_execution_seconds": 0.1 if execute is take_too_long else 60.0,
        "max_variables_bytes": 1500,
    }
    async with working(connector(execute), secrets=DictSecrets(PLANTED), lease_tick_seconds=0.02, **settings) as kit:
        key = kit.gateway.add_job(JOB_TYPE, VARIABLES, headers)
        await kit.until(lambda: bool(kit.worker.recent()))
        command = kit.gateway.commands_for(key)[0]
        assert not isinstance(command, CompleteCommand | UpdateTimeoutCommand)
        admin = await answers_of_admin(kit)
        metrics = generate_latest(kit.metrics.registry).decode()
    texts = [command.message, command.variables or "", getattr(command, "code", "")]
    if command.variables:
        texts.append(repr(json.loads(command.variables)))
    assert [hits(text) for text in texts] == [[]] * len(texts)
    assert str(key) in admin
    assert hits(admin) == []
    assert hits(metrics) == []
    assert hits(lines.getvalue()) == []


async def test_a_refused_command_does_not_tell_what_it_held(lines: io.StringIO) -> None:
    gateway = FakeGateway()
    gateway.faults.inject("complete", GatewayStatus.REJECTED)
    async with working(connector(give_back), secrets=DictSecrets(PLANTED), gateway=gateway) as kit:
        key = gateway.add_job(JOB_TYPE, VARIABLES, {"resultVariable": "r"})
        await kit.until(lambda: bool(kit.worker.recent()))
        assert hits(repr(gateway.commands_for(key))) == []
        assert hits(await answers_of_admin(kit)) == []
    assert hits(lines.getvalue()) == []


def test_the_search_finds_what_it_looks_for() -> None:
    for value in PLANTED.values():
        assert hits(f"before {value} after")
        assert hits(json.dumps({"v": value}))
        assert hits(repr([value]))
