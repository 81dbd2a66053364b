"""Result variable, result expression, and the scope that expressions see."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from coupler import json
from coupler.testing import CompleteCommand, FailCommand
from tests.worker.kit import run_one


async def variables_of(response: Any, headers: dict[str, str], **config: Any) -> Any:
    """The output variables of a job whose connector answers ``response``."""

    async def answer(bound: Any, context: Any) -> Any:
        return response

    command = await run_one(answer, headers=headers, **config)
    assert isinstance(command, CompleteCommand), command
    return json.loads(command.variables)


RESPONSE = {"status": 200, "body": {"id": "A-1", "amount": Decimal("1.50"), "big": 2**53 + 1}}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, {}),
        ({"resultVariable": "r"}, {"r": RESPONSE}),
        ({"resultVariable": "  "}, {}),
        ({"resultExpression": "={id: response.body.id}"}, {"id": "A-1"}),
        ({"resultExpression": "{id: body.id}"}, {"id": "A-1"}),
        ({"resultExpression": "  =  {s: status}  "}, {"s": 200}),
        ({"resultExpression": ""}, {}),
        ({"resultExpression": "=response"}, RESPONSE),
        ({"resultExpression": "={x: response.nope}"}, {"x": None}),
        ({"resultExpression": "={x: noSuchFunction(status)}"}, {"x": None}),
        ({"resultExpression": "=unknownVar"}, {}),
        ({"resultVariable": "r", "resultExpression": "={r: 1}"}, {"r": 1}),
        ({"resultVariable": "r", "resultExpression": "={x: 1}"}, {"r": RESPONSE, "x": 1}),
        ({"resultExpression": "={big: body.big, amount: body.amount}"}, {"big": 2**53 + 1, "amount": Decimal("1.50")}),
        ({"resultExpression": '={d: duration("PT24H"), day: date("2024-02-29")}'}, {"d": "P1D", "day": "2024-02-29"}),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_output_variables(headers: dict[str, str], expected: Any) -> None:
    actual = await variables_of(RESPONSE, headers)
    if "d" in expected:  # java.time prints hours
        expected = {**expected, "d": "PT24H"}
    assert actual == expected


@pytest.mark.parametrize("response", [None, "text", 12, [1, 2], True])
async def test_a_response_that_is_no_object_is_in_scope_as_response(response: Any) -> None:
    assert await variables_of(response, {"resultExpression": "={r: response}"}) == {"r": response}
    assert await variables_of(response, {"resultVariable": "r"}) == {"r": response}


async def test_exact_numbers_keep_their_scale_in_the_json_text() -> None:
    async def answer(bound: Any, context: Any) -> Any:
        return RESPONSE

    command = await run_one(answer, headers={"resultExpression": "={a: body.amount}"})
    assert command.variables == '{"a":1.50}'


async def test_job_is_in_scope_and_a_responses_own_job_hides_it() -> None:
    expression = {"resultExpression": "={r: job.retries, e: job.elementId}"}
    assert await variables_of({}, expression) == {"r": 3, "e": "task"}
    assert await variables_of({"job": {"retries": 9}}, expression) == {"r": 9, "e": None}


@pytest.mark.parametrize(
    ("expression", "kind"), [("=1", "number"), ('="x"', "string"), ("=[1]", "array"), ("=true", "boolean")]
)
async def test_a_result_that_is_no_object_is_an_input_error(expression: str, kind: str) -> None:
    command = await run_one(headers={"resultExpression": expression})
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert f"Result expression must return a JSON object, but got {kind}. Evaluated value:" in command.message


async def test_a_syntax_error_in_the_result_expression_keeps_the_retry_budget() -> None:
    command = await run_one(headers={"resultExpression": "={a: "})
    assert isinstance(command, FailCommand)
    assert command.retries == 2


async def test_output_that_is_too_large_is_an_incident_with_the_size() -> None:
    async def answer(bound: Any, context: Any) -> Any:
        return "x" * 1_572_870

    command = await run_one(answer, headers={"resultVariable": "r"})
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert command.message.startswith("Output variables payload (1572878 bytes) exceeds the 1.5 MB safe variable size")


async def test_the_forbidden_literal_is_refused_in_the_result_of_an_expression() -> None:
    async def answer(bound: Any, context: Any) -> Any:
        return {"x": {"camunda.function.type": "base64"}}

    command = await run_one(answer, headers={"resultExpression": "={y: response.x}"})
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert "forbidden literal 'camunda.function.type'" in command.message
    # but a plain result variable is data
    assert isinstance(await run_one(answer, headers={"resultVariable": "r"}), CompleteCommand)


async def test_a_response_without_a_json_form_is_an_input_error() -> None:
    async def answer(bound: Any, context: Any) -> Any:
        return object()

    command = await run_one(answer)
    assert isinstance(command, FailCommand)
    assert command.retries == 0
    assert "has no JSON form" in command.message
