"""Rows of docs/compatibility-lifecycle.md that no other test is about."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from coupler import json
from coupler.errors import ConnectorError, GatewayStatus
from coupler.sdk import Input
from coupler.testing import CompleteCommand, FailCommand, FakeGateway, ThrowErrorCommand, UpdateTimeoutCommand
from tests.worker.kit import JOB_TYPE, DictSecrets, connector, echo, run_one, working


class Runs:
    """Counts its runs and answers a fixed response."""

    def __init__(self, response: Any = None) -> None:
        self.count = 0
        self.response = response

    async def __call__(self, bound: Any, context: Any) -> Any:
        self.count += 1
        return self.response


async def refuse(bound: Any, context: Any) -> Any:
    raise ConnectorError("no", code="C", variables={"response": {"status": 400}})


async def answer_of(response: Any, **headers: str) -> Any:
    return await run_one(Runs(response), headers=headers)


async def test_headers_know_neither_secrets_nor_feel() -> None:
    secrets = DictSecrets({"NAME": "result", "WAIT": "PT5S"})
    command = await run_one(headers={"resultVariable": "{{secrets.NAME}}"}, variables={"value": 1}, secrets=secrets)
    assert json.loads(command.variables) == {"{{secrets.NAME}}": 1}
    for text in ("{{secrets.WAIT}}", '=duration("PT5S")'):
        command = await run_one(refuse, headers={"retryBackoff": text}, secrets=secrets)
        assert (command.retries, command.backoff_seconds) == (0, 0.0)


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        (GatewayStatus.UNAVAILABLE, 1),
        (GatewayStatus.BACKPRESSURE, 1),
        (GatewayStatus.UNIMPLEMENTED, 1),
        (GatewayStatus.NOT_FOUND, 0),
        (GatewayStatus.REJECTED, 0),
    ],
)
async def test_a_job_timeout_that_the_gateway_does_not_take(status: GatewayStatus, runs: int) -> None:
    execute = Runs()
    gateway = FakeGateway()
    gateway.faults.inject("update_timeout", status)
    async with working(connector(execute), gateway=gateway):
        key = gateway.add_job(JOB_TYPE, headers={"jobTimeout": "PT60S"}, retries=1)
        await gateway.drain(expect_failures=True)
        assert execute.count == runs
        assert isinstance(gateway.commands_for(key)[-1], CompleteCommand if runs else FailCommand)


async def test_a_job_timeout_that_is_over_before_the_call_does_not_run_the_connector() -> None:
    execute = Runs()
    gateway = FakeGateway()
    gateway.faults.inject("update_timeout", delay_seconds=0.05)
    async with working(connector(execute), gateway=gateway, stream_enabled=False):
        key = gateway.add_job(JOB_TYPE, headers={"jobTimeout": "PT0.01S"}, retries=1)
        await gateway.drain(expect_failures=True)
        failures = [c for c in gateway.commands_for(key) if isinstance(c, FailCommand)]
    assert execute.count == 0
    assert "jobTimeout was over" in failures[-1].message


async def test_the_headers_backoff_is_sent_with_an_input_error_too_and_not_with_job_error() -> None:
    backoff = {"retryBackoff": "PT30S"}
    assert (await run_one(variables="[]", headers=backoff)).backoff_seconds == 30.0
    command = await run_one(refuse, headers={**backoff, "errorExpression": '=jobError("m", {}, 2)'})
    assert (command.retries, command.backoff_seconds) == (2, 0.0)


async def test_the_error_object_has_type_message_code_and_variables_and_nothing_else() -> None:
    command = await run_one(refuse)
    assert json.loads(command.variables) == {
        "error": {
            "type": "io.camunda.connector.api.error.ConnectorException",
            "message": "no",
            "code": "C",
            "variables": {"response": {"status": 400}},
        }
    }
    assert command.message.startswith("no | Error variables: {error={type=io.camunda")
    assert "status=400" in command.message

    async def plain(bound: Any, context: Any) -> Any:
        raise ConnectorError("m")

    assert set(json.loads((await run_one(plain)).variables)["error"]) == {"type", "message"}


async def test_job_error_sends_its_message_as_error_over_a_users_own() -> None:
    command = await run_one(refuse, headers={"errorExpression": '=jobError("m", {error: "mine", a: 1})'})
    assert json.loads(command.variables) == {"error": "m", "a": 1}
    assert command.message == "m | Error variables: {error=m, a=1}"


@pytest.mark.parametrize("response", [None, "text", 7, [1]])
async def test_an_error_expression_over_a_response_that_is_no_object(response: Any) -> None:
    expression = '=if response = null then bpmnError("NULL") else bpmnError("SOME", string(response))'
    command = await answer_of(response, errorExpression=expression)
    assert isinstance(command, ThrowErrorCommand)
    assert command.code == ("NULL" if response is None else "SOME")


async def test_a_responses_own_response_is_shadowed_by_the_whole() -> None:
    command = await answer_of({"response": 1, "a": 2}, resultExpression="={whole: response.a, own: response.response}")
    assert json.loads(command.variables) == {"whole": 2, "own": 1}


async def test_expressions_know_no_process_variables_and_no_cluster_variables() -> None:
    command = await run_one(
        Runs({}), {"value": 1, "order": 2}, {"resultExpression": "={o: order, v: camunda.vars.env.x, w: value}"}
    )
    assert json.loads(command.variables) == {"o": None, "v": None, "w": None}


async def test_dates_and_durations_of_an_expression_become_iso_text() -> None:
    command = await answer_of({}, resultExpression='={d: date("2024-02-29"), p: duration("PT1H30M")}')
    assert json.loads(command.variables) == {"d": "2024-02-29", "p": "PT1H30M"}


async def test_the_mapped_variables_are_at_the_root_of_an_error_expression() -> None:
    expression = '=if mapped = 1 and status = null and response.mapped = 1 then bpmnError("JAVA") else null'
    command = await answer_of({"status": 200}, resultExpression="={mapped: 1}", errorExpression=expression)
    assert isinstance(command, ThrowErrorCommand)


async def test_a_result_variable_is_at_the_root_and_in_response() -> None:
    expression = "=if r.status = 200 and response.r.status = 200 then bpmnError(string(response.status)) else null"
    command = await answer_of({"status": 200}, resultVariable="r", errorExpression=expression)
    assert command.code == "200"


async def test_ignore_error_after_a_success_replaces_the_variables() -> None:
    command = await answer_of({"a": 1}, resultVariable="r", errorExpression="=ignoreError({b: 2})")
    assert json.loads(command.variables) == {"b": 2}
    assert json.loads((await answer_of({}, resultVariable="r", errorExpression="=ignoreError()")).variables) == {}


async def test_strings_that_begin_with_an_equals_sign_stay_as_they_are() -> None:
    command = await run_one(variables={"value": "=1 + 1"}, headers={"resultVariable": "r"})
    assert json.loads(command.variables) == {"r": "=1 + 1"}


async def test_unknown_properties_of_the_input_are_ignored() -> None:
    command = await run_one(variables={"value": 1, "unknown": {"a": 1}}, headers={"resultVariable": "r"})
    assert json.loads(command.variables) == {"r": 1}


class Item(Input):
    number: int


class Items(Input):
    items: list[Item] = Field(default_factory=list)
    name: str = Field(min_length=1)


async def test_a_bad_value_under_a_list_index_is_an_input_error_with_the_index() -> None:
    instance = connector(echo, Input=Items)
    command = await run_one(instance, {"name": "n", "items": [{"number": 1}, {"number": "text"}]})
    assert command.retries == 0
    assert "invalid field: items, 1, number. It Must be `Items`" in command.message


async def test_constraints_that_do_not_hold_are_listed_by_property_without_values() -> None:
    command = await run_one(connector(echo, Input=Items), {"name": "", "items": [{}]})
    assert command.retries == 0
    assert "Found constraints violated while validating input: \n - Property: " in command.message
    assert " - Property: items.1.number" not in command.message
    assert " - Property: items.0.number: Validation failed. Original message: " in command.message
    assert " - Property: name: Validation failed. Original message: " in command.message


async def test_a_missing_secret_comes_before_a_wrong_input() -> None:
    command = await run_one(
        connector(echo, Input=Items), {"items": "{{secrets.NONE}}"}, secrets=DictSecrets({"OTHER": "x"})
    )
    assert command.message.startswith("Secret with name 'NONE' is not available")


async def test_secrets_work_in_keys_and_outside_of_strings() -> None:
    secrets = DictSecrets({"KEY": "value", "N": "12", "Q": 'quote " and \\ and\nline'})
    command = await run_one(
        variables='{"{{secrets.KEY}}": {"n": {{secrets.N}}, "q": "<{{ secrets.Q }}>"}}',
        headers={"resultVariable": "r"},
        secrets=secrets,
    )
    assert json.loads(command.variables) == {"r": {"n": 12, "q": '<quote " and \\ and\nline>'}}


async def test_success_outputs_are_not_masked() -> None:
    command = await run_one(
        variables={"value": "{{secrets.T}}"}, headers={"resultVariable": "r"}, secrets=DictSecrets({"T": "hunter2"})
    )
    assert json.loads(command.variables) == {"r": "hunter2"}


@pytest.mark.parametrize(
    ("execute", "headers", "label"),
    [
        (echo, {}, "completed"),
        (refuse, {}, "failed"),
        (refuse, {"errorExpression": '=bpmnError("B")'}, "bpmn_error"),
        (refuse, {"errorExpression": "=ignoreError()"}, "completed"),
    ],
)
async def test_every_branch_counts_once_acknowledged(execute: Any, headers: dict[str, str], label: str) -> None:
    async with working(connector(execute)) as kit:
        kit.gateway.add_job(JOB_TYPE, {}, headers, retries=1)
        await kit.gateway.drain(expect_failures=True)
        await kit.until(lambda: kit.outcome_count(label) == 1)
        total = sum(kit.outcome_count(each) for each in ("completed", "failed", "bpmn_error", "abandoned"))
        assert total == 1


@pytest.mark.parametrize(("retries", "incidents"), [(1, 1), (3, 1)])
async def test_only_a_failure_without_a_retry_left_counts_as_an_incident(retries: int, incidents: int) -> None:
    async with working(connector(refuse)) as kit:
        kit.gateway.add_job(JOB_TYPE, retries=retries)
        await kit.gateway.drain(expect_failures=True)
        await kit.until(lambda: kit.outcome_count("failed") == retries)
        labels = {"job_type": JOB_TYPE, "connector": "Echo"}
        assert kit.metrics.registry.get_sample_value("coupler_job_incidents_total", labels) == incidents


async def test_a_job_that_is_gone_is_no_error_and_counts_as_abandoned() -> None:
    gateway = FakeGateway()
    gateway.faults.inject("complete", GatewayStatus.NOT_FOUND)
    async with working(connector(echo), gateway=gateway) as kit:
        key = gateway.add_job(JOB_TYPE)
        await kit.until(lambda: kit.outcome_count("abandoned") == 1)
        assert [c for c in gateway.commands_for(key) if not isinstance(c, UpdateTimeoutCommand)] == []


@pytest.mark.parametrize(
    "verdict", ['bpmnError("B", "m", {a: body})', 'jobError("m", {a: body})', "ignoreError({a: body})"]
)
async def test_variables_of_a_verdict_that_are_too_large_are_an_incident(verdict: str) -> None:
    command = await run_one(
        Runs({"body": "x" * 2000}), headers={"errorExpression": f"={verdict}"}, max_variables_bytes=1000
    )
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert "Output variables payload" in command.message


async def test_a_short_secret_leaves_the_suffix_of_a_message_as_monitors_know_it() -> None:
    command = await run_one(
        variables={"value": "{{secrets.T}}"},
        headers={"errorExpression": "=jobError(response, {v: response})"},
        secrets=DictSecrets({"T": "ab"}),
    )
    assert command.message == "*** | Error variables: {v=***, error=***}"


@pytest.mark.parametrize("verdict", ["jobError(response)", 'bpmnError("B", response)'])
async def test_a_secret_at_the_end_of_a_message_is_masked_before_the_message_is_cut(verdict: str) -> None:
    secret = "s3cr3t-0123456789"
    command = await run_one(
        variables={"value": "x" * 5990 + "{{secrets.T}}" + "y" * 100},
        headers={"errorExpression": f"={verdict}"},
        secrets=DictSecrets({"T": secret}),
    )
    assert command.message == "x" * 5990 + "***" + "y" * 7


@pytest.mark.parametrize(
    ("headers", "before"),
    [
        ({"resultExpression": "=response"}, 190),
        ({"errorExpression": "=response"}, 190),
        ({"errorExpression": "={a: response}"}, 490),
    ],
)
async def test_a_secret_in_a_value_of_the_wrong_shape_is_masked_whole(headers: dict[str, str], before: int) -> None:
    command = await run_one(
        variables={"value": "x" * before + "{{secrets.T}}"},
        headers=headers,
        secrets=DictSecrets({"T": "s3cr3t-0123456789"}),
    )
    assert command.retries == 0
    assert "s3cr" not in command.message + command.variables
    assert "***" in command.message
