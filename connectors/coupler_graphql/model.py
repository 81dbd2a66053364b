"""The input of the GraphQL connector, as every version of its element template writes it."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from coupler.sdk import Input
from coupler.sdk.authentication import HttpUrl
from coupler.sdk.http_call import HttpCallInput


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

    query: Annotated[str, AfterValidator(_not_blank)]
    variables: dict[str, Any] | None = None
    method: Method
    url: HttpUrl
    headers: dict[str, str | None] | None = None
    store_response: bool = False
    connection_timeout_in_seconds: int | None = None
    read_timeout_in_seconds: int | None = None


class GraphQLInput(HttpCallInput):
    """Variables of a GraphQL job."""

    graphql: Operation


INPUT_VARIABLES: Final = ("graphql", "authentication", "documentReturnFormat", "authenticationConfiguration")

__all__ = ["INPUT_VARIABLES", "GraphQLInput", "Method", "Operation"]
