"""The input of the REST connector, as every version of its element template writes it."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from coupler.sdk import Input
from coupler.sdk.authentication import Authentication, AuthenticationChoice

_URL: Final = re.compile(r"=|(?:http://|https://|secrets|\{\{).*")


def http_url(value: str) -> str:
    """Accepts what the element template's own rule accepts."""
    if not value or value.isspace():
        raise ValueError("must not be blank")
    if _URL.fullmatch(value) is None:
        raise ValueError("Must be a http(s) URL")
    return value


HttpUrl = Annotated[str, AfterValidator(http_url)]


class Method(Enum):
    """Methods of the element template, in its order."""

    POST = "POST"
    GET = "GET"
    DELETE = "DELETE"
    PATCH = "PATCH"
    PUT = "PUT"


class ReturnFormat(Enum):
    """What becomes of the response body."""

    DOCUMENT = "DOCUMENT"
    TEXT = "TEXT"
    JSON = "JSON"


class DocumentReturnFormat(Input):
    """The choice of templates from version 17 on; without it the body is read as JSON where possible."""

    choice: ReturnFormat | None = None
    encoding: str | None = None


class ClientTls(Input):
    """PEM texts for mutual TLS and a private authority."""

    client_certificate: str | None = None
    client_private_key: str | None = None
    private_key_password: str | None = None
    trusted_certificate: str | None = None


class AuthenticationConfiguration(Input):
    """A reusable credential; it wins over the element's own authentication as a whole."""

    authentication: AuthenticationChoice | None = None


class HttpCallInput(Input):
    """What the REST and GraphQL inputs have in common."""

    authentication: AuthenticationChoice | None = None
    authentication_configuration: AuthenticationConfiguration | None = None
    document_return_format: DocumentReturnFormat | None = None

    @property
    def credential(self) -> Authentication | None:
        """The authentication that counts."""
        configuration = self.authentication_configuration
        return self.authentication if configuration is None else configuration.authentication


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

DEFAULT_TIMEOUT_SECONDS: Final = 20


def timeouts(connect: int | None, read: int | None) -> tuple[float | None, float | None]:
    """Connect and read timeout in seconds; ``None`` is no limit, which models write as 0."""
    connect_seconds = DEFAULT_TIMEOUT_SECONDS if connect is None else connect
    read_seconds = connect_seconds if read is None else read
    return (float(connect_seconds) if connect_seconds > 0 else None, float(read_seconds) if read_seconds > 0 else None)


__all__ = [
    "INPUT_VARIABLES",
    "AuthenticationConfiguration",
    "ClientTls",
    "DocumentReturnFormat",
    "HttpCallInput",
    "HttpUrl",
    "Method",
    "RestInput",
    "ReturnFormat",
    "http_url",
    "timeouts",
]
