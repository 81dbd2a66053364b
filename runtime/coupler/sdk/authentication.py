"""How a call proves who it is: the authentications of the element template."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Tag

from coupler.sdk.input import Input

# The element template writes this text where a user name stands without a password.
EMPTY_PASSWORD: Final = "SPEC_PASSWORD_EMPTY_PATTERN"  # noqa: S105 - the very opposite of a password


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


def _kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"tag:{kind}" if isinstance(kind, str) else None


Authentication: TypeAlias = NoAuthentication | BasicAuthentication | BearerAuthentication | ApiKeyAuthentication

AuthenticationChoice = Annotated[
    Annotated[NoAuthentication, Tag("tag:noAuth")]
    | Annotated[BasicAuthentication, Tag("tag:basic")]
    | Annotated[BearerAuthentication, Tag("tag:bearer")]
    | Annotated[ApiKeyAuthentication, Tag("tag:apiKey")],
    Discriminator(
        _kind,
        custom_error_type="authentication_type",
        custom_error_message="Its 'type' must be one of noAuth, basic, bearer, apiKey",
    ),
]


def authorization_of(authentication: Authentication | None) -> tuple[str, str] | None:
    """The header that the authentication adds, where it adds one without asking anybody."""
    match authentication:
        case BearerAuthentication(token=token):
            return "Authorization", f"Bearer {token}"
        case BasicAuthentication(username=username, password=password):
            secret = "" if password is None or password == EMPTY_PASSWORD else password
            return "Authorization", f"Basic {b64encode(f'{username}:{secret}'.encode()).decode('ascii')}"
        case ApiKeyAuthentication(api_key_location="headers", name=name, value=value):
            return name, value
        case _:
            return None


def query_parameter_of(authentication: Authentication | None) -> tuple[str, str] | None:
    """The query parameter that the authentication adds."""
    match authentication:
        case ApiKeyAuthentication(api_key_location="query", name=name, value=value):
            return name, value
        case _:
            return None


__all__ = [
    "ApiKeyAuthentication",
    "Authentication",
    "AuthenticationChoice",
    "BasicAuthentication",
    "BearerAuthentication",
    "NoAuthentication",
    "authorization_of",
    "query_parameter_of",
]
