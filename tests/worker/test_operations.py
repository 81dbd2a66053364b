"""Connectors with several actions: how one is chosen, and what registration refuses."""

from __future__ import annotations

from typing import Any

import pytest

from coupler.registry import input_variables
from coupler.sdk import Connector, Input, operation
from coupler.testing import CompleteCommand, FailCommand
from tests.worker.kit import JOB_TYPE, run_one


class Upload(Input):
    name: str
    content: str = ""


class Delete(Input):
    name: str
    force: bool = False


class Files(Connector[Any]):
    type = JOB_TYPE
    name = "Echo"

    @operation("upload", input=Upload)
    async def upload(self, bound: Upload, context: Any) -> Any:
        return {"uploaded": bound.name}

    @operation("delete", input=Delete)
    def delete(self, bound: Delete, context: Any) -> Any:
        return {"deleted": bound.name, "force": bound.force}


class ByInput(Files):
    selector = "input:data.action"


async def result_of(connector: Connector[Any], variables: Any, **headers: str) -> Any:
    return await run_one(connector, variables, {"resultVariable": "r", **headers})


async def test_a_header_chooses_the_operation_and_its_input_model() -> None:
    command = await result_of(Files(), {"name": "a.txt"}, operation="upload")
    assert command == CompleteCommand(command.job_key, '{"r":{"uploaded":"a.txt"}}')


async def test_a_plain_function_as_an_operation_runs_in_a_thread() -> None:
    command = await result_of(Files(), {"name": "a.txt", "force": True}, operation="delete")
    assert command == CompleteCommand(command.job_key, '{"r":{"deleted":"a.txt","force":true}}')


async def test_an_input_chooses_the_operation() -> None:
    command = await result_of(ByInput(), {"data": {"action": "upload"}, "name": "b"})
    assert command == CompleteCommand(command.job_key, '{"r":{"uploaded":"b"}}')


@pytest.mark.parametrize(
    ("connector", "variables", "headers", "message"),
    [
        (Files(), {"name": "a"}, {}, "Operation ID is missing in the job context custom headers"),
        (Files(), {"name": "a"}, {"operation": "move"}, "Operation not found: move. There are: upload, delete"),
        (ByInput(), {"name": "a", "data": []}, {}, "The input 'data.action' does not say which operation to run."),
        (Files(), {}, {"operation": "upload"}, "Property: name"),
    ],
)
async def test_what_cannot_be_chosen_is_an_incident(
    connector: Connector[Any], variables: Any, headers: dict[str, str], message: str
) -> None:
    command = await run_one(connector, variables, headers)
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert message in command.message


def test_the_variables_to_fetch_are_those_of_all_operations_and_of_the_selector() -> None:
    assert input_variables(Files) == ("name", "content", "force")
    assert input_variables(ByInput) == ("name", "content", "force", "data")
