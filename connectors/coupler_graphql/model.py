"""The input of the GraphQL connector, as every version of its element template writes it."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from coupler.sdk import Input
from coupler.sdk.authentication import HTTP_URL_PATTERN, HttpUrl
from coupler.sdk.http_call import CONNECTION_TIMEOUT, READ_TIMEOUT, HttpCallInput, Seconds
from coupler.sdk.template import Choice, Template


def _not_blank(value: str) -> str:
    if not value or value.isspace():
        raise ValueError("must not be blank")
    return value


class Method(Enum):
    """Methods of HTTP; the element template offers GET and POST."""

    POST = "POST"
    GET = "GET"
    DELETE = "DELETE"
    PATCH = "PATCH"
    PUT = "PUT"


class Operation(Input):
    """The query, and where it goes."""

    query: Annotated[
        str,
        AfterValidator(_not_blank),
        Template(label="Query or mutation", description="The GraphQL document", group="graphql", kind="Text"),
    ]
    variables: Annotated[
        dict[str, Any] | None,
        Template(label="Variables", description="A context of the variables that the query declares", group="graphql"),
    ] = None
    method: Annotated[
        Method,
        Template(label="Method", default="get", required=True, choices=(Choice("get", "GET"), Choice("post", "POST"))),
    ]
    url: Annotated[
        HttpUrl,
        Template(label="URL", placeholder="https://api.example.com/graphql", pattern=HTTP_URL_PATTERN),
    ]
    headers: Annotated[
        dict[str, str | None] | None, Template(label="Headers", description="A context of names and values")
    ] = None
    store_response: Annotated[bool, Template(omit=True)] = False  # of older templates
    connection_timeout_in_seconds: Annotated[Seconds, CONNECTION_TIMEOUT] = None
    read_timeout_in_seconds: Annotated[Seconds, READ_TIMEOUT] = None


class GraphQLInput(HttpCallInput):
    """Variables of a GraphQL job."""

    graphql: Annotated[Operation, Template(group="endpoint")]


INPUT_VARIABLES: Final = ("graphql", "authentication", "documentReturnFormat", "authenticationConfiguration")

__all__ = ["INPUT_VARIABLES", "GraphQLInput", "Method", "Operation"]
