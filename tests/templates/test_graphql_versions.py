"""Models of every generation of the GraphQL template run unchanged: embedded engine, real worker, real HTTP."""

from __future__ import annotations

import json

import pytest

from tests.templates.echo import ACCESS_TOKEN, CLIENT, Echo
from tests.templates.histories import GRAPHQL_VERSIONS, graphql
from tests.templates.runner import Runner

WHOLE = {"resultVariable": "whole", "resultExpression": "={told: response.body.data}"}
QUERY = 'query Q($id: ID!) { order(id: $id, note: "a b") { id } }'

every_version = pytest.mark.parametrize("version", GRAPHQL_VERSIONS)


@every_version
async def test_a_query_in_the_body(run: Runner, echo: Echo, version: int) -> None:
    request = {"variables": "={id: number, none: null}", "headers": '={accept: "text/x"}'}
    found = await run(graphql(version, f"{echo.url}/graphql", QUERY, request=request, headers=WHOLE), number=7)
    assert (found["told"]["method"], found["told"]["headers"]["content-type"]) == ("POST", "application/json")
    assert json.loads(found["told"]["body"]) == {"query": QUERY, "variables": {"id": 7, "none": None}}
    assert found["told"]["headers"]["accept"] == "text/x"
    assert (found["whole"]["status"], found["whole"]["body"]) == (200, {"data": found["told"]})


@every_version
async def test_a_query_in_the_address(run: Runner, echo: Echo, version: int) -> None:
    task = graphql(
        version, f"{echo.url}/graphql", QUERY, method="get", request={"variables": "={id: 7}"}, headers=WHOLE
    )
    told = (await run(task))["told"]
    assert (told["method"], told["body"]) == ("GET", "")
    assert told["query"] == [["query", QUERY], ["variables", '{"id":7}']]


@every_version
async def test_a_query_pasted_from_json(run: Runner, echo: Echo, version: int) -> None:
    pasted = r"query {\n  order(note: \"a\") { id }\n}"
    found = await run(graphql(version, f"{echo.url}/graphql", pasted, headers=WHOLE))
    assert json.loads(found["told"]["body"])["query"] == 'query {  order(note: "a") { id }}'


@every_version
@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"type": "basic", "username": "ada", "password": "open"}, "authorization", "Basic YWRhOm9wZW4="),
        ({"type": "bearer", "token": "{{secrets.TOKEN}}"}, "authorization", "Bearer hunter2-4711"),
        ({"type": "apiKey", "apiKeyLocation": "headers", "name": "X-Key", "value": "k1"}, "x-key", "k1"),
        (
            {
                "type": "oauth-client-credentials-flow",
                "oauthTokenEndpoint": "/token",
                "clientId": CLIENT[0],
                "clientSecret": CLIENT[1],
                "clientAuthentication": "basicAuthHeader",
            },
            "authorization",
            f"Bearer {ACCESS_TOKEN}",
        ),
    ],
)
async def test_an_authentication(
    run: Runner, echo: Echo, version: int, fields: dict[str, str], name: str, value: str
) -> None:
    fields = {key: f"{echo.url}{text}" if text == "/token" else text for key, text in fields.items()}
    task = graphql(version, f"{echo.url}/graphql", QUERY, authentication=fields, headers=WHOLE)
    assert (await run(task))["told"]["headers"][name] == value


@every_version
async def test_an_error_in_the_answer_is_an_error_of_the_job(run: Runner, echo: Echo, version: int) -> None:
    expression = (
        '=if error.code = "GRAPHQL_ERROR" then'
        ' bpmnError("BAD", error.message, {said: error.variables.response.body.errors[1].message}) else null'
    )
    task = graphql(version, f"{echo.url}/graphql", "{ fail }", headers={"errorExpression": expression})
    assert (await run(task, error_code="BAD"))["said"] == "no such field"


@every_version
async def test_an_incident_when_nothing_is_left(run: Runner, echo: Echo, version: int) -> None:
    task = graphql(version, f"{echo.url}/graphql", "{ fail }", retries=1)
    assert "no such field" in await run.incident(task)


async def test_a_response_format(run: Runner, echo: Echo) -> None:
    request = {".documentReturnFormat.choice": "TEXT", ".documentReturnFormat.encoding": "UTF-8"}
    task = graphql(12, f"{echo.url}/graphql", QUERY, request=request, headers={"resultVariable": "whole"})
    assert json.loads((await run(task))["whole"]["body"])["data"]["path"] == "/graphql"


async def test_a_reusable_credential_wins(run: Runner, echo: Echo) -> None:
    request = {".authenticationConfiguration": '={authentication: {type: "bearer", token: "kept"}}'}
    task = graphql(12, f"{echo.url}/graphql", QUERY, request=request, headers=WHOLE)
    assert (await run(task))["told"]["headers"]["authorization"] == "Bearer kept"
