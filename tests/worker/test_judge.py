"""The error expression: over results and failures, and what each of its functions does."""

from __future__ import annotations

from typing import Any

import pytest

from coupler import json
from coupler.errors import ConnectorError, InputError
from coupler.testing import CompleteCommand, FailCommand, ThrowErrorCommand
from tests.worker.kit import DictSecrets, run_one


async def ok(bound: Any, context: Any) -> Any:
    return {"status": 200, "body": {"state": "rejected", "reason": "no stock"}}


async def not_found(bound: Any, context: Any) -> Any:
    raise ConnectorError("Not Found", code="404", variables={"response": {"body": {"detail": "gone"}, "headers": {}}})


async def judge(execute: Any, expression: str, **headers: str) -> Any:
    return await run_one(execute, headers={"errorExpression": expression, **headers})


@pytest.mark.parametrize(
    "expression",
    [
        "=null",
        "={}",
        '=if response.status = 500 then bpmnError("X", "x") else null',
        '=if noSuchFunction(1) then bpmnError("X", "x") else null',
        '={errorType: "bpmnError", errorMessage: "without a code"}',
    ],
)
async def test_no_verdict_leaves_a_success_alone(expression: str) -> None:
    assert isinstance(await judge(ok, expression), CompleteCommand)


async def test_bpmn_error_over_a_success() -> None:
    expression = '=if body.state = "rejected" then bpmnError("REJECTED", body.reason, {why: body.reason}) else null'
    command = await judge(ok, expression)
    assert command == ThrowErrorCommand(command.job_key, "REJECTED", "no stock", '{"why":"no stock"}')


async def test_bpmn_error_over_a_failure() -> None:
    expression = (
        '=if error.code = "404" then bpmnError("MISSING", error.message, error.variables.response.body) else null'
    )
    command = await judge(not_found, expression)
    assert command == ThrowErrorCommand(command.job_key, "MISSING", "Not Found", '{"detail":"gone"}')


@pytest.mark.parametrize(
    ("expression", "message", "variables"),
    [('=bpmnError("A")', "", {}), ('=bpmnError("A", "b")', "b", {}), ('=bpmnError("A", "b", {c: 1})', "b", {"c": 1})],
)
async def test_bpmn_error_arities(expression: str, message: str, variables: Any) -> None:
    command = await judge(ok, expression)
    assert isinstance(command, ThrowErrorCommand)
    assert (command.code, command.message) == ("A", message)
    assert json.loads(command.variables or "{}") == variables


async def test_response_error_is_in_scope_of_a_failure_too() -> None:
    command = await judge(not_found, '=if response.error.code = "404" then bpmnError("M", "m") else null')
    assert isinstance(command, ThrowErrorCommand)


async def test_error_type_is_the_java_class_name() -> None:
    expression = '=if error.type = "io.camunda.connector.api.error.ConnectorException" then ignoreError() else null'
    assert isinstance(await judge(not_found, expression), CompleteCommand)


@pytest.mark.parametrize(
    ("expression", "retries", "backoff", "variables"),
    [
        ('=jobError("m")', 0, 0.0, {"error": "m"}),
        ('=jobError("m", {a: 1})', 0, 0.0, {"a": 1, "error": "m"}),
        ('=jobError("m", {error: "mine"}, 2)', 2, 0.0, {"error": "m"}),
        ('=jobError("m", {}, job.retries - 1, duration("PT30S"))', 2, 30.0, {"error": "m"}),
        ('={errorType: "jobError", errorMessage: "m"}', 0, 0.0, {"error": "m"}),
        ('={errorType: "jobError", errorMessage: "m", retries: 1, retryBackoff: "PT1M"}', 1, 60.0, {"error": "m"}),
        ('={errorType: "jobError", errorMessage: "m", retries: "2"}', 2, 0.0, {"error": "m"}),
        ('={errorType: "jobError", errorMessage: "m", retries: 2.7}', 2, 0.0, {"error": "m"}),
        ('={errorType: "jobError", errorMessage: "m", retries: -1}', 0, 0.0, {"error": "m"}),
    ],
)
async def test_job_error_fails_with_exactly_these_retries_and_backoff(
    expression: str, retries: int, backoff: float, variables: Any
) -> None:
    command = await judge(ok, expression, retryBackoff="PT5M")
    assert isinstance(command, FailCommand)
    assert (command.retries, command.backoff_seconds) == (retries, backoff)
    assert json.loads(command.variables or "") == variables
    assert command.message.startswith("m | Error variables: {")
    assert "error=m" in command.message


async def test_ignore_error_completes_a_failed_job_with_its_variables() -> None:
    command = await judge(not_found, '=if error.code = "404" then ignoreError({found: false}) else null')
    assert command == CompleteCommand(command.job_key, '{"found":false}')


async def test_raw_response_stays_in_reach_when_a_result_is_mapped() -> None:
    # Java knows only the mapped variables here; expressions written for it keep their meaning
    headers = {"resultExpression": "={state: body.state}"}
    assert isinstance(
        await judge(ok, '=if response.status = 200 then bpmnError("A") else null', **headers), ThrowErrorCommand
    )
    assert isinstance(
        await judge(ok, '=if response.state = "rejected" then bpmnError("A") else null', **headers), ThrowErrorCommand
    )
    assert isinstance(
        await judge(ok, '=if state = "rejected" then bpmnError("A") else null', **headers), ThrowErrorCommand
    )
    assert isinstance(await judge(ok, '=if status = 200 then bpmnError("A") else null', **headers), CompleteCommand)


async def test_ours_wins_over_a_responses_own_job_in_error_expressions() -> None:
    async def answer(bound: Any, context: Any) -> Any:
        return {"job": {"retries": 99}}

    assert isinstance(await judge(answer, '=if job.retries = 3 then bpmnError("A") else null'), ThrowErrorCommand)


@pytest.mark.parametrize("expression", ["=1", '="x"', "=[]", '={errorType: "nope"}', "={a: 1}"])
async def test_a_verdict_of_the_wrong_shape_is_an_incident(expression: str) -> None:
    command = await judge(ok, expression)
    assert isinstance(command, FailCommand)
    assert command.retries == 0


@pytest.mark.parametrize(
    ("written", "text"), [("404", "404"), ("1.50", "1.50"), ("true", "true"), ('["A"]', "A"), ('"A"', "A")]
)
async def test_texts_of_a_verdict_by_hand_may_be_numbers_booleans_and_lists_of_one(written: str, text: str) -> None:
    command = await judge(ok, f'={{errorType: "bpmnError", errorCode: {written}, errorMessage: {written}}}')
    assert isinstance(command, ThrowErrorCommand)
    assert (command.code, command.message) == (text, text)
    command = await judge(ok, f'={{errorType: "jobError", errorMessage: {written}}}')
    assert isinstance(command, FailCommand)
    assert json.loads(command.variables or "") == {"error": text}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ('errorType: "bpmnError", errorCode: {a: 1}', "errorCode of bpmnError must be text"),
        ('errorType: "bpmnError", errorCode: ["A", "B"]', "errorCode of bpmnError must be text"),
        ('errorType: "bpmnError", errorCode: "A", errorMessage: {a: 1}', "errorMessage of bpmnError must be text"),
        ('errorType: "jobError", errorMessage: {a: 1}', "errorMessage of jobError must be text"),
        ('errorType: "jobError", errorMessage: "m", retries: true', "retries of jobError must be a number"),
        ('errorType: "jobError", errorMessage: "m", retries: "2.7"', "retries of jobError must be a number"),
        ('errorType: "jobError", errorMessage: "m", retries: {a: 1}', "retries of jobError must be a number"),
        ('errorType: "jobError", errorMessage: "m", retryBackoff: {a: 1}', "retryBackoff of jobError must be text"),
    ],
)
async def test_a_verdict_by_hand_with_a_field_of_the_wrong_kind_is_an_incident(fields: str, named: str) -> None:
    command = await judge(ok, f"={{{fields}}}")
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert named in command.message


@pytest.mark.parametrize("expression", ["=bpmnError(", '=bpmnError(1, "m")', '=substring("abc", 5)'])
async def test_an_expression_that_fails_keeps_the_retry_budget_and_names_both_faults(expression: str) -> None:
    command = await judge(not_found, expression)
    assert isinstance(command, FailCommand)
    assert command.retries == 2
    assert "The error expression failed:" in command.message
    assert "Not Found" in command.message


async def test_a_failing_result_expression_can_be_caught() -> None:
    command = await judge(ok, '=if error != null then bpmnError("MAPPING", "m") else null', resultExpression="=1")
    assert isinstance(command, ThrowErrorCommand)


async def test_secrets_are_masked_in_every_text_about_a_failure() -> None:
    secret = 's3c"ret\nüñ'

    async def leak(bound: Any, context: Any) -> Any:
        raise ConnectorError(
            f"refused {bound.value}", code="401", variables={"response": {"body": {bound.value: [bound.value]}}}
        )

    for headers in (
        {},
        {"errorExpression": "=jobError(error.message, error.variables)"},
        {"errorExpression": '=bpmnError("A", error.message, error.variables)'},
    ):
        command = await run_one(leak, {"value": "{{secrets.TOKEN}}"}, headers, secrets=DictSecrets({"TOKEN": secret}))
        text = f"{command.message}{command.variables}"
        assert "***" in text
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text


async def test_an_input_error_as_the_direct_cause_is_an_input_error() -> None:
    async def wrap(bound: Any, context: Any) -> Any:
        raise RuntimeError("wrapped") from InputError("bad")

    command = await run_one(wrap)
    assert command.retries == 0
