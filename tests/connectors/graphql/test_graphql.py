"""The GraphQL connector."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from coupler.errors import ConnectorError, InputError
from coupler.worker.binding import bind, decode
from coupler_graphql import GraphQLConnector
from coupler_graphql.model import INPUT_VARIABLES, GraphQLInput
from tests.connectors.kit import Bench
from tests.http.server import Received, Server, always, reply

QUERY = "query($id: ID!) { order(id: $id) { total } }"
GOOD = {"query": QUERY, "method": "post", "url": "https://h.example/graphql"}


def read(graphql: dict[str, Any], **more: Any) -> GraphQLInput:
    given = bind(decode(json.dumps({"graphql": graphql, **more})), GraphQLInput)
    assert isinstance(given, GraphQLInput)
    return given


async def sent(graphql: Bench, operation: dict[str, Any] | None = None, **more: Any) -> Received:
    async with Server(always(reply(body='{"data": {}}'))) as server:
        await graphql.run({"graphql": {**GOOD, **(operation or {}), "url": f"{server.url}/graphql"}, **more})
    return server.last


async def result_of(graphql: Bench, answer: bytes, operation: dict[str, Any] | None = None, **more: Any) -> Any:
    async with Server(always(answer)) as server:
        return await graphql.run({"graphql": {**GOOD, **(operation or {}), "url": server.url}, **more})


def test_identity() -> None:
    assert (GraphQLConnector.type, GraphQLConnector.name) == ("io.camunda:connector-graphql:1", "GraphQL")
    assert {info.alias for info in GraphQLInput.model_fields.values()} == set(INPUT_VARIABLES)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"query": ""}, "Property: graphql.query: Validation failed. Original message: must not be blank"),
        ({"query": "  \n"}, "Property: graphql.query: Validation failed. Original message: must not be blank"),
        ({"url": "iAmWrongUrl"}, "Original message: Must be a http(s) URL"),
        ({"url": ""}, "Property: graphql.url: "),
        ({"method": "fetch"}, "Json object contains an invalid field: graphql, method"),
        ({"variables": "text"}, "Json object contains an invalid field: graphql, variables"),
        ({"connectionTimeoutInSeconds": "soon"}, "invalid field: graphql, connectionTimeoutInSeconds"),
        ({"readTimeoutInSeconds": "0.1"}, "invalid field: graphql, readTimeoutInSeconds"),
    ],
)
def test_input_that_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        read({**GOOD, **change})
    assert text in str(caught.value)


@pytest.mark.parametrize("missing", ["query", "method", "url"])
def test_parts_that_must_be_there(missing: str) -> None:
    with pytest.raises(InputError, match=f"Property: graphql.{missing}"):
        read({name: value for name, value in GOOD.items() if name != missing})
    with pytest.raises(InputError, match="Property: graphql"):
        bind(decode("{}"), GraphQLInput)


def test_a_reusable_credential_wins_and_is_checked() -> None:
    inline = {"type": "basic", "username": "u"}
    given = read(GOOD, authentication=inline, authenticationConfiguration={"authentication": {"type": "noAuth"}})
    assert given.credential is not None
    assert given.credential.type == "noAuth"
    with pytest.raises(InputError, match=r"authenticationConfiguration.authentication.token"):
        read(GOOD, authenticationConfiguration={"authentication": {"type": "bearer", "token": ""}})


@pytest.mark.parametrize("method", ["post", "POST", "put", "patch"])
async def test_a_query_in_the_body(graphql: Bench, method: str) -> None:
    received = await sent(graphql, {"method": method, "variables": {"id": 1, "n": None, "price": 1.5}})
    assert (received.method, received.target) == (method.upper(), "/graphql")
    assert received.one("content-type") == "application/json"
    assert json.loads(received.body) == {"query": QUERY, "variables": {"id": 1, "n": None, "price": 1.5}}


@pytest.mark.parametrize("absent", [{}, {"variables": None}])
async def test_variables_are_left_out_when_absent(graphql: Bench, absent: dict[str, None]) -> None:
    assert json.loads((await sent(graphql, absent)).body) == {"query": QUERY}
    received = await sent(graphql, {"method": "get", **absent})
    assert list(parse_qs(urlsplit(received.target).query)) == ["query"]


async def test_a_query_in_the_url(graphql: Bench) -> None:
    received = await sent(graphql, {"method": "get", "variables": {"id": "a&b", "n": None}})
    assert (received.method, received.body, received.one("content-type")) == ("GET", b"", None)
    query = parse_qs(urlsplit(received.target).query)
    assert query["query"] == [QUERY]
    assert json.loads(query["variables"][0]) == {"id": "a&b", "n": None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ a\\n b }", "{ a b }"),
        ('{ a(x: \\"y\\") }', '{ a(x: "y") }'),
        ("{ a\n b }", "{ a\n b }"),
    ],
)
async def test_queries_copied_from_json(graphql: Bench, query: str, expected: str) -> None:
    assert json.loads((await sent(graphql, {"query": query})).body)["query"] == expected


async def test_headers_and_authentication(graphql: Bench) -> None:
    received = await sent(graphql, {"headers": {"X-A": "b"}}, authentication={"type": "bearer", "token": "t"})
    assert (received.one("x-a"), received.one("authorization")) == ("b", "Bearer t")
    key = {"type": "apiKey", "apiKeyLocation": "query", "name": "key", "value": "k"}
    assert (await sent(graphql, authentication=key)).target == "/graphql?key=k"


async def test_a_document_in_the_variables_is_base64(graphql: Bench) -> None:
    document = {"camunda.document.type": "inline", "content": "hello"}
    in_body = await sent(graphql, {"variables": {"file": document}})
    assert json.loads(in_body.body)["variables"] == {"file": "aGVsbG8="}
    in_url = await sent(graphql, {"method": "get", "variables": {"file": document}})
    assert "aGVsbG8" in in_url.target


async def test_the_result_is_that_of_rest(graphql: Bench) -> None:
    result = await result_of(graphql, reply(body='{"data": {"order": {"total": 5}}}', headers=[("X-A", "1")]))
    assert result == {
        "status": 200,
        "headers": {"X-A": "1", "Content-Length": "33"},
        "body": {"data": {"order": {"total": 5}}},
        "reason": "OK",
        "document": None,
    }


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([{"message": "no such order"}, {"message": "second"}], "no such order"),
        ([{"code": 5}], "GraphQL response contains errors"),
        ([{"message": ""}], "GraphQL response contains errors"),
        (["plain"], "GraphQL response contains errors"),
    ],
)
@pytest.mark.parametrize("choice", [None, "JSON", "TEXT"])
async def test_errors_in_the_answer(graphql: Bench, errors: list[Any], message: str, choice: str | None) -> None:
    body = json.dumps({"data": {"partial": 1}, "errors": errors})
    more = {} if choice is None else {"documentReturnFormat": {"choice": choice}}
    with pytest.raises(ConnectorError) as caught:
        await result_of(graphql, reply(body=body, headers=[("X-A", "1")]), **more)
    error = caught.value
    assert (error.code, error.message) == ("GRAPHQL_ERROR", message)
    assert error.variables is not None
    response = error.variables["response"]
    assert response["headers"]["X-A"] == "1"
    assert response["body"] == (body if choice == "TEXT" else json.loads(body))


@pytest.mark.parametrize(
    "body",
    [
        '{"data": 1}',
        '{"data": 1, "errors": []}',
        '{"data": 1, "errors": null}',
        '{"errors": "text"}',
        "plain",
        "[1]",
        "",
    ],
)
@pytest.mark.parametrize("choice", [None, "TEXT"])
async def test_answers_without_errors(graphql: Bench, body: str, choice: str | None) -> None:
    more = {} if choice is None else {"documentReturnFormat": {"choice": choice}}
    assert (await result_of(graphql, reply(body=body), **more))["status"] == 200


async def test_a_stored_answer_is_not_looked_into(graphql: Bench) -> None:
    body = '{"errors": [{"message": "hidden"}]}'
    for operation, more in (({"storeResponse": True}, {}), ({}, {"documentReturnFormat": {"choice": "DOCUMENT"}})):
        result = await result_of(graphql, reply(body=body), operation, **more)
        assert (result["body"], result["document"]["camunda.document.type"]) == (None, "camunda")


async def test_a_status_of_400_or_more_has_that_code(graphql: Bench) -> None:
    with pytest.raises(ConnectorError) as caught:
        await result_of(graphql, reply(400, '{"errors": [{"message": "syntax"}]}', reason="Bad Request"))
    assert (caught.value.code, caught.value.message) == ("400", "Bad Request")


async def test_redirects_are_not_followed(graphql: Bench) -> None:
    assert (await result_of(graphql, reply(302, headers=[("Location", "/x")])))["status"] == 302


async def test_the_read_timeout(graphql: Bench) -> None:
    async def silent(request: Received, writer: object) -> None:
        await asyncio.sleep(30)

    async with Server(silent) as server:
        with pytest.raises(ConnectorError) as caught:
            await graphql.run({"graphql": {**GOOD, "url": server.url, "readTimeoutInSeconds": 1}})
    assert caught.value.code == "408"
