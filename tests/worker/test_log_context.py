from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from coupler.errors import BpmnError, ConnectorError
from coupler.sdk import JobContext
from coupler.telemetry import logs
from tests.worker.kit import JOB_TYPE, DictSecrets, connector, run_one, working

SECRET = "hunter2"
SECRETS = DictSecrets({"TOKEN": SECRET, "PORT": "8080"})
WITH_SECRET = {"value": "{{secrets.TOKEN}}"}

log = logging.getLogger("a.library")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the runtime's own handler writes."""
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


def of_library(stream: io.StringIO) -> list[dict[str, Any]]:
    return [entry for entry in map(json.loads, stream.getvalue().splitlines()) if entry["logger"] == "a.library"]


def in_a_thread(bound: Any, context: JobContext) -> None:
    log.warning("sends %s", bound.value)


async def on_the_loop(bound: Any, context: JobContext) -> None:
    log.warning("sends %s", bound.value)


@pytest.mark.parametrize("execute", [in_a_thread, on_the_loop])
async def test_a_line_that_a_connector_or_its_library_writes_is_masked_and_names_the_job(
    execute: Any, lines: io.StringIO
) -> None:
    async with working(connector(execute), secrets=SECRETS) as kit:
        keys = [kit.gateway.add_job(JOB_TYPE, WITH_SECRET, {}) for _ in range(2)]
        await kit.until(lambda: all(kit.gateway.commands_for(key) for key in keys))

    assert sorted(entry["job_key"] for entry in of_library(lines)) == sorted(keys)
    assert {entry["message"] for entry in of_library(lines)} == {"sends ***"}
    assert SECRET not in lines.getvalue()


async def test_lines_of_no_job_name_none(lines: io.StringIO) -> None:
    await run_one(variables=WITH_SECRET, secrets=SECRETS)
    log.warning("plain %s", SECRET)

    (entry,) = of_library(lines)
    assert entry["message"] == f"plain {SECRET}"
    assert "job_key" not in entry


async def test_variables_of_a_bpmn_error_that_a_connector_throws_are_masked() -> None:
    async def throw(bound: Any, context: JobContext) -> None:
        raise BpmnError("NO", f"not {bound.value}", variables={"sent": bound.value, "deep": [{bound.value: 1}]})

    command = await run_one(throw, WITH_SECRET, secrets=SECRETS)

    assert (command.code, command.message) == ("NO", "not ***")
    assert json.loads(command.variables) == {"sent": "***", "deep": [{"***": 1}]}


async def test_variables_of_a_bpmn_error_that_an_expression_makes_of_an_error_are_masked() -> None:
    async def fail(bound: Any, context: JobContext) -> None:
        raise ConnectorError("no", code="NO", variables={"head": "hun", "tail": "ter2"})

    # The pieces pass the masking of the error, and the expression puts them together
    expression = '=bpmnError("NO", "m", {whole: error.variables.head + error.variables.tail})'
    command = await run_one(fail, WITH_SECRET, {"errorExpression": expression}, secrets=SECRETS)

    assert json.loads(command.variables) == {"whole": "***"}


async def test_variables_of_a_bpmn_error_made_of_a_response_pass_as_they_are() -> None:
    expression = '=bpmnError("NO", "not " + response, {sent: response})'
    command = await run_one(variables=WITH_SECRET, headers={"errorExpression": expression}, secrets=SECRETS)

    assert command.message == "not ***"
    assert json.loads(command.variables) == {"sent": SECRET}


async def test_a_secret_that_is_a_number_does_not_break_the_variables_of_a_failure() -> None:
    expression = '=jobError("no", {port: 8080, path: "/8080/x"}, 1)'
    command = await run_one(
        variables={"value": "{{secrets.PORT}}"}, headers={"errorExpression": expression}, secrets=SECRETS
    )

    assert json.loads(command.variables) == {"port": "***", "path": "/***/x", "error": "no"}


async def refused(bound: Any, context: JobContext) -> None:
    raise ConnectorError("Not Found", code="404")


@pytest.mark.parametrize(
    ("expression", "level", "says"),
    [
        (None, "WARNING", "failed with 2 retries left: Not Found"),
        ('=jobError("later", {}, 7)', "WARNING", "failed with 7 retries left: Not Found"),
        (
            '=bpmnError("MISSING", "is not there")',
            "DEBUG",
            "ended in a BPMN error, as the error expression wants: Not Found",
        ),
        ("=ignoreError({})", "DEBUG", "went on without its result, as the error expression wants: Not Found"),
        (
            "=1 +",
            "WARNING",
            "failed with 2 retries left: The error expression failed",
        ),
    ],
)
async def test_a_line_says_what_the_error_came_to(
    expression: str | None, level: str, says: str, lines: io.StringIO
) -> None:
    await run_one(refused, headers={} if expression is None else {"errorExpression": expression})

    told = [entry for entry in map(json.loads, lines.getvalue().splitlines()) if "element task" in entry["message"]]
    assert (told[0]["level"], says in told[0]["message"]) == (level, True), told[0]["message"]
