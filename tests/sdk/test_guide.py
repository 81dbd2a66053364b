"""The examples of docs/extending.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from coupler import json
from coupler.registry import Registered, input_variables
from coupler.testing import CompleteCommand, FailCommand
from tests.worker.kit import working

GUIDE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text("utf-8")


def letters() -> type[Any]:
    source = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", GUIDE, re.DOTALL))["src/greeter/letters.py"]
    module = ModuleType("letters")
    exec(compile(source, "letters.py", "exec"), module.__dict__)  # a documented example is run as it stands
    connector: type[Any] = module.Letters
    return connector


async def answer(variables: dict[str, Any], headers: dict[str, str]) -> Any:
    instance = letters()()
    registered = Registered("letters", "guide", instance.type, instance.name, instance)
    async with working(registered) as kit:
        key = kit.gateway.add_job(instance.type, variables, {"resultVariable": "r", **headers}, retries=1)
        await kit.until(lambda: bool(kit.gateway.commands_for(key)))
        return kit.gateway.commands_for(key)[0]


@pytest.mark.parametrize(
    ("operation", "variables", "response"),
    [
        ("write", {"who": "Ada"}, {"text": "Dear Ada"}),
        ("discard", {"letterId": 7, "shred": True}, {"gone": 7, "shredded": True}),
    ],
)
async def test_each_action_has_its_method_and_its_input(
    operation: str, variables: dict[str, Any], response: dict[str, Any]
) -> None:
    command = await answer(variables, {"operation": operation})

    assert isinstance(command, CompleteCommand)
    assert json.loads(command.variables) == {"r": response}


@pytest.mark.parametrize(
    ("headers", "told"), [({}, ["header 'operation'"]), ({"operation": "burn"}, ["write", "discard"])]
)
async def test_an_action_that_is_missing_or_unknown_is_an_incident(headers: dict[str, str], told: list[str]) -> None:
    command = await answer({"who": "Ada"}, headers)

    assert isinstance(command, FailCommand)
    assert command.retries == 0
    for text in told:
        assert text in command.message


def test_the_variables_of_all_actions_are_fetched() -> None:
    assert input_variables(letters()) == ("who", "letterId", "shred")
