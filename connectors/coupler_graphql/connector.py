"""The connector: query to request, one call, errors in the answer to an error of the job."""

from __future__ import annotations

from typing import Any, Final

from coupler.sdk import ConnectorError, JobContext
from coupler.sdk.http import HttpRequest
from coupler.sdk.http_call import HttpCallConnector, build_request, structured_or_text, with_base64
from coupler.sdk.json import dumps
from coupler_graphql.model import INPUT_VARIABLES, GraphQLInput, Method, Operation
from coupler_graphql.template import TEMPLATE

_WITH_BODY: Final = frozenset({Method.POST, Method.PUT, Method.PATCH})
GRAPHQL_ERROR: Final = "GRAPHQL_ERROR"


def plain_query(query: str) -> str:
    r"""Takes out ``\n`` and turns ``\"`` into ``"``: queries copied from JSON texts stand like that in models."""
    return query.replace("\\n", "").replace('\\"', '"')


async def _in_query(operation: Operation) -> dict[str, str | None]:
    parameters: dict[str, str | None] = {"query": plain_query(operation.query)}
    if operation.variables is not None:
        parameters["variables"] = dumps(await with_base64(operation.variables))
    return parameters


def _in_body(operation: Operation) -> dict[str, Any]:
    body: dict[str, Any] = {"query": plain_query(operation.query)}
    if operation.variables is not None:
        body["variables"] = operation.variables
    return body


async def graphql_request(call: GraphQLInput) -> HttpRequest:
    """The request that an input asks for, without what needs a token.

    Raises:
        InputError: the URL cannot be requested.
    """
    operation = call.graphql
    with_body = operation.method in _WITH_BODY
    return await build_request(
        operation.method.value,
        operation.url,
        call.credential,
        headers=operation.headers,
        parameters=await _in_query(operation) if operation.method is Method.GET else None,
        body=_in_body(operation) if with_body else None,
        connection_timeout_in_seconds=operation.connection_timeout_in_seconds,
        read_timeout_in_seconds=operation.read_timeout_in_seconds,
    )


def _errors(body: Any) -> list[Any]:
    """The non-empty list ``errors`` of an answer, also of one that was chosen to stay text."""
    if isinstance(body, str):
        body = structured_or_text(body.encode())
    errors = body.get("errors") if isinstance(body, dict) else None
    return errors if isinstance(errors, list) else []


def raise_for_errors(result: dict[str, Any]) -> None:
    """Raises when the server understood the call but not the query (GraphQL specification, section 7.1).

    Raises:
        ConnectorError: with the first error's message; the whole body, partial data included, is in its variables.
    """
    errors = _errors(result["body"])
    if not errors:
        return
    first = errors[0].get("message") if isinstance(errors[0], dict) else None
    message = first if isinstance(first, str) and first else "GraphQL response contains errors"
    response = {"headers": result["headers"], "body": result["body"]}
    raise ConnectorError(message, code=GRAPHQL_ERROR, variables={"response": response})


class GraphQLConnector(HttpCallConnector[GraphQLInput]):
    """Sends a query or mutation to a GraphQL endpoint."""

    type = "io.camunda:connector-graphql:1"
    name = "GraphQL"
    Input = GraphQLInput
    input_variables = INPUT_VARIABLES
    template = TEMPLATE

    async def execute(self, input: GraphQLInput, context: JobContext) -> Any:  # noqa: A002 - the SDK's word
        """Makes the call; ``errors`` in the answer and a status of 400 or more are errors."""
        request = await graphql_request(input)
        result = await self.caller.call(
            request, input.credential, context, input.document_return_format, store=input.graphql.store_response
        )
        raise_for_errors(result)
        return result


__all__ = ["GRAPHQL_ERROR", "GraphQLConnector", "graphql_request", "plain_query", "raise_for_errors"]
