"""Input that the REST and GraphQL element templates have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from coupler.sdk.authentication import Authentication, AuthenticationChoice
from coupler.sdk.documents import DocumentReturnFormat
from coupler.sdk.input import Input
from coupler.sdk.template import CredentialTemplate, Pattern, Template

DEFAULT_TIMEOUT_SECONDS: Final = 20


CONNECTION_TIMEOUT: Final = Template(
    label="Connection timeout in seconds",
    description="0 waits for ever",
    group="timeout",
    default=DEFAULT_TIMEOUT_SECONDS,
    required=True,
    pattern=Pattern(r"^\d+$", "Must be a number"),
)
READ_TIMEOUT: Final = replace(CONNECTION_TIMEOUT, label="Read timeout in seconds")


Seconds: TypeAlias = Annotated[int | None, Field(le=2**31 - 1)]
"""A timeout as models write it: 0 is no limit, null the default."""


class AuthenticationConfiguration(Input):
    """A reusable credential; it wins over the element's own authentication as a whole."""

    authentication: AuthenticationChoice | None = None


# The id is that of credentials that clusters keep already, so that they can be chosen.
_CREDENTIAL: Final = Template(
    label="Authentication credential",
    description="A credential of the cluster; it wins over what is filled in below",
    group="authentication",
    order=-1,
    credential=CredentialTemplate(
        id="io.camunda.connectors:rest-authentication:1", version=1, name="REST authentication"
    ),
)


class HttpCallInput(Input):
    """Authentication and response format."""

    authentication: AuthenticationChoice | None = None
    authentication_configuration: Annotated[AuthenticationConfiguration | None, _CREDENTIAL] = None
    document_return_format: Annotated[DocumentReturnFormat | None, Template(group="endpoint", order=2)] = None

    @property
    def credential(self) -> Authentication | None:
        """The authentication that counts."""
        configuration = self.authentication_configuration
        return self.authentication if configuration is None else configuration.authentication


def timeouts(connect: int | None, read: int | None) -> tuple[float | None, float | None]:
    """Connect and read timeout in seconds; ``None`` is no limit, which models write as 0."""
    connect_seconds = DEFAULT_TIMEOUT_SECONDS if connect is None else connect
    read_seconds = connect_seconds if read is None else read
    return float(connect_seconds) if connect_seconds > 0 else None, float(read_seconds) if read_seconds > 0 else None


__all__ = ["CONNECTION_TIMEOUT", "READ_TIMEOUT", "AuthenticationConfiguration", "HttpCallInput", "Seconds", "timeouts"]
