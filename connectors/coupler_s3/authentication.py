"""Who calls S3, and where it is, as element templates write it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Tag, field_validator

from coupler.sdk import Input
from coupler.sdk.template import Choice, CredentialTemplate, Template, Variant


def _not_blank(value: str) -> str:
    if not value or value.isspace():
        raise ValueError("must not be blank")
    return value


def _key(value: str) -> str:
    return _not_blank(value).strip()  # keys have no blanks, but files that hold them often end with a line break


def _stripped(value: str | None) -> str | None:
    return (value or "").strip() or None


def _endpoint(value: str | None) -> str | None:
    value = _stripped(value)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be a http(s) URL without user, query and fragment")
    return value.rstrip("/")


Key = Annotated[str, AfterValidator(_key)]
"""An access key or a secret key."""

NotBlank = Annotated[str, AfterValidator(_not_blank)]
"""Text that says something."""

MaybeText = Annotated[str | None, AfterValidator(_stripped)]
"""Text that may be absent, which a blank one is too."""


class _Role(Input):
    """A role that is assumed with the credentials."""

    role_arn: Annotated[
        MaybeText,
        Template(
            label="Role to assume (ARN)",
            description="The calls are made as this role",
            placeholder="arn:aws:iam::123456789012:role/orders",
            order=1,
        ),
    ] = None
    external_id: Annotated[
        MaybeText, Template(label="External ID", description="Where the role's trust policy asks for one", order=1)
    ] = None


class Keys(_Role):
    """An access key, of a user or a temporary one."""

    type: Literal["credentials"] = "credentials"
    access_key: Annotated[Key, Template(label="Access key", secret=True)]
    secret_key: Annotated[Key, Template(label="Secret key", secret=True)]
    session_token: Annotated[
        MaybeText, Template(label="Session token", description="Of temporary credentials", secret=True)
    ] = None

    @field_validator("type", mode="before")
    @classmethod
    def _absent_is_credentials(cls, value: Any) -> Any:
        return "credentials" if value is None else value


class DefaultChain(_Role):
    """What AWS tools find where the runtime runs: environment, profile, web identity, container, instance."""

    type: Literal["defaultCredentialsChain"]


AwsAuthentication: TypeAlias = Keys | DefaultChain


def _kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if kind is None:
        kind = "credentials"  # diagrams older than the choice
    return f"tag:{kind}" if isinstance(kind, str) else None


AuthenticationChoice = Annotated[
    Annotated[DefaultChain, Tag("tag:defaultCredentialsChain"), Variant(label="Default credentials chain")]
    | Annotated[Keys, Tag("tag:credentials"), Variant(label="Credentials", id="credentials")],
    Discriminator(
        _kind,
        custom_error_type="authentication_type",
        custom_error_message="Its 'type' must be one of credentials, defaultCredentialsChain",
    ),
    Template(
        label="Authentication",
        description="Whose credentials sign the calls",
        group="authentication",
        default="credentials",
    ),
]


class Configuration(Input):
    """Where S3 is."""

    region: Annotated[MaybeText, Template(label="Region", placeholder="eu-central-1")] = None
    endpoint: Annotated[
        Annotated[str | None, AfterValidator(_endpoint)],
        Template(
            label="Endpoint",
            description="Of a server that speaks S3; empty for AWS",
            placeholder="https://minio.example.com:9000",
        ),
    ] = None
    addressing_style: Annotated[
        Literal["auto", "path", "virtual"] | None,
        Template(
            label="Addressing",
            description="Where the bucket stands in the address",
            default="auto",
            choices=(
                Choice("auto", "Automatic"),
                Choice("path", "In the path"),
                Choice("virtual", "In the host name"),
            ),
        ),
    ] = None


class AwsCredential(Input):
    """A reusable credential: its authentication and region win over the element's own."""

    authentication: AuthenticationChoice | None = None
    region: Annotated[NotBlank, Template(label="Region", placeholder="eu-central-1")]


# The id is that of credentials that clusters keep already, so that they can be chosen.
CREDENTIAL: Final = Template(
    label="AWS credential",
    description="A credential of the cluster; it wins over authentication and region below",
    group="authentication",
    order=-1,
    credential=CredentialTemplate(id="io.camunda:aws-credential:1", version=1, name="AWS credential"),
)

__all__ = [
    "CREDENTIAL",
    "AuthenticationChoice",
    "AwsAuthentication",
    "AwsCredential",
    "Configuration",
    "DefaultChain",
    "Keys",
    "MaybeText",
    "NotBlank",
]
