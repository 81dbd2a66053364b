from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from coupler.dev.scenario import FILE_NAME, Scenario, Starter, Starts, read_scenario
from coupler.embedded import EngineThread, Reason, Rejection
from coupler.errors import ConfigError

DEMO = Path(__file__).parents[2] / "demo"


class FakeEngine:
    def __init__(self, unknown: str = "") -> None:
        self.started: list[tuple[str, dict[str, Any]]] = []
        self.unknown = unknown

    async def create_instance(self, process_id: str, variables: dict[str, Any]) -> int:
        if process_id == self.unknown:
            raise Rejection(Reason.NOT_FOUND, "there is no such process")
        self.started.append((process_id, variables))
        return len(self.started)


def starter(engine: FakeEngine, *starts: Starts) -> Starter:
    return Starter(cast(EngineThread, engine), starts, {"target": "http://t"})


def test_the_demo_has_a_scenario() -> None:
    scenario = read_scenario([DEMO])

    assert scenario.target
    assert scenario.environ() == {"SECRET_SHOP_TOKEN": "demo-token"}
    assert {starts.process for starts in scenario.instances} == {file.stem for file in DEMO.glob("*.bpmn")}


def test_a_folder_without_one_has_an_empty_scenario(tmp_path: Path) -> None:
    assert read_scenario([tmp_path, tmp_path / "file.bpmn"]) == Scenario()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("target = ", "cannot be read"),
        ("targt = true", "targt: Extra inputs are not permitted"),
        ("[[instances]]\nevery_seconds = 0", "instances.0.process: Field required"),
        ("[[instances]]\nprocess = 'a'\nevery_seconds = 0", "instances.0.every_seconds"),
    ],
)
def test_a_scenario_that_cannot_be_read_is_said(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(ConfigError) as raised:
        read_scenario([tmp_path])
    assert fault in str(raised.value)
    assert FILE_NAME in str(raised.value)


async def test_instances_are_numbered_and_know_the_target() -> None:
    engine = FakeEngine()

    await starter(engine, Starts(process="a", at_start=2, variables={"id": "x-{n}", "deep": [{"n": "{n}"}]})).run()

    assert engine.started == [
        ("a", {"target": "http://t", "id": "x-1", "deep": [{"n": "1"}]}),
        ("a", {"target": "http://t", "id": "x-2", "deep": [{"n": "2"}]}),
    ]


async def test_more_instances_follow() -> None:
    engine = FakeEngine()
    running = asyncio.create_task(starter(engine, Starts(process="a", at_start=0, every_seconds=0.01)).run())
    async with asyncio.timeout(20):
        while len(engine.started) < 3:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_process_that_is_not_deployed_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine(unknown="b")

    await starter(engine, Starts(process="b"), Starts(process="a")).run()

    assert [process for process, _ in engine.started] == ["a"]
    assert "No instance of b was started: there is no such process" in caplog.text
