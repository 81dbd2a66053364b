"""Who calls, and where: what the model says, completed by the settings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

from coupler.sdk import InputError
from coupler_s3.authentication import DefaultChain, Keys
from coupler_s3.model import S3Input
from coupler_s3.settings import S3Settings

SAAS_VARIABLE: Final = "CAMUNDA_CONNECTOR_RUNTIME_SAAS"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, and where. Without an access key: the credentials that AWS tools find."""

    access_key: str | None
    secret_key: str | None = field(repr=False)
    session_token: str | None = field(repr=False)
    role_arn: str | None
    external_id: str | None = field(repr=False)
    region: str | None
    endpoint: str | None
    addressing_style: str


def identity_of(call: S3Input, settings: S3Settings) -> Identity:
    """Whom a job's input names, completed from the settings.

    Raises:
        InputError: the deployment does not allow its own credentials.
    """
    authentication, configuration = call.credentials, call.configuration
    keys = authentication if isinstance(authentication, Keys) else None
    if isinstance(authentication, DefaultChain) and not default_chain_allowed(settings):
        raise InputError(
            "The default credentials chain is not allowed in this runtime: it would lend the runtime's own rights to "
            "the process. Choose 'credentials' as the authentication."
        )
    endpoint = None if configuration is None else configuration.endpoint
    style = None if configuration is None else configuration.addressing_style
    return Identity(
        None if keys is None else keys.access_key,
        None if keys is None else keys.secret_key,
        None if keys is None else keys.session_token,
        authentication.role_arn,
        authentication.external_id,
        call.region or settings.region,
        endpoint or settings.endpoint,
        style or settings.addressing_style,
    )


def default_chain_allowed(settings: S3Settings) -> bool:
    """Whether models may use the runtime's own credentials."""
    if settings.allow_default_chain is None:
        return SAAS_VARIABLE not in os.environ
    return settings.allow_default_chain


__all__ = ["SAAS_VARIABLE", "Identity", "default_chain_allowed", "identity_of"]
