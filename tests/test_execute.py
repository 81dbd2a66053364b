"""One job without an engine: the connector is opened and closed as a worker would do it."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from coupler.errors import ConfigError
from coupler.execute import BPMN_ERROR, COMPLETED, FAILED, execute_once
from coupler.registry import GROUP, Registry
from coupler.sdk import BpmnError, Connector, ConnectorError, Input, JobContext, Resources
from coupler.settings import Loaded, Sources, load


class Ending(Input):
    how: str = "well"


class Ends(Connector[Ending]):
    """Ends as the job says."""

    type = "example:ends:1"
    name = "Ends"
    Input = Ending
    log: ClassVar[list[str]] = []

    async def open(self, resources: Resources) -> None:
        self.log.append("open")

    async def close(self) -> None:
        self.log.append("close")

    async def execute(self, input: Ending, context: JobContext) -> Any:  # noqa: A002
        if input.how == "badly":
            raise ConnectorError("It broke.", code="BROKEN")
        if input.how == "elsewhere":
            raise BpmnError("ELSEWHERE", "Another path.")
        return {"ok": True}


class Unopenable(Ends):
    type = "example:unopenable:1"

    async def open(self, resources: Resources) -> None:
        raise OSError("no route")


class Neighbour(Ends):
    """Installed beside the one that is asked for; its log says whether it was opened."""

    type = "example:neighbour:1"
    log: ClassVar[list[str]] = []


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    found = [EntryPoint(each.__name__.lower(), f"{__name__}:{each.__name__}", GROUP) for each in (Ends, Unopenable)]
    found.append(EntryPoint("neighbour", f"{__name__}:Neighbour", GROUP))
    monkeypatch.setattr("coupler.execute.make_registry", lambda _: Registry.load(plugins=found))
    Ends.log.clear()
    Neighbour.log.clear()
    return load(Sources(environ={}, folder=tmp_path))


@pytest.mark.parametrize(("how", "code"), [("well", COMPLETED), ("badly", FAILED), ("elsewhere", BPMN_ERROR)])
async def test_the_connector_is_opened_and_closed_whatever_comes_out(loaded: Loaded, how: str, code: int) -> None:
    answer, _ = await execute_once(loaded, Ends.type, f'{{"variables": {{"how": "{how}"}}}}')

    assert answer == code
    assert Ends.log == ["open", "close"]
    assert Neighbour.log == []


async def test_a_connector_that_cannot_open_is_named(loaded: Loaded) -> None:
    with pytest.raises(ConfigError, match=r"Connector 'unopenable' .* cannot open: no route"):
        await execute_once(loaded, Unopenable.type, "{}")
