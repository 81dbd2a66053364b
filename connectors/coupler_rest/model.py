"""The input of the REST connector, as every version of its element template writes it."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Final

from coupler.sdk import Input
from coupler.sdk.authentication import HTTP_URL_PATTERN, HttpUrl
from coupler.sdk.http_call import CONNECTION_TIMEOUT, READ_TIMEOUT, HttpCallInput, Seconds
from coupler.sdk.template import Template, When

_WITH_BODY: Final = When("method", one_of=("POST", "PUT", "PATCH"))


class Method(Enum):
    """Methods of the element template, in its order."""

    POST = "POST"
    GET = "GET"
    DELETE = "DELETE"
    PATCH = "PATCH"
    PUT = "PUT"


class ClientTls(Input):
    """PEM texts for mutual TLS and a private authority."""

    client_certificate: Annotated[
        str | None, Template(label="Client certificate (PEM)", description="Shown to the server", kind="Text")
    ] = None
    client_private_key: Annotated[str | None, Template(label="Client private key (PEM)", kind="Text", secret=True)] = (
        None
    )
    private_key_password: Annotated[str | None, Template(label="Private key password", secret=True)] = None
    trusted_certificate: Annotated[
        str | None,
        Template(
            label="Trusted CA certificate (PEM)",
            description="Trusted in the place of the usual authorities",
            kind="Text",
        ),
    ] = None


class RestInput(HttpCallInput):
    """Variables of a REST job."""

    method: Annotated[Method, Template(label="Method", group="endpoint", default="GET", required=True)]
    url: Annotated[
        HttpUrl,
        Template(label="URL", group="endpoint", placeholder="https://api.example.com/orders", pattern=HTTP_URL_PATTERN),
    ]
    headers: Annotated[
        dict[str, str | None] | None,
        Template(label="Headers", description="A context of names and values", group="endpoint"),
    ] = None
    query_parameters: Annotated[
        dict[str, str | None] | None,
        Template(label="Query parameters", description="A context, added to the URL", group="endpoint"),
    ] = None
    body: Annotated[
        Any,
        Template(
            label="Request body",
            description="An object is sent as JSON, or as form or multipart where the Content-Type says so",
            group="payload",
            kind="Text",
            when=_WITH_BODY,
        ),
    ] = None
    ignore_null_values: Annotated[
        bool,
        Template(
            label="Leave out nulls",
            description="Members of the body that are null are not sent",
            group="payload",
            when=_WITH_BODY,
        ),
    ] = False
    follow_redirects: Annotated[
        bool,
        Template(label="Follow redirects", description="Off: the redirect is the response", group="endpoint", order=1),
    ] = False
    skip_encoding: Annotated[
        str | None,
        Template(
            label="Skip URL encoding", description="'true' sends the URL as it is", group="endpoint", kind="Hidden"
        ),
    ] = None
    connection_timeout_in_seconds: Annotated[Seconds, CONNECTION_TIMEOUT] = None
    read_timeout_in_seconds: Annotated[Seconds, READ_TIMEOUT] = None
    store_response: Annotated[bool, Template(omit=True)] = False  # of templates 10 to 16
    client_tls: Annotated[ClientTls | None, Template(group="tls")] = None


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
