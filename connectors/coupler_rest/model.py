"""The input of the REST connector, as every version of its element template writes it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from coupler.sdk import Input
from coupler.sdk.authentication import HttpUrl
from coupler.sdk.http_call import HttpCallInput


class Method(Enum):
    """Methods of the element template, in its order."""

    POST = "POST"
    GET = "GET"
    DELETE = "DELETE"
    PATCH = "PATCH"
    PUT = "PUT"


class ClientTls(Input):
    """PEM texts for mutual TLS and a private authority."""

    client_certificate: str | None = None
    client_private_key: str | None = None
    private_key_password: str | None = None
    trusted_certificate: str | None = None


class RestInput(HttpCallInput):
    """Variables of a REST job."""

    method: Method
    url: HttpUrl
    headers: dict[str, str | None] | None = None
    query_parameters: dict[str, str | None] | None = None
    body: Any = None
    ignore_null_values: bool = False
    follow_redirects: bool = False
    skip_encoding: str | None = None
    connection_timeout_in_seconds: int | None = None
    read_timeout_in_seconds: int | None = None
    store_response: bool = False
    client_tls: ClientTls | None = None


INPUT_VARIABLES: Final = (
    "url",
    "method",
    "authentication",
    "clientTls",
    "headers",
    "queryParameters",
    "skipEncoding",
    "connectionTimeoutInSeconds",
    "readTimeoutInSeconds",
    "body",
    "storeResponse",
    "documentReturnFormat",
    "groupSetCookieHeaders",
    "ignoreNullValues",
    "followRedirects",
    "authenticationConfiguration",
)

__all__ = ["INPUT_VARIABLES", "ClientTls", "Method", "RestInput"]
