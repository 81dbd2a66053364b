"""How a call proves who it is: the authentications of the REST and GraphQL element templates."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Tag

from coupler.http.oauth import TokenRequest
from coupler.sdk.input import Input

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
    username: Required
    password: str | None = None


class BearerAuthentication(Input):
    """A bearer token (RFC 6750)."""

    type: Literal["bearer"]
    token: Required


class ApiKeyAuthentication(Input):
    """A key in a header or in the query."""

    type: Literal["apiKey"]
    api_key_location: Literal["headers", "query"]
    name: Required
    value: Required


class OAuthClientCredentials(Input):
    """A token that the client fetches in its own name (RFC 6749, section 4.4)."""

    type: Literal["oauth-client-credentials-flow"]
    oauth_token_endpoint: HttpUrl
    client_id: Required
    client_secret: Required
    client_authentication: Required
    audience: str | None = None
    scopes: str | None = None


class OAuthRefreshToken(Input):
    """A token fetched with a refresh token (RFC 6749, section 6)."""

    type: Literal["oauth-refresh-token"]
    oauth_token_endpoint: HttpUrl
    client_id: Required
    refresh_token: Required
    client_secret: str | None = None
    scopes: str | None = None


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
    Annotated[NoAuthentication, Tag("tag:noAuth")]
    | Annotated[BasicAuthentication, Tag("tag:basic")]
    | Annotated[BearerAuthentication, Tag("tag:bearer")]
    | Annotated[ApiKeyAuthentication, Tag("tag:apiKey")]
    | Annotated[OAuthClientCredentials, Tag("tag:oauth-client-credentials-flow")]
    | Annotated[OAuthRefreshToken, Tag("tag:oauth-refresh-token")],
    Discriminator(
        _kind,
        custom_error_type="authentication_type",
        custom_error_message=f"Its 'type' must be one of {_TYPES}",
    ),
]


def authorization_of(authentication: Authentication | None) -> tuple[str, str] | None:
    """The header that the authentication adds, where it adds one without asking anybody."""
    if authentication is None:
        return None
    match authentication:
        case BearerAuthentication():
            return "Authorization", f"Bearer {authentication.token}"
        case BasicAuthentication():
            password = "" if authentication.password in (None, EMPTY_PASSWORD) else authentication.password
            pair = f"{authentication.username}:{password}".encode()
            return "Authorization", f"Basic {b64encode(pair).decode('ascii')}"
        case ApiKeyAuthentication(api_key_location="headers"):
            return authentication.name, authentication.value
        case _:
            return None


def query_parameter_of(authentication: Authentication | None) -> tuple[str, str] | None:
    """The query parameter that the authentication adds."""
    if isinstance(authentication, ApiKeyAuthentication) and authentication.api_key_location == "query":
        return authentication.name, authentication.value
    return None


def token_request_of(authentication: Authentication | None) -> TokenRequest | None:
    """The access token that the authentication needs."""
    match authentication:
        case OAuthClientCredentials():
            return TokenRequest(
                authentication.oauth_token_endpoint,
                authentication.client_id,
                authentication.client_secret,
                authentication.client_authentication,
                authentication.audience,
                authentication.scopes,
            )
        case OAuthRefreshToken():
            return TokenRequest(
                authentication.oauth_token_endpoint,
                authentication.client_id,
                authentication.client_secret,
                scopes=authentication.scopes,
                refresh_token=authentication.refresh_token,
            )
        case _:
            return None


__all__ = [
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
