"""How a call proves who it is: the authentications of the REST and GraphQL element templates."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Tag

from coupler.http.oauth import TokenRequest
from coupler.sdk.input import Input
from coupler.sdk.template import Choice, Pattern, Template, Variant

# The element template writes this text where a user name stands without a password.
EMPTY_PASSWORD: Final = "SPEC_PASSWORD_EMPTY_PATTERN"  # noqa: S105 - the very opposite of a password


_URL: Final = re.compile(r"=|(?:http://|https://|secrets|\{\{).*")


def _http_url(value: str) -> str:
    if not value or value.isspace():
        raise ValueError("must not be blank")
    if _URL.fullmatch(value) is None:
        raise ValueError("Must be a http(s) URL")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""Text that the element template's own rule for URLs accepts."""

HTTP_URL_PATTERN: Final = Pattern(r"^(=|(http://|https://|secrets|\{\{).*$)", "Must be a http(s) URL")
"""That rule, as the element template has it."""


def _not_empty(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


Required = Annotated[str, AfterValidator(_not_empty)]


class NoAuthentication(Input):
    """Nothing is added."""

    type: Literal["noAuth"]


class BasicAuthentication(Input):
    """User name and password (RFC 7617)."""

    type: Literal["basic"]
    username: Annotated[Required, Template(label="User name")]
    password: Annotated[str | None, Template(label="Password", required=True, secret=True)] = None


class BearerAuthentication(Input):
    """A bearer token (RFC 6750)."""

    type: Literal["bearer"]
    token: Annotated[Required, Template(label="Bearer token", secret=True)]


class ApiKeyAuthentication(Input):
    """A key in a header or in the query."""

    type: Literal["apiKey"]
    api_key_location: Annotated[
        Literal["headers", "query"],
        Template(
            label="API key in",
            default="headers",
            required=True,
            choices=(Choice("headers", "Headers"), Choice("query", "Query parameters")),
        ),
    ]
    name: Annotated[Required, Template(label="API key name")]
    value: Annotated[Required, Template(label="API key value", secret=True)]


_TOKEN_ENDPOINT: Final = Template(
    label="OAuth 2.0 token endpoint", placeholder="https://auth.example.com/token", pattern=HTTP_URL_PATTERN
)
_SCOPES: Final = Template(label="Scopes", description="With a blank between them", placeholder="read:orders")


class OAuthClientCredentials(Input):
    """A token that the client fetches in its own name (RFC 6749, section 4.4)."""

    type: Literal["oauth-client-credentials-flow"]
    oauth_token_endpoint: Annotated[HttpUrl, _TOKEN_ENDPOINT]
    client_id: Annotated[Required, Template(label="Client ID")]
    client_secret: Annotated[Required, Template(label="Client secret", secret=True)]
    audience: Annotated[
        str | None, Template(label="Audience", description="Of the token, where the server asks for it")
    ] = None
    scopes: Annotated[str | None, _SCOPES] = None
    client_authentication: Annotated[
        Required,
        Template(
            label="Client authentication",
            description="Where the client's id and secret are sent",
            kind="Dropdown",
            choices=(Choice("credentialsBody", "In the body"), Choice("basicAuthHeader", "As Basic authentication")),
        ),
    ]


class OAuthRefreshToken(Input):
    """A token fetched with a refresh token (RFC 6749, section 6)."""

    type: Literal["oauth-refresh-token"]
    oauth_token_endpoint: Annotated[HttpUrl, _TOKEN_ENDPOINT]
    client_id: Annotated[Required, Template(label="Client ID")]
    client_secret: Annotated[str | None, Template(label="Client secret", secret=True)] = None
    refresh_token: Annotated[Required, Template(label="Refresh token", secret=True)]
    scopes: Annotated[str | None, _SCOPES] = None


Authentication: TypeAlias = (
    NoAuthentication
    | BasicAuthentication
    | BearerAuthentication
    | ApiKeyAuthentication
    | OAuthClientCredentials
    | OAuthRefreshToken
)

_TYPES: Final = "noAuth, basic, bearer, apiKey, oauth-client-credentials-flow, oauth-refresh-token"


def _kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"tag:{kind}" if isinstance(kind, str) else None


AuthenticationChoice = Annotated[
    Annotated[ApiKeyAuthentication, Tag("tag:apiKey"), Variant(label="API key")]
    | Annotated[BasicAuthentication, Tag("tag:basic"), Variant(label="Basic")]
    | Annotated[BearerAuthentication, Tag("tag:bearer"), Variant(label="Bearer token")]
    | Annotated[NoAuthentication, Tag("tag:noAuth"), Variant(label="None")]
    | Annotated[
        OAuthClientCredentials,
        Tag("tag:oauth-client-credentials-flow"),
        Variant(label="OAuth 2.0 client credentials"),
    ]
    | Annotated[
        OAuthRefreshToken,
        Tag("tag:oauth-refresh-token"),
        Variant(label="OAuth 2.0 refresh token", id="oauthRefreshToken"),
    ],
    Discriminator(
        _kind,
        custom_error_type="authentication_type",
        custom_error_message=f"Its 'type' must be one of {_TYPES}",
    ),
    Template(
        label="Authentication", description="How the call proves who it is", group="authentication", default="noAuth"
    ),
]


# The branches compare ``type``: an isinstance check of a pydantic model that fails costs as much as all of this.


def authorization_of(authentication: Authentication | None) -> tuple[str, str] | None:
    """The header that the authentication adds, where it adds one without asking anybody."""
    if authentication is None:
        return None
    if authentication.type == "bearer":
        return "Authorization", f"Bearer {authentication.token}"
    if authentication.type == "basic":
        password = "" if authentication.password in (None, EMPTY_PASSWORD) else authentication.password
        pair = f"{authentication.username}:{password}".encode()
        return "Authorization", f"Basic {b64encode(pair).decode('ascii')}"
    if authentication.type == "apiKey" and authentication.api_key_location == "headers":
        return authentication.name, authentication.value
    return None


def query_parameter_of(authentication: Authentication | None) -> tuple[str, str] | None:
    """The query parameter that the authentication adds."""
    if authentication is None or authentication.type != "apiKey" or authentication.api_key_location != "query":
        return None
    return authentication.name, authentication.value


def token_request_of(authentication: Authentication | None) -> TokenRequest | None:
    """The access token that the authentication needs."""
    if authentication is None:
        return None
    if authentication.type == "oauth-client-credentials-flow":
        return TokenRequest(
            authentication.oauth_token_endpoint,
            authentication.client_id,
            authentication.client_secret,
            authentication.client_authentication,
            authentication.audience,
            authentication.scopes,
        )
    if authentication.type == "oauth-refresh-token":
        return TokenRequest(
            authentication.oauth_token_endpoint,
            authentication.client_id,
            authentication.client_secret,
            scopes=authentication.scopes,
            refresh_token=authentication.refresh_token,
        )
    return None


__all__ = [
    "HTTP_URL_PATTERN",
    "ApiKeyAuthentication",
    "Authentication",
    "AuthenticationChoice",
    "BasicAuthentication",
    "BearerAuthentication",
    "HttpUrl",
    "NoAuthentication",
    "OAuthClientCredentials",
    "OAuthRefreshToken",
    "authorization_of",
    "query_parameter_of",
    "token_request_of",
]
