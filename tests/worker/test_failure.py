"""From exceptions to FailJob: retries, backoff, message, variables."""

from __future__ import annotations

from typing import Any

import pytest

from coupler import json
from coupler.errors import BpmnError, CircuitOpen, ConnectorError, InputError, RetryLater
from coupler.testing import FailCommand, ThrowErrorCommand, UpdateTimeoutCommand
from tests.worker.kit import connector, run_one


def raising(problem: Exception) -> Any:
    async def execute(bound: Any, context: Any) -> Any:
        raise problem

    return execute


@pytest.mark.parametrize(
    ("problem", "header", "retries", "backoff"),
    [
        (ConnectorError("m"), None, 2, 0.0),
        (ConnectorError("m", code="500"), "PT30S", 2, 30.0),
        (ValueError("m"), "PT1M", 2, 60.0),
        (InputError("m"), None, 0, 0.0),
        (InputError("m"), "PT30S", 0, 30.0),
        (RetryLater("m"), None, 2, 0.0),
        (RetryLater("m"), "PT30S", 2, 30.0),
        (RetryLater("m", after_seconds=5.0), "PT30S", 2, 5.0),
        (RetryLater("m", retries=7), None, 7, 0.0),
        (CircuitOpen("m", after_seconds=9.0), "PT30S", 3, 9.0),
        (RetryLater("m", retries=-1), None, 0, 0.0),
        (ConnectorError("m"), "-PT30S", 2, 0.0),
        (ConnectorError("m"), "P1DT2H", 2, 93_600.0),
    ],
    ids=repr,
)
async def test_retries_and_backoff(problem: Exception, header: str | None, retries: int, backoff: float) -> None:
    command = await run_one(raising(problem), headers={"retryBackoff": header} if header else {})
    assert isinstance(command, FailCommand)
    assert (command.retries, command.backoff_seconds) == (retries, backoff)


async def test_retries_never_fall_below_zero() -> None:
    assert (await run_one(raising(ConnectorError("m")), retries=0)).retries == 0


@pytest.mark.parametrize("value", ["", "30s", "P1W", "P1M", "P1Y", "P1D1S", "PT"])
async def test_a_bad_retry_backoff_fails_before_the_connector_runs(value: str) -> None:
    runs: list[int] = []

    async def execute(bound: Any, context: Any) -> Any:
        runs.append(1)

    command = await run_one(execute, headers={"retryBackoff": value})
    assert (command.retries, command.backoff_seconds) == (0, 0.0)
    assert "retryBackoff" in command.message
    assert not runs


@pytest.mark.parametrize("value", ["x", "PT0S", "PT0.0001S", "-PT1S", "P300000000000D"])
async def test_a_bad_job_timeout_fails_before_the_connector_runs(value: str) -> None:
    runs: list[int] = []

    async def execute(bound: Any, context: Any) -> Any:
        runs.append(1)

    command = await run_one(execute, headers={"jobTimeout": value})
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert "jobTimeout" in command.message
    assert not runs


@pytest.mark.parametrize("value", ["", "   "])
async def test_a_blank_job_timeout_counts_as_absent(value: str) -> None:
    command = await run_one(headers={"jobTimeout": value})
    assert not isinstance(command, UpdateTimeoutCommand | FailCommand)


async def test_error_variables_and_the_suffix_of_the_message() -> None:
    problem = ConnectorError(
        "Bad Request", code="400", variables={"response": {"body": {"status": 400}, "headers": {}}}
    )
    command = await run_one(raising(problem))
    assert json.loads(command.variables) == {
        "error": {
            "type": "io.camunda.connector.api.error.ConnectorException",
            "message": "Bad Request",
            "code": "400",
            "variables": {"response": {"body": {"status": 400}, "headers": {}}},
        }
    }
    assert command.message.startswith("Bad Request | Error variables: {error={type=io.camunda.connector.api.error.")
    assert "message=Bad Request" in command.message
    assert "status=400" in command.message


async def test_messages_are_cut_to_6000_utf16_units() -> None:
    command = await run_one(raising(ConnectorError("😀" * 5000)))
    assert len(command.message.encode("utf-16-le")) // 2 == 6000
    assert len(json.loads(command.variables)["error"]["message"].encode("utf-16-le")) // 2 == 6000


async def test_error_variables_that_are_too_large_are_left_out() -> None:
    problem = ConnectorError("m", code="500", variables={"response": {"body": "x" * 2_000_000}})
    command = await run_one(raising(problem))
    error = json.loads(command.variables)["error"]
    assert error["code"] == "500"
    assert "left out" in error["variables"]


async def test_a_bpmn_error_of_the_connector_is_thrown() -> None:
    command = await run_one(raising(BpmnError("CODE", "message", variables={"a": 1})))
    assert command == ThrowErrorCommand(command.job_key, "CODE", "message", '{"a":1}')


@pytest.mark.parametrize("variables", ["[1]", '"x"', "{", "1", "nope"])
async def test_variables_that_are_no_object_are_an_incident(variables: str) -> None:
    command = await run_one(variables=variables)
    assert command.retries == 0
    assert command.message.startswith("This is not a JSON object")


async def test_a_value_of_the_wrong_kind_names_its_path_and_never_the_value() -> None:
    command = await run_one(variables={"number": "hunter2"})
    assert command.retries == 0
    assert "Json object contains an invalid field: number" in command.message
    assert "hunter2" not in command.message


async def test_a_plain_function_runs_in_a_thread() -> None:
    import threading

    names: list[str] = []

    def execute(bound: Any, context: Any) -> Any:
        names.append(threading.current_thread().name)
        return {}

    await run_one(connector(execute))
    assert names[0].startswith("Echo")
